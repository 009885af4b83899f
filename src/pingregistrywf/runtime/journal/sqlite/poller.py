"""Changes made by other processes, noticed while anybody subscribes.

One thread asks SQLite every few milliseconds whether the file changed (``PRAGMA data_version``,
which reads shared memory, not the file).  Only if it did, the thread compares the histories that
somebody waits for with what it last saw of them.  Changes by this process are reported at once, by
``publish``.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.errors import JournalLevelError
from pingregistrywf.runtime.journal.notify import Notifier, NotifierSubscription
from pingregistrywf.runtime.journal.sqlite import records
from pingregistrywf.runtime.journal.sqlite.failures import failure
from pingregistrywf.runtime.journal.sqlite.pool import ConnectionPool
from pingregistrywf.runtime.journal.sqlite.schema import Role

INTERVAL: Final = 0.03
"""Seconds between two looks; in the median a change is noticed after half of them.  Waking up costs
more processor time than looking, so that the interval decides what an idle journal costs."""
_AFTER_FAILURE: Final = 1.0


class Poller:
    """Reports to a notifier what changed."""

    def __init__(self, pool: ConnectionPool, notifier: Notifier) -> None:
        self._pool = pool
        self._notifier = notifier
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._closed = False
        # The number is comparable only with one that the same connection gave.
        self._version: tuple[sqlite3.Connection, int] | None = None
        self._marks: dict[UUID, records.Mark | None] = {}

    def subscribe(self, history: UUID | None) -> NotifierSubscription:
        """Make a subscription, which changes wake that become durable from now on.

        Raises:
            DBError: the database failed.
            CorruptedDataError: the history's row is damaged.
        """
        # The lock keeps the thread from looking between the first mark and its being noted.
        with self._lock:
            try:
                with self._pool.lend(Role.POLLER) as connection:
                    if self._thread is None:
                        self._version = _version(connection)
                    if history is not None and history not in self._marks:
                        self._marks[history] = _mark(connection, history)
            except sqlite3.Error as error:
                raise failure("subscribing", error) from error
            subscription = self._notifier.subscribe(history)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(
                    target=self._run, name="journal poller", daemon=True
                )
                self._thread.start()
            return subscription

    def publish(self, changed: dict[UUID, records.Mark]) -> None:
        """Report what this process changed."""
        with self._lock:
            self._marks.update((h, mark) for h, mark in changed.items() if h in self._marks)
        self._notifier.notify(*changed)

    def close(self) -> None:
        """Wait for the look that is under way, and begin no other."""
        with self._lock:
            self._closed = True

    def _run(self) -> None:
        pause = INTERVAL
        while True:
            time.sleep(pause)  # the cheapest way to wait
            with self._lock:
                if self._closed or not self._notifier.watched:
                    self._thread = None
                    self._marks.clear()
                    return
                try:
                    self._look()
                    pause = INTERVAL
                except (sqlite3.Error, JournalLevelError):
                    # Whoever waits then reads, and meets the error where it can be raised.
                    self._notifier.notify(everyone=True)
                    pause = _AFTER_FAILURE

    def _look(self) -> None:
        with self._pool.lend(Role.POLLER) as connection:
            version = _version(connection)
            if version == self._version:
                return
            self._version = version
            watched = self._notifier.watched
            seen = {h: _mark(connection, h) for h in watched if h is not None}
        changed = [h for h, mark in seen.items() if mark != self._marks.get(h)]
        self._marks = seen
        self._notifier.notify(*changed)


def _version(connection: sqlite3.Connection) -> tuple[sqlite3.Connection, int]:
    return connection, connection.execute("PRAGMA data_version").fetchone()[0]


def _mark(connection: sqlite3.Connection, history: UUID) -> records.Mark | None:
    found = records.find(connection, history)
    return None if found is None else found.mark
