"""What the streams of one history share: its changes, read once and decoded once.

A reader asks for what follows a place.  Whoever asks for the same place at the same time shares one
read, and what the last reads gave is kept for those who come a little later.  So readers that keep
up share everything.  One that is further behind reads for itself, and nobody waits for it.

When the history changes, the topic reads on from where a reader waits, and then wakes the readers:
each finds the changes at hand.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.engine import Changes, Checkpoint, Engine
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.values import Event

S = TypeVar("S")
E = TypeVar("E", bound=Event)

MOST_KEPT: Final = 1000
"""How many events a topic keeps for readers that come later."""


@dataclass(frozen=True, slots=True)
class Look(Generic[S, E]):
    """Changes that were read, and the number of the topic's last change when that read began."""

    changes: Changes[S, E]
    number: int


class Topic(Generic[S, E]):
    """One history, in one event loop.

    Attributes:
        number: how many times the history may have changed so far.
        ended: whether no more changes will be told.
    """

    def __init__(self, topics: Topics[S, E], history: UUID) -> None:
        self.number = 0
        self.ended = topics.journal.watch.closed
        self._topics: Final = topics  # which nobody else may hold any more
        self._history: Final = history
        self._waiters: dict[asyncio.Future[None], Ulid | None] = {}
        self._newest: Checkpoint[S] | None = None
        self._reads: dict[Ulid | None, asyncio.Task[Look[S, E]]] = {}
        self._kept: dict[Ulid, Look[S, E]] = {}
        self._kept_events = 0

    def kept(self, since: Checkpoint[S] | None) -> Look[S, E] | None:
        """Return what follows a place, if it was read lately."""
        return None if since is None else self._kept.get(since.head.vid)

    async def after(self, since: Checkpoint[S] | None) -> Look[S, E]:
        """Return what follows a place, or begins the history: perhaps as it was a moment ago.

        Raises:
            JournalError: whatever the journal raised.
        """
        kept = self.kept(since)
        if kept is not None:
            return kept
        vid = since.head.vid if since else None
        if vid not in self._reads:
            self._begin(since)
        return await asyncio.shield(self._reads[vid])

    async def now(self, since: Checkpoint[S] | None) -> Look[S, E]:
        """Return what follows a place, or begins the history, as it is now.

        Raises:
            JournalError: whatever the journal raised.
        """
        number = self.number
        read_on = self._topics.engine.read_on
        changes = await self._topics.journal.read(read_on, self._history, since, whole=True)
        return Look(changes, number)

    async def wait(
        self,
        number: int,
        at: Checkpoint[S] | None = None,
        timeout: float | None = None,
        waiter: asyncio.Future[None] | None = None,
    ) -> None:
        """Wait for a change after that of a number.

        Args:
            number: the number of the change; ``Look`` has it, too.
            at: the place after which the caller's last look found nothing.
            timeout: how many seconds to wait at most; None for no limit.
            waiter: a future whose result ends the wait early.
        """
        if self.number != number or self.ended:
            return
        loop = asyncio.get_running_loop()
        waiter = waiter or loop.create_future()
        self._waiters[waiter] = at.head.vid if at else None
        self._newest = at or self._newest
        timer = None
        if timeout is not None:
            timer = loop.call_later(timeout, wake, waiter)
        try:
            await waiter
        finally:
            self._waiters.pop(waiter, None)
            if timer is not None:
                timer.cancel()

    def changed(self) -> None:
        """The history may have changed: read on if anybody waits."""
        self.number += 1
        if self._waiters:
            self._read_on()

    def end(self) -> None:
        """Wake all: no more changes will be told."""
        self.ended = True
        self._wake()

    def _read_on(self) -> None:
        newest = self._newest
        if newest is None or newest.head.vid in self._kept:
            self._wake()
        elif newest.head.vid not in self._reads:
            self._begin(newest)

    def _begin(self, since: Checkpoint[S] | None) -> None:
        vid = since.head.vid if since else None
        read = self._reads[vid] = asyncio.create_task(self.now(since))
        read.add_done_callback(partial(self._take, vid))

    def _take(self, vid: Ulid | None, read: asyncio.Task[Look[S, E]]) -> None:
        """Keep what was read, and wake those who wait for it."""
        del self._reads[vid]
        if read.cancelled() or read.exception() is not None:
            self._wake()
            return
        look = read.result()
        changes = look.changes
        if vid and (changes.events or not changes.continues):
            self._keep(vid, look)
        self._wake(but_at=changes.checkpoint.head.vid)
        if look.number != self.number and self._waiters:
            self._newest = changes.checkpoint
            self._read_on()

    def _keep(self, vid: Ulid, look: Look[S, E]) -> None:
        self._kept[vid] = look
        self._kept_events += len(look.changes.events)
        while self._kept_events > MOST_KEPT or len(self._kept) > MOST_KEPT:
            oldest = self._kept.pop(next(iter(self._kept)))
            self._kept_events -= len(oldest.changes.events)

    def _wake(self, but_at: Ulid | None = None) -> None:
        """Wake those who wait, but not where nothing follows."""
        for waiter, at in tuple(self._waiters.items()):
            if at is None or at != but_at:
                wake(waiter)


class Topics(Generic[S, E]):
    """The topics of an engine: a listener of the journal's watch.  One that nobody uses is gone."""

    def __init__(self, journal: AsyncJournal, engine: Engine[S, E]) -> None:
        self.journal: Final = journal
        self.engine: Final = engine
        self._topics: WeakValueDictionary[UUID, Topic[S, E]] = WeakValueDictionary()
        journal.watch.add(self)

    def __getitem__(self, history: UUID) -> Topic[S, E]:
        topic = self._topics.get(history)
        if topic is None:
            topic = self._topics[history] = Topic(self, history)
        return topic

    def changed(self, histories: frozenset[UUID] | None) -> None:
        """Tell the topics of the histories that changed; all if nobody knows which."""
        if histories is None:
            for topic in tuple(self._topics.values()):
                topic.changed()
            return
        for history in histories:
            found = self._topics.get(history)
            if found is not None:
                found.changed()

    def ended(self) -> None:
        """End every topic."""
        for topic in tuple(self._topics.values()):
            topic.end()


def wake(waiter: asyncio.Future[Any]) -> None:
    """End a wait, unless it is over."""
    if not waiter.done():
        waiter.set_result(None)
