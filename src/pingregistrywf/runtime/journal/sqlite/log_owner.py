"""Which journal the log beside a file belongs to.

A log does not name its file: SQLite takes the log that lies beside a file for the file's own.  If a
killed process left a log, and another journal is put at the path, the log would win in silence, and
what the other journal holds would be gone.

Each journal has an id, which stands in its file; a backup and a restored journal get ids of their
own.  The lock file ``PATH-open`` names the journal whose commits the log may hold.  Whoever opens
the file writes the name there, durably, before it commits anything, and compares the two before
SQLite touches file or log.

The id is read from the file alone, with ``immutable=1``: without locks, log or recovery.  So that
it can be read there, a new journal's first log is copied into the file before the journal is named.

In some cases nobody can tell, and the log is taken for the file's own.  A lock file that names no
journal is from before there were ids, or could not be written to.  A file that cannot be read alone
belongs to a process that copies the log into it, or was killed while it did; the log then makes it
whole.  And a plain copy of a file has the same id as the file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.errors import CorruptedDataError
from pingregistrywf.runtime.journal.sqlite import ledger
from pingregistrywf.runtime.journal.sqlite.address import Address

_HAS_ID: Final = "SELECT 1 FROM sqlite_schema WHERE name = 'journal'"


def check_log(address: Address, lock_path: str, *, alone: bool, writes: bool = True) -> None:
    """Refuse to open a file beside which the log of another journal lies.

    Args:
        address: the file; there may be none.
        lock_path: the lock file, which this process holds.
        alone: whether no other process has the file open.
        writes: whether this process is going to write to it.

    Raises:
        JournalOpenError: the log belongs to another journal.
        OSError: the lock file names another journal, which is gone, and cannot be written to.
    """
    named = _named(lock_path)
    if named is None:
        return
    try:
        found = _id_in_file(address)
    except (sqlite3.Error, CorruptedDataError, UnicodeDecodeError):  # SQLite quotes what is damaged
        return
    if found == named:
        return
    log = f"{address.path}-wal"
    if alone and not has_content(log):
        if writes:
            _name(lock_path, found)
        return
    shown = "which shows no id" if found is None else f"whose id is {found}"
    raise address.refusal(
        f"the log {log!r} belongs to the journal {named}, and lies beside a file {shown}",
        "end all processes that use either, and move the log to its own file; if it belongs to this"
        f" file, empty {lock_path!r}",
    )


def claim_log(lock_path: str, writer: sqlite3.Connection) -> None:
    """Name a journal in its lock file, which this process holds exclusively, before any commit.

    Args:
        lock_path: the lock file, which passed ``check_log``.
        writer: a connection to the journal.
    """
    with contextlib.suppress(CorruptedDataError, sqlite3.Error, OSError):
        own = UUID(bytes=ledger.read(writer).id)
        if own == _named(lock_path):
            return
        busy, pages, copied = writer.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if not busy and pages == copied:
            _name(lock_path, own)


def _named(lock_path: str) -> UUID | None:
    with contextlib.suppress(OSError, ValueError):
        return UUID(Path(lock_path).read_bytes().decode().strip())
    return None


def _name(lock_path: str, journal: UUID | None) -> None:
    lock = os.open(lock_path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        text = b"" if journal is None else f"{journal}\n".encode()
        os.write(lock, text)
        os.ftruncate(lock, len(text))
        os.fsync(lock)
    finally:
        os.close(lock)


def _id_in_file(address: Address) -> UUID | None:
    """Return the id that stands in a file, None if there is no file or it has no id.

    Raises:
        sqlite3.Error, CorruptedDataError: the file cannot be read alone.
    """
    if not has_content(os.fspath(address.path)):
        return None
    uri = address.uri(mode="ro", immutable=1)
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
        if connection.execute(_HAS_ID).fetchone() is None:
            return None
        return UUID(bytes=ledger.read(connection).id)


def has_content(path: str) -> bool:
    """Return whether a file is there and not empty."""
    try:
        return os.stat(path).st_size > 0  # noqa: PTH116 (as its neighbours)
    except FileNotFoundError:
        return False
