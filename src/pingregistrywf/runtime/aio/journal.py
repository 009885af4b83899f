"""A journal on asyncio: its threads, and what facades and streams of one event loop share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, ParamSpec, Self, TypeVar

from pingregistrywf.runtime.aio.attempted import note_call
from pingregistrywf.runtime.aio.feed import AsyncFeed
from pingregistrywf.runtime.aio.watch import Watch
from pingregistrywf.runtime.aio.workers import Workers
from pingregistrywf.runtime.errors import JournalBusyError, JournalClosedError, JournalError
from pingregistrywf.runtime.journal.changes import Change, Position
from pingregistrywf.runtime.journal.protocol import Journal

P = ParamSpec("P")
R = TypeVar("R")


class AsyncJournal:
    """A journal for one event loop; the asynchronous facades are built on it.

    The blocking journal stays open, and threads may use it, too.  Close this first::

        with open_journal("sqlite:pings.db") as opened:
            async with AsyncJournal(opened) as journal:
                workflows = AsyncWorkflows(journal)

    Its threads begin when they are first needed, and there are never more of them than this: those
    that run commands, those that read, and one that watches, however many tasks wait.

    Args:
        journal: the journal; ``open_journal`` opens one.
        commands: how many threads run commands.  Those that write at the same time share a flush.
        reads: how many threads read.
        most_waiting: how many commands may wait for a thread; one more is refused with a
            ``JournalBusyError``.

    Attributes:
        journal: the blocking journal.
        watch: what tells of its changes.
    """

    def __init__(
        self, journal: Journal, *, commands: int = 8, reads: int = 4, most_waiting: int = 1000
    ) -> None:
        self.journal: Final = journal
        self.watch: Final = Watch(journal)
        self._workers: Final = Workers(commands, reads, most_waiting)

    async def command(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Make a blocking call that may wait for its turn to write.

        If the task is cancelled before a thread has begun the call, it is not made.  If a thread
        has begun it, it goes on.

        Raises:
            JournalError: too many calls wait, or this is closed; or what the call raises.
        """
        try:
            begun = self._workers.command(partial(call, *args, **kwargs))
        except (JournalBusyError, JournalClosedError) as error:
            raise JournalError(error) from error
        note_call(begun)
        return await asyncio.wrap_future(begun)

    async def read(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Make a blocking call that only reads.

        Raises:
            JournalError: this is closed; or what the call raises.
        """
        try:
            begun = self._workers.read(partial(call, *args, **kwargs))
        except JournalClosedError as error:
            raise JournalError(error) from error
        return await asyncio.wrap_future(begun)

    def feed(self, after: Position | None = None) -> AsyncFeed[Change]:
        """Return a feed of every change to all histories, made by any process.

        Args:
            after: a position of an earlier feed of this journal, in any process; None to begin with
                what is stored.
        """
        return AsyncFeed(self, self.journal.feed, after)

    async def end_streams(self) -> None:
        """End the streams and feeds, and begin no new ones; commands and reads go on.

        A server that shuts down calls it first, as it waits for its answers to end.
        """
        await self.watch.close()

    async def close(self) -> None:
        """End the streams, and wait for the commands that are under way or wait.

        No new command is begun.  The blocking journal stays open.
        """
        await self.end_streams()
        await self._workers.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
