"""The chart, run by python-statemachine: a second engine, to check the first one by.

It is built from the rules as they were written and knows nothing of the lowered table, so that a
mistake in either shows where the two disagree.  Every rule becomes a transition; where no rule
holds there is none, and the library refuses the command.  Only tests and the conformance runner use
it; it needs the extra ``model``.

A machine is one history, or one entry of a keyed chart.  It knows states, not what is carried:
whether arguments are those carried, the caller says.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from statemachine import StateChart
from statemachine.exceptions import TransitionNotAllowed
from statemachine.io import create_machine_class_from_definition

from pingregistrywf.chart.ir import DELETED, HISTORY_DELETED, Model
from pingregistrywf.chart.vocabulary import Chart, Rule

Transition: TypeAlias = dict[str, Any]


class Answer(NamedTuple):
    """What a command did: emit, noop, reject or delete, with what, and the state after it."""

    outcome: str
    event: str | None
    error: str | None
    state: str


class OrderError(Exception):
    """The chart does not allow an event in a state; ``position`` events came before it."""

    def __init__(self, event: str, state: str, position: int) -> None:
        super().__init__(event, state, position)
        self.event = event
        self.state = state
        self.position = position

    def __str__(self) -> str:
        return f"event {self.position + 1}, {self.event}, is not allowed in {self.state}"


class Machine:
    """A history, or an entry of a keyed chart, run by python-statemachine."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self._machine = machine_class(chart)()

    @property
    def state(self) -> str:
        """The name of the current state, or ``Deleted``."""
        return str(self._machine.current_state_value)

    def reset(self, state: str | None = None) -> None:
        """Start again, in the initial state or in another; cheaper than a new machine."""
        self._machine.current_state_value = self.chart.initial if state is None else state

    def tell(self, command: str, *, same: bool = True) -> Answer:
        """Tell a command; ``same`` says whether the arguments that a rule compares are carried.

        Raises:
            ValueError: the chart has no such command.
        """
        if command not in self.chart.commands:
            raise ValueError(f"{self.chart.chart} has no command {command}")
        try:
            answer: Answer = self._machine.send(f"tell_{command}", same=same)
        except TransitionNotAllowed:
            return Answer("reject", None, self.chart.otherwise, self.state)
        return answer

    def fold(self, events: Iterable[str]) -> str:
        """Replay events from the current state on; the state after them.

        Raises:
            OrderError: the chart does not allow one of them; the state is as before.
        """
        before = self.state
        for position, event in enumerate(events):
            try:
                self._machine.send(f"apply_{event}")
            except TransitionNotAllowed:
                refused = OrderError(event, self.state, position)
                self.reset(before)
                raise refused from None
        return self.state


def machines(model: Model) -> dict[str, Machine]:
    """A machine for each chart of a lowered model, made from the charts as they were written."""
    return {name: Machine(chart) for name, chart in model.source.items()}


def machine_class(chart: Chart) -> type[StateChart[Any]]:
    """The python-statemachine class of a chart, made once for each."""
    known = _classes.get(id(chart))
    if known is None:
        known = _classes[id(chart)] = _build(chart)
        weakref.finalize(chart, _classes.pop, id(chart), None)
    return known


_classes: Final[dict[int, type[StateChart[Any]]]] = {}


def _build(chart: Chart) -> type[StateChart[Any]]:
    # The library takes the definition apart, so each is made afresh and used once.  Names are
    # prefixed because states and events become attributes beside the library's own.
    states: dict[str, Any] = {
        f"state_{name}": {
            "value": name,
            "initial": state.initial,
            "on": {**_commands(chart, name), **_events(chart, name)},
        }
        for name, state in chart.states.items()
    }
    if chart.deletes:
        states[f"state_{DELETED}"] = {"value": DELETED, "on": _commands_when_deleted(chart)}
    return create_machine_class_from_definition(
        "ChartMachine",
        states,
        # What no transition handles is refused, and an error is an error.
        allow_event_without_transition=False,
        catch_errors_as_events=False,
        # A state that only rejects has no transition, and is none the less no trap to report.
        validate_trap_states=False,
    )


def _rules(chart: Chart, state: str) -> Iterator[tuple[str, Rule]]:
    """Each command that has or had a rule for a state, and the rule."""
    for name, command in chart.commands.items():
        for rule in command.rules:
            if state in rule.states:
                yield name, rule


def _commands(chart: Chart, state: str) -> dict[str, list[Transition]]:
    """What each command does in a state."""
    return {
        f"tell_{command}": _transitions(chart, state, rule)
        for command, rule in _rules(chart, state)
        if not rule.retired
    }


def _commands_when_deleted(chart: Chart) -> dict[str, list[Transition]]:
    """What each command does to a deleted history: it reads as empty, but cannot begin again."""
    refused = Answer("reject", None, HISTORY_DELETED, DELETED)
    return {
        f"tell_{command}": ([_stay(refused)] if rule.emit else _transitions(chart, DELETED, rule))
        for command, rule in _rules(chart, chart.initial)
        if not rule.retired
    }


def _transitions(chart: Chart, state: str, rule: Rule) -> list[Transition]:
    """One transition for a rule; two if it compares arguments."""
    if rule.emit:
        (event,) = rule.emit
        return [_go(Answer("emit", event, None, chart.events[event].to))]
    if rule.delete:
        return [_go(Answer("delete", None, None, DELETED))]
    if rule.error:
        (error,) = rule.error
        return [_stay(Answer("reject", None, error, state))]
    noop = _stay(Answer("noop", None, None, state))
    if rule.guard:
        return [{**noop, "cond": _holds}, _stay(Answer("reject", None, rule.otherwise, state))]
    return [noop]


def _events(chart: Chart, state: str) -> dict[str, list[Transition]]:
    """Where each event leads that a command emits in a state, or emitted by a retired rule."""
    emitted = {event for _, rule in _rules(chart, state) for event in rule.emit or ()}
    return {
        f"apply_{name}": [{"target": f"state_{chart.events[name].to}"}] for name in sorted(emitted)
    }


def _go(answer: Answer) -> Transition:
    """A transition; the library hands an action's value to whoever sent the event."""
    return {"target": f"state_{answer.state}", "on": lambda: answer}


def _stay(answer: Answer) -> Transition:
    return {**_go(answer), "internal": True}


def _holds(same: bool) -> bool:
    """A guard; the library calls it with the arguments that the event was sent with."""
    return same
