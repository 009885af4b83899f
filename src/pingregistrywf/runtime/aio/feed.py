"""Every change to all histories of a journal as it comes, for ``async for``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final, Generic, ParamSpec, Protocol, Self, TypeVar
from uuid import UUID

from pingregistrywf.runtime.aio.watch import Watch
from pingregistrywf.runtime.errors import CorruptedDataError, JournalClosedError
from pingregistrywf.runtime.journal.changes import Position
from pingregistrywf.runtime.journal.feed import READ_AT_ONCE

P = ParamSpec("P")
R = TypeVar("R")


class Change(Protocol):
    """A change of either kind of feed: of a journal, or of a facade."""

    @property
    def position(self) -> Position:
        """Where a reader goes on after this change."""


T = TypeVar("T", bound=Change)
T_co = TypeVar("T_co", bound=Change, covariant=True)


class Readable(Protocol[T_co]):
    """A blocking feed, as far as it is needed here."""

    @property
    def position(self) -> Position | None:
        """Where the feed goes on."""

    def read(self, limit: int) -> Sequence[T_co]:
        """Return the next changes, at most ``limit``."""


class Threads(Protocol):
    """What a feed needs of its journal: a watch, and threads that read."""

    @property
    def watch(self) -> Watch:
        """What tells of changes."""

    async def read(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Make a blocking call that only reads."""


class AsyncFeed(Generic[T]):
    """A reader of every change to all histories, from the past into the present.

    It gives what the blocking feed of the journal, or of the facade, gives, in the same order, with
    the same positions and errors.  One task reads.  A step that is cancelled loses no change.

    Attributes:
        position: where this feed goes on; None before anything was read from the beginning.  Store
            it in one transaction with what you make of the changes: then no change is missed, and
            none is applied twice.
    """

    def __init__(
        self,
        journal: Threads,
        open_feed: Callable[[Position | None], AbstractContextManager[Readable[T]]],
        after: Position | None,
    ) -> None:
        self.position = after
        self._journal: Final = journal
        self._open_feed: Final = open_feed
        self._changes: deque[T] = deque()
        self._end: Position | None = None
        """The position after the changes that were read and not given yet, when they are given."""
        self._changed = asyncio.Event()
        self._changed.set()  # what was committed before the watch began is not told
        self._closed = journal.watch.closed
        journal.watch.add(self)

    async def read(self, limit: int = READ_AT_ONCE) -> Sequence[T]:
        """Return the next changes, at most ``limit``; none if there is none at the moment.

        Raises:
            FeedPositionGoneError: what came after ``position`` cannot be told any more: rebuild
                from the beginning, with a new feed.
            CorruptedDataError: what is stored is not what was written.
            JournalClosedError: the journal is closed.
            DBError: the database failed; the next call reads the same changes.
            ValueError: the limit is less than 1.
        """
        changes, end = await self._read(limit)
        self._changes.clear()
        self.position, self._end = end, None
        return changes

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for a change that was made since the feed began, or since the last True.

        Return True at a change, False after ``timeout`` seconds (None: never) or once the feed or
        the journal is closed.  One True may stand for several changes, and a spurious True is
        allowed.

        Raises:
            JournalError: the journal cannot be watched.
            Exception: what else the backend raised as it waited for changes.
        """
        await self._journal.watch.begin()
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return False
        if self._closed:
            self._journal.watch.check()
            return False
        self._changed.clear()
        return True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """Return the next change, and wait for it if there is none yet.

        ``position`` is then that of the change.  Errors are those of ``read``.
        """
        while not self._closed:
            if self._changes:
                change = self._changes.popleft()
                self.position = change.position
                return change
            self.position = self._end or self.position
            try:
                changes, self._end = await self._read(READ_AT_ONCE)
            except JournalClosedError:
                break
            except CorruptedDataError:  # what comes before the damage can be given
                changes, self._end = await self._read(1)
            self._changes.extend(changes)
            if not changes:
                self.position = self._end
                await self.wait()
        self._journal.watch.check()
        raise StopAsyncIteration

    def changed(self, histories: frozenset[UUID] | None) -> None:  # noqa: ARG002 (any will do)
        """Wake the task that waits, if one does."""
        self._changed.set()

    def ended(self) -> None:
        """End the feed: no more changes will be told."""
        self.close()

    def close(self) -> None:
        """End the feed; a task that waits for a change gets none.

        Only the event loop's thread may call it.
        """
        self._closed = True
        self._changed.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def _read(self, limit: int) -> tuple[Sequence[T], Position | None]:
        """Read from ``position``, with a blocking feed for this call alone: it may be cancelled."""
        return await self._journal.read(self._read_blocking, self.position, limit)

    def _read_blocking(
        self, after: Position | None, limit: int
    ) -> tuple[Sequence[T], Position | None]:
        with self._open_feed(after) as feed:
            return feed.read(limit), feed.position
