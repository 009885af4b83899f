"""What a SQLite journal needs of its machine, and what stands beside its file.

The journal's own file is looked at by its status alone: a process that opens and closes the file
drops the locks that SQLite holds on it for the whole process.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import pwd
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pingregistrywf.runtime.counts import counted
from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal.check import Check, Verdict
from pingregistrywf.runtime.journal.inspection import Log
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.filesystem import check_file_system
from pingregistrywf.runtime.journal.sqlite.log import LOG_LIMIT, log_beside
from pingregistrywf.runtime.journal.sqlite.process_lock import try_lock
from pingregistrywf.runtime.journal.sqlite.read_only_guard import why_read_only
from pingregistrywf.runtime.journal.sqlite.schema import NEWER_SQLITE, OLDEST_SQLITE

_RESET_BUG: Final = ((3, 7, 0), (3, 51, 2))
"""The first and the last SQLite with the WAL-reset bug."""
_MENDED: Final = ((3, 44, 6), (3, 50, 7))
"""Versions between these that do not have it."""


def sqlite_check(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Check:
    """Tell what is known of a version of SQLite; this Python's unless given."""
    text = ".".join(map(str, version[:3]))
    if version < OLDEST_SQLITE:
        return Check("SQLite", Verdict.FAULT, f"{text} lacks strict tables", NEWER_SQLITE)
    first, last = _RESET_BUG
    if first <= version <= last and version not in _MENDED:
        return Check(
            "SQLite",
            Verdict.NOTE,
            f"{text} can lose commits when two connections write and checkpoint at one instant",
            "let no other program write to a journal or checkpoint it",
        )
    return Check("SQLite", Verdict.OK, text)


def file_checks(url: str) -> Iterator[Check]:
    """Check the place of the file that a URL names, the file, and what stands beside it."""
    try:
        address = Address.parse(url)
    except JournalOpenError:
        return  # opening it gives the same error
    yield _file_system(address)
    if os.access(address.path.parent, os.W_OK | os.X_OK):
        yield _locks_and_memory(address.path.parent)
    yield from _files(address.path)
    if os.access(address.path, os.R_OK):
        yield _access(address)


def _file_system(address: Address) -> Check:
    try:
        kind = check_file_system(address)
    except JournalOpenError as error:
        return Check("file system", Verdict.FAULT, error.cause, error.remedy)
    if kind is None:
        return Check("file system", Verdict.NOTE, "of a type that this system does not tell")
    return Check("file system", Verdict.OK, kind)


def _locks_and_memory(directory: Path) -> Check:
    """Try on a new file whether a lock keeps others out, and whether memory is shared."""
    with (
        tempfile.NamedTemporaryFile(dir=directory, prefix=".pingregistrywf-") as one,
        open(one.name, "r+b") as other,  # noqa: PTH123
    ):
        try:
            one.truncate(mmap.PAGESIZE)
            with (
                mmap.mmap(one.fileno(), mmap.PAGESIZE) as written,
                mmap.mmap(other.fileno(), mmap.PAGESIZE) as read,
            ):
                written[0] = 1
                shared = read[0] == 1
            fcntl.flock(one, fcntl.LOCK_EX)
            locked = not try_lock(other.fileno())
        except OSError as error:
            return Check("locks and memory", Verdict.FAULT, str(error), "choose another directory")
    if shared and locked:
        return Check("locks and memory", Verdict.OK, "locks keep others out, memory is shared")
    missing = "locks keep nobody out" if shared else "processes cannot share memory"
    return Check("locks and memory", Verdict.FAULT, missing, "choose a directory on a local disk")


def _files(path: Path) -> Iterator[Check]:
    try:
        found = path.stat()
    except OSError:
        return  # opening it tells why
    mode = stat.filemode(found.st_mode)
    described = f"{counted(found.st_size, 'byte')}, {mode}, of {_user(found.st_uid)}"
    if found.st_nlink > 1:
        remedy = "keep one name: each name would have a log of its own"
        yield Check("file", Verdict.FAULT, f"{described}, {found.st_nlink} names", remedy)
    else:
        yield Check("file", Verdict.OK, described)
    log, index = log_beside(path), Path(f"{path}-shm")
    if log is not None:
        yield _log(log, f"{path.name}-wal")
    if index.exists():
        yield Check(
            "index of the log",
            Verdict.OK,
            f"{counted(index.stat().st_size, 'byte')} in {index.name}",
        )


def _log(log: Log, name: str) -> Check:
    described = f"{counted(log.size, 'byte')} in {name}"
    if log.size <= LOG_LIMIT or not log.readers:
        return Check("log", Verdict.OK, described)
    return Check(
        "log",
        Verdict.NOTE,
        f"{described}, more than {LOG_LIMIT}, read by {' and '.join(log.readers.values())}",
        "end a reader that stays: it keeps the log from being emptied",
    )


def _access(address: Address) -> Check:
    refusal = why_read_only(address)
    if refusal is None:
        return Check("access", Verdict.OK, "this user may read and write")
    return Check("access", Verdict.NOTE, f"for reading only: {refusal.cause}", refusal.remedy)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
