"""A backup in the place of a journal: verified before, with the old files kept.

The backup is only read.  What takes the journal's place is a copy of it, brought to the schema of
this version.  ``journal.sqlite.replacement`` says why a kill at any moment does no harm.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pingregistrywf.runtime.errors import JournalOpenError, UnsoundError
from pingregistrywf.runtime.journal import open_journal
from pingregistrywf.runtime.journal.opening import scheme_of
from pingregistrywf.runtime.journal.sqlite import ledger
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.replacement import replacing
from pingregistrywf.runtime.journal.sqlite.schema import APPLICATION_ID
from pingregistrywf.runtime.journal.urls import without_password
from pingregistrywf.runtime.newfile import new_file
from pingregistrywf.runtime.verify import Declarations, verify


def restore(backup: Path | None, url: str, declarations: Declarations) -> Path | None:
    """Put a backup in the place of a journal that nobody uses.

    Args:
        backup: the backup; None to finish a restoration that was interrupted.
        url: the journal, which may be absent or damaged.
        declarations: what histories must follow.

    Returns:
        The directory into which the old files were moved, None if there were none.

    Raises:
        JournalOpenError: the URL names no SQLite file, the backup is no journal, or there is no
            backup and nothing to finish.
        UnsoundError: the backup has faults.  The journal is as it was.
        DBError: somebody uses the journal.  It is as it was.
        OSError: the backup cannot be read, or a file cannot be written or moved.
    """
    scheme = scheme_of(url)
    if scheme != "sqlite":
        cause = f"a backup can replace a SQLite file, and {scheme!r} is another kind of journal"
        remedy = "name sqlite:PATH, or take in an export of the backup with `journal import`"
        raise JournalOpenError(without_password(url), cause, remedy)
    address = Address.parse(url)
    if address.mode == "ro":
        raise address.refusal("its URL says to read only", "leave out mode=ro")
    with replacing(address) as replacement:
        if backup is not None:
            with new_file(replacement.new, replace=True) as path:
                _copy(backup, path)
                _take_over(backup, path, declarations)
                replacement.prepare(path, backup)
        elif not replacement.begun:
            raise address.refusal("no restoration of it was interrupted", "name the backup")
        return replacement.finish()


def _copy(backup: Path, path: Path) -> None:
    """Copy a backup, with a log that may lie beside it, without writing to its directory."""
    if not backup.is_file():
        raise FileNotFoundError(f"there is no file {str(backup)!r}")
    address = _address(backup)
    # Where there is no log, SQLite needs neither locks nor an index, for which it may have no
    # permission.
    logged = Path(f"{address.path}-wal").exists()
    uri = address.uri(mode="ro", **({} if logged else {"immutable": 1}))
    try:
        with (
            closing(sqlite3.connect(uri, uri=True)) as source,
            closing(sqlite3.connect(path)) as copy,
        ):
            if source.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
                raise _refusal(backup, "the file is not a journal")
            source.backup(copy)
    except sqlite3.Error as error:
        raise _refusal(backup, str(error)) from error


def _take_over(backup: Path, path: Path, declarations: Declarations) -> None:
    """Bring a copy to this version's schema, verify it, and give it an id of its own."""
    try:
        with open_journal(_address(path).url, create=False) as copy:
            faults = tuple(verify(copy, declarations))
    except JournalOpenError as error:
        raise _refusal(backup, error.cause, error.remedy) from error
    if faults:
        raise UnsoundError(faults)
    with closing(sqlite3.connect(path)) as connection, connection:
        ledger.renew(connection)


def _refusal(backup: Path, cause: str, remedy: str = "choose another backup") -> JournalOpenError:
    return JournalOpenError(f"sqlite:{backup}", cause, remedy)


def _address(path: Path) -> Address:
    return Address.parse(f"sqlite:{path}?filesystem=any")  # nobody else uses it
