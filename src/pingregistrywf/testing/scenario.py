"""What a command does after certain events, said in one sentence: given, when, then.

    given(PingRegistryStarted(registry_id=registry)).when(CmdCommit()).then(StateConflictError)

The events, the command and what comes of it are values of one generated package, which may be that
of your own chart.  Everything happens on a journal in memory, by the way that a facade takes.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from pingregistrywf.runtime.behavior import Behavior
from pingregistrywf.runtime.engine import Engine
from pingregistrywf.runtime.errors import JournalError, WorkflowError
from pingregistrywf.runtime.ids import EPOCH, NO_VC, UlidSource, Vid
from pingregistrywf.runtime.journal import NO_HEAD, Entry, Head, open_journal
from pingregistrywf.runtime.values import Command, Event
from pingregistrywf.testing.clock import TurnedClock
from pingregistrywf.testing.generated import package_of

HISTORY: Final = UUID("00000000-0000-4000-8000-000000000001")
"""The id of the history in which everything happens."""


def given(*events: Event) -> Given:
    """Return the beginning of a sentence: a history that holds these events, oldest first.

    An event's payload is enough: an id or a parent that it lacks is filled in.
    """
    return Given(events)


class Given:
    """A history that holds certain events."""

    def __init__(self, events: tuple[Event, ...]) -> None:
        self._events = events

    def when(self, command: Command, vid: Vid = NO_VC) -> When:
        """Run a command on the history.

        Args:
            command: the command, with its arguments.
            vid: the expected vid, ``NO_VC`` or ``RETRY_NO_VC``.

        Raises:
            AssertionError: the chart does not allow the events that are given, in that order.
        """
        return When(self._events, command, vid)


class When:
    """A command that was run on a history, to be compared with what was expected of it.

    Attributes:
        events: the events that it appended, in order.
        error: what it raised, None if it raised nothing.
        deleted: whether it deleted the history.
        reason: why it did what it did, in the chart's words.
        state: the state after it.
    """

    def __init__(self, events: tuple[Event, ...], command: Command, vid: Vid) -> None:
        self._said = events, command
        clock = TurnedClock()
        with open_journal("memory:", clock=clock) as journal:
            ids = UlidSource(clock)
            behavior = _behavior_of(command)
            engine: Engine[Any, Event] = Engine(behavior, journal, ids=ids)
            head = _written(engine, ids, events)
            try:
                before = engine.find(HISTORY)
            except JournalError as error:
                raise AssertionError(f"the chart does not allow what is given: {error}") from error
            self.reason: Final = behavior(ids).explain(before, command).reason
            self.error: WorkflowError | None = None
            try:
                engine.tell(HISTORY, vid, command)
            except WorkflowError as error:
                self.error = error
            after = engine.events(HISTORY)
            self.deleted: Final = bool(head.vid) and not after
            self.events: Final = after if self.deleted else after[len(events) :]
            self.state: Final = engine.find(HISTORY)

    def then(self, *expected: Event | WorkflowError | type[WorkflowError]) -> None:
        """Assert what the command did: it appended exactly these events, or it raised this error.

        Of an event, an id or a parent is compared only if it is given.  Of an error, a class is
        enough; an error has the same fields as the one that was raised.  After an error nothing
        must have been written.
        """
        match expected:
            case (type() as kind,):
                self._assert(isinstance(self.error, kind), kind.__name__)
            case (WorkflowError() as error,):
                self._assert(self.error == error, repr(error))
            case _:
                shown = [_shown(each) for each in expected]
                appended = self.error is None and not self.deleted
                self._assert(appended and _agree(self.events, expected), *shown)
        if self.error is not None:
            self._assert(not self.events and not self.deleted, "nothing written")

    def then_nothing(self, reason: str | None = None) -> None:
        """Assert that the command did nothing, and for what reason if one is given."""
        nothing = self.error is None and not self.events and not self.deleted
        self._assert(nothing, "nothing")
        if reason is not None:
            self._assert(self.reason == reason, f"nothing, because: {reason}")

    def then_deleted(self) -> None:
        """Assert that the command deleted the history."""
        self._assert(self.error is None and self.deleted, "the history is deleted")

    def _assert(self, holds: bool, *expected: str) -> None:
        if holds:
            return
        events, command = self._said
        came = [_shown(each) for each in self.events]
        if self.error is not None:
            came = [repr(self.error)]
        elif self.deleted:
            came = ["the history is deleted"]
        elif not came:
            came = [f"nothing, because: {self.reason}" if self.reason else "nothing"]
        parts = {
            "given": [_shown(each) for each in events] or ["nothing"],
            "when": [_shown(command)],
            "expected": expected,
            "but came": came,
        }
        text = "\n".join(
            f"{name}\n" + "\n".join(f"    {line}" for line in lines)
            for name, lines in parts.items()
        )
        raise AssertionError(f"\n{text}")


def _behavior_of(command: Command) -> type[Behavior[Any, Event, Any]]:
    """The behavior of the package that a command was generated in."""
    behavior: type[Behavior[Any, Event, Any]] = package_of(type(command)).Behavior
    return behavior


def _written(engine: Engine[Any, Event], ids: UlidSource, events: tuple[Event, ...]) -> Head:
    """Write events into the history, and return its head."""
    head, chart = NO_HEAD, engine.declaration.identity
    for event in events:
        filled = {"id": event.id or ids.next(head.vid), "parent": event.parent or head.vid}
        whole = event.model_copy(update=filled)
        entry = Entry(whole.id, head.vid, whole.marshal_proto())
        head = engine.journal.commit(HISTORY, head, [entry], chart=chart)
    return head


def _agree(found: tuple[Event, ...], expected: tuple[Any, ...]) -> bool:
    if len(found) != len(expected):
        return False
    for event, wanted in zip(found, expected, strict=True):
        given = {name: getattr(wanted, name) for name in ("id", "parent") if getattr(wanted, name)}
        if wanted.model_copy(update={"id": event.id, "parent": event.parent} | given) != event:
            return False
    return True


def _shown(part: Any) -> str:
    """A command or an event as Python, without an id or a parent that is not given."""
    if isinstance(part, Event):
        fields = (
            f"{name}={value!r}"
            for name, value in part
            if name not in ("id", "parent") or value != EPOCH
        )
        return f"{type(part).__name__}({', '.join(fields)})"
    return repr(part)
