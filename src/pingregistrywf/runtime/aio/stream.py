"""The events of one history as they come, for ``async for``.

A stream has no thread.  It shares what is read with the other streams of its history, as ``topic``
says, and gives what the blocking ``EventStream`` gives: ``StreamPosition`` decides for both.
"""

from __future__ import annotations

import asyncio
from typing import Final, Generic, Self, TypeVar
from uuid import UUID

from pingregistrywf.runtime.aio.topic import Look, Topics, wake
from pingregistrywf.runtime.engine import Checkpoint
from pingregistrywf.runtime.errors import JournalClosedError, PositionGoneError
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.stream import StreamPosition
from pingregistrywf.runtime.values import Event
from pingregistrywf.runtime.waiting import seconds_until

S = TypeVar("S")
E = TypeVar("E", bound=Event)

GIVEN_AT_ONCE: Final = 100
"""How many events a stream gives before it lets other tasks run."""


class AsyncEventStream(Generic[S, E]):
    """An asynchronous iterator over the events of one history, those to come included.

    It ends when the history ends, at a time limit, or when the stream or the journal is closed.
    One task iterates.  A step that is cancelled loses no event: the next step gives it.  A stream
    that nobody holds any more leaves nothing behind.
    """

    def __init__(
        self,
        topics: Topics[S, E],
        history: UUID,
        after: Ulid | None = None,
        until: float | None = None,
        *,
        restart: bool = False,
    ) -> None:
        self._journal: Final = topics.journal
        self._topic: Final = topics[history]
        self._until: Final = until
        self._position: Final = StreamPosition(topics.engine, history, after, restart=restart)
        self._number: int | None = None
        """The topic's last change when all that follows was read; None if a look is due."""
        self._is_last_look = False
        self._waiter: asyncio.Future[None] | None = None
        self._given = 0
        self._is_reading = False
        self._closed = False

    @property
    def restarted(self) -> bool:
        """Whether the event given last begins the history anew, after a trim has removed events
        that the stream had not given."""
        return self._position.restarted

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        """Return the next event, and wait for it if there is none yet.

        Raises:
            PositionGoneError: events that were not given yet are gone, or the whole history is.
            JournalError: whatever the journal raised; the next step tries again.
            Exception: what else the backend raised as it waited for changes.
        """
        self._given += 1
        if self._given % GIVEN_AT_ONCE == 0:
            await asyncio.sleep(0)
        if not self._position:
            if self._is_reading:
                raise RuntimeError("another task waits for an event of this stream")
            self._is_reading = True
            try:
                await self._read_on()
            finally:
                self._is_reading = False
        return self._position.give()

    def close(self) -> None:
        """End the stream; a task that waits for an event gets none.

        Only the event loop's thread may call it.
        """
        self._closed = True
        if self._waiter is not None:
            wake(self._waiter)

    async def aclose(self) -> None:
        """Close it, for ``contextlib.aclosing``."""
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def _read_on(self) -> None:
        """Read until there is an event, or the stream ends."""
        while not self._position:
            if self._number is not None and not self._closed:
                await self._wait(self._number)
            if not (self._journal.watch.is_on or self._closed):
                await self._journal.watch.begin()
            if self._closed or self._topic.ended:
                raise StopAsyncIteration
            self._number = None
            since = self._position.since
            kept = None if self._is_last_look else self._topic.kept(since)
            self._take(kept or await self._look(since))

    async def _wait(self, number: int) -> None:
        """Wait until a look may find more; close the stream if none will."""
        if self._is_last_look or not self._position.goes_on:
            self.close()
            return
        limit = None
        if self._until is not None:
            limit = seconds_until(self._until, self._journal.journal.clock)
            self._is_last_look = limit == 0
        if not self._is_last_look:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._topic.wait(number, self._position.read, limit, self._waiter)
            finally:
                self._waiter = None

    async def _look(self, since: Checkpoint[S] | None) -> Look[S, E]:
        """Read, together with the other streams; the last look is this stream's own."""
        read = self._topic.now if self._is_last_look else self._topic.after
        try:
            return await read(since)
        except JournalClosedError:
            raise StopAsyncIteration from None

    def _take(self, look: Look[S, E]) -> None:
        try:
            self._position.take(look.changes)
        except PositionGoneError:
            self.close()
            raise
        self._number = look.number
