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
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from pingregistrywf.runtime.errors import (
    HistoryDeletedError,
    HistoryExistsError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.inspection import Scanned, Stored
from pingregistrywf.runtime.journal.notify import NotifierSubscription
from pingregistrywf.runtime.journal.protocol import (
    NO_HEAD,
    Collected,
    Entry,
    Head,
    Reading,
    Retention,
)
from pingregistrywf.runtime.journal.sqlite import records, scan
from pingregistrywf.runtime.journal.sqlite.database import Database
from pingregistrywf.runtime.journal.sqlite.failures import failure
from pingregistrywf.runtime.journal.sqlite.group_commit import Batch
from pingregistrywf.runtime.journal.sqlite.pool import closed_error
from pingregistrywf.runtime.journal.sqlite.schema import Role

COLLECTED_AT_ONCE: Final = 1000
"""Entries that garbage collection removes in one turn, so that writers need not wait for long."""


class SqliteJournal:
    """A journal in one SQLite file.

    Threads share an instance.  A forked child may go on using it, with a connection of its own.

    Args:
        database: the opened file, which the journal closes.
        clock: seconds since the Unix epoch; marks deletions and trims.
        retention: how long what is no longer needed is kept.
    """

    def __init__(
        self, database: Database, *, clock: Clock = time.time, retention: Retention | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._retention = retention or Retention()
        # Also closes a journal that is dropped, or still open when the interpreter ends.
        self._close = weakref.finalize(self, database.close)

    @property
    def url(self) -> str:
        return self._database.address.url

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def retention(self) -> Retention:
        return self._retention

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        with self._view(f"reading history {history}") as connection:
            stored = records.find(connection, history)
            if stored is None or stored.deleted_at is not None:
                return Reading((), NO_HEAD, continues=after is not None and not after.vid)
            if after is not None:
                following = _following(connection, stored, after)
                if following is not None:
                    return Reading(following, stored.place, continues=True)
            first = stored.start if whole else stored.restart
            entries = records.entries(connection, stored, first)
            return Reading(entries, stored.place, rooted=first == 0)

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: str,
        restart: bool = False,
    ) -> Head:
        if not entries:
            raise ValueError("a commit has at least one entry")
        with self._writing(f"appending to history {history}") as batch:
            stored = records.find(batch.connection, history)
            if stored is not None and stored.deleted_at is not None and not after.vid:
                raise HistoryDeletedError(history)
            _check(stored, after)
            with batch.step():
                if stored is None:
                    stored = records.begin(batch.connection, history, chart)
                stored = records.append(batch.connection, stored, entries, restart=restart)
            batch.changed[history] = stored.mark
            return stored.place

    @contextmanager
    def exclusive(self, history: UUID) -> Iterator[None]:  # noqa: ARG002 (one lock for all)
        self._check_open()
        with self._database.group_commit.turn():
            yield

    def delete(self, history: UUID, after: Head) -> None:
        with self._writing(f"deleting history {history}") as batch:
            stored = records.find(batch.connection, history)
            _check(stored, after)
            if stored is None or stored.deleted_at is not None:
                return
            stored = replace(stored, deleted_at=_milliseconds(self._clock()))
            with batch.step():
                records.update(batch.connection, stored)
            batch.changed[history] = stored.mark

    def subscribe(self, history: UUID | None = None) -> NotifierSubscription:
        self._check_open()
        return self._database.poller.subscribe(history)

    def collect(self, now: float | None = None) -> Collected:
        moment = _milliseconds(self._clock() if now is None else now)
        keep = self._retention

        def before(age: timedelta) -> int:
            return moment - _milliseconds(age.total_seconds())

        with self._view("looking for garbage") as connection:
            emptied = records.deleted(
                connection, before(min(keep.deleted_entries, keep.deleted_mark))
            )
            expired = records.deleted(connection, before(keep.deleted_mark))
            trims = connection.execute(
                "SELECT trim.history, min(trim.start, history.start), trim.start"
                " FROM trim JOIN history ON history.key = trim.history WHERE at <= ?",
                (before(keep.trimmed_entries),),
            ).fetchall()
        removed = 0
        for key, limit, trim in trims:
            removed += self._remove_entries(key, limit)
            self._remove("DELETE FROM trim WHERE history = ? AND start = ?", key, trim)
        for history in emptied:
            removed += self._remove_entries(history.key, None)
            self._remove("DELETE FROM trim WHERE history = ?", history.key)
        freed = sorted(
            UUID(bytes=history.id)
            for history in expired
            if self._remove("DELETE FROM history WHERE key = ?", history.key)
        )
        return Collected(removed, tuple(freed))

    def trim(self, history: UUID, now: float | None = None) -> bool:
        with self._writing(f"trimming history {history}") as batch:
            stored = records.find(batch.connection, history)
            if stored is None or stored.deleted_at is not None or stored.restart == stored.start:
                return False
            moment = _milliseconds(self._clock() if now is None else now)
            interval = _milliseconds(self._retention.trim_interval.total_seconds())
            if stored.trimmed_at is not None and moment - stored.trimmed_at < interval:
                return False
            stored = replace(stored, start=stored.restart, trimmed_at=moment)
            with batch.step():
                records.update(batch.connection, stored)
                _store_trim(batch.connection, stored.key, stored.start, moment)
            batch.changed[history] = stored.mark
            return True

    def histories(self) -> Iterator[Stored]:
        with self._snapshot("listing the histories") as connection:
            for history in records.all_(connection):
                yield scan.stored(connection, history)

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        with self._snapshot("scanning the journal") as connection:
            yield from scan.scan(connection, history)

    def backup(self, path: Path) -> None:
        if path.exists():
            raise FileExistsError(f"there is a file {str(path)!r} already")
        with (
            self._snapshot("copying the journal") as connection,
            closing(sqlite3.connect(path)) as copy,
        ):
            shutil.copymode(self._database.address.path, path)
            # In one step: SQLite would begin anew after every write of others between two.
            connection.backup(copy)

    def adopt(self, stored: Stored, entries: Sequence[Entry]) -> None:
        if len(entries) != stored.entries:
            raise ValueError(f"a history of {stored.entries} entries has not {len(entries)}")
        with self._writing(f"taking in history {stored.id}") as batch:
            if records.find(batch.connection, stored.id) is not None:
                raise HistoryExistsError(stored.id)
            with batch.step():
                begun = records.begin(batch.connection, stored.id, stored.chart)
                taken = replace(
                    begun,
                    head=stored.end,
                    vid=stored.vid.bytes,
                    start=stored.start,
                    restart=stored.restart,
                    deleted_at=_stamp(stored.deleted_at),
                    trimmed_at=_stamp(stored.trimmed_at),
                )
                records.insert(batch.connection, taken, stored.first, entries)
                records.update(batch.connection, taken)
                for trim in stored.trims:
                    _store_trim(batch.connection, taken.key, trim.start, _milliseconds(trim.at))
            batch.changed[stored.id] = taken.mark

    def close(self) -> None:
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._database.pool.closed:
            raise closed_error()

    @contextmanager
    def _view(self, op: str) -> Iterator[sqlite3.Connection]:
        """One consistent view: the turn's own, or a snapshot."""
        self._check_open()
        with _told(op):
            batch = self._database.group_commit.mine
            if batch is not None:
                batch.check()
                yield batch.connection
                return
            with self._snapshot(op) as connection:
                yield connection

    @contextmanager
    def _snapshot(self, op: str) -> Iterator[sqlite3.Connection]:
        """What is durable at one moment."""
        self._check_open()
        with _told(op), self._database.pool.lend(Role.READER) as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _writing(self, op: str) -> Iterator[Batch]:
        """The turn that this thread is in, or one of its own."""
        self._check_open()
        with self._database.group_commit.turn() as batch, _told(op):
            batch.check()
            yield batch

    def _remove_entries(self, key: int, limit: int | None) -> int:
        """Remove a history's entries before a serial, or all; in several turns."""
        removed = 0
        while True:
            some = self._remove(
                "DELETE FROM entry WHERE history = ?1 AND serial <"
                " min((SELECT min(serial) FROM entry WHERE history = ?1) + ?2,"
                " ifnull(?3, 9223372036854775807))",
                key,
                COLLECTED_AT_ONCE,
                limit,
            )
            removed += some
            if some < COLLECTED_AT_ONCE:
                return removed

    def _remove(self, statement: str, *arguments: int | None) -> int:
        with self._writing("collecting garbage") as batch, batch.step():
            return batch.connection.execute(statement, arguments).rowcount


@contextmanager
def _told(op: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise failure(op, error) from error


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _stamp(seconds: float | None) -> int | None:
    return None if seconds is None else _milliseconds(seconds)


def _store_trim(connection: sqlite3.Connection, key: int, start: int, at: int) -> None:
    connection.execute("INSERT INTO trim (history, start, at) VALUES (?, ?, ?)", (key, start, at))


def _check(stored: records.History | None, after: Head) -> None:
    head = NO_HEAD if stored is None else stored.place
    if head.vid != after.vid or (head.vid and head.token != after.token):
        raise VersionConflictError(head.vid, after.vid)


def _following(
    connection: sqlite3.Connection, stored: records.History, after: Head
) -> tuple[Entry, ...] | None:
    """The entries after a head, None if it is not on the visible chain."""
    match after.token:
        case (int(key), int(serial)) if key == stored.key and stored.start <= serial <= stored.head:
            entries = records.entries(connection, stored, serial)
        case _:
            return None
    # A file restored from a backup may have grown again, along another chain.
    found = entries[0].parent.bytes if entries else stored.vid
    return entries if found == after.vid.bytes else None
