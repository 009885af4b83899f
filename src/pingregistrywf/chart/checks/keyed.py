"""Keyed charts: every command and event names its entry, and a snapshot loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from pingregistrywf.chart.checks.errors import check_bare_error
from pingregistrywf.chart.ir import STANDARD_ERRORS
from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import Argument, Chart, EventField, Snapshot

_KEYS: Final = (Type.UUID, Type.ULID, Type.STRING)


def check_keyed(chart: Chart, report: Report) -> None:
    """Check a keyed chart; or that another has no snapshot."""
    key = chart.keyed_by
    if key is None:
        if chart.snapshot:
            what = "a snapshot rewrites the map of a keyed chart, and this chart is not keyed"
            report.say(("snapshot",), what, "remove it, or add keyed_by")
        return
    types: dict[str, Type] = {}
    for name, command in chart.commands.items():
        at: Path = ("commands", name, "args")
        _check_key(report, key, f"the command {name}", at, command.args)
        if key in command.args:
            # Only commands are compared: the check of the wire is for events.
            kind = types[name] = command.args[key].type
            first, wanted = next(iter(types.items()))
            if kind is not wanted:
                what = f"the key {key} is of type {wanted} in {first}, and of {kind} in {name}"
                report.say((*at, key, "type"), what, f"write {wanted} in both")
    for name, event in chart.events.items():
        _check_key(report, key, f"the event {name}", ("events", name, "fields"), event.fields)
    if chart.snapshot:
        _check_snapshot(chart, report, key, chart.snapshot)


def _check_key(
    report: Report, key: str, owner: str, at: Path, declared: Mapping[str, Argument | EventField]
) -> None:
    if key not in declared:
        what = f"{owner} does not say which entry it is about"
        report.say(at, what, f"add {key}: {{type: …}}, the key")
    elif declared[key].type not in _KEYS:
        what = f"the key {key} of {owner} is of type {declared[key].type}"
        report.say((*at, key, "type"), what, f"write one of {', '.join(_KEYS)}")


def _check_snapshot(chart: Chart, report: Report, key: str, snapshot: Snapshot) -> None:
    at = ("snapshot",)
    _check_values(chart, report, key, snapshot)
    scalars = [name for name, carried in chart.carried.items() if carried.type]
    report.resolve(snapshot.order_by, scalars, (*at, "order_by"), "single carried value")
    _check_states(chart, report, snapshot, scalars)
    for part, error in (("limit", snapshot.limit.error), ("saving", snapshot.saving.error)):
        place = (*at, part, "error")
        if error in STANDARD_ERRORS:
            what = f"{error} does not say what is wrong with a snapshot"
            report.say(place, what, "write an error of your own")
        else:
            check_bare_error(chart, report, error, place)


def _check_values(chart: Chart, report: Report, key: str, snapshot: Snapshot) -> None:
    """Check that the entries of a snapshot hold the key and all that is carried."""
    at = ("snapshot", "message", "fields")
    names = (key, *chart.carried)
    held = {
        report.resolve(name, names, (*at, name), "carried value")
        for name in snapshot.message.fields
    }
    for name in names:
        carried = chart.carried.get(name)
        if carried and not carried.type:
            what = f"{name} is a record or a list, which the entries of a snapshot cannot hold"
            report.say(("carried", name), what, "carry single values, each with a type")
        elif name not in held:
            what = f"a snapshot would lose {name}: its entries do not hold it"
            report.say(at, what, f"add {name}: and a field number")


def _check_states(chart: Chart, report: Report, snapshot: Snapshot, scalars: list[str]) -> None:
    """Check that the values that a snapshot holds tell an entry's state."""
    at = ("snapshot", "states")
    listed = set()
    for name, value in snapshot.states.items():
        place = (*at, name)
        state = report.resolve(name, chart.states, place, "state")
        listed.add(state)
        if state == chart.initial:
            what = f"{state} is the initial state, and entries in it are not listed"
            report.say(place, what, f"remove {state}")
        if value is not None:
            report.resolve(value, scalars, place, "single carried value")
    for name, declared in chart.states.items():
        if name not in listed and not declared.initial:
            what = f"a snapshot would lose the state {name}"
            report.say(at, what, f"add {name}: and the carried value that tells it")
    *before, last = snapshot.states
    for name in before:
        if snapshot.states[name] is None:
            what = f"null holds always, so that nothing after {name} would ever hold"
            report.say((*at, name), what, f"move {name} to the end")
    if snapshot.states[last] is not None:
        what = "an entry without any of these values would have no state"
        report.say((*at, last), what, "add a last state with null")
    if not report.mistakes:
        _check_telling(chart, report, snapshot)


class _Entry(NamedTuple):
    """A state, with the carried values that are surely set in it, and those that may be."""

    state: str
    surely: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()


def _check_telling(chart: Chart, report: Report, snapshot: Snapshot) -> None:
    """Check, for every way to a state, that its values would tell that state and no other."""
    seen: set[_Entry] = set()
    ahead = [_Entry(chart.initial)]
    while ahead:
        entry = ahead.pop()
        if entry in seen:
            continue
        seen.add(entry)
        for rule in chart.rules:
            if entry.state in rule.states:
                ahead.extend(_after(chart, entry, name) for name in rule.emit or ())
    earlier: dict[str, str] = {}
    for name, value in snapshot.states.items():
        at = ("snapshot", "states", name)
        for entry in (each for each in seen if each.state == name):
            if value is not None and value not in entry.surely:
                what = f"{value} may not be set in {name}, so that it does not tell this state"
                remedy = "let every event to it set that value from a field that is nonzero: true"
                report.say(at, what, remedy)
            for mark in sorted(earlier.keys() & entry.perhaps):
                what = f"{mark} may be set in {name}, too, and tells {earlier[mark]}"
                report.say(at, what, "let another value tell the states apart")
        if value is not None:
            earlier[value] = name


def _after(chart: Chart, entry: _Entry, name: str) -> _Entry:
    """The entry after an event; one in the initial state carries nothing."""
    event = chart.events[name]
    if chart.states[event.to].initial:
        return _Entry(event.to)
    sources = {value: str(source) for value, source in event.set.items()}
    surely = {
        value
        for value, field in sources.items()
        if event.fields[field].nonzero or event.when.get(field) == "nonzero"
    }
    perhaps = {value for value, field in sources.items() if event.when.get(field) != "zero"}
    return _Entry(
        event.to,
        entry.surely.difference(sources).union(surely),
        entry.perhaps.difference(sources).union(perhaps),
    )
