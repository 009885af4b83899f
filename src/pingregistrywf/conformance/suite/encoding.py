"""Events as bytes, written from the chart's wire numbers alone, without a protobuf library.

The bytes of ids that only a run can know stand as names.  The rules are in the
documentation: Bytes.  Fields stand in the order of their numbers; a zero number, an empty text and
false are not written, unless the field has a default; an id always is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.chart.ir import Chart, EventField, Listing, WireValue
from pingregistrywf.chart.types import Type
from pingregistrywf.conformance.suite.case import Hex, Ref
from pingregistrywf.conformance.suite.scenario import CROCKFORD

Json: TypeAlias = Any
Parts: TypeAlias = list[str | Ref]

ID_SIZE: Final = 16
VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = 0, 1, 2, 3, 4, 5


def encoded(chart: Chart, reply: Mapping[str, Json]) -> Hex:
    """The bytes of an event, given as the adapter protocol writes it."""
    in_order = sorted(written(chart, reply), key=itemgetter(0))
    return joined(part for _, parts in in_order for part in parts)


def written(chart: Chart, reply: Mapping[str, Json]) -> list[tuple[int, Parts]]:
    """The fields of an event, each by its number, in any order."""
    wire = chart.wire
    event, values = chart.events[reply["event"]], reply["fields"]
    parts: list[tuple[int, Parts]] = [
        (wire.event, varint_field(wire.event, event.number)),
        (wire.id, bytes_field(wire.id, [of_id(reply["id"], Type.ULID)])),
        (wire.parent, bytes_field(wire.parent, [of_id(reply["parent"], Type.ULID)])),
    ]
    parts += [(each.wire, part) for each, part in _present(event.fields, values)]
    listing = event.listing
    if listing:
        entries: Parts = []
        for entry in values[listing.name]:
            entries += bytes_field(listing.entries_wire, entry_bytes(listing, entry))
        parts.append((listing.wire, bytes_field(listing.wire, entries)))
    return parts


def entry_bytes(listing: Listing, entry: Mapping[str, Json]) -> Parts:
    """The bytes of one entry of a list, without its own number and length."""
    in_order = sorted(_present(listing.fields, entry), key=lambda item: item[0].wire)
    return [each for _, part in in_order for each in part]


def _present(
    fields: Mapping[str, EventField] | Mapping[str, WireValue], values: Mapping[str, Json]
) -> Iterator[tuple[EventField | WireValue, Parts]]:
    """The fields that have a value, with their bytes."""
    for name, each in fields.items():
        if name in values:
            explicit = isinstance(each, EventField) and each.default is not None
            yield each, value_field(each.wire, each.type, values[name], explicit=explicit)


def value_field(number: int, type_: Type, value: Json, *, explicit: bool = False) -> Parts:
    """A field of a type, left out where proto3 does, unless its presence is explicit."""
    match type_:
        case Type.INT32 | Type.BOOL:
            return varint_field(number, int(value)) if value or explicit else []
        case Type.STRING:
            content: Parts = [text(value).encode().hex()]
            return bytes_field(number, content) if value or explicit else []
        case Type.UUID | Type.ULID:
            return bytes_field(number, [of_id(value, type_)])


def varint_field(number: int, value: int) -> Parts:
    """A field that is a number."""
    return [varint(number << 3 | VARINT) + varint(value)]


def bytes_field(number: int, content: Parts) -> Parts:
    """A field that is bytes, or a message."""
    size = sum(ID_SIZE if isinstance(part, Ref) else len(part) // 2 for part in content)
    return [varint(number << 3 | BYTES) + varint(size), *content]


def varint(value: int) -> str:
    """A number as protobuf writes it; a negative one in ten bytes."""
    rest = value & 0xFFFF_FFFF_FFFF_FFFF
    digits = bytearray()
    while rest > 0x7F:
        digits.append(rest & 0x7F | 0x80)
        rest >>= 7
    digits.append(rest)
    return digits.hex()


def of_id(value: Json, type_: Type) -> str | Ref:
    """The bytes of an id, or its name."""
    if isinstance(value, Ref):
        return value
    return UUID(value).hex if type_ is Type.UUID else ulid_hex(value)


def ulid_hex(ulid: str) -> str:
    """The bytes of a ULID that is given as text."""
    number = 0
    for digit in ulid:
        number = number << 5 | CROCKFORD.index(digit)
    return f"{number:032x}"


def time_of(ulid: str) -> int:
    """The time of a ULID that is given as text, in milliseconds since the Unix epoch."""
    return int(ulid_hex(ulid), 16) >> 80


def text(value: Json) -> str:
    """A text, written out if it is a repetition."""
    if isinstance(value, Mapping):
        piece, times = value["repeat"]
        return str(piece) * int(times)
    return str(value)


def joined(parts: Iterable[str | Ref]) -> Hex:
    """Parts, with neighbouring digits joined."""
    found: Parts = []
    for part in parts:
        if found and isinstance(part, str) and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return Hex(tuple(found))
