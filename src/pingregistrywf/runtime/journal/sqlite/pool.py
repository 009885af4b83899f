"""SQLite connections of one process to one file, lent to one thread at a time.

No connection may be open over a fork: SQLite keeps books, per process, on the locks it holds, and a
forked child would inherit the books without the locks.  ``shut`` therefore closes all, waiting for
those that are lent, and ``reopen`` lets them be opened again when they are next needed.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final

from pingregistrywf.runtime.errors import DBError
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.failures import failure
from pingregistrywf.runtime.journal.sqlite.schema import Role, connect

_MOST_IDLE: Final = 4


class ConnectionPool:
    """Lends connections, and keeps a few idle ones for the next borrower."""

    orphaned: ClassVar[set[Path]] = set()
    """Files that this process cannot use, because it was forked while its parent used them."""

    def __init__(self, address: Address) -> None:
        self._address = address
        # Its lock is re-entrant: a finalizer may close a journal at any point of any thread.
        self._changed = threading.Condition()
        self._idle: defaultdict[Role, list[sqlite3.Connection]] = defaultdict(list)
        self._lent: set[sqlite3.Connection] = set()
        self._opening = 0
        self._shut = 0
        self.closed = False

    def check_open(self) -> None:
        """Raise the ``DBError`` that every method of a closed journal raises."""
        if self.closed:
            raise DBError("use of a closed journal", ValueError("open it again"))

    def take(self, role: Role) -> sqlite3.Connection:
        """Borrow a connection; ``give`` it back.

        Raises:
            DBError: the journal is closed, or SQLite cannot open its file.
        """
        with self._changed:
            while self._shut:
                self._changed.wait()
            self.check_open()
            if self._address.path in self.orphaned:
                raise DBError(
                    "use of a journal in a process that was forked in the middle of a commit",
                    ValueError("fork outside of exclusive(), or start the process afresh"),
                )
            if self._idle[role]:
                connection = self._idle[role].pop()
                self._lent.add(connection)
                return connection
            self._opening += 1
        opened: sqlite3.Connection | None = None
        try:
            opened = connect(self._address, role)
        except sqlite3.Error as error:
            raise failure("opening the journal's file", error) from error
        finally:
            with self._changed:
                self._opening -= 1
                if opened is not None:
                    self._lent.add(opened)
                self._notify()
        return opened

    def give(self, role: Role, connection: sqlite3.Connection, *, sound: bool = True) -> None:
        """Give a connection back, outside of any transaction unless it is not ``sound``."""
        with self._changed:
            idle = self._idle[role]
            if sound and not self._shut and not self.closed and len(idle) < _MOST_IDLE:
                idle.append(connection)
            else:
                _close(connection)
            self._lent.discard(connection)
            self._notify()

    @contextmanager
    def lend(self, role: Role) -> Iterator[sqlite3.Connection]:
        """``take`` and ``give``."""
        connection = self.take(role)
        sound = False
        try:
            yield connection
            sound = True
        finally:
            self.give(role, connection, sound=sound)

    def shut(self, timeout: float) -> bool:
        """Close every connection and open none until ``reopen``.

        Return False if some were still lent after ``timeout`` seconds.
        """
        with self._changed:
            self._shut += 1
            self._close_idle()
            return self._changed.wait_for(lambda: not (self._lent or self._opening), timeout)

    def reopen(self) -> None:
        """Undo one ``shut``."""
        with self._changed:
            self._shut -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        with self._changed:
            self.closed = True
            self._close_idle()

    def orphan(self) -> None:
        """In a child that was forked although ``shut`` failed: never touch the file again.

        Even closing the parent's connections could harm what other processes are writing, so they
        get a reference that nothing takes back, not even the end of the interpreter.
        """
        import ctypes  # seldom needed, and slow to import

        self.orphaned.add(self._address.path)
        for connection in self._lent:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))

    def _notify(self) -> None:
        if self._shut:  # a thread waits for this
            self._changed.notify_all()

    def _close_idle(self) -> None:
        for connections in self._idle.values():
            while connections:
                _close(connections.pop())


def _close(connection: sqlite3.Connection) -> None:
    # What was written is durable since its COMMIT; a close that fails loses nothing.
    with contextlib.suppress(sqlite3.Error):
        connection.close()
