"""Reads every row of a journal file, and goes on after a damaged one.

First what SQLite itself finds, which compares every table with its indexes; then each history: its
row against its checksum, its events against theirs; then what belongs to no history.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pingregistrywf.runtime.errors import CorruptedDataError, Fault
from pingregistrywf.runtime.journal.history import ChartIdentity, Entry
from pingregistrywf.runtime.journal.inspection import Scanned, Written
from pingregistrywf.runtime.journal.sqlite import ledger, records

_UUID_SIZE: Final = 16


def scan(connection: sqlite3.Connection, id: UUID | None = None) -> Iterator[Scanned]:
    """Iterate over every history, or one; see the module."""
    condition, arguments = ("", ()) if id is None else (" WHERE id = ?", (id.bytes,))
    if id is None:
        yield from _file(connection)
    try:
        charts = ledger.charts(connection)
        for row in connection.execute(f"{records.SELECT_CHAIN}{condition} ORDER BY key", arguments):
            yield _history(connection, row, charts)
    except sqlite3.DatabaseError as error:
        yield Scanned(None, faults=(Fault(f"no more histories can be read: {error}", id),))
        return
    if id is None:
        yield from _strays(connection)


def _file(connection: sqlite3.Connection) -> Iterator[Scanned]:
    """Report what SQLite finds wrong with its file, and what the journal's own row has."""
    try:
        lines = [line for (line,) in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        lines = [str(error).encode()]
    faults = [
        Fault(f"SQLite says: {' '.join(line.decode(errors='replace').split())}")
        for line in lines
        if line != b"ok"
    ]
    try:
        row = connection.execute(
            f"{records.SELECT_EVENTS} WHERE history = ?", (records.SENTINEL,)
        ).fetchone()
        if row is None or records.verified_event(row) != records.SENTINEL_EVENT:
            faults.append(Fault("the row behind all histories is damaged"))
        if (missing := ledger.missing(connection)) > 0:
            faults.append(Fault(f"{missing} events are missing at the ends of histories"))
    except (sqlite3.DatabaseError, CorruptedDataError) as error:
        faults.append(Fault(f"the journal's own row cannot be read: {error}"))
    if faults:
        yield Scanned(None, faults=tuple(faults))


def _history(
    connection: sqlite3.Connection, row: Sequence[Any], charts: Mapping[int, ChartIdentity]
) -> Scanned:
    chain = records.verified_chain(row)
    key, own = row[1:3]
    name = UUID(bytes=own) if isinstance(own, bytes) and len(own) == _UUID_SIZE else None
    faults: list[Fault] = []
    entries: list[tuple[int, Entry]] = []
    written: list[Written] = []
    stored, tail = None, None
    try:
        for found in connection.execute(
            f"{records.SELECT_EVENTS} WHERE history = ? ORDER BY serial", (key,)
        ):
            event = records.verified_event(found)
            if event is None:
                faults.append(Fault(records.UNLIKE_CHECKSUM, name, found[3]))
                continue
            tail = found
            chart = charts.get(event.place.chart)
            if event.place.deleted_at is not None:
                continue
            if chart is None:
                faults.append(Fault("its chart is not recorded", name, event.place.serial))
                continue
            entries.append((event.place.serial, event.entry))
            written.append(Written(event.place.position, chart))
        if chain is not None and tail is not None:
            history = records.described(chain, tail, UUID(bytes=chain.id))
            stored = records.measured(connection, history)
    except sqlite3.DatabaseError as error:
        faults.append(Fault(f"its events cannot be read: {error}", name))
    if chain is None:
        faults.insert(0, Fault(f"row {key} of the histories: {records.UNLIKE_CHECKSUM}", name))
    elif tail is None:
        faults.insert(0, Fault("all its events are missing or damaged", name))
    return Scanned(stored, tuple(entries), tuple(written), tuple(faults))


def _strays(connection: sqlite3.Connection) -> Iterator[Scanned]:
    for table, what in (("event", "events"), ("trim", "trims")):
        try:
            strays = connection.execute(
                f"SELECT history, count(*) FROM {table}"  # noqa: S608 (the two names above)
                " WHERE history NOT IN (SELECT key FROM chain) AND history <> ? GROUP BY history",
                (records.SENTINEL,),
            ).fetchall()
        except sqlite3.DatabaseError as error:
            yield Scanned(None, faults=(Fault(f"the {what} cannot be read: {error}"),))
            return
        for key, count in strays:
            fault = Fault(f"{count} {what} belong to no history (row {key} of the histories)")
            yield Scanned(None, faults=(fault,))
