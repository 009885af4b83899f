"""The log beside a journal's file: how long it may get, and who keeps it from being emptied.

SQLite appends each commit to the log, copies the log into the file at every thousandth page, and
begins the log anew at the first commit after all of it was copied.  It copies nothing that is newer
than what some reader sees, and begins nothing anew while a reader uses the log.  So the log grows
while one reader stays, and also while short reads never leave a gap.

Against the second, a commit that finds the log longer than ``LOG_LIMIT`` empties it: inside its
turn it waits for a moment for those who read, while the others wait for the turn.  If a reader
stays, the next attempt is made when the log has grown by ``LOG_LIMIT`` once more.  When the reader
has gone, SQLite cuts the log to ``LOG_LIMIT`` as it begins it anew (``journal_size_limit``).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pingregistrywf.runtime.journal.inspection import Log
from pingregistrywf.runtime.journal.sqlite.lock_holder import describe_process, lock_holders

LOG_LIMIT: Final = 8 << 20
"""Bytes; twice what SQLite needs between two checkpoints."""
ASKED_EVERY: Final = 16
"""Commits after which the log's size is asked for again."""
_PATIENCE_MS: Final = 250
_READ_LOCKS: Final = range(123, 128)
"""The bytes of the index that readers lock (``WAL_READ_LOCK`` in SQLite's WAL-mode file format)."""


def log_beside(path: Path) -> Log | None:
    """Return the log beside a journal's file, None if there is none."""
    try:
        size = Path(f"{path}-wal").stat().st_size
    except OSError:
        return None
    readers = lock_holders(Path(f"{path}-shm"), _READ_LOCKS)
    return Log(size, {each: describe_process(each) for each in readers})


class LogLimit:
    """Keeps a journal's log short, as long as no reader stays."""

    def __init__(self) -> None:
        self._next = LOG_LIMIT
        self._commits = 0

    def enforce(self, connection: sqlite3.Connection, log_size: Callable[[], int]) -> None:
        """Empty a log that has grown too long.  Called in the turn, outside of a transaction.

        Args:
            connection: one that may write.
            log_size: tells the log's size in bytes; asked at every ``ASKED_EVERY``-th commit.
        """
        self._commits += 1
        if self._commits % ASKED_EVERY:
            return
        size = log_size()
        if size <= LOG_LIMIT:
            self._next = LOG_LIMIT
        elif size > self._next:
            self._next = size + LOG_LIMIT
            with contextlib.suppress(sqlite3.Error):  # a later commit tries again
                connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS:d}")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA busy_timeout = 0")
