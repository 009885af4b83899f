"""Identifiers: the ULID value type, version arguments, and the source of new event ids.

A *vid* is the ULID of a history's newest event (documentation: Behaviour, section 3); the epoch,
sixteen zero bytes, is the vid of an empty history.  Time and randomness are passed in: nothing here
reads a clock unless the caller chose the system's.

Each is an instance in Python.  In JSON it is its text, which pydantic reads in Python, too.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import FrozenInstanceError, dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Final, Protocol, TypeAlias
from uuid import UUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticSerializationUnexpectedValue, core_schema
from ulid_transform import bytes_to_ulid, ulid_to_bytes

Clock: TypeAlias = Callable[[], float]
"""Seconds since the Unix epoch, as ``time.time`` gives them."""

_TEXT: Final = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
ID_SIZE: Final = 16
"""Bytes of an id."""
_STEP_SIZE: Final = 5
"""Bytes of a random step: two writers seldom take the same, and a millisecond has room for 2^40."""
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_MAX_MILLISECONDS: Final = (1 << 48) - 1
_MAX: Final = (1 << 128) - 1


_ZERO: Final = bytes(ID_SIZE)
_Bytes: TypeAlias = bytes  # by a name that no attribute hides
_SixteenBytes: TypeAlias = Annotated[bytes, slice(ID_SIZE, ID_SIZE)]  # Hypothesis draws no others

NIL: Final = UUID(int=0)
"""The nil UUID: the value of an id that was not given."""


def id_schema(kind: type[Any], read: Callable[[str], Any], pattern: str, what: str) -> CoreSchema:
    """Return pydantic's schema of an id: a text in JSON; an instance, or its text, in Python.

    Constructors validate strictly: they take no text for an id.

    Args:
        kind: the id's class; ``str`` gives an id's text.
        read: makes an id of a text that has the pattern.
        pattern: the pattern of the texts.
        what: what a value must be, for errors.
    """

    def written(id: Any) -> str:
        if not isinstance(id, kind):  # but another member of a union
            raise PydanticSerializationUnexpectedValue(f"{id!r} is not {what}")
        return str(id)

    instance = core_schema.is_instance_schema(kind)
    text = core_schema.no_info_after_validator_function(
        read, core_schema.str_schema(pattern=pattern, strict=True)
    )
    either = core_schema.union_schema(
        [instance, text],
        mode="left_to_right",
        custom_error_type="id",
        custom_error_message=f"Input should be {what}",
    )
    return core_schema.json_or_python_schema(
        text,
        core_schema.lax_or_strict_schema(either, instance, strict=False),
        serialization=core_schema.plain_serializer_function_ser_schema(
            written, return_schema=core_schema.str_schema(pattern=pattern), when_used="json"
        ),
    )


class Ulid:
    """A ULID: sixteen bytes, ordered as bytes; the first six are milliseconds since 1970.

    Raises:
        ValueError: the value is not sixteen bytes.
    """

    # By hand, since every event takes several: what a dataclass generates costs twice as much.
    # Besides, pydantic would write a default that is a dataclass by its fields.

    __slots__ = ("bytes",)
    __match_args__ = ("bytes",)

    bytes: _Bytes

    def __init__(self, bytes: _SixteenBytes) -> None:
        if type(bytes) is not _Bytes or len(bytes) != ID_SIZE:
            raise ValueError(f"a ULID is {ID_SIZE} bytes, not {bytes!r}")
        _set_bytes(self, bytes)

    def __eq__(self, other: object) -> bool:
        return self.bytes == other.bytes if type(other) is type(self) else NotImplemented

    def __lt__(self, other: Ulid) -> bool:
        return self.bytes < other.bytes if type(other) is type(self) else NotImplemented

    def __le__(self, other: Ulid) -> bool:
        return self.bytes <= other.bytes if type(other) is type(self) else NotImplemented

    def __gt__(self, other: Ulid) -> bool:
        return self.bytes > other.bytes if type(other) is type(self) else NotImplemented

    def __ge__(self, other: Ulid) -> bool:
        return self.bytes >= other.bytes if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.bytes)

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.bytes,)

    @classmethod
    def parse(cls, text: str) -> Ulid:
        """Read the canonical text: 26 characters of Crockford base 32, upper case, at most 7ZZZ….

        Raises:
            ValueError: the text is anything else; there is exactly one text for each ULID.
        """
        if not isinstance(text, str) or not _TEXT.fullmatch(text):
            raise ValueError(
                f"{text!r} is not a ULID: write 26 characters of Crockford base 32 in upper case,"
                " the first 0 to 7"
            )
        return cls(ulid_to_bytes(text))

    @property
    def milliseconds(self) -> int:
        """The time part: milliseconds since the Unix epoch."""
        return int.from_bytes(self.bytes[:6], "big")

    @property
    def time(self) -> datetime:
        """The time part in UTC, to the millisecond; times past the year 9999 read as its end."""
        try:
            return _UNIX_EPOCH + timedelta(milliseconds=self.milliseconds)
        except OverflowError:
            return _LATEST

    def __str__(self) -> str:
        return bytes_to_ulid(self.bytes)

    def __repr__(self) -> str:
        return f"Ulid({str(self)!r})"

    def __bool__(self) -> bool:
        """False for the epoch alone."""
        return self.bytes != _ZERO

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return id_schema(
            cls, cls.parse, f"^{_TEXT.pattern}$", "a ULID, or its 26 characters in upper case"
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"format": "ulid"}


_set_bytes: Final = vars(Ulid)["bytes"].__set__
EPOCH: Final = Ulid(_ZERO)
"""The vid of an empty history."""


ID_TYPES: Final[Mapping[str, Callable[[bytes], UUID | Ulid]]] = {
    "uuid": lambda data: UUID(bytes=data),
    "ulid": Ulid,
}
"""What makes an id of its bytes, by the name of its type."""


class VersionControl(Enum):
    """What may stand in place of a vid; the values are the ULIDs that the 2019 package used."""

    NO_VC = Ulid((1).to_bytes(ID_SIZE, "big"))
    RETRY_NO_VC = Ulid((2).to_bytes(ID_SIZE, "big"))

    def __repr__(self) -> str:
        return self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        by_text = {each.name.lower(): each for each in cls}
        text = core_schema.no_info_after_validator_function(
            by_text.__getitem__, core_schema.literal_schema([*by_text])
        )
        return core_schema.json_or_python_schema(
            text,
            core_schema.union_schema([core_schema.is_instance_schema(cls), text]),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda each: each.name.lower(), when_used="json"
            ),
        )


NO_VC: Final = VersionControl.NO_VC
"""Skip the version check; losing the race at commit is still a version conflict."""
RETRY_NO_VC: Final = VersionControl.RETRY_NO_VC
"""Skip the version check, and read and try again when the race at commit is lost."""

Vid: TypeAlias = Ulid | VersionControl
"""What a command expects of its history.

A ``Ulid`` is the id of the newest event that the caller knows; ``EPOCH`` if it knows that there is
none.  ``NO_VC`` accepts any version, and ``RETRY_NO_VC`` also tries again when another writer was
faster (documentation: Behaviour, section 3).
"""


class IdSource(Protocol):
    """Where new event ids come from."""

    def next(self, after: Ulid) -> Ulid:
        """A new id, strictly greater than ``after`` (documentation: Behaviour, section 8, point 9).

        Raises:
            OverflowError: no greater id exists.
        """
        ...


# --- Marks: the ids that belong to one call of a client -------------------------------------------

MARK_SIZE: Final = 9
"""Bytes of a mark."""
_RANDOM_SIZE: Final = 10


@dataclass
class _Marking:
    """A mark, and how many ids were drawn with it."""

    mark: bytes
    drawn: int = 0


_MARKING: Final[ContextVar[_Marking | None]] = ContextVar("marking", default=None)


def mark_of(id: Ulid) -> bytes:
    """Return the part of an id that marks other ids: all but the last of its random bytes."""
    return id.bytes[ID_SIZE - _RANDOM_SIZE : -1]


@contextmanager
def marking(mark: bytes) -> Iterator[None]:
    """While inside, in this context, every ``UlidSource`` takes its randomness from a mark.

    Whoever knows the mark finds the ids again with ``is_marked``.
    """
    token = _MARKING.set(_Marking(mark))
    try:
        yield
    finally:
        _MARKING.reset(token)


def is_marked(id: Ulid, parent: Ulid, mark: bytes) -> bool:
    """Return whether an event's id was drawn with a mark; the odds of an error are 1 in 2^32."""
    step = int.from_bytes(id.bytes, "big") - int.from_bytes(parent.bytes, "big") - 1
    stepped = int.from_bytes(mark[1 - _STEP_SIZE :], "big")
    return mark_of(id) == mark or step >> 8 == stepped


def _random(size: int) -> bytes:
    """Random bytes; those of the mark, if there is one, and the number of the draw."""
    marking = _MARKING.get()
    if marking is None:
        return os.urandom(size)
    marking.drawn += 1
    return marking.mark + bytes([marking.drawn & 0xFF])


class UlidSource:
    """Draws ULIDs from a clock and a source of random bytes, growing within a history."""

    def __init__(
        self, clock: Clock = time.time, randomness: Callable[[int], bytes] = _random
    ) -> None:
        self._clock = clock
        self._randomness = randomness

    def next(self, after: Ulid) -> Ulid:
        milliseconds = int(self._clock() * 1000)
        if not 0 <= milliseconds <= _MAX_MILLISECONDS:
            raise OverflowError(f"the clock is outside of a ULID's range: {milliseconds} ms")
        drawn = Ulid(milliseconds.to_bytes(6, "big") + self._randomness(_RANDOM_SIZE))
        if drawn.bytes > after.bytes:
            return drawn
        # Same millisecond, or a clock behind the one that made `after`: go on from there, by a step
        # that no other writer takes, so that an id tells whose event it is.
        newest = int.from_bytes(after.bytes, "big")
        if newest == _MAX:
            raise OverflowError(f"no ULID is greater than {after}")
        step = 1 + int.from_bytes(drawn.bytes[-_STEP_SIZE:], "big")
        return Ulid(min(newest + step, _MAX).to_bytes(ID_SIZE, "big"))
