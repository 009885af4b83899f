"""SQLite connections of one process to one file, lent to one thread at a time.

No connection may be open over a fork: SQLite keeps books, per process, on the locks it holds, and a
forked child would inherit the books without the locks.  ``shut`` therefore closes all, waiting for
those that are lent, and ``reopen`` lets them be opened again when they are next needed.

No connection is lent whose files may have been moved or removed: ``guard`` looks, and mends.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final

from pingregistrywf.runtime.errors import DBError, JournalClosedError, JournalUnusableError
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.failures import failure
from pingregistrywf.runtime.journal.sqlite.guard import (
    LOOK_SECONDS,
    FileGuard,
    FileLostError,
    never_close,
)
from pingregistrywf.runtime.journal.sqlite.schema import Role

_MOST_IDLE: Final = 4
_OPENING: Final = "opening the journal's file"


class ConnectionPool:
    """Lends connections, and keeps a few idle ones for the next borrower."""

    orphaned: ClassVar[set[Path]] = set()
    """Files that this process cannot use, because it was forked while its parent used them."""

    def __init__(self, address: Address, guard: FileGuard) -> None:
        self._address = address
        self.guard: Final = guard
        # Re-entrant: a finalizer may close a journal at any point of any thread.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._idle: defaultdict[Role, list[sqlite3.Connection]] = defaultdict(list)
        self._lent: set[sqlite3.Connection] = set()
        self._opening = 0
        self._shut = 0
        self.closed = False

    def check_open(self) -> None:
        """Raise a ``JournalUnusableError`` if the journal is closed, or not this process's."""
        if self.closed:
            raise JournalClosedError
        if self.orphaned and self._address.path in self.orphaned:
            raise JournalUnusableError(
                "use of a journal in a process that was forked in the middle of a commit",
                ValueError("fork outside of exclusive(), or start the process afresh"),
            )

    def begin(self, role: Role, prepare: Callable[[sqlite3.Connection], None], make: bool) -> None:
        """Open the first connection; see ``FileGuard.connect``.

        Raises:
            DBError: this process has the file open, and it was moved or removed.
        """
        while True:
            try:
                opened = self.guard.connect(self, self._address, role, prepare=prepare, make=make)
            except FileLostError:
                self.guard.mend(turn=False)
            else:
                self._idle[role].append(opened)
                return

    def take(self, role: Role) -> sqlite3.Connection:
        """Borrow a connection; ``give`` it back.  A writer is borrowed in the turn to write.

        Raises:
            DBError: the journal is closed, its files were moved or removed, or SQLite cannot open
                its file.
        """
        writes = role is Role.WRITER
        while True:
            connection = None
            try:
                connection = self._take(role)
                self.guard.look(0.0 if writes else LOOK_SECONDS)
                return connection
            except FileLostError:
                if connection is not None:
                    self.give(role, connection, sound=False)
                self.guard.mend(turn=writes)

    def _take(self, role: Role) -> sqlite3.Connection:
        with self._lock:
            while self._shut:
                self._changed.wait()
            self.check_open()
            if self._idle[role]:
                connection = self._idle[role].pop()
                self._lent.add(connection)
                return connection
            self._opening += 1
        opened: sqlite3.Connection | None = None
        try:
            opened = self.guard.connect(self, self._address, role)
        except sqlite3.Error as error:
            raise failure(_OPENING, error) from error
        except OSError as error:
            raise DBError(_OPENING, error) from error
        finally:
            with self._changed:
                self._opening -= 1
                if opened is not None:
                    self._lent.add(opened)
                self._notify()
        return opened

    def give(self, role: Role, connection: sqlite3.Connection, *, sound: bool = True) -> None:
        """Give a connection back, outside of any transaction unless it is not ``sound``."""
        with self._lock:
            idle = self._idle[role]
            keep = (
                sound
                and not self._shut
                and not self.closed
                and len(idle) < _MOST_IDLE
                and self.guard.lends_again(connection)
            )
            if keep:
                idle.append(connection)
                self._lent.discard(connection)
        if not keep:
            self.guard.close(connection)  # with no lock held, as it may wait
            with self._changed:
                self._lent.discard(connection)
                self._notify()

    def lend(self, role: Role) -> Loan:
        """Return the context of a borrowed connection: ``take`` and ``give``."""
        return Loan(self, role)

    def shut(self, timeout: float) -> bool:
        """Close every connection and open none until ``reopen``.

        Return False if some were still lent after ``timeout`` seconds.
        """
        with self._changed:
            self._shut += 1
        self.drop_idle()
        self.guard.leave(self)
        with self._changed:
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
        self.drop_idle()
        self.guard.leave(self)

    def orphan(self) -> None:
        """In a child that was forked although ``shut`` failed: never touch the file again.

        Even closing the parent's connections could harm what other processes are writing, so they
        get a reference that nothing takes back, not even the end of the interpreter.
        """
        self.orphaned.add(self._address.path)
        never_close(*self._lent)

    def _notify(self) -> None:
        if self._shut:  # a thread waits for this
            self._changed.notify_all()

    def drop_idle(self) -> None:
        """Close the connections that nobody has borrowed."""
        with self._changed:
            idle = [each for connections in self._idle.values() for each in connections]
            self._idle.clear()
        for connection in idle:
            self.guard.close(connection)


class Loan:
    """The context of a borrowed connection."""

    __slots__ = ("_connection", "_pool", "_role")

    def __init__(self, pool: ConnectionPool, role: Role) -> None:
        self._pool = pool
        self._role = role

    def __enter__(self) -> sqlite3.Connection:
        self._connection = self._pool.take(self._role)
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        pool, sound = self._pool, False
        try:
            if kind is None or issubclass(kind, Exception):
                # If it raises, that explains what would look like damage.
                pool.guard.confirm(self._connection)
            sound = kind is None
        finally:
            pool.give(self._role, self._connection, sound=sound)
