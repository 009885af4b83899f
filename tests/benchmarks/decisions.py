"""Commands in memory: deciding, and what follows without a journal."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from pingregistrywf import (
    Advancer,
    Behavior,
    CmdAppendPing,
    CmdCommit,
    CmdInit,
    Event,
    State,
    StateConflictError,
)

from .figures import Row, Side, at_least
from .measuring import Scale, interleaved, repeated
from .peers import MachineError, Statechart, TransitionNotAllowed, Triggered
from .stock import MESSAGE


class InMemory:
    """A workflow without a journal, to which pings are appended."""

    def __init__(self) -> None:
        self._behavior, self._advancer = Behavior(), Advancer()
        self._state: State = self._behavior.new_state(uuid4())
        (started,) = self._behavior.tell(self._state, CmdInit(registry_id=uuid4()))
        self._state = self._advancer.advance(self._state, started)

    def append(self) -> bytes:
        """Append a ping; return its event's bytes."""
        command = CmdAppendPing(code=0, message=MESSAGE)
        event: Event
        (event,) = self._behavior.tell(self._state, command)
        data = event.marshal_proto()
        self._state = self._advancer.advance(self._state, event)
        return data

    def refuse(self) -> None:
        """Send a command that the chart refuses."""
        self._behavior.tell(self._state, CmdCommit())


def refused(act: Callable[[], object], error: type[Exception]) -> Callable[[], None]:
    """Return an act that must be refused with an error."""

    def attempt() -> None:
        try:
            act()
        except error:
            return
        raise AssertionError("it was not refused")

    return attempt


def rows(scale: Scale) -> list[Row]:
    """Measure an accepted and a rejected command."""
    ours, chart, triggered = InMemory(), Statechart(), Triggered()
    ours.append()
    for begin in ("init", "append_ping"):
        chart.send(begin)
        triggered.trigger(begin)  # type: ignore[attr-defined]  # the library adds it
    acts: dict[str, Callable[[], object]] = {
        "append": ours.append,
        "append: statemachine": lambda: chart.send("append_ping"),
        "append: transitions": triggered.append_ping,  # type: ignore[attr-defined]  # likewise
        "refuse": refused(ours.refuse, StateConflictError),
        "refuse: statemachine": refused(lambda: chart.send("commit"), TransitionNotAllowed),
        "refuse: transitions": refused(
            triggered.commit,  # type: ignore[attr-defined]  # likewise
            MachineError,
        ),
    }
    found = interleaved(
        {name: repeated(act, scale.seconds) for name, act in acts.items()}, scale.rounds
    )
    append, refuse = "a command in memory", "a rejection"
    appending = Side(
        "ours",
        "makes AppendPing, decides, makes the event with its id, encodes it, and advances the state"
        " by it",
        found["append"],
    )
    refusing = Side(
        "ours",
        "makes Commit, which the state refuses, decides, and catches the error",
        found["refuse"],
    )
    send = Side(
        "python-statemachine, `send`",
        "sends `append_ping`, a self-transition without callbacks",
        found["append: statemachine"],
    )
    trigger = Side(
        "transitions, trigger",
        "calls `append_ping()`, a reflexive transition without callbacks",
        found["append: transitions"],
    )
    return [
        Row("command.statemachine", append, appending, send, at_least(12)),
        Row("command.transitions", append, appending, trigger, at_least(1)),
        Row("rejection.statemachine", refuse, refusing, send, at_least(60)),
        Row(
            "rejection.statemachine-refused",
            refuse,
            refusing,
            Side(
                "python-statemachine, refused `send`",
                "sends `commit`, which the state refuses, and catches the error",
                found["refuse: statemachine"],
            ),
        ),
        Row(
            "rejection.transitions-refused",
            refuse,
            refusing,
            Side(
                "transitions, refused trigger",
                "calls `commit()`, which the state refuses, and catches the error",
                found["refuse: transitions"],
            ),
        ),
    ]
