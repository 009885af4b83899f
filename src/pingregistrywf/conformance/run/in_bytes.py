"""Where the bytes of an event differ from those expected, in words: the byte, and its field.

Both are shown in one notation.  An id stands as its name in braces, and in digits where one of the
two has other digits there that have no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from pingregistrywf.chart.ir import Chart
from pingregistrywf.conformance.suite.encoding import BYTES, FIXED32, FIXED64, VARINT

BEFORE: Final = 8
"""So many bytes are shown before the first that differs."""
AFTER: Final = 32
"""So many bytes are shown from it on."""
_UNIT: Final = re.compile(r"\{([^{}]+)\}|[0-9a-f]{2}")


Fields: TypeAlias = "Mapping[int, Field]"
"""The fields of a message, by their numbers."""
NOTHING: Final[Fields] = MappingProxyType({})


class Field(NamedTuple):
    """A field of a message: its name, and the fields of the message that it holds, if it does."""

    name: str
    inside: Fields = NOTHING


class _Unit(NamedTuple):
    """A byte, or an id that stands as a name."""

    start: int
    text: str
    content: bytes


def fields_of(chart: Chart, event: str) -> Fields:
    """Return the fields of an event's message; those of every event if it is none of the chart."""
    wire = chart.wire
    found = {wire.event: Field("event"), wire.id: Field("id"), wire.parent: Field("parent")}
    if event in chart.events:
        found |= {each.wire: Field(name) for name, each in chart.events[event].fields.items()}
        if listing := chart.events[event].listing:
            entry = {each.wire: Field(name) for name, each in listing.fields.items()}
            entries = {listing.entries_wire: Field("entry", entry)}
            found[listing.wire] = Field(listing.name, entries)
    return found


def difference_in_bytes(
    expect: str, got: str, digits: Mapping[str, str], fields: Fields = NOTHING
) -> str:
    """Return how the bytes of an event differ from those expected, as the end of a sentence.

    It is empty if they are the same, and if one of the two is no text of hexadecimal digits.

    Args:
        expect: hexadecimal digits, in which the bytes of ids may stand as names in braces.
        got: the same.
        digits: the hexadecimal digits of each name.
        fields: the fields of the message.
    """
    if got != got.lower() and _units(got.lower(), digits):
        return "has digits in upper case, should have them in lower case"
    wanted, given = _units(expect, digits), _units(got, digits)
    right, wrong = (b"".join(unit.content for unit in each) for each in (wanted, given))
    if right == wrong or not (wanted or not expect) or not (given or not got):
        return ""
    pairs = enumerate(zip_longest(right, wrong))
    at = next(place for place, (one, other) in pairs if one != other)
    ids = [_id_at(units, at) for units in (wanted, given)]
    if ids[0] and ids[1] and ids[0].start == ids[1].start:
        at = ids[0].start
    else:
        wanted, given = _spelt_out(wanted, at), _spelt_out(given, at)
    place = _place(right, at, fields) if at < len(right) else "behind the last field"
    is_, should = _around(given, at), _around(wanted, at)
    return f"differs from byte {at + 1:,} on, {place}: it is {is_}, should be {should}"


def _units(text: str, digits: Mapping[str, str]) -> Sequence[_Unit]:
    """The bytes and ids of a text; none if it is something else."""
    units: list[_Unit] = []
    start = place = 0
    for found in _UNIT.finditer(text):
        name = found[1]
        if found.start() != place or (name and name not in digits):
            return []
        content = bytes.fromhex(digits[name] if name else found[0])
        units.append(_Unit(start, found[0], content))
        start, place = start + len(content), found.end()
    return units if place == len(text) else []


def _id_at(units: Sequence[_Unit], at: int) -> _Unit | None:
    """The id that a place is in, if it stands as a name."""
    ids = (each for each in units if len(each.content) > 1)
    return next((each for each in ids if each.start <= at < each.start + len(each.content)), None)


def _spelt_out(units: Sequence[_Unit], at: int) -> Sequence[_Unit]:
    """The same, with the id at a place in digits."""
    whole = _id_at(units, at)
    if whole is None:
        return units
    place = units.index(whole)
    spelt = [
        _Unit(whole.start + number, f"{byte:02x}", bytes([byte]))
        for number, byte in enumerate(whole.content)
    ]
    return [*units[:place], *spelt, *units[place + 1 :]]


def _around(units: Sequence[_Unit], at: int) -> str:
    """What is around a place; the byte there, or the id, is in brackets."""
    shown = [
        each
        for each in units
        if each.start + len(each.content) > at - BEFORE and each.start < at + AFTER
    ]
    texts = [f"[{each.text}]" if each.start == at else each.text for each in shown]
    if not units or units[-1].start < at:
        texts.append("[the end]")
    before = "…" if shown and shown[0] is not units[0] else ""
    after = "…" if shown and shown[-1] is not units[-1] else ""
    return f"{before}{''.join(texts)}{after}"


def _place(content: bytes, at: int, fields: Fields) -> str:
    """Where a byte is, in words."""
    path = list(_path(content, at, fields))
    if not path:
        return "in no field"
    names = " of ".join(f"the field {name}" for name, _ in reversed(path))
    _, begins = path[-1]
    return f"where {names} begins" if begins else f"in {names}"


def _path(content: bytes, at: int, fields: Fields) -> Iterator[tuple[str, bool]]:
    """The fields that a byte is in, from the outermost on, and whether each begins there."""
    start = 0
    while start < len(content):
        key, place = _number(content, start)
        kind = key & 7
        inside = 0
        if kind == VARINT:
            _, place = _number(content, place)
        elif kind == BYTES:
            size, inside = _number(content, place)
            place = inside + size
        elif kind in (FIXED32, FIXED64):
            place += 4 if kind == FIXED32 else 8
        else:
            return
        if at < place:
            field = fields.get(key >> 3, Field(f"of number {key >> 3}"))
            yield field.name, at == start
            if field.inside and inside and at >= inside:
                yield from _path(content[inside:place], at - inside, field.inside)
            return
        start = place


def _number(content: bytes, start: int) -> tuple[int, int]:
    """The number at a place, and the place behind it."""
    value = shift = 0
    for place in range(start, len(content)):
        value |= (content[place] & 0x7F) << shift
        if not content[place] & 0x80:
            return value, place + 1
        shift += 7
    return value, len(content)
