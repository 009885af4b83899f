"""A journal that fails when a test asks it to, around any other journal.

    journal = FaultyJournal(open_journal("memory:"))
    with journal.failing(Failure.DISK_FULL):
        ...

What fails are the calls that write: ``commit`` and ``delete``.  Reads are passed on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Final, TypeVar
from uuid import UUID

from pingregistrywf.runtime.errors import (
    DBError,
    DiskFullError,
    JournalClosedError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Head, Journal
from pingregistrywf.testing.wrapped import WrappedJournal

R = TypeVar("R")


class Failure(Enum):
    """How a call fails that writes."""

    CONFLICT = "conflict"
    """Another writer came first: a ``VersionConflictError``, and nothing is written."""
    DISK_FULL = "disk full"
    """A ``DiskFullError``, and nothing is written."""
    LOST_REQUEST = "lost request"
    """A ``DBError`` that is not definite; nothing is written, but nobody can know that."""
    LOST_ANSWER = "lost answer"
    """A ``DBError`` that is not definite; all is written, but nobody can know that."""
    CLOSED = "closed"
    """The journal is closed, and stays so: a ``JournalClosedError``, and nothing is written."""


class FaultyJournal(WrappedJournal):
    """A journal whose next writes fail on demand.

    A facade that remembers a history's state tries once more by itself after a conflict, when it
    has read what is new.  So that a command meets the conflict, let every try fail: ``failing``.
    """

    def __init__(self, wrapped: Journal) -> None:
        super().__init__(wrapped)
        self._next: Final = deque[Failure]()
        self._always: Failure | None = None
        self._ids = UlidSource(wrapped.clock)

    def fail(self, failure: Failure, *, times: int = 1) -> None:
        """Let the next call that writes fail, or so many of them, after those asked for before."""
        self._next.extend([failure] * times)

    @contextmanager
    def failing(self, failure: Failure) -> Iterator[None]:
        """Let every call that writes fail inside."""
        before, self._always = self._always, failure
        try:
            yield
        finally:
            self._always = before

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        return self._write(
            "commit",
            after,
            lambda: self.wrapped.commit(history, after, entries, chart=chart, restart=restart),
        )

    def delete(self, history: UUID, after: Head) -> None:
        self._write("delete", after, lambda: self.wrapped.delete(history, after))

    def _write(self, what: str, after: Head, write: Callable[[], R]) -> R:
        match self._next.popleft() if self._next else self._always:
            case None:
                return write()
            case Failure.CONFLICT:
                raise VersionConflictError(self._ids.next(after.vid), after.vid)
            case Failure.DISK_FULL:
                raise DiskFullError(what, OSError("the disk is full, as the test asked"))
            case Failure.CLOSED:
                self.wrapped.close()
                raise JournalClosedError
            case Failure.LOST_ANSWER:
                write()
        lost = ConnectionError("the answer is lost, as the test asked")
        raise DBError(what, lost, definite=False)
