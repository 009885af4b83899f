"""Keyed charts: every command and event names its entry, and a snapshot loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pingregistrywf.chart.checks.rules import check_bare_error
from pingregistrywf.chart.checks.states import leads_are_whole
from pingregistrywf.chart.checks.tools import STANDARD_ERRORS, Inquiry
from pingregistrywf.chart.mistakes import Path
from pingregistrywf.chart.vocabulary import Argument, EventField, Snapshot, Type

_KEYS: Final = (Type.UUID, Type.ULID, Type.STRING)


def check_keyed(inquiry: Inquiry) -> None:
    """Check a keyed chart; or that another has no snapshot."""
    chart, report = inquiry.chart, inquiry.report
    if chart.keyed_by is None:
        if chart.snapshot:
            what = "a snapshot rewrites the map of a keyed chart, and this chart is not keyed"
            report.say(("snapshot",), what, "remove it, or add keyed_by", ("keyed_by",))
        return
    for name, command in chart.commands.items():
        _check_key(inquiry, f"the command {name}", ("commands", name, "args"), command.args)
    for name, event in chart.events.items():
        _check_key(inquiry, f"the event {name}", ("events", name, "fields"), event.fields)
    _check_one_type(inquiry, chart.keyed_by)
    if chart.snapshot:
        _check_snapshot(inquiry, chart.keyed_by, chart.snapshot)


def _check_key(
    inquiry: Inquiry, owner: str, at: Path, declared: Mapping[str, Argument | EventField]
) -> None:
    key = str(inquiry.chart.keyed_by)
    given = (("keyed_by",), (*at, "*"), (*at, key))
    if key not in declared:
        what = f"{owner} does not say which entry it is about"
        inquiry.report.say(at, what, f"add {key}: {{type: …}}, the key", *given)
    elif declared[key].type not in _KEYS:
        what = f"the key {key} of {owner} is of type {declared[key].type}"
        allowed = ", ".join(_KEYS)
        place = (*at, key, "type")
        inquiry.report.say(place, what, f"write one of {allowed}", ("keyed_by",))


def _check_one_type(inquiry: Inquiry, key: str) -> None:
    """Check that commands agree on the key's type; events do on the wire's account."""
    first: tuple[str, Type] | None = None
    for name, command in inquiry.chart.commands.items():
        if key in command.args:
            kind = command.args[key].type
            first = first or (name, kind)
            if kind is not first[1]:
                what = f"the key {key} is of type {first[1]} in {first[0]}, and of {kind} in {name}"
                at = ("commands", name, "args", key, "type")
                given = ("commands", first[0], "args", key, "type")
                inquiry.report.say(at, what, f"write {first[1]} in both", given)


def _check_snapshot(inquiry: Inquiry, key: str, snapshot: Snapshot) -> None:
    chart, report, at = inquiry.chart, inquiry.report, ("snapshot",)
    _check_values(inquiry, key, snapshot)
    scalars = [name for name, carried in chart.carried.items() if carried.type]
    inquiry.known(
        snapshot.order_by, scalars, (*at, "order_by"), "single carried value", ("carried",)
    )
    _check_states(inquiry, snapshot, scalars)
    for part in ("limit", "saving"):
        place = (*at, part, "error")
        error = getattr(snapshot, part).error
        if error in STANDARD_ERRORS:
            what = f"{error} does not say what is wrong with a snapshot"
            report.say(place, what, "write an error of your own")
        else:
            check_bare_error(inquiry, error, place)


def _check_values(inquiry: Inquiry, key: str, snapshot: Snapshot) -> None:
    """Check that the entries of a snapshot hold the key and all that is carried."""
    chart, report = inquiry.chart, inquiry.report
    at = ("snapshot", "message", "fields")
    names = (key, *chart.carried)
    told = {
        inquiry.known(name, names, (*at, name), "carried value", ("carried",))
        for name in snapshot.message.fields
    }
    for name in names:
        carried = chart.carried.get(name)
        if carried and not carried.type:
            what = f"{name} is a record or a list, which the entries of a snapshot cannot hold"
            report.say(("carried", name), what, "carry single values, each with a type")
        elif name not in told:
            what = f"a snapshot would lose {name}: its entries do not hold it"
            given = ((*at, "*"), ("keyed_by",), ("carried", name))
            report.say(at, what, f"add {name}: and a field number", *given)


def _check_states(inquiry: Inquiry, snapshot: Snapshot, scalars: list[str]) -> None:
    """Check that an entry's state can be told from the values that a snapshot holds."""
    chart, report, at = inquiry.chart, inquiry.report, ("snapshot", "states")
    told = set()
    for name, value in snapshot.states.items():
        place = (*at, name)
        state = inquiry.state(name, place)
        told.add(state)
        if state and state == inquiry.initial:
            what = f"{state} is the initial state, and entries in it are not listed"
            report.say(place, what, f"remove {state}", ("states", state, "initial"))
        if value is not None:
            inquiry.known(value, scalars, place, "single carried value", ("carried",))
    for name, declared in chart.states.items():
        if name not in told and not declared.initial:
            what = f"a snapshot would lose the state {name}"
            remedy = f"add {name}: and the carried value that tells it"
            report.say(at, what, remedy, (*at, "*"), ("states", name))
    *before, last = snapshot.states
    for name in before:
        if snapshot.states[name] is None:
            what = f"null holds always, so that nothing after {name} would ever hold"
            report.say((*at, name), what, f"move {name} to the end", (*at, name))
    if snapshot.states[last] is not None:
        what = "an entry without any of these values would have no state"
        report.say((*at, last), what, "add a last state with null")
    if not report.mistakes and leads_are_whole(inquiry):
        _check_told(inquiry, snapshot)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A state, with the carried values that are surely set in it, and those that may be."""

    state: str
    surely: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()


def _check_told(inquiry: Inquiry, snapshot: Snapshot) -> None:
    """Check, for every way to a state, that its values would tell that state and no other."""
    chart = inquiry.chart
    seen: set[_Entry] = set()
    ahead = [_Entry(chart.initial)]
    while ahead:
        entry = ahead.pop()
        if entry in seen:
            continue
        seen.add(entry)
        for numbered in inquiry.rules():
            if entry.state in numbered.rule.states:
                ahead.extend(_after(inquiry, entry, name) for name in numbered.rule.emit or ())
    for name, value in snapshot.states.items():
        others = list(snapshot.states)[: list(snapshot.states).index(name)]
        earlier = {snapshot.states[other]: other for other in others}
        for entry in seen:
            if entry.state != name:
                continue
            at = ("snapshot", "states", name)
            if value is not None and value not in entry.surely:
                what = f"{value} may not be set in {name}, so that it does not tell this state"
                remedy = "let every event to it set that value from a field that is nonzero: true"
                inquiry.report.say(at, what, remedy)
            for mark in sorted(set(filter(None, earlier)) & entry.perhaps):
                what = f"{mark} may be set in {name}, too, and tells {earlier[mark]}"
                inquiry.report.say(at, what, "let another value tell the states apart")


def _after(inquiry: Inquiry, entry: _Entry, name: str) -> _Entry:
    """The entry after an event; one in the initial state carries nothing."""
    event = inquiry.chart.events[name]
    if inquiry.chart.states[event.to].initial:
        return _Entry(event.to)
    setting = {value: event.fields[str(source)] for value, source in event.set.items()}
    surely = {value for value, field in setting.items() if field.nonzero}
    return _Entry(
        event.to,
        entry.surely.difference(setting).union(surely),
        entry.perhaps.union(setting),
    )
