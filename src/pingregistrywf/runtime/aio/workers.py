"""The threads that run an event loop's blocking calls: some run commands, others read.

A command may wait for its turn to write, so that reads must not queue behind commands.  Commands
that wait for a thread are counted, and at most so many may.  A call that is cancelled before a
thread has begun it is not run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from pingregistrywf.runtime.errors import JournalBusyError, JournalClosedError

T = TypeVar("T")


class Workers:
    """Two pools of threads.  Only the event loop's thread calls it.

    Args:
        commands: how many threads run commands.
        reads: how many threads read.
        most_waiting: how many commands may wait for a thread.
    """

    def __init__(self, commands: int, reads: int, most_waiting: int) -> None:
        self._commands: Final = ThreadPoolExecutor(commands, "journal command")
        self._reads: Final = ThreadPoolExecutor(reads, "journal read")
        self._most: Final = commands + most_waiting
        self._most_waiting: Final = most_waiting
        self._commanded: Final[set[Future[Any]]] = set()
        self._read: Final[set[Future[Any]]] = set()
        self.closed = False

    def command(self, call: Callable[[], T]) -> Future[T]:
        """Begin a command.

        Raises:
            JournalBusyError: as many commands as may wait do.
            JournalClosedError: this is closed.
        """
        if len(self._commanded) >= self._most:
            raise JournalBusyError(self._most_waiting)
        return self._begin(self._commands, self._commanded, call)

    def read(self, call: Callable[[], T]) -> Future[T]:
        """Begin a read.

        Raises:
            JournalClosedError: this is closed.
        """
        return self._begin(self._reads, self._read, call)

    def _begin(
        self, pool: ThreadPoolExecutor, under_way: set[Future[Any]], call: Callable[[], T]
    ) -> Future[T]:
        if self.closed:
            raise JournalClosedError
        begun: Future[T] = pool.submit(copy_context().run, call)
        under_way.add(begun)
        begun.add_done_callback(under_way.discard)
        return begun

    async def close(self) -> None:
        """Begin no more calls, wait for those that wait or run, and end the threads."""
        self.closed = True
        await all_over((*self._commanded, *self._read))
        self._commands.shutdown()
        self._reads.shutdown()


async def all_over(calls: Iterable[Future[Any]]) -> None:
    """Wait until calls are over, however they end; a wait that is cancelled cancels none."""
    waited = [asyncio.wrap_future(call) for call in calls]
    for each in waited:
        each.add_done_callback(_retrieve)
    if waited:
        await asyncio.wait(waited)


def _retrieve(ended: asyncio.Future[Any]) -> None:
    """Look at an error, which asyncio would else report as forgotten."""
    if not ended.cancelled():
        ended.exception()
