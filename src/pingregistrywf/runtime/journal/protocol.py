"""What a journal promises: append-only histories of opaque entries, with compare-and-set.

A *history* is named by a UUID and holds entries in serial order, each naming its parent, from the
epoch to the head.  A journal stores bytes; it knows no chart but the name of the one that a history
was begun under.  Correctness rests on the compare-and-set of ``commit`` and ``delete`` alone:
``exclusive`` only makes losing a race unlikely.

Every method may be called from any thread.  Errors are the journal-level ones of
``runtime.errors``, bare; an engine wraps them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self
from uuid import UUID

from pingregistrywf.runtime.ids import EPOCH, Clock, Ulid

if TYPE_CHECKING:
    from pingregistrywf.runtime.journal.inspection import Scanned, Stored


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored event.

    Attributes:
        id: the event's ULID.
        parent: the id of the entry before it; the epoch for the first.
        data: the event's bytes.
    """

    id: Ulid
    parent: Ulid
    data: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """A place in a history.  Opaque but for ``vid``; only the backend that made it reads ``token``.

    Attributes:
        vid: the id of the entry at that place; the epoch where there is none.
    """

    vid: Ulid = EPOCH
    token: object = field(default=None, repr=False)


NO_HEAD: Final = Head()
"""The place before the first entry of any history, known without having read it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What ``read`` found.

    Attributes:
        entries: the entries after the place asked for, in order.
        head: the history's head; ``entries[-1].id`` is its vid unless there are none.
        continues: True if ``entries`` follow the place asked for; False if they begin the history
            anew (nothing was asked for, or that place is no longer on the chain).
        rooted: for a reading that does not continue, False if ``entries`` begin at a later restart
            point, so that the first one's parent is not among them.
    """

    entries: tuple[Entry, ...]
    head: Head
    continues: bool = False
    rooted: bool = True


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a journal keeps what is no longer needed (behaviour.md, sections 5 and 6).

    Attributes:
        deleted_entries: from the mark of a deletion to the removal of the entries.
        deleted_mark: from the mark of a deletion to the removal of the mark, which frees the id.
        unreachable: the age at which entries reachable from no head are removed, in a backend
            that can have such.
        trim_interval: the least time between two trims of one history.
        trimmed_entries: from a trim to the removal of the entries before the history's new start.
    """

    deleted_entries: timedelta = timedelta(days=15)
    deleted_mark: timedelta = timedelta(days=30)
    unreachable: timedelta = timedelta(days=30)
    trim_interval: timedelta = timedelta(days=30)
    trimmed_entries: timedelta = timedelta(days=30)

    def free_at(self, deleted_at: float) -> float:
        """When garbage collection frees the id of a history that was deleted then."""
        return deleted_at + self.deleted_mark.total_seconds()


@dataclass(frozen=True, slots=True)
class Collected:
    """What one pass of garbage collection removed.

    Attributes:
        entries: how many entries.
        freed: the histories whose ids became free again.
    """

    entries: int = 0
    freed: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.entries or self.freed)


class Subscription(Protocol):
    """A wake-up for one waiting reader.  Close it, or use it as a context manager."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a change made since the subscription began or since the last True.

        Args:
            timeout: seconds; None waits for ever.

        Returns:
            True at a change (several may be told as one, and a spurious one is allowed), False at
            the timeout or once the subscription or its journal is closed.
        """
        ...

    def close(self) -> None:
        """End the subscription; a thread that waits wakes at once.  May be called twice."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Journal(Protocol):
    """Append-only histories with compare-and-set; see the module's contract."""

    @property
    def url(self) -> str:
        """The URL that opens this journal."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock that marks deletions and trims."""
        ...

    @property
    def retention(self) -> Retention:
        """How long this journal keeps what is no longer needed."""
        ...

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        """The entries after a place, and the head, as one consistent view.

        A history that is empty, unknown or deleted reads as empty, with the epoch as vid.

        Args:
            history: which history.
            after: a head read before; None reads from the newest restart point.
            whole: entries that do not continue from ``after`` begin at the history's first visible
                entry, and not at its newest restart point.

        Raises:
            CorruptedDataError: stored entries are not what was written.
            DBError: the database failed.
        """
        ...

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: str,
        restart: bool = False,
    ) -> Head:
        """Append entries if ``after`` is still the head: all of them, durably, or none.

        Args:
            history: which history; begun if it has no entry.
            after: the head that the entries follow; ``NO_HEAD`` for an empty history.
            entries: at least one; the first one's parent is ``after.vid``.
            chart: the chart that the history follows, recorded when it begins.
            restart: a reader may start at the first of these entries.

        Returns:
            The new head.

        Raises:
            VersionConflictError: ``after`` is not the head (stored: the epoch if it was deleted).
            HistoryDeletedError: ``after`` is the epoch, and the id is not free yet.
            CorruptedDataError: the history is damaged; nothing was written.
            DBError: the database failed; ``definite`` says whether nothing was written.
        """
        ...

    def exclusive(self, history: UUID) -> AbstractContextManager[None]:
        """A hint: while this thread is inside, others are kept from committing to the history.

        Reads and commits of this thread inside belong together.  Leaving waits until what was
        committed inside is durable, and also what was read of others: answer nobody before.  Do
        not wait for another thread inside: it may be waiting to get in.

        Raises:
            DBError: on leaving, what was committed or read inside could not be made durable.
        """
        ...

    def delete(self, history: UUID, after: Head) -> None:
        """Mark a history as deleted if ``after`` is still the head; it reads as empty from then on.

        An empty or already deleted history is left as it is.

        Raises:
            VersionConflictError: ``after`` is not the head.
            DBError: the database failed.
        """
        ...

    def subscribe(self, history: UUID | None = None) -> Subscription:
        """Wake-ups for changes to one history, or to any if None, made by any process.

        A subscription stays with the process that made it: a forked child makes its own.
        """
        ...

    def collect(self, now: float | None = None) -> Collected:
        """One pass of garbage collection.

        Args:
            now: seconds since the Unix epoch; the journal's clock unless given.
        """
        ...

    def trim(self, history: UUID, now: float | None = None) -> bool:
        """Move the history's start to its newest restart point.

        Returns:
            False if there is nothing to move, or the last trim is too recent (``Retention``).
        """
        ...

    # For operators: everything that is stored, hidden or not.  All three see one moment, while
    # others write; of a turn that this thread is in, they may not see what it wrote.

    def histories(self) -> Iterator[Stored]:
        """Every history, deleted or not; without their entries.

        Raises:
            CorruptedDataError: one of them is not what was written; ``scan`` tells which.
            DBError: the database failed.
        """
        ...

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        """Every history with its entries, deleted or not, going on after whatever is damaged.

        Backends report what only they can see, above all bytes that are not what was written.
        What any chain must be, ``runtime.verify`` knows.

        Args:
            history: only this one; nothing if it is unknown.

        Raises:
            DBError: the database failed.
        """
        ...

    def backup(self, path: Path) -> None:
        """Write a copy of the journal to a new file, which ``sqlite:PATH`` opens.

        Raises:
            FileExistsError: there is such a file.
            DBError: the database failed; remove what was written.
        """
        ...

    def adopt(self, stored: Stored, entries: Sequence[Entry]) -> None:
        """Take in a history as another journal stored it: all of it, durably, or nothing.

        Args:
            stored: what the history says of itself.
            entries: those from ``stored.first`` to ``stored.end``.

        Raises:
            ValueError: the entries are not as many as the history says.
            HistoryExistsError: there is one of that id, if only a deleted one.
            DBError: the database failed; ``definite`` says whether nothing was written.
        """
        ...

    def close(self) -> None:
        """Close; waiting subscriptions wake.  May be called twice."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
