"""The base of generated asynchronous facades: a chart's commands as coroutine methods."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar
from uuid import UUID

from pingregistrywf.runtime.aio.attempted import Attempted, NotedIds
from pingregistrywf.runtime.aio.feed import AsyncFeed
from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.aio.stream import AsyncEventStream
from pingregistrywf.runtime.aio.topic import Topics
from pingregistrywf.runtime.engine import check_history
from pingregistrywf.runtime.errors import JournalClosedError, JournalError
from pingregistrywf.runtime.event_feed import EventChange
from pingregistrywf.runtime.facade import Facade
from pingregistrywf.runtime.ids import IdSource, Ulid, UlidSource, Vid
from pingregistrywf.runtime.journal.changes import Position
from pingregistrywf.runtime.values import Command, Event

if TYPE_CHECKING:
    from pingregistrywf.runtime.explanation import Explanation

S = TypeVar("S")
E = TypeVar("E", bound=Event)
C = TypeVar("C", bound=Command)


class AsyncFacade(Generic[S, E, C]):
    """A chart's commands on a journal, for the tasks of an event loop.

    It has the methods of the blocking facade, with the same arguments, results, errors and rules of
    versions.  The journal's threads run them.  All of them may also raise a ``JournalError`` that
    says that the journal is closed; those that may write, one that says that it is busy.

    A command whose task is cancelled is undone if no thread has begun it.  If one has, the command
    goes on, and may take effect; ``Attempted`` finds out.

    Args:
        journal: an ``AsyncJournal``.
        ids: where new event ids come from; the journal's clock and the system's randomness unless
            given.
        sleep: waits that many seconds, between two attempts under ``RETRY_NO_VC``, in a thread.
        jitter: returns a random number from 0 to 1: the part of the longest pause to wait.
    """

    _blocking_kind: ClassVar[type[Facade[Any, Any, Any]]]

    def __init__(
        self,
        journal: AsyncJournal,
        *,
        ids: IdSource | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        noted = noted_ids(journal, ids)
        self._run_on(
            journal, self._blocking_kind(journal.journal, ids=noted, sleep=sleep, jitter=jitter)
        )

    @classmethod
    def _on(cls, journal: AsyncJournal, blocking: Facade[Any, Any, Any]) -> Self:
        """Return the commands of a blocking facade on the same journal."""
        made = cls.__new__(cls)
        made._run_on(journal, blocking)
        return made

    def _run_on(self, journal: AsyncJournal, blocking: Facade[S, E, C]) -> None:
        self._journal = journal
        self._blocking = blocking
        self._topics = Topics(journal, blocking.engine)

    async def find_id(self, id: UUID) -> S:
        """Return the state of a history.

        Raises:
            UninitializedError: the history has no event, and the chart is not keyed.
            JournalError: whatever the journal raised.
        """
        return await self._journal.read(self._blocking.find_id, id)

    async def events(self, id: UUID) -> tuple[E, ...]:
        """Return the history's events, oldest first; none if it is empty or deleted.

        Raises:
            JournalError: whatever the journal raised.
        """
        return await self._journal.read(self._blocking.events, id)

    def follow(
        self,
        id: UUID,
        *,
        after: Ulid | None = None,
        until: float | None = None,
        restart: bool = False,
    ) -> AsyncEventStream[S, E]:
        """Return the history's events one by one, oldest first, and then those to come.

        Each event comes once.  A step of the stream waits for the next one::

            async for event in workflows.follow(id, after=state.vid):
                ...

        The stream ends when the history has ended, at the time limit, or when it is closed.  Any
        number of tasks may follow one history: it is read once for all that keep up.

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
            JournalError: the journal is closed; and a step raises whatever the journal raised.
        """
        check_history(id)
        self._journal.watch.check()
        if self._journal.watch.closed:
            raise JournalError(JournalClosedError())
        return AsyncEventStream(self._topics, id, after, until, restart=restart)

    def feed(self, after: Position | None = None) -> AsyncFeed[EventChange[E]]:
        """Return a feed of the events of all histories of this chart, made by any process.

        Each event comes once, in the order of commit, and so does each deletion of a history,
        whatever its chart was.

        Args:
            after: a position of an earlier feed of this journal, in any process; None to begin with
                what is stored.
        """
        return AsyncFeed(self._journal, self._blocking.feed, after)

    async def happened(self, id: UUID, attempted: Iterable[Ulid]) -> bool:
        """Return whether the history holds any of these events.

        Ask this after an error that is not definite: its ``attempted`` are the ids of the events
        that the command may have appended.  For a command whose task was cancelled, an
        ``Attempted`` has them: the answer then waits until the command is over.  The answer is no
        once the history is deleted, or trimmed behind the events.

        Raises:
            InvalidCommandError: no ids were given.
            JournalError: whatever the journal raised.
        """
        if isinstance(attempted, Attempted) and not await attempted.settled():
            check_history(id)
            return False
        return await self._journal.command(self._blocking.happened, id, attempted)

    async def explain(self, id: UUID, command: C) -> Explanation[E]:
        """Return what the command would do in the history as it is now, and why.

        Nothing is written.  By the time the command is sent, another one may have come first.

        Raises:
            InvalidCommandError: it is no command of this chart.
            JournalError: whatever the journal raised.
        """
        return await self._journal.read(self._blocking.explain, id, command)

    async def tell(self, id: UUID, vid: Vid, command: C) -> Ulid:
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
        return await self._journal.command(self._blocking.tell, id, vid, command)

    async def _begin(self, id: UUID, command: C, kind: type[C]) -> Ulid:
        return await self._journal.command(self._blocking._begin, id, command, kind)


def noted_ids(journal: AsyncJournal, ids: IdSource | None) -> NotedIds:
    """Return the source of ids of a blocking facade for this journal: ``Attempted`` notes them."""
    return NotedIds(ids if ids is not None else UlidSource(journal.journal.clock))
