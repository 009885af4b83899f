"""Writes fields in protobuf's format: one function for each field, made once.

There is only what events need: singular fields of five types, and messages.  As in proto3, zero
numbers and empty texts are left out, unless a field's presence is explicit.  Reading is left to
protobuf's library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeAlias

from pingregistrywf.runtime.declaration import FieldType

Writer: TypeAlias = Callable[[Any], bytes]
"""Returns the bytes of a field, its tag included; takes what has the field's value as attribute."""

_VARINT: Final = 0
_LENGTH_DELIMITED: Final = 2
_BYTES: Final = [bytes([number]) for number in range(0x100)]


def writer(number: int, kind: FieldType, name: str, *, explicit: bool = False) -> Writer:
    """Return the writer of a field of that number and type, whose value is the attribute ``name``.

    An id is written whatever it holds, and so is a field that is ``explicit``.
    """
    return _WRITERS[kind](number, name, explicit)


def tag(number: int) -> bytes:
    """Return the tag of a field that holds bytes, a text, or a message; the size follows it."""
    return varint(number << 3 | _LENGTH_DELIMITED)


def varint(number: int) -> bytes:
    """Return a number that is not negative: seven bits in each byte, the lowest first."""
    if number < 0x80:
        return _BYTES[number]
    return _BYTES[number & 0x7F | 0x80] + varint(number >> 7)


def sized(data: bytes) -> bytes:
    """Return bytes after their size."""
    return varint(len(data)) + data


def _int32(number: int, name: str, explicit: bool) -> Writer:
    head, take = varint(number << 3 | _VARINT), attrgetter(name)

    def write(holder: Any) -> bytes:
        value = take(holder)
        if not -(2**31) <= value < 2**31:
            raise ValueError(f"{value} is no signed 32-bit integer")
        return head + varint(value & 0xFFFF_FFFF_FFFF_FFFF) if value or explicit else b""

    return write


def _string(number: int, name: str, explicit: bool) -> Writer:
    head, take = tag(number), attrgetter(name)

    def write(holder: Any) -> bytes:
        text = take(holder)
        return head + sized(text.encode()) if text or explicit else b""

    return write


def _id(number: int, name: str, _explicit: bool) -> Writer:
    head, take = tag(number) + varint(16), attrgetter(f"{name}.bytes")
    return lambda holder: head + take(holder)


_WRITERS: Final[Mapping[FieldType, Callable[[int, str, bool], Writer]]] = {
    "int32": _int32,
    "bool": _int32,
    "string": _string,
    "uuid": _id,
    "ulid": _id,
}
