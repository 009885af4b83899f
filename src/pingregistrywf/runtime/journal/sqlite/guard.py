"""What keeps a journal whole when people move, remove, replace or copy its files while it is open.

SQLite's promises hold as long as nobody touches the file, its log (``-wal``), the log's index
(``-shm``), or the locks on them.  People do touch them, and POSIX drops all locks of a process on a
file as soon as the process closes any descriptor of it.  A ``FileGuard`` is what one process knows
of one file, whichever journal objects use it.  It rests on four rules.

**A look** compares device and inode of the three names with what is open.  Every commit looks in
its turn before it begins, and again when it is done.  If both looks find what is open, the commit
is in the file and the log that everybody opens by these names, since nothing is put back under a
name by chance.  If the first look fails, nothing was written.  If only the second fails, the commit
is in doubt: it is *settled* by looking for what it wrote, once the files are open again.  Reads and
the poller look too, unless a look is younger than ``LOOK_SECONDS``.  A name cannot come to mean
another file without a change of its directory, so a look whose directory is as it was at the last
full comparison ends there.

**A close harms nobody.**  The last connection to a file copies the log into the file and removes
the log.  If locks have vanished, a connection takes itself for the last one although others still
commit, and what they commit is lost.  Therefore each process keeps two connections of its own, the
*anchors*, while it has any: one that may write and one that may only read.  SQLite never takes a
connection for the last one while its own process has another, nor one that may only read.  Closing
the writing anchor first and the reading one after it thus removes nothing, whatever happened to the
locks.

**The last close** does remove the log, so that the file alone is the journal.  It closes the
anchors in the other order.  It does so only while it holds the lock file ``-open`` exclusively,
which each process holds shared while it has the file open, and the turn to write.  This lock is a
``flock``, which closing another descriptor does not drop.

SQLite may remove a log that it has not copied: if a connection is the last one, and could open the
index for reading only, its close takes the checkpoint that it could not make for made.  For that it
is enough that the process had no descriptor left for a moment.  So where a log is found at opening,
the reading anchor is opened first and closed last.

Whoever opens the journal beside others finds a log and an index; if one is missing, opening is
refused, because a new log would be another history than the one that the others still read.

**Healing** depends on what is gone.  Log and index, or the index alone: the process closes all of
its connections and opens them again; connections opened while one of them is still open would share
the index that was removed.  If nobody has made a new log yet, what the file lacks is first copied
into it from the log that is still open.  The log alone: only a person does that.  The open log is
copied into the file, and the error says that all processes must end, because a new log beside the
old index would show readers a part.  The file itself: nothing is copied, because somebody may have
opened the moved file and written to it.  The error tells where the log is.

SQLite up to 3.51.2 also has a bug by which two connections that write and checkpoint at one instant
lose commits.  Commits and the checkpoints that they set off happen inside the turn; readers cannot
checkpoint; the last close has the turn and the file for itself.  So processes of this package never
meet the bug.  A program that writes or checkpoints on its own may.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Final, Protocol

from pingregistrywf.runtime.errors import DBError, LockTimeoutError
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.lock_holder import describe_process, lock_holder
from pingregistrywf.runtime.journal.sqlite.log_owner import check_log, claim_log, has_content
from pingregistrywf.runtime.journal.sqlite.process_lock import ProcessLock, open_lock_file, try_lock
from pingregistrywf.runtime.journal.sqlite.replacement import refuse_unfinished
from pingregistrywf.runtime.journal.sqlite.schema import Role, connect
from pingregistrywf.runtime.log import JOURNAL, Wait, logged

LOOK_SECONDS: Final = 0.02
"""Age up to which the last look is good enough for a read."""
PATIENCE: Final = 1.0
"""Seconds that healing waits for the turn, and for this process's other connections."""
_PAUSE: Final = 0.002
TICK_NS: Final = 100_000_000
COARSE_TICK_NS: Final = 3_000_000_000
"""Nanoseconds within which two changes of a directory may get the same time: a tick of the kernel,
or the two seconds of a file system that keeps no fractions."""

_OPENING: Final = "opening the journal's file"
_REOPENING: Final = "opening the journal's file again"
_USING: Final = "using the journal's file"
_END_ALL: Final = "end all processes that use the journal"
_STILL_READ: Final = (
    "its log or the log's index was removed, and this process still reads the old ones: end what"
    " iterates over the journal, and close other connections to its file"
)


class Loss(Enum):
    """What a look can find."""

    FILE = "file"
    LOG = "log"
    INDEX = "index"


class FileLostError(Exception):
    """The names beside a journal are not what this process has open; never leaves this package."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss)
        self.loss: Final = loss


class Pool(Protocol):
    """What holds connections that nobody uses at the moment."""

    def drop_idle(self) -> None: ...


_Identity = tuple[int, int]
_Identities = tuple[_Identity | None, ...]
_Stamp = tuple[int, int, int]


class FileGuard:
    """What this process has open of one journal file.  Get it with ``FileGuard.of``."""

    _guards: Final[weakref.WeakValueDictionary[Path, FileGuard]] = weakref.WeakValueDictionary()
    _all: Final = threading.Lock()

    def __init__(self, address: Address) -> None:
        path = os.fspath(address.path)
        self._names: Final = (path, f"{path}-wal", f"{path}-shm")
        self._lock_path: Final = f"{path}-open"
        self._address: Final = address
        # Its lock is re-entrant: a finalizer may close a journal at any point of any thread.
        self._changed: Final = threading.Condition(threading.RLock())
        self._lock: int | None = None
        self._anchors: tuple[sqlite3.Connection, sqlite3.Connection] | None = None
        self._open: _Identities = (None, None, None)
        self._connections = 0
        self._healing = False
        self._directory: Final = os.fspath(address.path.parent)
        self._unchanged: _Stamp | None = None
        self._looked = 0.0
        self._pools: weakref.WeakSet[Pool] = weakref.WeakSet()

    @classmethod
    def of(cls, address: Address) -> FileGuard:
        """Return this process's guard of a file."""
        with cls._all:
            return cls._guards.setdefault(address.path, cls(address))

    @classmethod
    def forget(cls, address: Address) -> None:
        """In a forked child: the parent's guard of a file is not the child's."""
        guard = cls._guards.pop(address.path, None)
        if guard is not None:
            guard._keep_open()
            guard._release()

    @classmethod
    def keep_all_open(cls) -> None:
        """When the interpreter ends with a file open: it must not close the anchors in any order.

        A connection that an unfinished iterator has may be closed later than they are.
        """
        for guard in cls._guards.values():
            guard._keep_open()

    def connect(
        self,
        pool: Pool,
        address: Address,
        role: Role,
        prepare: Callable[[sqlite3.Connection], None] | None = None,
        *,
        make: bool = False,
    ) -> sqlite3.Connection:
        """Open a connection; ``close`` it.

        Args:
            pool: uses the file from now on, until it calls ``leave``.
            address: the file, with the options of this connection.
            role: what the connection is for.
            prepare: is called with a connection that may write, before any other is opened.
            make: whether to make the file if there is none.

        Raises:
            FileLostError: this process has other files open than those that have the names now.
            DBError: another process has the journal open, and its log is gone.
            sqlite3.Error: SQLite cannot open the file.
        """
        with self._changed:
            while self._healing:
                self._changed.wait()
            if self._anchors is None:
                self._begin(address, prepare, make=make)
            else:
                self.look()
                if prepare is not None:
                    prepare(self._anchors[0])
            try:
                connection = connect(address, role)
            except BaseException:
                self._end_if_last()
                raise
            self._pools.add(pool)
            self._connections += 1
            return connection

    def close(self, connection: sqlite3.Connection) -> None:
        """Close a connection that ``connect`` opened."""
        with self._changed:
            _close(connection)
            self._connections -= 1
            self._end_if_last()
            self._changed.notify_all()

    def leave(self, pool: Pool) -> None:
        """Say that a pool does not use the file any more, once its connections are closed."""
        with self._changed:
            self._pools.discard(pool)
            self._end_if_last()

    def look(self, age: float = 0.0) -> None:
        """Compare the names with what is open, unless that was done less than ``age`` ago.

        Raises:
            FileLostError: they differ.
        """
        now = time.monotonic()
        if now - self._looked <= age:
            return
        directory = _stamp(self._directory)
        if directory is None or directory != self._unchanged:
            settled = directory is not None and _is_over(directory[2])
            found = self._identities()
            if self._anchors is not None:
                if found != self._open:
                    raise FileLostError(self._loss(found))
                self._unchanged = directory if settled else None
        self._looked = now

    def log_size(self) -> int:
        """Return the log's size in bytes, 0 if there is none."""
        try:
            return os.stat(self._names[1]).st_size  # noqa: PTH116 (a Path takes longer)
        except OSError:
            return 0

    def confirm(self, connection: sqlite3.Connection) -> None:
        """Check that what a connection read in one transaction was there at one moment.

        SQLite sees to that, but for a file that is read alone: see ``read_only_guard``.
        """

    def lends_again(self, connection: sqlite3.Connection) -> bool:  # noqa: ARG002
        """Return whether a connection that comes back may be lent once more."""
        return True

    def mend(self, *, turn: bool, doubt: bool = False) -> None:
        """Open the files again where that is safe; the caller has given its connection back.

        Args:
            turn: whether this thread has the turn to write.
            doubt: whether a commit is in doubt, which must then not be copied into the file.

        Raises:
            DBError: it is not safe; says what was found and what to do.
        """
        for pool in list(self._pools):
            pool.drop_idle()
        with contextlib.nullcontext() if turn else self._turn(), self._alone_in_process() as loss:
            if loss is Loss.FILE:
                raise self._file_lost()
            if loss is Loss.LOG:
                raise self._log_lost()
            if loss is Loss.INDEX:
                self._reopen(doubt=doubt)

    def _identities(self) -> _Identities:
        try:
            found = list(map(os.stat, self._names))
            return tuple([(each.st_ino, each.st_dev) for each in found])
        except OSError:  # not all of them are there
            return tuple(map(_identity, self._names))

    def _loss(self, found: _Identities) -> Loss:
        if found[0] != self._open[0]:
            return Loss.FILE
        return Loss.LOG if found[2] == self._open[2] else Loss.INDEX

    def _begin(
        self,
        address: Address,
        prepare: Callable[[sqlite3.Connection], None] | None,
        *,
        make: bool,
    ) -> None:
        self._lock = open_lock_file(self._lock_path)
        try:
            alone = self._share(address.timeout)
            refuse_unfinished(address)
            check_log(address, self._lock_path, alone=alone)
            self._open_anchors(address, prepare, make=make, alone=alone)
        except BaseException:
            self._release()
            raise

    def _share(self, timeout: float) -> bool:
        """Take the lock file; return True if no other process has it, and others wait for it."""
        assert self._lock is not None  # noqa: S101 (narrows the type)
        deadline = time.monotonic() + timeout
        wait = Wait("waiting to open the journal's file", self._opener)
        while not try_lock(self._lock):
            shared = try_lock(self._lock, fcntl.LOCK_SH)
            if shared and all(map(_identity, self._names[1:])):
                wait.over(done=True)
                return False
            if time.monotonic() >= deadline:
                wait.over(done=False)
                raise self._log_missing() if shared else self._locked()
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            wait.look()
            time.sleep(_PAUSE)
        wait.over(done=True)
        return True

    def _open_anchors(
        self,
        address: Address,
        prepare: Callable[[sqlite3.Connection], None] | None,
        *,
        make: bool = False,
        alone: bool = False,
    ) -> None:
        assert self._lock is not None  # noqa: S101 (narrows the type)
        left = alone and has_content(self._names[1])
        with contextlib.ExitStack() as made, contextlib.ExitStack() as opened:
            if alone and not left:
                # Makes the file, or undoes what a process left that was killed while it made it.
                made.callback(_close, connect(address, Role.WRITER, make=make))
            reader = connect(address, Role.READER)
            opened.callback(_close, reader)
            writer = connect(address, Role.WRITER)
            opened.callback(_close_both, writer, reader, alone=alone and not left)
            if prepare is not None:
                prepare(writer)
                reader.execute("PRAGMA schema_version")  # opens the log, if it was made just now
            found = self._identities()
            _refuse_removed(self._names)
            if alone:
                claim_log(self._lock_path, writer)
                # Should this fail, the lock is lost, and others may open the file.
                made.close()
                opened.callback(_close_both, writer, reader, alone=False)
                fcntl.flock(self._lock, fcntl.LOCK_SH)
            opened.pop_all()
        self._anchors, self._open = (writer, reader), found

    def _end_if_last(self) -> None:
        unused = self._connections == 0 and not self._pools and not self._healing
        if unused and self._anchors is not None:
            writer, reader = self._anchors
            with self._alone() as alone:
                _close_both(writer, reader, alone=alone)
                self._anchors = None
                self._release()

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Yield whether no other process has the file open, and none can open it or write."""
        assert self._lock is not None  # noqa: S101 (narrows the type)
        process_lock = ProcessLock(self._address.path)
        alone = False
        with contextlib.closing(process_lock):
            with contextlib.suppress(OSError):
                alone = (
                    _identity(self._lock_path) == _identity(self._lock)
                    and self._identities() == self._open
                    and try_lock(self._lock)
                    and process_lock.try_acquire()
                )
            yield alone

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with contextlib.closing(ProcessLock(self._address.path)) as process_lock:
            try:
                holder = process_lock.acquire(PATIENCE)
            except OSError as error:
                raise DBError(_REOPENING, error) from error
            if holder is not None:
                reason = f"files of the journal were moved or removed, and {holder} holds the turn"
                raise LockTimeoutError(_REOPENING, TimeoutError(f"{reason}: run again"))
            yield

    @contextmanager
    def _alone_in_process(self) -> Iterator[Loss | None]:
        """Wait until no connection of this process is left but the anchors; yield what is lost."""
        with self._changed:
            while self._healing:
                self._changed.wait()
            self._healing = True
            try:
                found = self._identities()
                lost = self._anchors is not None and found != self._open
                loss = self._loss(found) if lost else None
                if loss is Loss.INDEX and not self._changed.wait_for(
                    lambda: self._connections == 0, PATIENCE
                ):
                    raise DBError(_REOPENING, RuntimeError(_STILL_READ))
                yield loss
            finally:
                self._healing = False
                self._changed.notify_all()
                self._end_if_last()

    def _reopen(self, *, doubt: bool) -> None:
        assert self._anchors is not None  # noqa: S101 (narrows the type)
        writer, reader = self._anchors
        _, log, index = self._identities()
        if log is None and index is None and not doubt:
            _checkpoint(writer)
        self._anchors = None
        _close_both(writer, reader, alone=False)
        try:
            if log is None and index is not None:
                raise self._log_missing()
            self._open_anchors(self._address, None)
            logged(JOURNAL, "opened files again", logging.WARNING, url=self._address.url)
        except sqlite3.Error as error:
            raise DBError(_REOPENING, error) from error
        finally:
            if self._anchors is None:
                self._release()

    def _file_lost(self) -> DBError:
        file, log, _ = self._names
        found = "is another file than" if _identity(file) else "is no longer"
        advice = (
            f"; its log {log!r} holds commits that are in no other file: {_END_ALL}, and move file"
            " and log together"
            if _identity(log) == self._open[1]
            else f": {_END_ALL}"
        )
        reason = (
            f"{file!r} {found} the file that this process has open, which was moved, removed or"
            f" replaced{advice}"
        )
        return DBError(_USING, RuntimeError(reason))

    def _log_lost(self) -> DBError:
        assert self._anchors is not None  # noqa: S101 (narrows the type)
        copied = "all of it was" if _checkpoint(self._anchors[0]) else "not all of it could yet be"
        reason = (
            f"the log {self._names[1]!r} was removed or replaced while the journal was open;"
            f" {copied} copied into the journal's file from the log that is still open: {_END_ALL}"
        )
        return DBError(_USING, RuntimeError(reason))

    def _log_missing(self) -> DBError:
        _, log, index = self._names
        gone = log if not _identity(log) else index
        reason = f"{gone!r} was removed while another process has the journal open: {_END_ALL}"
        return DBError(_OPENING, RuntimeError(reason))

    def _opener(self) -> str:
        return describe_process(lock_holder(Path(self._lock_path)))

    def _locked(self) -> LockTimeoutError:
        reason = f"another process has locked {self._lock_path!r}: wait until it is done, or end it"
        return LockTimeoutError(_OPENING, TimeoutError(reason))

    def _keep_open(self) -> None:
        if self._anchors is not None:
            never_close(*self._anchors)


def never_close(*connections: sqlite3.Connection) -> None:
    """Keep connections open as long as the process lives, also while the interpreter ends."""
    import ctypes  # seldom needed, and slow to import

    for connection in connections:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _close(connection: sqlite3.Connection) -> None:
    # What was written is durable since its COMMIT; a close that fails loses nothing.
    with contextlib.suppress(sqlite3.Error):
        connection.close()


def _close_both(writer: sqlite3.Connection, reader: sqlite3.Connection, *, alone: bool) -> None:
    """Close the anchors, in the order that keeps the log unless the process is ``alone``."""
    for anchor in (reader, writer) if alone else (writer, reader):
        _close(anchor)


def _checkpoint(connection: sqlite3.Connection) -> bool:
    """Copy the log that a connection has open into its file; return whether all is copied."""
    try:
        busy, pages, copied = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
    except sqlite3.Error:
        return False
    return not busy and pages == copied


def _refuse_removed(names: tuple[str, ...]) -> None:
    """Refuse what would share a removed index with another connection of this process."""
    removed = {f"{name} (deleted)" for name in names}
    with contextlib.suppress(FileNotFoundError):  # only Linux has this list
        for file in os.listdir("/proc/self/fd"):  # noqa: PTH208 (Paths take most of the time)
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/self/fd/{file}") in removed:  # noqa: PTH115 (likewise)
                    raise DBError(_REOPENING, RuntimeError(_STILL_READ))


def _stamp(directory: str) -> _Stamp | None:
    """What differs after a name in a directory was given, moved or removed."""
    try:
        found = os.stat(directory)  # noqa: PTH116 (a Path takes longer)
    except OSError:
        return None
    return found.st_ino, found.st_dev, found.st_ctime_ns


def _is_over(changed: int) -> bool:
    """Return whether the next change of a directory will have a later time than this, in ns."""
    tick = TICK_NS if changed % 1_000_000_000 else COARSE_TICK_NS
    return time.time_ns() - changed > tick


def _identity(place: str | int) -> _Identity | None:
    try:
        found = os.stat(place)  # noqa: PTH116 (a Path takes longer)
    except OSError:
        return None
    return found.st_ino, found.st_dev


atexit.register(FileGuard.keep_all_open)
