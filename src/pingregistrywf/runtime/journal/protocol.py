"""What a journal promises: append-only histories of opaque entries, with compare-and-set.

The protocol has parts.  ``WorkflowJournal`` is what a workflow needs, and all that an engine asks
for.  ``OperatorJournal`` is what operators and the collector need.  ``FeedJournal`` is what read
models need.  ``Journal`` is all three.  A journal that takes no writes is also ``ReadOnly``, one
with a log that may grow is ``Logged``, and one that reads much at once is ``ScansAhead``.

A journal stores bytes.  Of charts it knows only the identity of the one that each event was written
under.
Correctness rests on the compare-and-set of ``commit`` and ``delete`` alone: ``exclusive`` only
makes losing a race unlikely.

Every method may be called from any thread.  Errors are the journal-level ones of
``runtime.errors``, bare; an engine wraps them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self, runtime_checkable
from uuid import UUID

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.changes import Change, Position
from pingregistrywf.runtime.journal.history import ChartIdentity, Entry, Head, Reading
from pingregistrywf.runtime.journal.inspection import Log, Scanned, Stored
from pingregistrywf.runtime.journal.retention import Collected, Retention


class Closable(Protocol):
    """Something to close; also a context manager that closes it.  Backends may inherit this."""

    def close(self) -> None:
        """Close it.  May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Subscription(Closable, Protocol):
    """A wake-up for one waiting reader.  Closing it wakes a thread that waits."""

    @property
    def closed(self) -> bool:
        """True once it or its journal is closed: then nothing wakes it any more."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a change made since the subscription began or since the last True.

        Return True at a change, False after ``timeout`` seconds (None: never) or once the
        subscription or its journal is closed.  One True may stand for several changes, and a
        spurious True is allowed.
        """

    @property
    def histories(self) -> frozenset[UUID] | None:
        """The histories that the last True was about, as far as they got entries or were deleted.

        None if that is not known, and any history may have changed.  A history may be named that
        has not changed, and one that was only trimmed may be left out.
        """


class Feed(Closable, Protocol):
    """A reader of every change to all histories, from the past into the present.

    Each change comes once.  The order is that of commit, so that it agrees with the order of each
    history, and a change that is committed later comes later.  A deletion is a change.  It is given
    until its mark expires, and the entries before it are given as long as they are stored.

    Read until there is no change, then wait; or iterate, which does both.  One thread reads, and
    any thread may close the feed.  A feed stays with the process that made it.

    Attributes:
        position: where this feed goes on; None before anything was read from the beginning.  Store
            it in one transaction with what you make of the changes: then no change is missed, and
            none is applied twice.
    """

    position: Position | None

    def read(self, limit: int = 1000) -> Sequence[Change]:
        """Return the next changes, at most ``limit``; none if there is none at the moment.

        Raises:
            FeedPositionGoneError: what came after ``position`` cannot be told any more: rebuild
                from the beginning, with a new feed.
            CorruptedDataError: what is stored is not what was written.
            JournalClosedError: the journal is closed.
            DBError: the database failed; the next call reads the same changes.
            ValueError: the limit is less than 1.
        """

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a change that was made since the feed began, or since the last True.

        It is the ``wait`` of a ``Subscription``.
        """

    def __iter__(self) -> Iterator[Change]:
        """Iterate over the changes, those to come included, until the feed or journal is closed.

        ``position`` is then that of the change given last.  Errors are those of ``read``.
        """


class WorkflowJournal(Closable, Protocol):
    """What a workflow needs of a journal.  Closing it wakes the subscriptions that wait."""

    @property
    def url(self) -> str:
        """The URL that opens this journal."""

    @property
    def clock(self) -> Clock:
        """The clock that marks deletions and trims."""

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        """Return the entries after a place, and the head, as one consistent view.

        A history that is empty, unknown or deleted reads as empty, with the epoch as vid.

        Args:
            after: a head read before; None reads from the newest restart point.
            whole: entries that do not continue from ``after`` begin at the history's first visible
                entry, and not at its newest restart point.

        Raises:
            CorruptedDataError: stored entries are not what was written.
            DBError: the database failed.
        """

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        """Append entries if ``after`` is still the head: all of them, durably, or none.

        Args:
            after: the head that the entries follow; ``NO_HEAD`` begins a history.
            entries: at least one; the first one's parent is ``after.vid``.
            chart: the chart that the entries are written under, recorded with each of them.
            restart: a reader may start at the first of these entries.

        Returns:
            The new head.

        Raises:
            VersionConflictError: ``after`` is not the head (stored: the epoch if it was deleted).
            HistoryDeletedError: ``after`` is the epoch, and the id is not free yet.
            CorruptedDataError: the history is damaged; nothing was written.
            DBError: the database failed; ``definite`` says whether nothing was written.
        """

    def exclusive(self, history: UUID) -> AbstractContextManager[object]:
        """Keep others from committing to the history while this thread is inside, if possible.

        This is a hint: a backend may do nothing, and it may hold up commits to all other histories
        too, as the journals of this package do: a thread inside should not stay there.  Reads and
        commits of this thread inside belong together.  Leaving waits until what was committed
        inside is durable, and also what was read inside of other users' commits: give nobody a
        result before.  Do not wait for another thread inside: it may be waiting to get in.

        Raises:
            DBError: on leaving, what was committed or read inside could not be made durable.
        """

    def delete(self, history: UUID, after: Head) -> None:
        """Mark a history as deleted if ``after`` is still the head; it reads as empty from then on.

        A history that is empty or already deleted is left as it is, whatever ``after`` is.

        Raises:
            VersionConflictError: ``after`` is not the head.
            DBError: the database failed.
        """

    def subscribe(self, history: UUID | None = None) -> Subscription:
        """Begin to watch for changes to one history, or to any if None, made by any process.

        A subscription stays with the process that made it: a forked child makes its own.
        """


class OperatorJournal(Closable, Protocol):
    """What an operator needs of a journal: everything that is stored, hidden or not.

    ``histories``, ``scan`` and ``backup`` each see one moment, while others write.  Called inside
    ``exclusive``, they may not see what was written there.  What ``scan`` sees is kept until the
    iterator ends or is closed: with some backends the journal takes more and more space meanwhile.
    So iterate without a pause, and copy what you want to look at for longer.
    """

    @property
    def id(self) -> UUID:
        """The id that the journal got when it was made: positions are comparable within it only."""

    @property
    def clock(self) -> Clock:
        """The clock that marks deletions and trims."""

    @property
    def retention(self) -> Retention:
        """How long this journal keeps what is no longer needed."""

    def histories(self) -> Iterator[Stored]:
        """Iterate over every history, deleted or not, without the entries.

        Raises:
            CorruptedDataError: one of them is not what was written; ``scan`` says which.
            DBError: the database failed.
        """

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        """Iterate over every history with its entries, deleted or not, also after damaged ones.

        A backend reports the damage that only it can see, above all bytes that are not what was
        written.  ``runtime.verify`` checks what every chain must be.  A history that is given is
        scanned alone; if it is unknown, there is nothing.

        Raises:
            DBError: the database failed.
        """

    def collect(self, now: float | None = None) -> Collected:
        """Collect garbage: remove what ``retention.garbage`` names in every history.

        ``now`` is in seconds since the Unix epoch, and the clock's time unless given.
        """

    def trim(self, history: UUID, now: float | None = None) -> bool:
        """Move the history's start to its newest restart point, if ``retention.trim_is_due``.

        Return False if there is nothing to move, or the last trim is too recent.
        """

    def backup(self, path: Path) -> str:
        """Write a copy of the journal to a new file, and return the URL that opens it.

        The file can be moved; its new path then takes the old one's place in the URL.  A backend
        that has no faster way calls ``backup_file.write_backup``.

        Raises:
            FileExistsError: there is such a file.
            UnsoundError: what is stored is damaged, and cannot be copied so.
            DBError: the database failed; remove what was written.
        """

    def adopt(
        self, stored: Stored, entries: Sequence[Entry], charts: Sequence[ChartIdentity]
    ) -> None:
        """Take in a history as another journal stored it: all of it, durably, or nothing.

        The entries are those from ``stored.first`` to ``stored.end``, and ``charts`` are those that
        they were written under, one for each.  Here they get new positions.

        Raises:
            ValueError: the entries are not as many as the history says.
            HistoryExistsError: the journal has a history of that id, or its deletion's mark.
            DBError: the database failed; ``definite`` says whether nothing was written.
        """


@runtime_checkable
class FeedJournal(Closable, Protocol):
    """What a read model needs of a journal."""

    def feed(self, after: Position | None = None) -> Feed:
        """Return a feed of every change to all histories, made by any process.

        Called inside ``exclusive``, it may not give what was written there.

        Args:
            after: a position of an earlier feed of this journal, in any process; None to begin with
                what is stored.
        """


@runtime_checkable
class ReadOnly(Protocol):
    """A journal that this user may only read: each write raises a ``DBError``."""

    @property
    def refusal(self) -> JournalOpenError:
        """Why it takes no writes, and what to do."""


@runtime_checkable
class Logged(Protocol):
    """A journal with a log that may grow."""

    def log(self) -> Log | None:
        """Return what is known of the log, None if there is none at the moment."""


@runtime_checkable
class ScansAhead(OperatorJournal, Protocol):
    """A journal whose scan reads entries of many histories before it gives the first history.

    It has no faster way to make a backup than ``backup_file.write_backup``.
    """

    def scan_ahead(
        self, history: UUID | None = None, *, read: Callable[[int], object]
    ) -> Iterator[Scanned]:
        """Do what ``scan`` does; call ``read`` now and then with how many entries were read.

        Raises:
            DBError: the database failed.
        """


@runtime_checkable
class Journal(WorkflowJournal, OperatorJournal, FeedJournal, Protocol):
    """A whole journal; ``open_journal`` gives one."""
