"""The base of generated facades: a chart's commands as methods, on a journal."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar
from uuid import UUID

from pingregistrywf.runtime.behavior import Behavior
from pingregistrywf.runtime.engine import Engine, check_history
from pingregistrywf.runtime.errors import InvalidCommandError, UninitializedError
from pingregistrywf.runtime.event_feed import EventFeed
from pingregistrywf.runtime.ids import EPOCH, NO_VC, IdSource, Ulid, Vid
from pingregistrywf.runtime.journal.changes import Position
from pingregistrywf.runtime.journal.protocol import FeedJournal, WorkflowJournal
from pingregistrywf.runtime.stream import EventStream
from pingregistrywf.runtime.values import Command, Event

if TYPE_CHECKING:
    from pingregistrywf.runtime.explanation import Explanation

S = TypeVar("S")
E = TypeVar("E", bound=Event)
C = TypeVar("C", bound=Command)


class Facade(Generic[S, E, C]):
    """A chart's commands on a journal.

    Threads may share a facade, and so may both sides of a fork if they may share its journal, as on
    SQLite (documentation: What may be shared).

    Args:
        journal: where the events rest; ``open_journal`` opens one.
        ids: where new event ids come from; the journal's clock and the system's randomness unless
            given.
        sleep: waits that many seconds, between two attempts under ``RETRY_NO_VC``.
        jitter: returns a random number from 0 to 1: the part of the longest pause to wait.
    """

    behavior: ClassVar[type[Behavior]]  # type: ignore[type-arg]  # of S, E and C, which ClassVar bars

    def __init__(
        self,
        journal: WorkflowJournal,
        *,
        ids: IdSource | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.engine: Engine[S, E] = Engine(
            self.behavior, journal, ids=ids, sleep=sleep, jitter=jitter
        )

    def find_id(self, id: UUID) -> S:
        """Return the state of a history.

        Raises:
            UninitializedError: the history has no event, and the chart is not keyed.
            JournalError: whatever the journal raised.
        """
        state = self.engine.find(id)
        if self.engine.declaration.keyed is None and not getattr(state, "vid", EPOCH):
            raise UninitializedError(id)
        return state

    def events(self, id: UUID) -> tuple[E, ...]:
        """Return the history's events, oldest first; none if it is empty or deleted.

        Raises:
            JournalError: whatever the journal raised.
        """
        return self.engine.events(id)

    def follow(
        self,
        id: UUID,
        *,
        after: Ulid | None = None,
        until: float | None = None,
        restart: bool = False,
    ) -> EventStream[S, E]:
        """Return the history's events one by one, oldest first, and then those to come.

        Each event comes once.  A step of the stream waits for the next one::

            for event in workflows.follow(id, after=state.vid):
                ...

        The stream ends when the history has ended, at the time limit, or when it is closed, which
        any thread may do; it is also a context manager.

        Args:
            id: which history.
            after: the vid of the event to begin after; the first event that is there unless given.
            until: when to end, in seconds since the Unix epoch on the journal's clock; what is
                committed by then is given.
            restart: what to do when a trim has removed events that were not given yet: go on with
                those of the snapshot, the first of which is ``restarted``, instead of an error.

        Raises:
            InvalidCommandError: the id is not a UUID, or nil.
            PositionGoneError: a step raises it if events after the last one are gone: trimmed,
                deleted, or of an earlier history of that id.
            JournalError: a step raises whatever the journal raised.
        """
        check_history(id)
        return EventStream(self.engine, id, after, until, restart=restart)

    def feed(self, after: Position | None = None) -> EventFeed[E]:
        """Return a feed of the events of all histories of this chart, made by any process.

        Each event comes once, in the order of commit, and so does each deletion of a history,
        whatever its chart was::

            for change in workflows.feed(position):
                match change:
                    case Recorded(history, position, event):
                        ...
                    case Deleted(history, position):
                        ...

        Args:
            after: a position of an earlier feed of this journal, in any process; None to begin with
                what is stored.

        Raises:
            TypeError: the journal has no feed.
            JournalError: whatever the journal raised.
        """
        journal = self.engine.journal
        if not isinstance(journal, FeedJournal):
            raise TypeError(f"a {type(journal).__name__} has no feed")
        return EventFeed(self.engine.declaration, journal, after)

    def happened(self, id: UUID, attempted: Iterable[Ulid]) -> bool:
        """Return whether the history holds any of these events.

        Ask this after an error that is not definite: its ``attempted`` are the ids of the events
        that the command may have appended.  The answer is no once the history is deleted, or
        trimmed behind the events.

        Raises:
            InvalidCommandError: no ids were given.
            JournalError: whatever the journal raised.
        """
        return self.engine.happened(id, attempted)

    def explain(self, id: UUID, command: C) -> Explanation[E]:
        """Return what the command would do in the history as it is now, and why.

        Nothing is written.  By the time the command is sent, another one may have come first.

        Raises:
            InvalidCommandError: it is no command of this chart.
            JournalError: whatever the journal raised.
        """
        explained: Explanation[E] = self.behavior().explain(self.engine.find(id), command)
        return explained

    def tell(self, id: UUID, vid: Vid, command: C) -> Ulid:
        """Run a command; the methods of the commands do the same.

        Args:
            id: which history.
            vid: the expected vid, ``NO_VC`` or ``RETRY_NO_VC``.  A command that begins a history
                ignores it.
            command: a command of this chart, with its arguments.

        Returns:
            The vid after the command; the epoch if the history was deleted.

        Raises:
            InvalidCommandError: it is no command of this chart; nothing was read.
            BehaviorError: the chart refuses the command.
            JournalError: a version conflict, or another error of the journal.
        """
        return self.engine.tell(id, vid, command).vid

    def _begin(self, id: UUID, command: C, kind: type[C]) -> Ulid:
        if type(command) is not kind:
            raise InvalidCommandError(f"the command is a {kind.__name__}, not {command!r}")
        return self.tell(id, NO_VC, command)
