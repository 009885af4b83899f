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
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from statemachine import StateChart
from statemachine.exceptions import TransitionNotAllowed
from statemachine.io import create_machine_class_from_definition

from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.vocabulary import Chart, Rule

DELETED: Final = "Deleted"
"""The state of a machine after a delete, until its id is free."""

Outcome: TypeAlias = Literal["emit", "noop", "reject", "delete"]
Transition: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command did.

    Attributes:
        outcome: emit, noop, reject or delete.
        event: the event emitted, if any.
        error: the error answered, if any.
        state: the state after it.
    """

    outcome: Outcome
    event: str | None
    error: str | None
    state: str


class OrderError(Exception):
    """The chart does not allow an event in a state.

    Attributes:
        event: the event.
        state: the state.
        position: how many events came before it.
    """

    def __init__(self, event: str, state: str, position: int) -> None:
        super().__init__(event, state, position)
        self.event = event
        self.state = state
        self.position = position

    def __str__(self) -> str:
        return f"event {self.position + 1}, {self.event}, is not allowed in {self.state}"


class Machine:
    """A history, or an entry of a keyed chart, run by python-statemachine.

    Args:
        chart: a chart that the reader accepted.
    """

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
        """Tell a command.

        Args:
            command: the command's name.
            same: whether the arguments that a rule compares are those carried.

        Raises:
            ValueError: the chart has no such command.
        """
        if command not in self.chart.commands:
            raise ValueError(f"{self.chart.chart} has no command {command}")
        try:
            outcome, event, error = self._machine.send(_command(command), same=same)
        except TransitionNotAllowed:
            outcome, event, error = "reject", None, self.chart.otherwise
        return Answer(outcome, event, error, self.state)

    def fold(self, events: Iterable[str]) -> str:
        """Replay events from the current state on; the state after them.

        Raises:
            OrderError: the chart does not allow one of them; the state is as before.
        """
        before = self.state
        for position, event in enumerate(events):
            try:
                self._machine.send(_event(event))
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
        _state(name): {
            "value": name,
            "initial": state.initial,
            "on": {**_commands(chart, name), **_events(chart, name)},
        }
        for name, state in chart.states.items()
    }
    if any(rule.delete for _, rule in _rules(chart)):
        states[_state(DELETED)] = {"value": DELETED, "on": _commands_when_deleted(chart)}
    return create_machine_class_from_definition(
        "ChartMachine",
        states,
        # What no transition handles is refused, and an error is an error.
        allow_event_without_transition=False,
        catch_errors_as_events=False,
        # A state that only rejects has no transition, and is none the less no trap to report.
        validate_trap_states=False,
    )


def _rules(chart: Chart) -> Iterator[tuple[str, Rule]]:
    for name, command in chart.commands.items():
        for rule in command.rules:
            yield name, rule


def _commands(chart: Chart, state: str) -> dict[str, list[Transition]]:
    """What each command does in a state."""
    return {
        _command(command): _transitions(chart, state, rule)
        for command, rule in _rules(chart)
        if state in rule.states
    }


def _commands_when_deleted(chart: Chart) -> dict[str, list[Transition]]:
    """What each command does to a deleted history: it reads as empty, but cannot begin again."""
    refused = _Answering("reject", error="HistoryDeletedError")
    return {
        _command(command): (
            [_stay(DELETED, refused)] if rule.emit else _transitions(chart, DELETED, rule)
        )
        for command, rule in _rules(chart)
        if chart.initial in rule.states
    }


def _transitions(chart: Chart, state: str, rule: Rule) -> list[Transition]:
    """One transition for a rule; two if it compares arguments."""
    if rule.emit:
        (event,) = rule.emit
        return [_go(chart.events[event].to, _Answering("emit", event=event))]
    if rule.delete:
        return [_go(DELETED, _Answering("delete"))]
    if rule.error:
        (error,) = rule.error
        return [_stay(state, _Answering("reject", error=error))]
    if rule.guard:
        other = _stay(state, _Answering("reject", error=rule.otherwise))
        return [{**_stay(state, _Answering("noop")), "cond": _Same().holds}, other]
    return [_stay(state, _Answering("noop"))]


def _events(chart: Chart, state: str) -> dict[str, list[Transition]]:
    """Where each event leads that a command can emit in a state."""
    emitted = {
        event for _, rule in _rules(chart) if state in rule.states for event in rule.emit or ()
    }
    return {_event(name): [{"target": _state(chart.events[name].to)}] for name in sorted(emitted)}


def _go(state: str, answering: _Answering) -> Transition:
    return {"target": _state(state), "on": answering.answer}


def _stay(state: str, answering: _Answering) -> Transition:
    return {"target": _state(state), "internal": True, "on": answering.answer}


@dataclass(frozen=True)
class _Answering:
    """What a transition answers: the library hands an action's value to whoever sent the event."""

    outcome: Outcome
    event: str | None = None
    error: str | None = None

    def answer(self) -> tuple[Outcome, str | None, str | None]:
        return self.outcome, self.event, self.error


class _Same:
    """A guard; the library calls it with the arguments that the event was sent with."""

    def holds(self, same: bool) -> bool:
        return same


def _state(name: str) -> str:
    return f"state_{name}"


def _command(name: str) -> str:
    return f"tell_{name}"


def _event(name: str) -> str:
    return f"apply_{name}"
