"""The journal protocol on one SQLite file.

A read is one snapshot on a connection of its own, and never waits for a writer; inside a turn
(``exclusive``) it sees what the turn has written.  A write happens in a turn, as a step of its own:
the head is compared and set in the same transaction, with a constant number of statements and rows
at any length of the history.  What a head proves without being read is in ``tail``.
"""

from __future__ import annotations

import shutil
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, TypeVar
from uuid import UUID

from pingregistrywf.runtime.errors import CorruptedDataError, HistoryExistsError
from pingregistrywf.runtime.ids import EPOCH, Clock
from pingregistrywf.runtime.journal.changes import Change, Position
from pingregistrywf.runtime.journal.compare import check_commit, check_delete
from pingregistrywf.runtime.journal.feed import SubscribedFeed
from pingregistrywf.runtime.journal.history import NO_HEAD, ChartIdentity, Entry, Head, Reading
from pingregistrywf.runtime.journal.inspection import Log, Scanned, Stored
from pingregistrywf.runtime.journal.notify import NotifierSubscription
from pingregistrywf.runtime.journal.protocol import Closable
from pingregistrywf.runtime.journal.retention import (
    Collected,
    Retention,
    garbage,
    reported,
    trim_is_due,
)
from pingregistrywf.runtime.journal.sqlite import ledger, records, scan, tail
from pingregistrywf.runtime.journal.sqlite.changes import read_changes
from pingregistrywf.runtime.journal.sqlite.database import Database
from pingregistrywf.runtime.journal.sqlite.failures import failure
from pingregistrywf.runtime.journal.sqlite.group_commit import Batch
from pingregistrywf.runtime.journal.sqlite.log import log_beside
from pingregistrywf.runtime.journal.sqlite.schema import Role

T = TypeVar("T")

_READING: Final = "reading history"
_COLLECTING: Final = "collecting garbage"
COLLECTED_AT_ONCE: Final = 1000
"""Entries that garbage collection removes in one turn, so that writers need not wait for long."""


class SqliteJournal(Closable):
    """A journal in one SQLite file.

    Threads share an instance.  A forked child may go on using it, with a connection of its own.
    Closing it closes ``database``.
    """

    def __init__(self, database: Database, clock: Clock, retention: Retention) -> None:
        self._database = database
        self.url: Final = database.address.url
        self.clock: Final = clock
        self.retention: Final = retention
        # Also closes a journal that is dropped, or still open when the interpreter ends.
        self._close = weakref.finalize(self, database.close)

    @cached_property
    def id(self) -> UUID:
        """The journal's id, which a copy of its file has as well."""
        with self._view("reading the journal's id") as view:
            return UUID(bytes=ledger.read(view.connection).id)

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        if after is not None and self._is_newest(history, after):
            return Reading((), after, continues=True)
        with self._view(_READING, history) as view:
            found = view.find(history)
            if found is None or found.stored.deleted_at is not None:
                return Reading((), NO_HEAD, continues=after is not None and not after.vid)
            if after is not None:
                following = _following(view.connection, found, after)
                if following is not None:
                    return Reading(following, found.head, continues=True)
            first = found.stored.start if whole else found.stored.restart
            entries = records.entries(view.connection, found, first)
            return Reading(entries, found.head, rooted=first == 0)

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        with self._writing("appending to history", history) as batch:
            reached = None
            if len(entries) == 1 and not restart and not batch.has_found(history):
                reached = self._append_unread(batch, history, after, entries[0], chart)
            if reached is None:
                reached = self._append(batch, history, after, entries, chart, restart=restart)
            batch.changed.add(history)
            batch.witness = lambda connection: _holds(connection, history, reached)
            return reached

    def exclusive(self, history: UUID) -> AbstractContextManager[object]:  # noqa: ARG002
        self._database.pool.check_open()
        return self._database.group_commit.turn()  # one for all histories

    def delete(self, history: UUID, after: Head) -> None:
        with self._writing("deleting history", history) as batch:
            found = batch.find(history)
            if found is None or not check_delete(found.head, after):
                return
            with batch.step():
                deleted = replace(found.stored, deleted_at=self.clock())
                (position,) = batch.take_positions(1)
                records.mark(batch.connection, replace(found, stored=deleted), position)
            batch.changed.add(history)
            batch.witness = lambda connection: _holds(connection, history, None)

    def subscribe(self, history: UUID | None = None) -> NotifierSubscription:
        self._database.pool.check_open()
        return self._database.poller.subscribe(history)

    def collect(self, now: float | None = None) -> Collected:
        moment = self._moment(now)
        with self._view("looking for garbage") as view:
            found = [
                (each.key, each.stored.id, garbage(each.stored, self.retention, moment))
                for each in records.collectable(view.connection)
            ]
        removed, freed = 0, []
        for key, history, due in found:
            removed += self._remove_entries(key, history, due.before)
            for trim in due.trims:
                with self._writing(_COLLECTING) as batch, batch.step():
                    records.remove_trim(batch.connection, key, trim)
            if due.mark and self._free(key, history):
                freed.append(history)
        return reported(Collected(removed, tuple(sorted(freed))))

    def trim(self, history: UUID, now: float | None = None) -> bool:
        with self._writing("trimming history", history) as batch:
            found = batch.find(history)
            moment = self._moment(now)
            if found is None or not trim_is_due(found.stored, self.retention, moment):
                return False
            found = replace(found, stored=found.stored.trimmed(moment))
            with batch.step():
                records.update(batch.connection, found)
                # ``find`` leaves out earlier trims, so that this is the new one alone.
                records.insert_trims(batch.connection, found.key, found.stored.trims)
            batch.changed.add(history)
            return True

    def histories(self) -> Iterator[Stored]:
        # All at once, so that the caller's pace does not keep the log from being emptied.
        with self._snapshot("listing the histories") as view:
            return iter(list(records.all_(view.connection)))

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        with self._snapshot("scanning the journal") as view:
            for scanned in scan.scan(view.connection, history):
                self._database.pool.guard.confirm(view.connection)
                yield scanned

    def log(self) -> Log | None:
        """Return what is known of the log beside the file, None if there is none."""
        return log_beside(self._database.address.path)

    def backup(self, path: Path) -> str:
        if path.exists():
            raise FileExistsError(f"there is a file {str(path)!r} already")
        with (
            self._snapshot("copying the journal") as view,
            closing(sqlite3.connect(path)) as copy,
        ):
            shutil.copymode(self._database.address.path, path)
            # In one step: SQLite would begin anew after every write of others between two.
            view.connection.backup(copy)
            with copy, suppress(CorruptedDataError):  # what is damaged stays so, for `verify`
                ledger.renew(copy)
        return f"sqlite:{path}?filesystem=any"  # nobody else uses the copy

    def adopt(
        self, stored: Stored, entries: Sequence[Entry], charts: Sequence[ChartIdentity]
    ) -> None:
        stored.check_entries(entries, charts)
        with self._writing("taking in history", stored.id) as batch:
            if batch.find(stored.id) is not None:
                raise HistoryExistsError(stored.id)
            with batch.step():
                taken = records.begin(batch.connection, stored)
                keys = {each: batch.chart_key(each) for each in set(charts)}
                positions = batch.take_positions(len(entries))
                records.append(
                    batch.connection, taken, entries, [keys[each] for each in charts], positions
                )
                if stored.deleted_at is not None:
                    (position,) = batch.take_positions(1)
                    records.mark(batch.connection, taken, position)
                records.insert_trims(batch.connection, taken.key, stored.trims)
            batch.changed.add(stored.id)

    def feed(self, after: Position | None = None) -> SubscribedFeed:
        return SubscribedFeed(self.subscribe(), self._changes, after)

    def close(self) -> None:
        self._close()

    def _changes(self, after: Position | None, limit: int) -> tuple[tuple[Change, ...], Position]:
        with self._snapshot("reading the feed") as view:
            return read_changes(view.connection, after, limit)

    def _moment(self, now: float | None) -> float:
        """Return the time, or the clock's, as exactly as it is stored."""
        return records.milliseconds(self.clock() if now is None else now) / 1000

    def _view(
        self, op: str, history: UUID | None = None
    ) -> AbstractContextManager[_Snapshot | Batch]:
        """One consistent view: the turn's own, or a snapshot."""
        if self._inside() is None:
            return self._snapshot(op, history)
        return self._writing(op, history)

    @contextmanager
    def _snapshot(self, op: str, history: UUID | None = None) -> Iterator[_Snapshot]:
        """What is durable at one moment."""
        loan = self._database.pool.lend(Role.READER)
        with _Translated(loan, op, history) as connection:
            connection.execute("BEGIN")
            yield _Snapshot(connection)
            connection.execute("ROLLBACK")

    def _writing(self, op: str, history: UUID | None = None) -> AbstractContextManager[Batch]:
        """The turn that this thread is in, or one of its own."""
        if self._inside() is None:
            self._check_writable(op, history)
        return _Translated(self._database.group_commit.turn(), op, history)

    def _check_writable(self, op: str, history: UUID | None) -> None:  # noqa: ARG002
        """Raise a ``DBError`` if nothing can be written."""
        self._database.pool.check_open()

    def _inside(self) -> Batch | None:
        """The batch of the turn that this thread is in, if it is in one."""
        batch = self._database.group_commit.mine
        if batch is not None:
            self._database.pool.check_open()
            batch.check()
        return batch

    def _is_newest(self, history: UUID, head: Head) -> bool:
        """Whether a head is certainly still the newest; one statement is one consistent view."""
        if self._inside() is not None:
            return False  # what is read there saves the commit from reading it
        try:
            with self._database.pool.lend(Role.READER) as connection:
                return tail.unchanged(connection, history, head) is not None
        except sqlite3.Error as error:
            raise failure(named(_READING, history), error) from error

    def _append_unread(
        self, batch: Batch, history: UUID, after: Head, entry: Entry, chart: ChartIdentity
    ) -> Head | None:
        """Append an entry if no read is needed to know that ``after`` is the head."""
        key = batch.known_chart_key(chart)
        newest = None if key is None else tail.unchanged(batch.connection, history, after)
        if key is None or newest is None:
            return None
        with batch.step(single=True):
            (position,) = batch.take_positions(1)
            return tail.append(batch.connection, *newest, entry, key, position)

    def _append(
        self,
        batch: Batch,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        chart: ChartIdentity,
        *,
        restart: bool,
    ) -> Head:
        found = batch.find(history)
        head = NO_HEAD if found is None else found.head
        deleted = found is not None and found.stored.deleted_at is not None
        check_commit(history, head, after, entries, deleted=deleted)
        with batch.step():
            key = batch.chart_key(chart)
            if found is None:
                begun = Stored(history, chart.name, EPOCH, 0, 0, 0, 0)
                found = records.begin(batch.connection, begun)
            extended = replace(found, stored=found.stored.extended(entries, restart=restart))
            positions = batch.take_positions(len(entries))
            return records.append(batch.connection, extended, entries, repeat(key), positions).head

    def _remove_entries(self, key: int, history: UUID, before: int) -> int:
        """Remove a history's entries before a serial, in several turns; return how many."""
        removed, some = 0, COLLECTED_AT_ONCE
        while before and some == COLLECTED_AT_ONCE:
            with self._writing(_COLLECTING) as batch, batch.step():
                found = records.find(batch.connection, history)
                if found is None or found.key != key:
                    break
                first = min(found.stored.first + COLLECTED_AT_ONCE, before)
                some = max(first - found.stored.first, 0)
                if some:
                    ledger.remove(batch.connection, found.key, first)
                    kept = replace(found.stored, first=first)
                    records.update(batch.connection, replace(found, stored=kept))
            removed += some
        return removed

    def _free(self, key: int, history: UUID) -> bool:
        """Remove the mark of a deletion, and with it the history; False if somebody else did."""
        with self._writing(_COLLECTING) as batch, batch.step():
            found = records.find(batch.connection, history)
            if found is None or found.key != key:
                return False
            ledger.expire(batch.connection, found.key)
            ledger.remove(batch.connection, found.key, found.stored.end + 1)
            records.remove(batch.connection, found.key)
            return True


class _Snapshot:
    """A view of what is durable at one moment, where a ``Batch`` is the view of a turn."""

    __slots__ = ("connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def find(self, history: UUID) -> records.History | None:
        return records.find(self.connection, history)


class _Translated(Generic[T]):
    """A context that raises SQLite's errors as journal-level ones.

    Args:
        context: what it wraps.
        op: what is done there, for the errors.
        history: to which history, likewise.
    """

    __slots__ = ("_context", "_history", "_op")

    def __init__(self, context: AbstractContextManager[T], op: str, history: UUID | None) -> None:
        self._context = context
        self._op = op
        self._history = history

    def __enter__(self) -> T:
        return self._context.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if isinstance(error, sqlite3.Error):
                raise failure(named(self._op, self._history), error) from error
        finally:
            self._context.__exit__(kind, error, trace)


def named(op: str, history: UUID | None) -> str:
    """Return what is done, for an error, with the history to which it is done, if it is to one."""
    return op if history is None else f"{op} {history}"


def _following(
    connection: sqlite3.Connection, history: records.History, after: Head
) -> tuple[Entry, ...] | None:
    """The entries after a head, None if it is not on the visible chain."""
    stored, token = history.stored, after.token
    if not (isinstance(token, records.Token) and token.key == history.key):
        return None
    if not stored.start <= token.serial <= stored.end:
        return None
    here = token.serial == stored.end
    entries = () if here else records.entries(connection, history, token.serial)
    # A file restored from a backup may have grown again, along another chain.
    return entries if after.vid == (stored.vid if here else entries[0].parent) else None


def _holds(connection: sqlite3.Connection, history: UUID, place: Head | None) -> bool:
    """Tell whether a history has reached a place, or, without one, was deleted."""
    found = records.find(connection, history)
    if place is None:
        return found is None or found.stored.deleted_at is not None
    return found is not None and _following(connection, found, place) is not None
