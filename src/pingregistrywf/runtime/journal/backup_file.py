"""A backup for every backend: all histories of a journal in a new SQLite file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pingregistrywf.runtime.errors import UnsoundError
from pingregistrywf.runtime.ids import NIL
from pingregistrywf.runtime.journal.counted_scan import counted_scan
from pingregistrywf.runtime.journal.protocol import OperatorJournal


def write_backup(
    journal: OperatorJournal, path: Path, *, done: Callable[[float], object] = lambda _entries: None
) -> str:
    """Copy every history as it is stored to a new SQLite file, and return the copy's URL.

    Args:
        journal: the journal.
        path: the file.
        done: is called now and then with how many more entries are copied; see ``counted_scan``.

    Raises:
        FileExistsError: there is such a file.
        UnsoundError: a history is damaged.
        DBError: a database failed; remove what was written.
    """
    from pingregistrywf.runtime.journal.sqlite import open_sqlite  # only needed here

    if path.exists():
        raise FileExistsError(f"there is a file {str(path)!r} already")
    url = f"sqlite:{path}?filesystem=any"  # nobody else uses the copy
    copy = open_sqlite(url, create=True, clock=journal.clock, retention=None)
    with copy, copy.exclusive(NIL):  # one flush of the disk for all histories
        for scanned in counted_scan(journal, None, done):
            if scanned.faults or scanned.stored is None:
                raise UnsoundError(scanned.faults)
            entries = [entry for _, entry in scanned.entries]
            copy.adopt(scanned.stored, entries, [each.chart for each in scanned.written])
    return url
