"""Read every row of a journal file, and go on after what is damaged.

SQLite's own check of the file comes first, then each history: its row against its checksum, its
entries against theirs; then what belongs to no history.  An entry's checksum covers its history's
id, so it also tells whether the id in a damaged history row can be believed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from pingregistrywf.runtime.errors import Fault
from pingregistrywf.runtime.journal.history import Entry
from pingregistrywf.runtime.journal.inspection import Scanned
from pingregistrywf.runtime.journal.sqlite import records

_UUID_SIZE: Final = 16
_UNLIKE_CHECKSUM: Final = "it does not match its checksum"


def scan(connection: sqlite3.Connection, id: UUID | None = None) -> Iterator[Scanned]:
    """Iterate over every history, or one; see the module."""
    condition, arguments = ("", ()) if id is None else (" WHERE id = ?", (id.bytes,))
    if id is None:
        yield from _file(connection)
    try:
        for row in connection.execute(f"{records.SELECT}{condition} ORDER BY key", arguments):
            yield _history(connection, row)
    except sqlite3.DatabaseError as error:
        yield Scanned(None, faults=(Fault(f"no more histories can be read: {error}", id),))
        return
    if id is None:
        yield from _strays(connection)


def _file(connection: sqlite3.Connection) -> Iterator[Scanned]:
    """Report what SQLite finds wrong with its file: pages, order, indexes."""
    try:
        lines = [line for (line,) in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        lines = [str(error).encode()]
    faults = tuple(
        Fault(f"SQLite says: {' '.join(line.decode(errors='replace').split())}")
        for line in lines
        if line != b"ok"
    )
    if faults:
        yield Scanned(None, faults=faults)


def _history(connection: sqlite3.Connection, row: Sequence[Any]) -> Scanned:
    history = records.verified(row)
    key, own = row[1:3]
    name = UUID(bytes=own) if isinstance(own, bytes) and len(own) == _UUID_SIZE else None
    faults: list[Fault] = []
    entries: list[tuple[int, Entry]] = []
    stored = None
    try:
        for found in connection.execute(f"{records.SELECT_ENTRIES} ORDER BY serial", (key,)):
            entry = None if name is None else records.verified_entry(name.bytes, found)
            if entry is not None:
                entries.append((found[0], entry))
            else:
                faults.append(Fault(_UNLIKE_CHECKSUM, name, found[0]))
        if history is not None:
            stored = records.measured(connection, history)
    except sqlite3.DatabaseError as error:
        faults.append(Fault(f"its entries cannot be read: {error}", name))
    if history is None:
        if not entries:  # it may be the id that is damaged, which fails every entry's checksum
            faults.clear()
        faults.insert(0, Fault(f"row {key} of the histories: {_UNLIKE_CHECKSUM}", name))
    return Scanned(stored, tuple(entries), tuple(faults))


def _strays(connection: sqlite3.Connection) -> Iterator[Scanned]:
    for table, what in (("entry", "entries"), ("trim", "trims")):
        try:
            strays = connection.execute(
                f"SELECT history, count(*) FROM {table}"  # noqa: S608 (the two names above)
                " WHERE history NOT IN (SELECT key FROM history) GROUP BY history"
            ).fetchall()
        except sqlite3.DatabaseError as error:
            yield Scanned(None, faults=(Fault(f"the {what} cannot be read: {error}"),))
            return
        for key, count in strays:
            fault = Fault(f"{count} {what} belong to no history (row {key} of the histories)")
            yield Scanned(None, faults=(fault,))
