"""The wire: each number and name for one thing, in a chart and in charts that share a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import Chart, EventWire

UNSPECIFIED: Final = "EV_UNSPECIFIED"
"""The enum value that every chart's wire has, with number 0."""
ENVELOPE: Final = ("event", "id", "parent")
"""The fields that every event has."""
_AGREE: Final = "write the same in both, or another wire package"

WireValue: TypeAlias = tuple[str, EventWire, Path]
"""An event's name, its name and number on the wire, and where these are written."""


class WireField(NamedTuple):
    """A field of the event message, as one event or the chart itself declares it."""

    name: str
    number: int
    type: str
    at: Path


def check_wire(chart: Chart, report: Report) -> None:
    """Check the numbers and names of fields, enum values and messages."""
    _check_fields(report, wire_fields(chart))
    _check_enum(chart, report)
    _check_messages(chart, report)


def wire_fields(chart: Chart) -> Iterator[WireField]:
    """Every field of the chart's event message, as often as it is declared."""
    for name in ENVELOPE:
        kind = "enum" if name == "event" else "ulid"
        yield WireField(name, getattr(chart.wire, name), kind, ("wire", name))
    for event_name, event in chart.events.items():
        at = ("events", event_name)
        for name, field in event.fields.items():
            yield WireField(name, field.wire, field.type, (*at, "fields", name))
        for name, form in event.other_forms.items():
            yield WireField(name, form.wire, form.type, (*at, "other_forms", name))
    if chart.snapshot:
        payload = chart.snapshot.message
        yield WireField(payload.field, payload.wire, "message", ("snapshot", "message"))


def wire_values(chart: Chart) -> Iterator[WireValue]:
    """Every event's name and number on the wire."""
    for name, event in chart.events.items():
        yield name, event.wire, ("events", name, "wire")
    if chart.snapshot:
        yield "SnapshotBegin", chart.snapshot.begin, ("snapshot", "begin")
        yield "SnapshotState", chart.snapshot.state, ("snapshot", "state")
        yield "SnapshotEnd", chart.snapshot.end, ("snapshot", "end")


def _check_fields(report: Report, fields: Iterator[WireField]) -> None:
    by_number: dict[int, WireField] = {}
    by_name: dict[str, WireField] = {}
    by_json: dict[str, WireField] = {}
    for field in fields:
        name, number = field.name, field.number
        wire_at = (*field.at, "wire")
        if field.at[0] != "wire" and name in ENVELOPE:
            report.say(field.at, f"{name} is a field of every event", "write another name")
            continue
        same_name = by_name.setdefault(name, field)
        same_number = by_number.setdefault(number, field)
        # Compilers of protobuf refuse two fields that have one name in its JSON.
        same_json = by_json.setdefault(name.replace("_", ""), field)
        if same_name.number != number:
            what = f"the field {name} has the numbers {same_name.number} and {number}"
            report.say(wire_at, what, f"write {same_name.number} in both, or another name")
        elif same_name.type != field.type:
            what = f"the field {name} has the types {same_name.type} and {field.type}"
            remedy = f"write {same_name.type} in both, or another name and number"
            report.say((*field.at, "type"), what, remedy)
        elif same_number.name != name:
            what = f"the fields {same_number.name} and {name} have one number {number}"
            report.say(wire_at, what, "write another number")
        elif same_json.name != name:
            what = f"the fields {same_json.name} and {name} are one name in protobuf's JSON"
            report.say(field.at, what, "write another name")


def _check_enum(chart: Chart, report: Report) -> None:
    by_number: dict[int, list[WireValue]] = {}
    by_name: dict[str, WireValue] = {}
    for value in wire_values(chart):
        name, wire, at = value
        if wire.name == UNSPECIFIED:
            what = f"{UNSPECIFIED} is the value 0 of every chart"
            report.say((*at, "name"), what, "write another name")
            continue
        other, known, _ = by_name.setdefault(wire.name, value)
        if known.number != wire.number:
            what = f"{other} and {name} have one wire name {wire.name} and different numbers"
            report.say((*at, "name"), what, "write another name")
        by_number.setdefault(wire.number, []).append(value)
    for sharing in by_number.values():
        _check_sharing(chart, report, sharing)


def _check_sharing(chart: Chart, report: Report, sharing: list[WireValue]) -> None:
    """Check that events of one number are told apart, and that a lone one is not."""
    first, first_wire, _ = sharing[0]
    seen: dict[tuple[str, str], str] = {}
    for name, wire, at in sharing:
        when = chart.events[name].when if name in chart.events else {}
        if when and not _check_when(chart, report, name):
            continue
        when_at = ("events", name, "when")
        if len(sharing) == 1:
            if when:
                what = f"no other event has the wire number {wire.number} of {name}"
                report.say(when_at, what, "remove when")
            continue
        if not when:
            others = " and ".join(other for other, _, _ in sharing if other != name)
            what = f"{name} has the wire number {wire.number} of {others}"
            remedy = "write another number"
            if name in chart.events:
                remedy += ", or tell them apart with when: {FIELD: zero or nonzero}"
            report.say((*at, "number"), what, remedy)
            continue
        if wire.name != first_wire.name:
            what = f"{first} and {name} have one wire number {wire.number} and different names"
            remedy = f"write {first_wire.name} in both, or another number"
            report.say((*at, "name"), what, remedy)
        (sign,) = when.items()
        other = seen.setdefault(sign, name)
        wanted, _ = next(iter(seen))
        if other != name:
            what = f"{other} and {name} have one wire number and the same when"
            remedy = "write zero in one and nonzero in the other, or another number"
            report.say(when_at, what, remedy)
        elif sign[0] != wanted:
            what = f"events of the wire number {wire.number} are told apart by different fields"
            report.say(when_at, what, f"write {wanted} in all")


def _check_when(chart: Chart, report: Report, name: str) -> bool:
    """Check by itself what tells an event from others of its wire number."""
    event, at = chart.events[name], ("events", name, "when")
    if len(event.when) > 1:
        report.say(at, f"when of {name} names {len(event.when)} fields", "name one")
        return False
    (field,) = event.when
    if report.resolve(field, event.fields, (*at, field), f"field of {name}") != field:
        return False
    if event.fields[field].type is not Type.INT32:
        what = f"{name}.{field} is of type {event.fields[field].type}"
        report.say((*at, field), what, "name a field of type int32 in when")
        return False
    return True


def _check_messages(chart: Chart, report: Report) -> None:
    if chart.snapshot is None:
        return
    message, at = chart.snapshot.message, ("snapshot", "message")
    seen = {chart.wire.message}
    for key in ("message", "entries_message"):
        name = getattr(message, key)
        if name in seen:
            what = f"{name} is the name of two messages"
            report.say((*at, key), what, "write another name")
        seen.add(name)
    names: dict[int, str] = {}
    for name, number in message.fields.items():
        other = names.setdefault(number, name)
        if other != name:
            what = f"the fields {other} and {name} have one number {number}"
            report.say((*at, "fields", name), what, "write another number")


def check_shared_wire(chart: Chart, report: Report, other: Chart) -> None:
    """Check that two charts' forms of one message agree."""
    if (chart.wire.package, chart.wire.message) != (other.wire.package, other.wire.message):
        return
    known_fields = list(wire_fields(other))
    by_name = {each.name: each for each in known_fields}
    by_number = {each.number: each for each in known_fields}
    for field in wire_fields(chart):
        for known in (by_name.get(field.name), by_number.get(field.number)):
            mine, theirs = (
                f"{each.name} {each.type} = {each.number}" for each in (field, known or field)
            )
            if mine != theirs:
                what = f"the field {mine} is {theirs} in {other.chart}, on the same wire"
                report.say(field.at, what, _AGREE)
                break
    known_values = [each for _, each, _ in wire_values(other)]
    numbers = {each.name: each.number for each in known_values}
    names = {each.number: each.name for each in known_values}
    for _, value, at in wire_values(chart):
        number = numbers.get(value.name, value.number)
        name = value.name if number != value.number else names.get(number, value.name)
        if (name, number) != (value.name, value.number):
            theirs = f"{name} = {number} in {other.chart}, on the same wire"
            report.say(at, f"the event {value.name} = {value.number} is {theirs}", _AGREE)
