"""The tables; making a journal file, and refusing any other file without touching it.

Several processes may make the same file at once: each makes it in one transaction, and first looks
there whether another process was quicker.  An interrupted attempt leaves no bytes, or the empty
first page of SQLite; such a file counts as new.  A file that is refused is never written to.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from pingregistrywf.runtime.errors import DBError, JournalOpenError
from pingregistrywf.runtime.journal.sqlite import migration
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.failures import DAMAGED, failure, primary
from pingregistrywf.runtime.journal.sqlite.filesystem import check_file_system
from pingregistrywf.runtime.journal.sqlite.layout import SCHEMA_VERSION, TABLES, create, stored
from pingregistrywf.runtime.journal.sqlite.log import LOG_LIMIT
from pingregistrywf.runtime.journal.sqlite.process_lock import ProcessLock
from pingregistrywf.runtime.log import Wait

APPLICATION_ID: Final = 0x50524A31  # "PRJ1", what `file` and SQLite's tools can tell it by
_BUSY_PAUSE: Final = 0.01

_NO_DATABASE: Final = "the file is not a journal, nor any database"
_ANOTHER_PATH: Final = "choose another path"
OLDEST_SQLITE: Final = (3, 37, 0)
"""The first with STRICT tables."""
NEWER_SQLITE: Final = f"use a Python that has SQLite {'.'.join(map(str, OLDEST_SQLITE))} or newer"


class Role(StrEnum):
    """What a connection is used for."""

    READER = "reader"
    WRITER = "writer"
    POLLER = "poller"


def connect(
    address: Address, role: Role, *, make: bool = False, still: bool = False
) -> sqlite3.Connection:
    """Open a connection to the file, for one thread at a time.

    Args:
        address: the file.
        role: what the connection is for.
        make: whether to make the file if there is none.
        still: whether to read the file alone, without looking for a log or for changes.

    Raises:
        sqlite3.Error: SQLite cannot open it.
    """
    mode = "rwc" if make else "rw" if role is Role.WRITER else "ro"
    connection = sqlite3.connect(
        address.uri(mode=mode, immutable=int(still)),
        uri=True,
        timeout=address.timeout,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        # Text as bytes: damaged text must not raise before its checksum is looked at.
        connection.text_factory = bytes
        try:
            connection.execute("PRAGMA synchronous = FULL")  # reads the schema, too
        except UnicodeDecodeError:  # SQLite quotes what is damaged
            raise sqlite3.DatabaseError("malformed database schema") from None
        connection.execute("PRAGMA cell_size_check = ON")
        if role is Role.WRITER:
            # On macOS, a plain fsync does not reach the disk; elsewhere these change nothing.
            connection.execute("PRAGMA fullfsync = ON")
            connection.execute("PRAGMA checkpoint_fullfsync = ON")
            connection.execute("PRAGMA busy_timeout = 0")  # ``execute_when_free`` waits instead
            connection.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT:d}")
            if address.max_page_count is not None:
                connection.execute(f"PRAGMA max_page_count = {address.max_page_count:d}")
    except BaseException:
        connection.close()
        raise
    return connection


def execute_when_free(
    connection: sqlite3.Connection, statement: str, deadline: float
) -> sqlite3.Cursor:
    """Execute a writer's statement, waiting for another program that holds SQLite's lock.

    Our own processes queue before they come here.  The wait ends at ``deadline``, a time of the
    monotonic clock.

    Raises:
        sqlite3.Error: the lock did not become free in time, or SQLite failed otherwise.
    """
    wait = None
    while True:
        try:
            cursor = connection.execute(statement)
        except sqlite3.OperationalError as error:
            if primary(error) != sqlite3.SQLITE_BUSY:
                raise
            wait = wait or Wait("waiting for SQLite's lock", lambda: "another program")
            if time.monotonic() >= deadline:
                wait.over(done=False)
                raise
        else:
            if wait is not None:
                wait.over(done=True)
            return cursor
        wait.look()
        time.sleep(_BUSY_PAUSE)


def open_file(
    address: Address,
    process_lock: ProcessLock | None,
    begin: Callable[[Callable[[sqlite3.Connection], None], bool], None],
) -> None:
    """Open a journal of this version, making it if there is none.

    Args:
        address: the file.
        process_lock: is opened, too; without one, the journal is opened for reading only.
        begin: calls its first argument with a connection, which may write unless the journal is
            opened for reading only; the second says whether to make the file.

    Raises:
        JournalOpenError: it names something else, or cannot be used.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise address.refusal(
            f"Python's SQLite is {sqlite3.sqlite_version}",
            NEWER_SQLITE,
        )
    try:
        found = _look_at_path(address, read_only=process_lock is None)
        check_file_system(address)
        if found is not None and found.st_size > 0:
            _peek(address)
        if process_lock is None:
            begin(partial(_check, address), False)
        else:
            process_lock.open()
            begin(partial(_prepare, address, process_lock), found is None)
    except DBError as error:
        raise address.refusal(str(error.err), "then open it again") from error
    except sqlite3.Error as error:
        raise _refusal(address, error) from error
    except OSError as error:
        remedy = f"check {error.filename or str(address.path)!r}"
        raise address.refusal(error.strerror or str(error), remedy) from error


def _prepare(address: Address, process_lock: ProcessLock, connection: sqlite3.Connection) -> None:
    if _identify(address, connection) == (1, migration.TABLES):
        _migrate(address, connection, process_lock)
    if not _is_journal(address, connection):
        _make(address, connection)


def _check(address: Address, connection: sqlite3.Connection) -> None:
    if not _is_of_this_version(address, connection):
        raise address.refusal("the file is empty", "name a journal that exists")


def _look_at_path(address: Address, *, read_only: bool) -> os.stat_result | None:
    """Return the file's status, None if there is none; refuse what its path shows to be wrong."""
    path, parent, shown = address.path, address.path.parent, repr(str(address.path.parent))
    refuse = address.refusal
    found = None
    log = Path(f"{path}-wal")
    # Looked at before the file: another process may be making the journal, the file first.
    left = log.exists() and log.stat().st_size > 0
    try:
        found = path.stat()
    except FileNotFoundError:
        if not parent.is_dir():
            remedy = f"make it, or {_ANOTHER_PATH}"
            raise refuse(f"there is no directory {shown}", remedy) from None
    except NotADirectoryError:
        raise refuse(f"{shown} is not a directory", _ANOTHER_PATH) from None
    if found is not None:
        if stat.S_ISDIR(found.st_mode):
            raise refuse("it is a directory", "name a file in it")
        if not stat.S_ISREG(found.st_mode):
            raise refuse("it is not a regular file", _ANOTHER_PATH)
        if found.st_nlink > 1:
            raise refuse(
                f"the file has {found.st_nlink} names (hard links), and SQLite would keep a log for"
                " each",
                "remove all names but one",
            )
        if found.st_size == 1:  # which SQLite would take for empty
            raise refuse(_NO_DATABASE, _ANOTHER_PATH)
        if not os.access(path, os.R_OK if read_only else os.R_OK | os.W_OK):
            doing = "read" if read_only else "read and write"
            remedy = "change its permissions, or its owner"
            raise refuse(f"this user may not {doing} the file", remedy)
    if left and (found is None or found.st_size == 0):
        raise refuse(
            f"there is a log {str(log)!r} without its journal, which was moved, removed or emptied",
            "put the file back beside it, or move the log to where the file is now",
        )
    if read_only and found is None:
        raise refuse("there is no such file", "name a journal that exists")
    if not (read_only or os.access(parent, os.W_OK | os.X_OK)):
        raise refuse(
            f"this user may not write in {shown}, where SQLite keeps its log",
            f"change the directory's permissions, or {_ANOTHER_PATH}",
        )
    return found


def _peek(address: Address) -> None:
    """Refuse a file that is certainly no journal, without locks, log or recovery.

    Opening a foreign database the usual way could already change it: SQLite would finish what its
    owner left unfinished.  A journal in use may look torn here; the proper look follows.
    """
    opened = sqlite3.connect(address.uri(mode="ro", immutable=1), uri=True, isolation_level=None)
    with contextlib.closing(opened) as connection:
        try:
            _identify(address, connection)
        except UnicodeDecodeError:  # SQLite quotes what is damaged
            pass
        except sqlite3.Error as error:
            if primary(error) == sqlite3.SQLITE_NOTADB:
                raise


def _identify(
    address: Address, connection: sqlite3.Connection
) -> tuple[int, dict[object, object]] | None:
    """Return a journal's version and the SQL of its tables, None for an empty database.

    Both are read in one transaction, because another process may be making the journal right now.
    A database of another program is refused.
    """

    def pragma(name: str) -> int:
        return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

    connection.text_factory = bytes
    connection.execute("BEGIN")
    try:
        application, version = pragma("application_id"), pragma("user_version")
        tables = dict(
            connection.execute(
                "SELECT name, sql FROM sqlite_schema WHERE substr(name, 1, 7) <> 'sqlite_'"
            ).fetchall()
        )
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    if application == APPLICATION_ID:
        return version, tables
    if application or version or tables:
        raise address.refusal("the file is a SQLite database of another program", _ANOTHER_PATH)
    return None


def _is_journal(address: Address, connection: sqlite3.Connection) -> bool:
    """Return whether a file is a journal that is ready for use; refuse what is another file."""
    if not _is_of_this_version(address, connection):
        return False
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == b"wal")


def _is_of_this_version(address: Address, connection: sqlite3.Connection) -> bool:
    """Return True for a journal of this version and False for an empty file; refuse all else."""
    identity = _identify(address, connection)
    if identity is None:
        return False
    version, tables = identity
    if version > SCHEMA_VERSION:
        raise address.refusal(
            f"the journal was written by a newer version (its schema is {version}, this version"
            f" knows {SCHEMA_VERSION})",
            "upgrade pingregistrywf",
        )
    if identity == (1, migration.TABLES):
        raise address.refusal(
            "the journal was written by the version before, and is migrated when a user who may"
            " write it opens it",
            "let such a user run `pingregistrywf collect`, or any command that writes",
        )
    if version != SCHEMA_VERSION or tables != stored(TABLES):
        raise address.refusal("the journal's schema is damaged", DAMAGED)
    return True


def _make(address: Address, connection: sqlite3.Connection) -> None:
    """Make the journal, unless another process just did so."""
    deadline = time.monotonic() + address.timeout
    # SQLite does not wait for this lock by itself: others may be looking at the file just now.
    (mode,) = execute_when_free(connection, "PRAGMA journal_mode = WAL", deadline).fetchone()
    if mode != b"wal":
        raise address.refusal(
            "its file system cannot share memory between processes, which SQLite's log needs",
            "choose a path on a local disk",
        )
    execute_when_free(connection, "BEGIN IMMEDIATE", deadline)
    try:
        if connection.execute("PRAGMA application_id").fetchone()[0] == 0:
            create(connection)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    _is_journal(address, connection)


def _migrate(address: Address, connection: sqlite3.Connection, process_lock: ProcessLock) -> None:
    """Bring a journal of version 1 to this version, unless another process just did so."""
    deadline = time.monotonic() + address.timeout
    holder = process_lock.acquire(address.timeout)
    if holder is not None:
        raise address.refusal(
            f"it must be brought to this version's schema, and {holder} holds the turn to write",
            "wait until it is done, or end it, and open the journal again",
        )
    try:
        execute_when_free(connection, "BEGIN IMMEDIATE", deadline)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] == 1:
                migration.migrate(connection, address.path)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    finally:
        process_lock.release()


def _refusal(address: Address, error: sqlite3.Error) -> JournalOpenError:
    match primary(error):
        case sqlite3.SQLITE_NOTADB:
            return address.refusal(_NO_DATABASE, _ANOTHER_PATH)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_FORMAT | None:
            return address.refusal(f"the file is damaged ({error})", DAMAGED)
        case _:
            return address.refusal(str(failure("opening", error).err), "then open it again")
