"""SQLite's errors as journal-level errors, in words that name cause and remedy."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

from pingregistrywf.runtime.errors import (
    CorruptedDataError,
    DBError,
    DiskFullError,
    LockTimeoutError,
)

DAMAGED: Final = "restore the journal from a backup"

_CORRUPTED: Final = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        # A place behind a history's newest event, or a new position, is taken by a stray row.
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_ROWID,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    }
)
_ADVICE: Final = {
    sqlite3.SQLITE_FULL: (
        "the disk or the journal's size limit is full, and nothing was written: free space, or"
        " raise the limit, and run again"
    ),
    sqlite3.SQLITE_BUSY: (
        "another program holds the journal's lock: end it, or wait until it is done, and run again"
    ),
    sqlite3.SQLITE_READONLY: (
        "the journal's file or directory may not be written to: give this user permission to"
    ),
    sqlite3.SQLITE_PERM: (
        "the journal's file or directory may not be used: give this user permission to"
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "the journal's file was moved or removed, its directory may not be written to, or this"
        " process has too many files open"
    ),
    sqlite3.SQLITE_IOERR: "the disk failed, or is full: look into the system's log",
    sqlite3.SQLITE_TOOBIG: "an event is larger than SQLite can store",
}
_KINDS: Final[Mapping[int, type[DBError]]] = {
    sqlite3.SQLITE_FULL: DiskFullError,
    sqlite3.SQLITE_BUSY: LockTimeoutError,
}
# What SQLite is known to have undone when it fails at COMMIT; after anything else, a failed flush
# above all, a crash may still bring the commit back from the log.
_UNDONE: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY})


def primary(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary result code, None where Python itself refused."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def failure(
    op: str, error: sqlite3.Error, *, committing: bool = False
) -> DBError | CorruptedDataError:
    """Return the journal-level error for one of SQLite's; ``op`` says what was being done.

    The outcome of what failed at COMMIT (``committing``) may be unknown.
    """
    code, extended = primary(error), getattr(error, "sqlite_errorcode", None)
    if not committing and (code in _CORRUPTED or extended in _CORRUPTED):
        return CorruptedDataError(op, sqlite3.DatabaseError(f"{error}: {DAMAGED}"))
    advice = None if code is None else _ADVICE.get(code)
    explained = error if advice is None else type(error)(f"{error}: {advice}")
    kind = DBError if code is None else _KINDS.get(code, DBError)
    return kind(op, explained, definite=not committing or code in _UNDONE)


def damage(op: str, what: str) -> CorruptedDataError:
    """Return the error for stored data that is not what was written, if SQLite did not notice."""
    return CorruptedDataError(op, ValueError(f"{what}: {DAMAGED}"))
