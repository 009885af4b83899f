"""Events as bytes, written from the chart's wire numbers alone, without a protobuf library.

The bytes of ids that only a run can know stand as names.  Rules: wire.md; fields in the order of
their numbers; a zero number, an empty text and false are not written, an id always is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.chart.vocabulary import Chart, SnapshotMessage, Type
from pingregistrywf.conformance.suite.case import Hex, Ref
from pingregistrywf.conformance.suite.script import CROCKFORD

Json: TypeAlias = Any
Parts: TypeAlias = list[str | Ref]

ID_SIZE: Final = 16
VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = 0, 1, 2, 3, 4, 5


def encoded(chart: Chart, reply: Mapping[str, Json]) -> Hex:
    """The bytes of an event, given as the adapter protocol writes it."""
    return joined(part for _, parts in sorted(written(chart, reply), key=_number) for part in parts)


def written(chart: Chart, reply: Mapping[str, Json]) -> list[tuple[int, Parts]]:
    """The fields of an event, each by its number, in any order."""
    wire = chart.wire
    name, told = reply["event"], reply["fields"]
    parts: list[tuple[int, Parts]] = [
        (wire.event, varint_field(wire.event, numbers(chart)[name])),
        (wire.id, bytes_field(wire.id, [of_id(reply["id"], Type.ULID)])),
        (wire.parent, bytes_field(wire.parent, [of_id(reply["parent"], Type.ULID)])),
    ]
    if name in chart.events:
        for field, said in chart.events[name].fields.items():
            if field in told:
                parts.append((said.wire, value_field(said.wire, said.type, told[field])))
    elif told and chart.snapshot:
        message = chart.snapshot.message
        entries: Parts = []
        for entry in told[message.entries]:
            entries += bytes_field(message.entries_wire, _entry(chart, message, entry))
        parts.append((message.wire, bytes_field(message.wire, entries)))
    return parts


def _number(part: tuple[int, Parts]) -> int:
    return part[0]


def numbers(chart: Chart) -> dict[str, int]:
    """The wire number of each event, the snapshot's included."""
    known = {name: event.wire.number for name, event in chart.events.items()}
    if chart.snapshot:
        known["SnapshotBegin"] = chart.snapshot.begin.number
        known["SnapshotState"] = chart.snapshot.state.number
        known["SnapshotEnd"] = chart.snapshot.end.number
    return known


def entry_types(chart: Chart) -> dict[str, Type]:
    """The types of the values of a snapshot's entry, the key's included."""
    types = {name: said.type for name, said in chart.carried.items() if said.type}
    for event in chart.events.values():
        for name, field in event.fields.items():
            if name == chart.keyed_by:
                types[name] = field.type
    return types


def _entry(chart: Chart, message: SnapshotMessage, entry: Mapping[str, Json]) -> Parts:
    types = entry_types(chart)
    parts: Parts = []
    for name, number in sorted(message.fields.items(), key=lambda item: item[1]):
        if name in entry:
            parts += value_field(number, types[name], entry[name])
    return parts


def value_field(number: int, type_: Type, value: Json) -> Parts:
    """A field of a type, left out where proto3 does."""
    match type_:
        case Type.INT32 | Type.BOOL:
            return varint_field(number, int(value)) if value else []
        case Type.STRING:
            return bytes_field(number, [text(value).encode().hex()]) if value else []
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


def text(value: Json) -> str:
    """A text, written out if it is a repetition."""
    if isinstance(value, Mapping):
        piece, times = value["repeat"]
        return str(piece) * int(times)
    return str(value)


def joined(parts: Iterable[str | Ref]) -> Hex:
    """Parts, with neighbouring digits joined."""
    told: Parts = []
    for part in parts:
        if told and isinstance(part, str) and isinstance(told[-1], str):
            told[-1] += part
        else:
            told.append(part)
    return Hex(tuple(told))
