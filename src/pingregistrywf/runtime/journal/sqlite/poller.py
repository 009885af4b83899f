"""Changes made by other processes, noticed while anybody subscribes.

One thread asks SQLite every few milliseconds whether the file changed (``PRAGMA data_version``,
which reads shared memory, not the file).  Only if it did, the thread asks which histories have
events behind the newest position that it has seen.  Changes by this process are reported at once,
by ``publish``.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.errors import JournalClosedError, JournalLevelError
from pingregistrywf.runtime.journal.notify import Notifier, NotifierSubscription
from pingregistrywf.runtime.journal.sqlite import ledger
from pingregistrywf.runtime.journal.sqlite.failures import failure
from pingregistrywf.runtime.journal.sqlite.group_commit import Batch
from pingregistrywf.runtime.journal.sqlite.pool import ConnectionPool
from pingregistrywf.runtime.journal.sqlite.schema import Role
from pingregistrywf.runtime.log import JOURNAL, logged

INTERVAL: Final = 0.03
"""Seconds between two looks; in the median a change is noticed after half of them.  Waking up costs
more processor time than looking, so that the interval decides what an idle journal costs."""
_UUID_SIZE: Final = 16
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
        self._position = 0

    def subscribe(self, history: UUID | None) -> NotifierSubscription:
        """Make a subscription, which changes wake that become durable from now on.

        Raises:
            JournalClosedError: the journal is being closed: nothing would end the subscription.
            DBError: the database failed.
        """
        with self._lock:
            if self._closed:
                raise JournalClosedError
            try:
                if self._thread is None:
                    with self._pool.lend(Role.POLLER) as connection:
                        self._version, self._position = (
                            _version(connection),
                            ledger.newest(connection),
                        )
                else:
                    self._look()
            except sqlite3.Error as error:
                raise failure("subscribing", error) from error
            subscription = self._notifier.subscribe(history)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="journal poller", daemon=True
                )
                self._thread.start()
            return subscription

    def publish(self, batch: Batch) -> None:
        """Report what this process changed."""
        with self._lock:
            if self._position + 1 == batch.positions.start:
                self._position = batch.positions.stop - 1
        self._notifier.notify(*batch.changed)

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
                    return
                try:
                    self._look()
                    pause = INTERVAL
                except (sqlite3.Error, JournalLevelError) as error:
                    logged(JOURNAL, "cannot look for changes", logging.DEBUG, error=error)
                    # Whoever waits then reads, and meets the error where it can be raised.
                    self._notifier.notify(everyone=True)
                    pause = _AFTER_FAILURE

    def _look(self) -> None:
        with self._pool.lend(Role.POLLER) as connection:
            version = _version(connection)
            if version == self._version:
                return
            newest = ledger.newest(connection)
            changed = _changed(connection, self._position)
        self._version = version
        # The file was replaced by an older one: what that changed cannot be told.
        everyone = newest < self._position
        self._position = newest
        self._notifier.notify(*changed, everyone=everyone)


def _version(connection: sqlite3.Connection) -> tuple[sqlite3.Connection, int]:
    return connection, connection.execute("PRAGMA data_version").fetchone()[0]


def _changed(connection: sqlite3.Connection, position: int) -> list[UUID]:
    """The histories that have events behind a position."""
    found = connection.execute(
        "SELECT DISTINCT id FROM chain WHERE key IN (SELECT history FROM event WHERE position > ?)",
        (position,),
    )
    return [UUID(bytes=own) for (own,) in found if len(own) == _UUID_SIZE]
