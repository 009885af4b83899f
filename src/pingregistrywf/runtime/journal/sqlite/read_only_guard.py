"""Reading a journal's file without writing to it, because the user may not or does not want to.

SQLite alone cannot do that.  To read a journal that nobody has open, it makes a log and an index
beside the file.  Where it may not, it fails; told to read the file alone, it ignores a log that is
there.  So a ``ReadOnlyGuard`` looks at what stands beside the file, and reads one of these:

- *The live journal*, if log and index are there.  SQLite reads it while others write.
- *The file alone*, if there is no log, which means that the file holds all that was committed.
  SQLite does not notice when such a file changes.  The guard therefore compares the file's size and
  time of change before and after each read; if they differ, it raises ``ChangedError``.
- *A private copy*, if there is a log that no process has open, and SQLite cannot read it in place:
  a process was killed, or file and log were copied to where they are.  SQLite makes the index in
  the copy's directory, which is removed when nothing reads the copy any more.

The choice is made while the lock file ``-open`` is held, so that no process of this package makes
or removes a log meanwhile.  Every look compares what stands beside the file with what it was when
the choice was made; if something changed, the guard chooses again.

Nothing is ever made or changed beside the journal.  Where none of the three shows all that was
committed, an error says why.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from pingregistrywf.runtime.errors import DBError, JournalOpenError
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.failures import primary
from pingregistrywf.runtime.journal.sqlite.guard import FileGuard, FileLostError, Loss, Pool
from pingregistrywf.runtime.journal.sqlite.log_owner import check_log
from pingregistrywf.runtime.journal.sqlite.replacement import refuse_unfinished
from pingregistrywf.runtime.journal.sqlite.schema import Role, connect

_TICK_NS: Final = 20_000_000
"""Nanoseconds within which two changes of a file may get the same time from the kernel."""
_COPY_ATTEMPTS: Final = 3
_LOG_HEADER: Final = 32
"""Bytes at the log's beginning that change when the log is begun anew."""
_CANNOT_USE_INDEX: Final = frozenset(
    {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
)
_CHOOSING: Final = "opening the journal's file for reading only"


class ChangedError(DBError):
    """The file changed while it was read, so that what was read may be of two moments."""

    def __init__(self) -> None:
        reason = "somebody began to write to the journal meanwhile: run again"
        super().__init__("reading the journal's file", RuntimeError(reason))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


class _Status(NamedTuple):
    """What changes when a file is replaced or written to."""

    inode: int
    device: int
    size: int
    changed: int


_Statuses: TypeAlias = tuple[_Status | None, ...]


class _Copy(NamedTuple):
    """A private copy, and the status of the files that it was made of."""

    of: _Statuses
    directory: Path


def why_read_only(address: Address) -> JournalOpenError | None:
    """Return what keeps this user from writing to a journal; None if nothing does.

    Also None where the journal cannot even be read, or does not exist: opening it says so.
    """
    path, parent = address.path, address.path.parent
    if address.mode == "ro":
        return address.refusal("its URL says to read only", "leave out mode=ro")
    if not os.access(path, os.R_OK):
        return None
    another_user = "run as a user who may, or change the permissions"
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        remedy = "copy the journal to where it can be written"
        return address.refusal("its file system takes no writes", remedy)
    if not os.access(path, os.W_OK):
        return address.refusal(f"this user may read but not write {str(path)!r}", another_user)
    if not os.access(parent, os.W_OK | os.X_OK):
        cause = f"this user may not write in {str(parent)!r}, where SQLite keeps its log"
        return address.refusal(cause, another_user)
    return None


class ReadOnlyGuard(FileGuard):
    """What one journal object reads of a file; see the module."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._chosen: _Statuses = ()
        self._live = False
        self._current: set[sqlite3.Connection] = set()
        self._read_alone: dict[sqlite3.Connection, _Status] = {}
        self._copies: dict[sqlite3.Connection, _Copy] = {}

    def connect(
        self,
        pool: Pool,
        address: Address,
        role: Role,
        prepare: Callable[[sqlite3.Connection], None] | None = None,
        *,
        make: bool = False,  # noqa: ARG002 (nothing is made)
    ) -> sqlite3.Connection:
        with self._changed, self._held() as unused:
            found = self._settled()
            if self._open[0] is not None and _identity(found[0]) != self._open[0]:
                raise self._file_lost()
            if not self._is_as_chosen(found):
                refuse_unfinished(address)
                check_log(address, self._lock_path, alone=unused, writes=False)
                self._current.clear()
            self._open, self._chosen = tuple(map(_identity, found)), found
            connection = self._choose(address, role, found, unused=unused)
            self._current.add(connection)
            self._pools.add(pool)
            self._connections += 1
            try:
                if prepare is not None:
                    prepare(connection)
            except BaseException:
                self.close(connection)
                raise
            return connection

    def close(self, connection: sqlite3.Connection) -> None:
        with self._changed:
            super().close(connection)
            self._current.discard(connection)
            self._read_alone.pop(connection, None)
            copy = self._copies.pop(connection, None)
            if copy is not None and copy not in self._copies.values():
                shutil.rmtree(copy.directory, ignore_errors=True)

    def look(self, age: float = 0.0) -> None:
        now = time.monotonic()
        if self._live and now - self._looked <= age:
            return
        if not self._is_as_chosen(self._statuses()):
            raise FileLostError(Loss.LOG)
        self._looked = now

    def confirm(self, connection: sqlite3.Connection) -> None:
        read = self._read_alone.get(connection)
        if read is not None and _status(self._names[0]) != read:
            raise ChangedError

    def lends_again(self, connection: sqlite3.Connection) -> bool:
        return connection in self._current

    def mend(self, *, turn: bool, doubt: bool = False) -> None:  # noqa: ARG002 (nothing is written)
        self._current.clear()
        for pool in list(self._pools):
            pool.drop_idle()

    def _choose(
        self, address: Address, role: Role, found: _Statuses, *, unused: bool
    ) -> sqlite3.Connection:
        file, log, index = found
        self._live = False
        if log is not None and index is not None:
            try:
                connection = connect(address, role)
            except sqlite3.Error as error:
                if primary(error) not in _CANNOT_USE_INDEX:
                    raise
                if not unused:
                    raise self._cannot_see(f"it may not use log and index ({error})") from error
            else:
                self._live = True
                return connection
        if log is not None and log.size:
            copy = self._copy(found)
            connection = connect(replace(address, path=copy.directory / address.path.name), role)
            self._copies[connection] = copy
            return connection
        connection = connect(address, role, still=True)
        if file is not None:
            self._read_alone[connection] = file
        return connection

    def _copy(self, found: _Statuses) -> _Copy:
        """Return a copy of file and log, made now unless there is one already.

        The file is copied first.  What a checkpoint copies into it meanwhile is in the log as well,
        as long as the log is not begun anew, which changes its header.
        """
        import subprocess  # seldom needed, and slow to import
        import tempfile

        for made in self._copies.values():
            if made.of == found:
                return made
        file, log, _ = self._names
        directory = None
        try:
            directory = Path(tempfile.mkdtemp(prefix="pingregistrywf-"))
            for _ in range(_COPY_ATTEMPTS):
                begun = _header(log)
                # In another process: closing the file would drop the locks of this one.
                subprocess.run(  # noqa: S603
                    ["cp", "--", file, log, directory],  # noqa: S607
                    check=True,
                    capture_output=True,
                    text=True,
                )
                for copied in directory.iterdir():
                    copied.chmod(0o600)
                if begun == _header(log):
                    return _Copy(found, directory)
            raise self._cannot_see("they change all the time")
        except BaseException as error:
            if directory is not None:
                shutil.rmtree(directory, ignore_errors=True)
            if isinstance(error, subprocess.CalledProcessError):
                raise self._cannot_see(error.stderr.strip()) from error
            if isinstance(error, OSError):
                raise self._cannot_see(str(error)) from error
            raise

    def _cannot_see(self, reason: str) -> DBError:
        file, log, _ = self._names
        text = (
            f"the log {log!r} holds events that are not in {file!r}, and both cannot be read:"
            f" {reason}; give this user the right to read them, or let one who may write open the"
            " journal once"
        )
        return DBError(_CHOOSING, PermissionError(text))

    @contextmanager
    def _held(self) -> Iterator[bool]:
        """Keep others from opening or closing the journal; yield whether none has it open.

        A journal that was copied here has no lock file.
        """
        try:
            self._lock = os.open(self._lock_path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._lock = None
        try:
            yield self._lock is None or self._share(self._address.timeout)
        finally:
            self._release()

    def _statuses(self) -> _Statuses:
        return tuple(map(_status, self._names))

    def _settled(self) -> _Statuses:
        """Return the statuses once the next change would give the file another time."""
        found = self._statuses()
        file = found[0]
        if file is not None and 0 <= time.time_ns() - file.changed < _TICK_NS:
            time.sleep(_TICK_NS / 1e9)
            found = self._statuses()
        return found

    def _is_as_chosen(self, found: _Statuses) -> bool:
        if self._live:
            return tuple(map(_identity, found)) == self._open
        return found == self._chosen


def _status(name: str) -> _Status | None:
    try:
        found = os.stat(name)  # noqa: PTH116 (a Path takes longer)
    except OSError:
        return None
    return _Status(found.st_ino, found.st_dev, found.st_size, found.st_mtime_ns)


def _identity(status: _Status | None) -> tuple[int, int] | None:
    return None if status is None else status[:2]


def _header(log: str) -> bytes:
    # SQLite holds no locks on the log, so that closing it drops none.
    with open(log, "rb") as file:  # noqa: PTH123
        return file.read(_LOG_HEADER)
