"""The wire: each number and each name for one thing, and events told apart by what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pingregistrywf.chart.checks.tools import Inquiry
from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.vocabulary import Chart, EventWire, Type

RESERVED_NUMBERS: Final = range(19_000, 20_000)
"""The field numbers that protobuf keeps for itself."""
UNSPECIFIED: Final = "EV_UNSPECIFIED"
"""The enum value that every chart's wire has, with number 0."""
ENVELOPE: Final = ("event", "id", "parent")
"""The fields that every event has."""


@dataclass(frozen=True, slots=True)
class WireField:
    """A field of the event message, as one event or the chart itself declares it."""

    name: str
    number: int
    type: str
    at: Path


def check_wire(inquiry: Inquiry) -> None:
    """Check the numbers and names of fields, enum values and messages."""
    _check_fields(inquiry.report, wire_fields(inquiry.chart))
    _check_enum(inquiry)
    _check_messages(inquiry)


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


def wire_values(chart: Chart) -> Iterator[tuple[str, EventWire, Path]]:
    """Every event's name and number, with the event."""
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
        wire_at, type_at = (*field.at, "wire"), (*field.at, "type")
        _check_reserved(report, field.number, wire_at)
        if field.at[0] != "wire" and field.name in ENVELOPE:
            what = f"{field.name} is a field of every event"
            report.say(field.at, what, "write another name")
            continue
        same_name = by_name.setdefault(field.name, field)
        same_number = by_number.setdefault(field.number, field)
        same_json = by_json.setdefault(_json_name(field.name), field)
        given = ((*same_name.at, "wire"), same_name.at)
        if same_name.number != field.number:
            what = f"the field {field.name} has the numbers {same_name.number} and {field.number}"
            report.say(wire_at, what, f"write {same_name.number} in both, or another name", *given)
        elif same_name.type != field.type:
            what = f"the field {field.name} has the types {same_name.type} and {field.type}"
            remedy = f"write {same_name.type} in both, or another name and number"
            report.say(type_at, what, remedy, (*same_name.at, "type"))
        elif same_number.name != field.name:
            what = f"the fields {same_number.name} and {field.name} have one number {field.number}"
            report.say(wire_at, what, "write another number", (*same_number.at, "wire"))
        elif same_json.name != field.name:
            what = f"the fields {same_json.name} and {field.name} are one name in protobuf's JSON"
            report.say(field.at, what, "write another name")


def _check_enum(inquiry: Inquiry) -> None:
    report = inquiry.report
    by_number: dict[int, list[tuple[str, EventWire, Path]]] = {}
    by_name: dict[str, tuple[str, EventWire, Path]] = {}
    for value in wire_values(inquiry.chart):
        name, wire, at = value
        if wire.name == UNSPECIFIED:
            what = f"{UNSPECIFIED} is the value 0 of every chart"
            report.say((*at, "name"), what, "write another name")
            continue
        other, known, other_at = by_name.setdefault(wire.name, value)
        if known.number != wire.number:
            what = f"{other} and {name} have one wire name {wire.name} and different numbers"
            given = ((*at, "number"), (*other_at, "number"), (*other_at, "name"))
            report.say((*at, "name"), what, "write another name", *given)
        by_number.setdefault(wire.number, []).append(value)
    for sharing in by_number.values():
        _check_sharing(inquiry, sharing)


def _check_sharing(inquiry: Inquiry, sharing: list[tuple[str, EventWire, Path]]) -> None:
    """Check that events of one number are told apart, and that a lone one is not."""
    report, events = inquiry.report, inquiry.chart.events
    first, first_wire, first_at = sharing[0]
    seen: dict[tuple[str, str], str] = {}
    for name, wire, at in sharing:
        when = events[name].when if name in events else {}
        if not _check_when(inquiry, name):
            continue
        if len(sharing) == 1:
            if when:
                what = f"no other event has the wire number {wire.number} of {name}"
                report.say(("events", name, "when"), what, "remove when", (*at, "number"))
            continue
        if not when:
            others = " and ".join(other for other, _, _ in sharing if other != name)
            what = f"{name} has the wire number {wire.number} of {others}"
            remedy = "write another number"
            if name in events:
                remedy += ", or tell them apart with when: {FIELD: zero or nonzero}"
            report.say(
                (*at, "number"), what, remedy, *((*each, "number") for _, _, each in sharing)
            )
            continue
        if wire.name != first_wire.name:
            what = f"{first} and {name} have one wire number {wire.number} and different names"
            remedy = f"write {first_wire.name} in both, or another number"
            given = ((*first_at, "name"), (*first_at, "number"), (*at, "number"))
            report.say((*at, "name"), what, remedy, *given)
        (said,) = when.items()
        other = seen.setdefault(said, name)
        if other != name:
            what = f"{other} and {name} have one wire number and the same when"
            remedy = "write zero in one and nonzero in the other, or another number"
            report.say(("events", name, "when"), what, remedy, (*at, "number"))
        elif said[0] != next(iter(seen))[0]:
            what = f"events of the wire number {wire.number} are told apart by different fields"
            report.say(("events", name, "when"), what, f"write {next(iter(seen))[0]} in all")


def _check_when(inquiry: Inquiry, name: str) -> bool:
    """Check an event's discriminator by itself."""
    event = inquiry.chart.events.get(name)
    if event is None or not event.when:
        return True
    report, at = inquiry.report, ("events", name, "when")
    if report.lost(at):
        return False
    if len(event.when) > 1:
        report.say(at, f"when of {name} names {len(event.when)} fields", "name one")
        return False
    (field,) = event.when
    fields = ("events", name, "fields")
    if inquiry.known(field, event.fields, (*at, field), f"field of {name}", fields) != field:
        return False
    if event.fields[field].type is not Type.INT32:
        what = f"{name}.{field} is of type {event.fields[field].type}"
        given = (*fields, field, "type")
        report.say((*at, field), what, "name a field of type int32 in when", given)
        return False
    return True


def _check_messages(inquiry: Inquiry) -> None:
    snapshot, report = inquiry.chart.snapshot, inquiry.report
    if snapshot is None:
        return
    message, at = snapshot.message, ("snapshot", "message")
    seen = {inquiry.chart.wire.message}
    for key in ("message", "entries_message"):
        name = getattr(message, key)
        if name in seen:
            what = f"{name} is the name of two messages"
            report.say((*at, key), what, "write another name", ("wire", "message"))
        seen.add(name)
    _check_reserved(report, message.entries_wire, (*at, "entries_wire"))
    names: dict[int, str] = {}
    for name, number in message.fields.items():
        place = (*at, "fields", name)
        _check_reserved(report, number, place)
        other = names.setdefault(number, name)
        if other != name:
            what = f"the fields {other} and {name} have one number {number}"
            report.say(place, what, "write another number", (*at, "fields", other))


def _check_reserved(report: Report, number: int, at: Path) -> None:
    if number in RESERVED_NUMBERS:
        what = f"the number {number} is reserved by protobuf"
        low, high = RESERVED_NUMBERS.start, RESERVED_NUMBERS.stop - 1
        report.say(at, what, f"write another number, not from {low} to {high}")


def _json_name(name: str) -> str:
    """A field's name in protobuf's JSON, by which its compilers refuse two fields."""
    return name.replace("_", "")
