"""A behaviour, line by line: the step, who takes it, what it is, and what it changes.

The variables of a generated system are the histories of each chart by their ids, the operation that
each participant runs, and the number of crashes.  A change of one of these is put into words.  Any
other variable is shown with the values that change, so that a behaviour of another module can be
read, too; who takes a step and the state that it leads to are empty there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pyrsistent import PMap

from pingregistrywf.chart.ir import Chart
from pingregistrywf.formal.trace import Trace
from pingregistrywf.formal.values import ModelValue, Value, tla_text

RUNNING: Final = "running"
"""The variable that has the operation of each participant, and the step that comes next."""
IDLE: Final = "none"
"""The operation of a participant that runs none."""
CRASHES: Final = "crashes"
"""The variable that counts crashes."""
TYPE: Final = "type"
"""The field of an event with its name in the chart."""
AUTHOR: Final = "by"
"""The field of an event that says who appended it, where the model notes that."""


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a behaviour.

    Attributes:
        step: its number, from 1 for the initial state.
        who: who takes it; empty if nobody is known.
        what: what happens.
        state: the state that it leads to; empty if it leads nowhere.
        details: what else is worth knowing, in words.
    """

    step: int
    who: str
    what: str
    state: str
    details: tuple[str, ...]


def timeline(trace: Trace, charts: Mapping[str, Chart]) -> Iterator[Line]:
    """Yield a line for each state of a behaviour, and one that says how it goes on for ever.

    Args:
        trace: the behaviour.
        charts: the charts of the system, by the names of the variables with their histories.
    """
    before: Mapping[str, Value] | None = None
    for state in trace.states:
        if before is None:
            details = _initial_details(state.variables, charts)
            yield Line(state.number, "", "initial state", "", tuple(details))
        else:
            step = _Step(before, state.variables, charts)
            yield Line(state.number, step.who, state.action, step.state, tuple(step.details()))
        before = state.variables
    if trace.lasso is not None:
        number, lasso = len(trace.states) + 1, trace.lasso
        if lasso.action:
            yield Line(number, "", lasso.action, "", (f"back to step {lasso.number}, for ever",))
        else:
            yield Line(number, "", "stuttering", "", ("nothing happens any more",))


def _initial_details(variables: Mapping[str, Value], charts: Mapping[str, Chart]) -> Iterator[str]:
    """Yield the values at the start, but for those of a system, where nothing has happened yet."""
    for name, value in variables.items():
        if name not in (*charts, RUNNING, CRASHES):
            yield f"{name} = {tla_text(value)}"


class _Appended(NamedTuple):
    """An event that a step appends to a history: the history, the chart, and the event."""

    history: str
    chart: Chart
    event: Mapping[str, Value]


class _Step:
    """A step of a system: the variables before and after it."""

    def __init__(
        self, before: Mapping[str, Value], after: Mapping[str, Value], charts: Mapping[str, Chart]
    ) -> None:
        self._before, self._after, self._charts = before, after, charts
        self._appended = tuple(self._find_appended())

    @property
    def who(self) -> str:
        """Those whose operation goes on or ends, else the one that the new event names."""
        changed = sorted(tla_text(each) for each, *_ in self._changed(RUNNING))
        authors = (appended.event.get(AUTHOR) for appended in self._appended)
        return ", ".join(changed or (tla_text(each) for each in authors if each is not None))

    @property
    def state(self) -> str:
        """The state to which the new event leads its history."""
        states = [
            appended.chart.events[str(appended.event[TYPE])].to for appended in self._appended
        ]
        return (states and states[-1]) or ""

    def details(self) -> Iterator[str]:
        """Yield what the step changes, in words."""
        for history, _, event in self._appended:
            names = sorted(event.keys() - {TYPE, AUTHOR})
            fields = (f" {name} {tla_text(event[name])}" for name in names)
            yield f"{history} + {event[TYPE]}{''.join(fields)}"
        for name in self._charts:
            for key, before, after in self._changed(name):
                if before["deleted"] != after["deleted"]:
                    what = "is deleted" if after["deleted"] else "is free again"
                    yield f"{name}[{tla_text(key)}] {what}"
        crashed = self._before.get(CRASHES) != self._after.get(CRASHES)
        for _, before, after in self._changed(RUNNING):
            if after["operation"] != IDLE:
                yield f"{_running(after)}: step {after['step']} comes next"
            elif not crashed:
                yield f"{_running(before)} ends"
        if crashed:
            yield "crashes before it learns the answer"
        for name, value in self._after.items():
            if name not in (*self._charts, RUNNING, CRASHES):
                yield from _changes(name, self._before[name], value)

    def _find_appended(self) -> Iterator[_Appended]:
        for name, chart in self._charts.items():
            for key, before, after in self._changed(name):
                history = f"{name}[{tla_text(key)}]"
                for event in after["events"][len(before["events"]) :]:
                    yield _Appended(history, chart, event)

    def _changed(self, name: str) -> Iterator[tuple[Value, Any, Any]]:
        """Yield each argument for which a function has changed, with both values."""
        before, after = self._before.get(name), self._after.get(name)
        if isinstance(before, PMap) and isinstance(after, PMap):
            for key in sorted(after, key=tla_text):
                if before[key] != after[key]:
                    yield key, before[key], after[key]


def _running(run: Mapping[str, Value]) -> str:
    """Return the operation that is being run, and on what."""
    inputs = [str(run[name]) for name in sorted(run) if isinstance(run[name], ModelValue)]
    return f"{run['operation']} ({', '.join(inputs)})" if inputs else str(run["operation"])


def _changes(place: str, before: Value | None, after: Value) -> Iterator[str]:
    """Yield what has changed at a place, each change where it is in records and functions."""
    if before == after:
        return
    match before, after:
        case PMap(), PMap() if before.keys() == after.keys():
            for key in sorted(after, key=tla_text):
                inner = f"{place}.{key}" if isinstance(key, str) else f"{place}[{tla_text(key)}]"
                yield from _changes(inner, before[key], after[key])
        case tuple(), tuple() if before == after[: len(before)]:
            yield from (f"{place} + {tla_text(each)}" for each in after[len(before) :])
        case _:
            yield f"{place} = {tla_text(after)}"
