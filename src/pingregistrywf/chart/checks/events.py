"""Events: where they lead, and how their fields enter the carried state."""

from __future__ import annotations

from collections.abc import Mapping

from pingregistrywf.chart.checks.tools import IDS, Inquiry
from pingregistrywf.chart.mistakes import Path
from pingregistrywf.chart.vocabulary import Carried, Event, Type


def check_events(inquiry: Inquiry) -> None:
    """Check every event, and what they carry."""
    for name, event in inquiry.chart.events.items():
        _check_event(inquiry, name, event)
    for name, carried in inquiry.chart.carried.items():
        _check_carried(inquiry, name, carried)
    _check_use(inquiry)


def _check_event(inquiry: Inquiry, name: str, event: Event) -> None:
    report, at = inquiry.report, ("events", name)
    target = inquiry.state(event.to, (*at, "to"))
    if target and target == inquiry.initial and not inquiry.chart.keyed_by:
        report.say(
            (*at, "to"),
            f"{name} leads to the initial state {target}, in which a history has no event",
            "lead to another state; delete: true ends a history",
            ("states", target, "initial"),
        )
    for field, each in event.fields.items():
        if each.required and each.type not in IDS:
            report.say(
                (*at, "fields", field, "required"),
                f"{name}.{field} is of type {each.type}, of which a missing one reads as zero",
                "remove required; only a uuid or a ulid can be",
                (*at, "fields", field, "type"),
            )
        if field in event.other_forms:
            what = f"{field} is a field of {name} and of its other forms"
            report.say((*at, "other_forms", field), what, "remove one of the two")
    for carried, source in event.set.items():
        _check_set(inquiry, name, event, carried, source)
    for carried, sources in event.append.items():
        _check_append(inquiry, name, event, carried, sources)


def _check_set(
    inquiry: Inquiry, name: str, event: Event, carried_name: str, source: str | Mapping[str, str]
) -> None:
    at = ("events", name, "set", carried_name)
    known = inquiry.known(carried_name, inquiry.chart.carried, at, "carried value", ("carried",))
    if known is None:
        return
    carried, declared = inquiry.chart.carried[known], ("carried", known)
    if len(_kinds(carried)) != 1:
        return  # said where it is carried
    if carried.list:
        what = f"{known} is carried as a list of {carried.list}"
        inquiry.report.say(at, what, f"write append: {{{known}: …}}", declared)
    elif isinstance(source, str):
        if carried.type:
            _check_field(inquiry, name, event, at, source, known, carried.type, (*declared, "type"))
        elif carried.record:
            what = f"{known} is carried as a record of {carried.record}"
            remedy = f"write {known}: {{FIELD OF {carried.record}: FIELD OF {name}}}"
            inquiry.report.say(at, what, remedy, declared)
    elif carried.type:
        what = f"{known} is carried as a single {carried.type}"
        inquiry.report.say(at, what, f"write {known}: FIELD OF {name}", declared)
    elif carried.record:
        _check_record(inquiry, name, event, at, source, carried.record)


def _check_append(
    inquiry: Inquiry, name: str, event: Event, carried_name: str, sources: Mapping[str, str]
) -> None:
    at = ("events", name, "append", carried_name)
    known = inquiry.known(carried_name, inquiry.chart.carried, at, "carried list", ("carried",))
    if known is None:
        return
    carried = inquiry.chart.carried[known]
    if len(_kinds(carried)) != 1:
        return  # said where it is carried
    if carried.list:
        _check_record(inquiry, name, event, at, sources, carried.list)
    else:
        what = f"{known} is not carried as a list"
        inquiry.report.say(at, what, f"write set: {{{known}: …}}", ("carried", known))


def _check_record(
    inquiry: Inquiry, name: str, event: Event, at: Path, sources: Mapping[str, str], of: str
) -> None:
    record = inquiry.chart.records.get(of)
    if record is None:
        return  # said where it is carried
    declared = ("records", of, "fields")
    given = set()
    for field, source in sources.items():
        place = (*at, field)
        known = inquiry.known(field, record.fields, place, f"field of {of}", declared)
        if known is not None:
            given.add(known)
            kind = record.fields[known].type
            where = (*declared, known, "type")
            _check_field(inquiry, name, event, place, source, f"{of}.{known}", kind, where)
    for field in record.fields:
        if field not in given:
            inquiry.report.say(
                at,
                f"{name} does not say what {of}.{field} is",
                f"add {field}: FIELD OF {name}",
                (*declared, field),
                (*at, "*"),
            )


def _check_field(
    inquiry: Inquiry,
    name: str,
    event: Event,
    at: Path,
    source: str,
    of: str,
    kind: Type,
    declared: Path,
) -> None:
    """Check that an event's field can enter something of a type."""
    fields = ("events", name, "fields")
    known = inquiry.known(source, event.fields, at, f"field of {name}", fields)
    if known is not None and event.fields[known].type is not kind:
        inquiry.report.say(
            at,
            f"{of} is of type {kind}, but {name}.{known} of type {event.fields[known].type}",
            "give both the same type",
            declared,
            (*fields, known, "type"),
        )


def _check_carried(inquiry: Inquiry, name: str, carried: Carried) -> None:
    report, at = inquiry.report, ("carried", name)
    kinds = _kinds(carried)
    if len(kinds) != 1 and report.whole(at):
        what = f"{name} has {' and '.join(kinds)}" if kinds else f"{name} has no type"
        report.say(at, what, "write exactly one of type, record and list")
    for kind in ("record", "list"):
        of = getattr(carried, kind)
        if of:
            inquiry.known(of, inquiry.chart.records, (*at, kind), "record", ("records",))
    if carried.count and not carried.list:
        what = f"{name} has a count but is no list"
        report.say((*at, "count"), what, "remove count", (*at, "list"))


def _kinds(carried: Carried) -> list[str]:
    return [each for each in ("type", "record", "list") if getattr(carried, each)]


def _check_use(inquiry: Inquiry) -> None:
    """Check that no record and no carried value is declared in vain."""
    chart, report = inquiry.chart, inquiry.report
    set_names = {name for event in chart.events.values() for name in (*event.set, *event.append)}
    if report.whole(("events",)) and set_names <= set(chart.carried):
        for name in chart.carried:
            if name not in set_names:
                what = f"no event sets the carried value {name}"
                report.say(("carried", name), what, "let an event set it, or remove it")
    used = {name for carried in chart.carried.values() for name in (carried.record, carried.list)}
    if report.whole(("carried",)) and used <= {*chart.records, None}:
        for name in chart.records:
            if name not in used:
                what = f"nothing is carried as the record {name}"
                report.say(("records", name), what, "carry it, or remove it")
