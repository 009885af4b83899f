"""Level 4: the bytes of every event form, and what valid, foreign and malformed ones decode to.

The rules are wire.md's.  Bytes that are wrong in two ways at once are left out, for then either
error may be given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart, EventField, Listing, WireValue
from pingregistrywf.chart.types import Type
from pingregistrywf.conformance.oracle import EPOCH
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
    value_field,
    varint,
    varint_field,
    written,
)
from pingregistrywf.conformance.suite.scenario import Decode, Scenario, Tell
from pingregistrywf.conformance.suite.sequential import reach
from pingregistrywf.conformance.suite.values import EXTREME, ordinary

Json: TypeAlias = Any
Event: TypeAlias = dict[str, Json]

IDS: Final = (Type.UUID, Type.ULID)
MALFORMED: Final = {"error": {"code": "Malformed", "definite": True}}
FOREIGN: Final = {"error": {"code": "EventType", "definite": True}}
ID: Final = "01ARYZ6S2CDCQ8YBGT5CY4TQKF"
PARENT: Final = "01ARYZ6S2B000000000000000A"
FAR: Final = 536_000_000
"""A field number that no chart uses."""


def wire(chart: Chart) -> Iterator[Scenario]:
    """The scenarios of level 4."""
    yield from _written(chart)
    for what, data, expect in decoded(chart):
        yield Scenario(what, (Decode(data, expect),))


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
                last = Tell(tell.command, tell.arguments, {name: value})
                title = f"the bytes of {tell.command} with {name} {what}"
                yield Scenario(title, (*way, last), "wire", wire=True)


def decoded(chart: Chart) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
    """Bytes, what they are, and what they decode to."""
    for event in _samples(chart):
        yield from _sound(chart, event)
        yield from _damaged(chart, event)
    yield from _of_no_event(chart)


def _samples(chart: Chart) -> Iterator[Event]:
    """One event of each form, with ordinary values."""
    for name, event in chart.events.items():
        fields = _ordinary_values(event.fields.values())
        for field, wanted in event.when.items():
            fields[field] = 0 if wanted == "zero" else 7
        if event.listing:
            # The key comes last.
            in_order = sorted(event.listing.fields.values(), key=lambda each: _is_key(chart, each))
            fields[event.listing.name] = [_ordinary_values(in_order)]
        yield {"event": name, "id": ID, "parent": PARENT, "fields": fields}


def _ordinary_values(values: Iterable[EventField | WireValue]) -> Event:
    return {each.name: ordinary(each.type, 7 + number) for number, each in enumerate(values)}


def _is_key(chart: Chart, value: WireValue) -> bool:
    return chart.key is not None and chart.key.name == value.name


def _bytes(chart: Chart, event: Event) -> str:
    """An event's bytes."""
    return _text(encoded(chart, event).parts)


def _apart(chart: Chart, event: Event) -> tuple[str, str]:
    """An event's type, and the rest of its bytes."""
    parts = written(chart, event)
    kind = next(part for number, part in parts if number == chart.wire.event)
    rest = [part for number, part in parts if number != chart.wire.event]
    return _text(kind), "".join(map(_text, rest))


def _text(parts: Iterable[object]) -> str:
    """Bytes in which no id is left to be known."""
    return "".join(map(str, parts))


def _field(number: int, kind: int, content: str) -> str:
    return varint(number << 3 | kind) + content


def _of_size(number: int, size: int) -> str:
    return _field(number, BYTES, varint(size) + "11" * size)


def _sound(chart: Chart, event: Event) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
    """Bytes that are the event, in every shape that protobuf allows."""
    name, wire = event["event"], chart.wire
    whole = _bytes(chart, event)
    right = _ok(event)
    yield name, whole, right
    yield f"{name} at the epoch", _bytes(chart, event | {"parent": EPOCH}), _ok(event, parent=EPOCH)
    kind, rest = _apart(chart, event)
    yield f"{name} with its type last", rest + kind, right
    for what, extra in _unknown(FAR).items():
        yield f"{name} after an unknown {what}", extra + whole, right
        yield f"{name} before an unknown {what}", whole + extra, right
    yield f"{name} with its type twice", _text(varint_field(wire.event, 1)) + whole, right
    yield f"{name} with its id twice", _of_size(wire.id, 16) + whole, right
    high = _field(wire.event, VARINT, varint(chart.events[name].number | 1 << 40))
    yield f"{name} with a type of more than 32 bits", high + rest, right
    without = {"id": wire.id, "parent": wire.parent}
    for field, number in without.items():
        left = [part for each, part in written(chart, event) if each != number]
        yield f"{name} without {field}", "".join(map(_text, left)), _ok(event, **{field: EPOCH})
    yield from _sound_fields(chart, event)


def _ok(event: Event, **changed: Json) -> Mapping[str, Json]:
    return {"ok": {"event": event | changed}}


def _sound_fields(chart: Chart, event: Event) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
    name = event["event"]
    declared = chart.events[name]
    whole = _bytes(chart, event)
    for field, each in declared.fields.items():
        without = {key: value for key, value in event["fields"].items() if key != field}
        read = without if each.type in IDS else event["fields"] | {field: _zero(each.type)}
        lacking = _bytes(chart, event | {"fields": without})
        if declared.when.get(field) == "nonzero":
            continue  # without it, it is another event
        if each.required:
            yield f"{name} without {field}", lacking, MALFORMED
        else:
            yield f"{name} without {field}", lacking, _ok(event, fields=read)
        other = FIXED32 if each.type in (Type.INT32, Type.BOOL) else VARINT
        content = "01000000" if other == FIXED32 else "01"
        yield (
            f"{name} with {field} of another wire type beside",
            whole + _field(each.wire, other, content),
            _ok(event),
        )
        if event["fields"][field]:
            first = _text(value_field(each.wire, each.type, ordinary(each.type, 99)))
            yield f"{name} with {field} twice", first + whole, _ok(event)
        if each.type is Type.INT32 and field not in declared.when:
            for what, value in EXTREME[Type.INT32].items():
                changed = event["fields"] | {field: value}
                sample = event | {"fields": changed}
                yield (
                    f"{name} with {field} {what}",
                    _bytes(chart, sample),
                    _ok(event, fields=changed),
                )
            changed = event["fields"] | {field: -1}
            yield (
                f"{name} with {field} -1 in five bytes",
                lacking + _field(each.wire, VARINT, "ffffffff0f"),
                _ok(event, fields=changed),
            )
            changed = event["fields"] | {field: 5}
            yield (
                f"{name} with {field} of more than 32 bits",
                lacking + _field(each.wire, VARINT, varint(5 | 1 << 36)),
                _ok(event, fields=changed),
            )


def _zero(type_: Type) -> Json:
    return {Type.INT32: 0, Type.STRING: "", Type.BOOL: False}[type_]


def _unknown(number: int) -> dict[str, str]:
    """Fields of a number that nobody knows, of every wire type."""
    return {
        "number": _field(number, VARINT, "01"),
        "number of 64 bits": _field(number, FIXED64, "0102030405060708"),
        "text": _field(number, BYTES, "0261ff"),
        "group": _field(number, GROUP, "0801") + varint(number << 3 | END_GROUP),
        "number of 32 bits": _field(number, FIXED32, "01020304"),
    }


def _damaged(chart: Chart, event: Event) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
    """Bytes that are no event, though of a type of the chart's."""
    name, wire = event["event"], chart.wire
    whole = _bytes(chart, event)
    kind, _ = _apart(chart, event)
    sizes = {"no byte": 0, "one byte": 1, "15 bytes": 15, "17 bytes": 17}
    ids = {"id": wire.id, "parent": wire.parent}
    declared = chart.events[name]
    ids |= {key: each.wire for key, each in declared.fields.items() if each.type in IDS}
    ids |= {f"{key} of another form": each.wire for key, each in declared.other_forms.items()}
    for field, each in declared.fields.items():
        if each.type is Type.STRING:
            bad = _field(each.wire, BYTES, "02c328")
            good = _text(bytes_field(each.wire, ["6f6b"]))
            yield f"{name} with {field} that is no UTF-8", whole + bad, MALFORMED
            yield f"{name} with {field} that was no UTF-8 first", bad + whole + good, MALFORMED
    for what, number in ids.items():
        for size, count in sizes.items():
            yield f"{name} with {what} of {size}", whole + _of_size(number, count), MALFORMED
    for what, form in declared.other_forms.items():
        beside = whole + _of_size(form.wire, 16)
        yield f"{name} with {what} of another form", beside, _ok(event)
    for cut in range(1, (len(whole) - len(kind)) // 2):
        data = whole[: -2 * cut]
        if not _ends_between_fields(data):
            yield f"{name} without its last bytes, {cut}", data, MALFORMED
    broken = {
        "a field of number 0": "0001",
        "a wire type that there is not": _field(FAR, 6, ""),
        "an end of a group that was not begun": varint(FAR << 3 | END_GROUP),
        "a group without end": _field(FAR, GROUP, "0801"),
        "a number of eleven bytes": _field(FAR, VARINT, "ff" * 10 + "01"),
        "a text longer than what is left": _field(FAR, BYTES, "7f61"),
    }
    for what, extra in broken.items():
        yield f"{name} before {what}", whole + extra, MALFORMED
    if declared.listing:
        yield from _damaged_listing(chart, declared.listing, event)


def _damaged_listing(
    chart: Chart, listing: Listing, event: Event
) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
    name = event["event"]
    bare = _text(
        part for number, parts in written(chart, event) if number != listing.wire for part in parts
    )
    yield f"{name} without its entries' message", bare, MALFORMED
    empty = bare + _field(listing.wire, BYTES, "00")
    yield f"{name} of nothing", empty, _ok(event, fields={listing.name: []})
    (entry,) = event["fields"][listing.name]
    key = next(each for each in listing.fields.values() if _is_key(chart, each))
    if key.type in IDS:
        keyless = {field: value for field, value in entry.items() if field != key.name}
        without = event | {"fields": {listing.name: [keyless]}}
        yield f"{name} with an entry without key", _bytes(chart, without), MALFORMED


def _ends_between_fields(data: str) -> bool:
    """Whether bytes that begin as a message end where a field ends."""
    rest = bytes.fromhex(data)
    while rest:
        tag, rest = _read_varint(rest)
        if tag is None:
            return False
        if tag & 7 == VARINT:
            value, rest = _read_varint(rest)
            if value is None:
                return False
        else:
            size, rest = _read_varint(rest)
            if size is None or size > len(rest):
                return False
            rest = rest[size:]
    return True


def _read_varint(data: bytes) -> tuple[int | None, bytes]:
    value = 0
    for at, digit in enumerate(data):
        value |= (digit & 0x7F) << 7 * at
        if digit < 0x80:
            return value, data[at + 1 :]
    return None, b""


def _of_no_event(chart: Chart) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
    """Bytes of another workflow's events, or of none."""
    own = {event.number for event in chart.events.values()}
    wire = chart.wire
    ids = _text([*bytes_field(wire.id, ["11" * 16]), *bytes_field(wire.parent, ["00" * 16])])
    yield "no byte", "", FOREIGN
    yield "no type", ids, FOREIGN
    others = {0, 1, 2, max(own) + 1000, (1 << 31) - 1, -1, *(each + 1 for each in own)}
    for number in sorted(others - own):
        data = _text(varint_field(wire.event, number)) + ids
        yield f"a type of number {number}", data, FOREIGN
    yield "a type that is a text", _field(wire.event, BYTES, "0161") + ids, FOREIGN
