"""The journal protocol on one SQLite file.

A read is one snapshot on a connection of its own, and never waits for a writer; inside a turn
(``exclusive``) it sees what the turn has written.  A write happens in a turn, as a step of its own:
the head is compared and set in the same transaction, with a constant number of statements and rows
at any length of the history.  A ``Head``'s token is (key, serial): the history's row, and the
serial that the next entry will have.
"""

from __future__ import annotations

import shutil
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, Generic, TypeVar
from uuid import UUID

from pingregistrywf.runtime.errors import HistoryExistsError
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.compare import check_commit, check_delete
from pingregistrywf.runtime.journal.history import NO_HEAD, Entry, Head, Reading
from pingregistrywf.runtime.journal.inspection import Scanned, Stored
from pingregistrywf.runtime.journal.notify import NotifierSubscription
from pingregistrywf.runtime.journal.protocol import Closable
from pingregistrywf.runtime.journal.retention import Collected, Retention, garbage, trim_is_due
from pingregistrywf.runtime.journal.sqlite import records, scan
from pingregistrywf.runtime.journal.sqlite.database import Database
from pingregistrywf.runtime.journal.sqlite.failures import failure
from pingregistrywf.runtime.journal.sqlite.group_commit import Batch
from pingregistrywf.runtime.journal.sqlite.schema import Role

T = TypeVar("T")

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

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        with self._view(f"reading history {history}") as connection:
            found = records.find(connection, history)
            if found is None or found.stored.deleted_at is not None:
                return Reading((), NO_HEAD, continues=after is not None and not after.vid)
            if after is not None:
                following = _following(connection, found, after)
                if following is not None:
                    return Reading(following, found.place, continues=True)
            first = found.stored.start if whole else found.stored.restart
            entries = records.entries(connection, found, first)
            return Reading(entries, found.place, rooted=first == 0)

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: str,
        restart: bool = False,
    ) -> Head:
        with self._writing(f"appending to history {history}") as batch:
            found = records.find(batch.connection, history)
            head = NO_HEAD if found is None else found.place
            deleted = found is not None and found.stored.deleted_at is not None
            check_commit(history, head, after, entries, deleted=deleted)
            with batch.step():
                if found is None:
                    found = records.begin(batch.connection, history, chart)
                records.insert(batch.connection, found, found.stored.end, entries)
                found = records.History(found.key, found.stored.extended(entries, restart=restart))
                records.update(batch.connection, found)
            batch.changed[history] = found.mark
            place = found.place
            batch.witness = lambda connection: _holds(connection, history, place)
            return place

    def exclusive(self, history: UUID) -> AbstractContextManager[object]:  # noqa: ARG002
        self._database.pool.check_open()
        return self._database.group_commit.turn()  # one for all histories

    def delete(self, history: UUID, after: Head) -> None:
        with self._writing(f"deleting history {history}") as batch:
            found = records.find(batch.connection, history)
            if found is None or not check_delete(found.place, after):
                return
            found = found.but(deleted_at=self.clock())
            with batch.step():
                records.update(batch.connection, found)
            batch.changed[history] = found.mark
            batch.witness = lambda connection: _holds(connection, history, None)

    def subscribe(self, history: UUID | None = None) -> NotifierSubscription:
        self._database.pool.check_open()
        return self._database.poller.subscribe(history)

    def collect(self, now: float | None = None) -> Collected:
        moment = self._moment(now)
        with self._view("looking for garbage") as connection:
            found = [
                (each.key, each.stored.id, garbage(each.stored, self.retention, moment))
                for each in records.collectable(connection)
            ]
        removed, freed = 0, []
        for key, history, due in found:
            removed += self._remove_entries(key, due.before)
            for trim in due.trims:
                self._remove("DELETE FROM trim WHERE history = ? AND start = ?", key, trim.start)
            if due.mark and self._remove("DELETE FROM history WHERE key = ?", key):
                freed.append(history)
        return Collected(removed, tuple(sorted(freed)))

    def trim(self, history: UUID, now: float | None = None) -> bool:
        with self._writing(f"trimming history {history}") as batch:
            found = records.find(batch.connection, history)
            moment = self._moment(now)
            if found is None or not trim_is_due(found.stored, self.retention, moment):
                return False
            found = replace(found, stored=found.stored.trimmed(moment))
            with batch.step():
                records.update(batch.connection, found)
                # ``find`` leaves out earlier trims, so that this is the new one alone.
                records.insert_trims(batch.connection, found, found.stored.trims)
            batch.changed[history] = found.mark
            return True

    def histories(self) -> Iterator[Stored]:
        # All at once, so that the caller's pace does not keep the log from being emptied.
        with self._snapshot("listing the histories") as connection:
            return iter(list(records.all_(connection)))

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        with self._snapshot("scanning the journal") as connection:
            for scanned in scan.scan(connection, history):
                self._database.pool.guard.confirm(connection)
                yield scanned

    def backup(self, path: Path) -> str:
        if path.exists():
            raise FileExistsError(f"there is a file {str(path)!r} already")
        with (
            self._snapshot("copying the journal") as connection,
            closing(sqlite3.connect(path)) as copy,
        ):
            shutil.copymode(self._database.address.path, path)
            # In one step: SQLite would begin anew after every write of others between two.
            connection.backup(copy)
        return f"sqlite:{path}?filesystem=any"  # nobody else uses the copy

    def adopt(self, stored: Stored, entries: Sequence[Entry]) -> None:
        stored.check_entries(entries)
        with self._writing(f"taking in history {stored.id}") as batch:
            if records.find(batch.connection, stored.id) is not None:
                raise HistoryExistsError(stored.id)
            with batch.step():
                taken = records.begin(batch.connection, stored.id, stored.chart)
                taken = replace(taken, stored=stored)
                records.insert(batch.connection, taken, stored.first, entries)
                records.update(batch.connection, taken)
                records.insert_trims(batch.connection, taken, stored.trims)
            batch.changed[stored.id] = taken.mark

    def close(self) -> None:
        self._close()

    def _moment(self, now: float | None) -> float:
        """Return the time, or the clock's, as exactly as it is stored."""
        return records.milliseconds(self.clock() if now is None else now) / 1000

    def _view(self, op: str) -> AbstractContextManager[sqlite3.Connection]:
        """One consistent view: the turn's own, or a snapshot."""
        batch = self._inside()
        return self._snapshot(op) if batch is None else _Translated(op, batch.connection)

    @contextmanager
    def _snapshot(self, op: str) -> Iterator[sqlite3.Connection]:
        """What is durable at one moment."""
        with _Translated(op, None), self._database.pool.lend(Role.READER) as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")

    def _writing(self, op: str) -> AbstractContextManager[Batch]:
        """The turn that this thread is in, or one of its own."""
        batch = self._inside()
        return self._turn(op) if batch is None else _Translated(op, batch)

    @contextmanager
    def _turn(self, op: str) -> Iterator[Batch]:
        self._database.pool.check_open()
        with self._database.group_commit.turn() as batch, _Translated(op, batch):
            batch.check()
            yield batch

    def _inside(self) -> Batch | None:
        """The batch of the turn that this thread is in, if it is in one."""
        batch = self._database.group_commit.mine
        if batch is not None:
            self._database.pool.check_open()
            batch.check()
        return batch

    def _remove_entries(self, key: int, before: int) -> int:
        """Remove a history's entries before a serial, in several turns; return how many."""
        removed, some = 0, COLLECTED_AT_ONCE
        while before and some == COLLECTED_AT_ONCE:
            some = self._remove(
                "DELETE FROM entry WHERE history = ?1 AND serial <"
                " min((SELECT min(serial) FROM entry WHERE history = ?1) + ?2, ?3)",
                key,
                COLLECTED_AT_ONCE,
                before,
            )
            removed += some
        return removed

    def _remove(self, statement: str, *arguments: int) -> int:
        with self._writing("collecting garbage") as batch, batch.step():
            return batch.connection.execute(statement, arguments).rowcount


class _Translated(Generic[T]):
    """A context that raises SQLite's errors as journal-level ones.

    Args:
        op: what is done there, for the errors.
        value: what the context gives.
    """

    __slots__ = ("_op", "_value")

    def __init__(self, op: str, value: T) -> None:
        self._op = op
        self._value = value

    def __enter__(self) -> T:
        return self._value

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise failure(self._op, error) from error


def _following(
    connection: sqlite3.Connection, history: records.History, after: Head
) -> tuple[Entry, ...] | None:
    """The entries after a head, None if it is not on the visible chain."""
    stored = history.stored
    match after.token:
        case (int(key), int(serial)) if key == history.key and stored.start <= serial <= stored.end:
            entries = records.entries(connection, history, serial)
        case _:
            return None
    # A file restored from a backup may have grown again, along another chain.
    return entries if after.vid == (entries[0].parent if entries else stored.vid) else None


def _holds(connection: sqlite3.Connection, history: UUID, place: Head | None) -> bool:
    """Tell whether a history has reached a place, or, without one, was deleted."""
    found = records.find(connection, history)
    if place is None:
        return found is None or found.stored.deleted_at is not None
    return found is not None and _following(connection, found, place) is not None
