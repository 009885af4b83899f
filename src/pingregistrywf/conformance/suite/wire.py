"""Level 4: the bytes of every event form, and what valid, foreign and malformed ones decode to.

The rules are in the documentation: Bytes.  Where they leave a choice, either answer is right:
bytes may be both malformed and of another workflow, and hold a damaged field of another form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import accumulate
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart, EventField, Listing, WireValue
from pingregistrywf.chart.types import Type
from pingregistrywf.conformance.oracle import EPOCH, ZERO
from pingregistrywf.conformance.suite.data import emitting
from pingregistrywf.conformance.suite.encoding import (
    BYTES,
    END_GROUP,
    FIXED32,
    FIXED64,
    GROUP,
    VARINT,
    bytes_field,
    encoded,
    entry_bytes,
    value_field,
    varint,
    varint_field,
    written,
)
from pingregistrywf.conformance.suite.scenario import Decode, Scenario
from pingregistrywf.conformance.suite.sequential import reach
from pingregistrywf.conformance.suite.values import EXTREME, ordinary

Json: TypeAlias = Any
Event: TypeAlias = dict[str, Json]
Answer: TypeAlias = Mapping[str, Json]
Vector: TypeAlias = tuple[str, str, *tuple[Answer, ...]]
"""What some bytes are, the bytes in hexadecimal, and what they decode to: one answer, or either."""

IDS: Final = (Type.UUID, Type.ULID)
MALFORMED: Final = {"error": {"code": "Malformed", "definite": True}}
FOREIGN: Final = {"error": {"code": "EventType", "definite": True}}
ID: Final = "01ARYZ6S2CDCQ8YBGT5CY4TQKF"
PARENT: Final = "01ARYZ6S2B000000000000000A"


def wire(chart: Chart) -> Iterator[Scenario]:
    """The scenarios of level 4."""
    yield from _written(chart)
    for what, data, *answers in decoded(chart):
        yield Scenario(what, (Decode(data, *answers),))


def _written(chart: Chart) -> Iterator[Scenario]:
    """The bytes of events as they are appended and read."""
    for state, way in reach(chart).items():
        if way:
            yield Scenario(f"the bytes on the way to {state}", way, "wire", wire=True)
    for _, tell, _, way in emitting(chart):
        for name, argument in chart.commands[tell.command].arguments.items():
            for what, value in EXTREME[argument.type].items():
                if isinstance(value, Mapping) or (argument.nonzero and not value):
                    continue
                actions = (*way, replace(tell, args={name: value}))
                title = f"the bytes of {tell.command} with {name} {what}"
                yield Scenario(title, actions, "wire", wire=True)


def decoded(chart: Chart) -> Iterator[Vector]:
    """Bytes that are events of a chart, in every form, and bytes that are none."""
    for name in chart.events:
        sample = _Sample(chart, name)
        for vectors in (_sound, _sound_fields, _merged, _damaged):
            for what, data, *answers in vectors(sample):
                yield f"{name} {what}".rstrip(), data, *answers
    yield from _of_no_event(chart)


class _Sample:
    """An event of one form, with ordinary values, and its bytes."""

    def __init__(self, chart: Chart, name: str) -> None:
        self.chart = chart
        self.wire = chart.wire
        self.declared = declared = chart.events[name]
        fields = _ordinary_values(declared.fields.values())
        for field, wanted in declared.when.items():
            fields[field] = 0 if wanted == "zero" else 7
        if declared.listing:
            # The key comes last.
            entry = sorted(declared.listing.fields.values(), key=lambda each: _is_key(chart, each))
            fields[declared.listing.name] = [_ordinary_values(entry)]
        self.fields = fields
        self.event: Event = {"event": name, "id": ID, "parent": PARENT, "fields": fields}
        self.parts = [(number, _text(part)) for number, part in written(chart, self.event)]
        self.whole = self.bytes()
        self.right = self.ok()

    def bytes(self, **changed: Json) -> str:
        """The bytes of the event with some keys changed."""
        return _text(encoded(self.chart, self.event | changed).parts)

    def ok(self, **changed: Json) -> Mapping[str, Json]:
        """The answer that is the event with some keys changed."""
        return {"ok": {"event": self.event | changed}}

    def without(self, number: int) -> str:
        """The bytes of all fields but one."""
        return "".join(part for each, part in self.parts if each != number)


def _ordinary_values(values: Iterable[EventField | WireValue]) -> Event:
    return {each.name: ordinary(each.type, 7 + number) for number, each in enumerate(values)}


def _is_key(chart: Chart, value: WireValue) -> bool:
    return chart.key is not None and chart.key.name == value.name


def _text(parts: Iterable[object]) -> str:
    """Bytes in which no id is left to be known."""
    return "".join(map(str, parts))


def _field(number: int, kind: int, content: str) -> str:
    return varint(number << 3 | kind) + content


def _of_size(number: int, size: int) -> str:
    return _field(number, BYTES, varint(size) + "11" * size)


WRONG_SIZES: Final = {"no byte": 0, "one byte": 1, "15 bytes": 15, "17 bytes": 17}
"""Sizes that an id does not have."""
FAR: Final = 536_000_000
"""A field number that no chart uses."""
UNKNOWN: Final = {
    "number": _field(FAR, VARINT, "01"),
    "number of 64 bits": _field(FAR, FIXED64, "0102030405060708"),
    "text": _field(FAR, BYTES, "0261ff"),
    "group": _field(FAR, GROUP, "0801") + varint(FAR << 3 | END_GROUP),
    "number of 32 bits": _field(FAR, FIXED32, "01020304"),
}
"""Fields of a number that nobody knows, of every wire type."""
BROKEN: Final = {
    "a field of number 0": "0001",
    "a wire type that there is not": _field(FAR, 6, ""),
    "an end of a group that was not begun": varint(FAR << 3 | END_GROUP),
    "a group without end": _field(FAR, GROUP, "0801"),
    "a number of eleven bytes": _field(FAR, VARINT, "ff" * 10 + "01"),
    "a text longer than what is left": _field(FAR, BYTES, "7f61"),
}
"""Bytes that are no field."""


def _sound(sample: _Sample) -> Iterator[Vector]:
    """Bytes that are the event, in every shape that protobuf allows."""
    wire, whole, right = sample.wire, sample.whole, sample.right
    number, rest = sample.declared.number, sample.without(wire.event)
    yield "", whole, right
    yield "at the epoch", sample.bytes(parent=EPOCH), sample.ok(parent=EPOCH)
    yield "with its type last", rest + _text(varint_field(wire.event, number)), right
    for what, extra in UNKNOWN.items():
        yield f"after an unknown {what}", extra + whole, right
        yield f"before an unknown {what}", whole + extra, right
    yield "with its type twice", _text(varint_field(wire.event, 1)) + whole, right
    yield "with its id twice", _of_size(wire.id, 16) + whole, right
    yield "with its parent twice", _of_size(wire.parent, 16) + whole, right
    high = _field(wire.event, VARINT, varint(number | 1 << 40))
    yield "with a type of more than 32 bits", high + rest, right
    yield "without id", sample.without(wire.id), sample.ok(id=EPOCH)
    yield "without parent", sample.without(wire.parent), sample.ok(parent=EPOCH)


def _sound_fields(sample: _Sample) -> Iterator[Vector]:
    """Fields that are left out, or there twice, or written in another way."""
    when, whole, right = sample.declared.when, sample.whole, sample.right
    for field, each in sample.declared.fields.items():
        if when.get(field) == "nonzero":
            continue  # without it, it is another event
        others = {key: value for key, value in sample.fields.items() if key != field}
        read = others
        if each.default is not None or each.type not in IDS:
            absent = ZERO[each.type] if each.default is None else each.default
            read = sample.fields | {field: absent}
        lacking = sample.bytes(fields=others)
        yield f"without {field}", lacking, MALFORMED if each.required else sample.ok(fields=read)
        number = each.type in (Type.INT32, Type.BOOL)
        beside = _field(each.wire, *((FIXED32, "01000000") if number else (VARINT, "01")))
        yield f"with {field} of another wire type beside", whole + beside, right
        if sample.fields[field]:
            first = _text(value_field(each.wire, each.type, ordinary(each.type, 99)))
            yield f"with {field} twice", first + whole, right
        if each.type is Type.INT32 and field not in when:
            for what, value in EXTREME[Type.INT32].items():
                fields = sample.fields | {field: value}
                yield f"with {field} {what}", sample.bytes(fields=fields), sample.ok(fields=fields)
            for what, value, content in (
                ("-1 in five bytes", -1, "ffffffff0f"),
                ("of more than 32 bits", 5, varint(5 | 1 << 36)),
            ):
                data = lacking + _field(each.wire, VARINT, content)
                yield f"with {field} {what}", data, sample.ok(fields=sample.fields | {field: value})


def _merged(sample: _Sample) -> Iterator[Vector]:
    """A field that is a message, in several parts: what repeats in it adds up, as in protobuf."""
    listing = sample.declared.listing
    if listing is None:
        return
    (entry,) = sample.fields[listing.name]
    other = {
        name: ordinary(each.type, 70 + number)
        for number, (name, each) in enumerate(listing.fields.items())
        if name in entry
    }
    others = dict(written(sample.chart, sample.event | {"fields": {listing.name: [other]}}))
    second = _text(others[listing.wire])
    both = sample.ok(fields={listing.name: [entry, other]})
    yield f"with {listing.name} in two parts", sample.whole + second, both
    nothing = _field(listing.wire, BYTES, "00")
    yield f"with {listing.name} and an empty part of it", sample.whole + nothing, sample.right
    bare, content = sample.without(listing.wire), _text(entry_bytes(listing, entry))
    for field in entry:
        each = listing.fields[field]
        first = _text(value_field(each.wire, each.type, other[field]))
        entries = bytes_field(listing.entries_wire, [first + content])
        twice = bare + _text(bytes_field(listing.wire, entries))
        yield f"with an entry with {field} twice", twice, sample.right


def _damaged(sample: _Sample) -> Iterator[Vector]:
    """Bytes that are no event, though of a type of the chart's."""
    declared, wire, whole = sample.declared, sample.wire, sample.whole
    ids = {"id": wire.id, "parent": wire.parent}
    ids |= {key: each.wire for key, each in declared.fields.items() if each.type in IDS}
    for field, each in declared.fields.items():
        if each.type is Type.STRING:
            bad = _field(each.wire, BYTES, "02c328")
            good = _text(bytes_field(each.wire, ["6f6b"]))
            yield f"with {field} that is no UTF-8", whole + bad, MALFORMED
            yield f"with {field} that was no UTF-8 first", bad + whole + good, MALFORMED
    for what, number in ids.items():
        for size, count in WRONG_SIZES.items():
            yield f"with {what} of {size}", whole + _of_size(number, count), MALFORMED
    for what, form in declared.other_forms.items():
        yield f"with {what} of another form", whole + _of_size(form.wire, 16), sample.right
        for size, count in WRONG_SIZES.items():
            data = whole + _of_size(form.wire, count)
            # The type uses it, the form does not.
            yield f"with {what} of another form of {size}", data, MALFORMED, sample.right
    ends = set(accumulate(len(part) for _, part in sorted(sample.parts)))
    for cut in range(1, len(sample.without(wire.event)) // 2):
        data = whole[: -2 * cut]
        if len(data) not in ends:
            yield f"without its last bytes, {cut}", data, MALFORMED
    for what, extra in BROKEN.items():
        yield f"before {what}", whole + extra, MALFORMED
    if declared.listing:
        yield from _damaged_listing(sample, declared.listing)


def _damaged_listing(sample: _Sample, listing: Listing) -> Iterator[Vector]:
    bare = sample.without(listing.wire)
    yield "without its entries' message", bare, MALFORMED
    empty = bare + _field(listing.wire, BYTES, "00")
    yield "of nothing", empty, sample.ok(fields={listing.name: []})
    key = next(each for each in listing.fields.values() if _is_key(sample.chart, each))
    if key.type in IDS:
        (entry,) = sample.fields[listing.name]
        keyless = {field: value for field, value in entry.items() if field != key.name}
        yield "with an entry without key", sample.bytes(fields={listing.name: [keyless]}), MALFORMED


def _of_no_event(chart: Chart) -> Iterator[Vector]:
    """Bytes of another workflow's events, or of none."""
    own = {event.number for event in chart.events.values()}
    wire = chart.wire
    ids = _text([*bytes_field(wire.id, ["11" * 16]), *bytes_field(wire.parent, ["00" * 16])])
    yield "no byte", "", FOREIGN
    yield "no type", ids, FOREIGN
    unknown = {0, max(own) + 1000, (1 << 31) - 1, -1}
    # Another workflow's event may need fields that are not there: then it is malformed, too.
    reserved = {1, 2, *(each + 1 for each in own)}
    for number in sorted((unknown | reserved) - own):
        data = _text(varint_field(wire.event, number)) + ids
        either = (FOREIGN, MALFORMED) if number in reserved else (FOREIGN,)
        yield f"a type of number {number}", data, *either
    yield "a type that is a text", _field(wire.event, BYTES, "0161") + ids, FOREIGN
