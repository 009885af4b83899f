"""From schema 1 to this version's, in one transaction.

Events get their positions in the order of the running maximum of the ids in each history: ids hold
the time, so this is the order of commit as well as the file tells it.  What was damaged stays
damaged: a row that does not match its checksum keeps it, and so does the row of a history whose
events are not those that it counts.  Entries of no history are left out, and the log says so.
The histories beside a damaged one stay sound.
"""

from __future__ import annotations

import logging
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pingregistrywf.runtime.ids import EPOCH
from pingregistrywf.runtime.journal.history import ChartIdentity
from pingregistrywf.runtime.journal.sqlite import ledger, records
from pingregistrywf.runtime.journal.sqlite.layout import create, stored
from pingregistrywf.runtime.log import JOURNAL, logged

_AT_ONCE: Final = 20_000
"""Events between two reports of progress."""
_NEVER: Final = -(1 << 63)
_NUMBERS: Final = struct.Struct(">6q")

_TABLES: Final = {
    "history": """CREATE TABLE history (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE,
  chart TEXT NOT NULL,
  head INTEGER NOT NULL,
  vid BLOB NOT NULL,
  start INTEGER NOT NULL,
  restart INTEGER NOT NULL,
  deleted_at INTEGER,
  trimmed_at INTEGER,
  checksum BLOB NOT NULL
) STRICT""",
    "history_again": "CREATE INDEX history_again ON history (id, key)",
    "history_deleted": """CREATE INDEX history_deleted ON history (deleted_at)
  WHERE deleted_at IS NOT NULL""",
    "entry": """CREATE TABLE entry (
  history INTEGER NOT NULL,
  serial INTEGER NOT NULL,
  id BLOB NOT NULL,
  parent BLOB NOT NULL,
  data BLOB NOT NULL,
  checksum BLOB NOT NULL,
  PRIMARY KEY (history, serial)
) STRICT, WITHOUT ROWID""",
    "trim": """CREATE TABLE trim (
  history INTEGER NOT NULL,
  start INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (history, start)
) STRICT, WITHOUT ROWID""",
}
TABLES: Final = stored(_TABLES)
"""The tables of schema 1; this schema has ``trim`` as well."""

_EVENTS: Final = """
SELECT history, serial, id, parent, data, checksum, NULL,
  max(id) OVER (PARTITION BY history ORDER BY serial) AS reached
FROM entry WHERE history IN (SELECT key FROM history)
UNION ALL
SELECT key, head, vid, zeroblob(16), x'', checksum, deleted_at,
  reached_by(deleted_at, vid, (SELECT max(id) FROM entry WHERE history = key))
FROM history WHERE deleted_at IS NOT NULL
ORDER BY reached, history, serial"""


class _Chain:
    """A row of ``history``, and whether it and the number of its entries are what was written."""

    def __init__(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> None:
        self.checksum, self.key, self.id, chart, head, vid, start, self.restart, *times = row
        self.first, last = connection.execute(
            "SELECT ifnull(min(serial), ?), ifnull(max(serial), ? - 1) FROM entry"
            " WHERE history = ?",
            (head, head, self.key),
        ).fetchone()
        newest = connection.execute(
            "SELECT id FROM entry WHERE history = ? AND serial = ?", (self.key, last)
        ).fetchone()
        self.empty = True  # as far as is known
        deleted, trimmed = times
        self.sound = (
            self.checksum == self._digest(chart, head, vid, start, *times)
            and last == head - 1
            and (newest == (vid,) if newest else deleted is not None)
        )
        if self.sound:
            self.chart = chart.decode()
            self.chart_key = ledger.chart_key(connection, ChartIdentity(self.chart))
            self.start, self.trimmed = start, trimmed
        else:
            self.chart_key = 0  # which names none

    def _digest(self, chart: bytes, head: int, vid: bytes, start: int, *times: int | None) -> bytes:
        try:
            deleted, trimmed = (_NEVER if each is None else each for each in times)
            numbers = _NUMBERS.pack(self.key, head, start, self.restart, deleted, trimmed)
            return records.digest(self.id + vid + numbers + chart)
        except (TypeError, struct.error):  # a flipped bit may make a number of bytes
            return b""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a journal of schema 1 to this version's, inside of a transaction of the caller."""
    begun = time.monotonic()
    create(connection, but=frozenset({"trim"}))
    ((total,),) = connection.execute(
        "SELECT (SELECT count(*) FROM entry) +"
        " (SELECT count(*) FROM history WHERE deleted_at IS NOT NULL)"
    )
    _report(path, f"{total} events are brought to the schema of this version")
    chains = dict(_migrate_chains(connection))
    connection.create_function("reached_by", 3, _reached_by, deterministic=True)
    taken = 0
    batch: list[tuple[object, ...]] = []
    position = 0
    for row in connection.execute(_EVENTS):
        chain = chains[row[0]]
        if row[6] is not None and not chain.sound:
            continue
        chain.empty = False
        position += 1
        batch.append(_event(chain, position, row))
        if len(batch) == _AT_ONCE:
            taken += records.insert_rows(connection, batch)
            batch.clear()
            _report(path, f"{taken} of {total} events")
    taken += records.insert_rows(connection, batch)
    _stand_in(connection, [each for each in chains.values() if each.empty], position)
    if taken < total:
        left = total - taken
        text = f"{left} rows belonged to no history, and were left out"
        logged(JOURNAL, text, logging.WARNING, path=path)
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'chain'")
    connection.execute(
        "INSERT INTO sqlite_sequence"
        " SELECT 'chain', seq FROM sqlite_sequence WHERE name = 'history'"
    )
    connection.execute("DROP TABLE history")
    connection.execute("DROP TABLE entry")
    _report(path, f"done in {time.monotonic() - begun:.1f} s")


def _stand_in(connection: sqlite3.Connection, chains: list[_Chain], position: int) -> None:
    """Give each history whose events are all missing a damaged one, which its neighbours need."""
    nothing = EPOCH.bytes
    records.insert_rows(
        connection,
        [
            records.event_row(
                records.Place(after, chain.key, chain.first, 0, 0),
                nothing,
                nothing,
                b"",
                checksum=nothing,
            )
            for after, chain in enumerate(chains, position + 1)
        ],
    )


def _migrate_chains(connection: sqlite3.Connection) -> Iterator[tuple[int, _Chain]]:
    connection.execute(
        "INSERT INTO chain (key, id, chart, first, start, trimmed_at, checksum)"
        " SELECT key, id, chart,"
        " ifnull((SELECT min(serial) FROM entry WHERE history = key), head),"
        " start, trimmed_at, checksum FROM history"
    )
    for row in connection.execute(
        "SELECT checksum, key, id, chart, head, vid, start, restart, deleted_at, trimmed_at"
        " FROM history"
    ).fetchall():
        chain = _Chain(connection, row)
        if chain.sound:
            records.update_chain(
                connection,
                records.Chain(
                    chain.key, chain.id, chain.chart, chain.first, chain.start, chain.trimmed
                ),
            )
        yield chain.key, chain


def _event(chain: _Chain, position: int, row: tuple[Any, ...]) -> tuple[object, ...]:
    """Return the row of ``event`` for one of ``_EVENTS``; it is sound if that was sound."""
    key, serial, own, parent, data, checksum, deleted, _ = row
    if deleted is None:
        before = records.digest(
            b"".join((chain.id, serial.to_bytes(8, "big", signed=True), own, parent, data))
        )
        sound = checksum == before
    else:
        sound = True
    restart = chain.restart if serial >= chain.restart else 0
    place = records.Place(position, key, serial, chain.chart_key, restart, deleted)
    return records.event_row(place, own, parent, data, checksum=None if sound else checksum)


def _reached_by(deleted_at: int, vid: bytes, newest: bytes | None) -> bytes:
    """The id that orders a mark of deletion: the last of its time, or behind its history."""
    return max(deleted_at.to_bytes(6, "big") + b"\xff" * 10, vid, newest or b"")


def _report(path: Path, progress: str) -> None:
    logged(JOURNAL, f"migrating: {progress}", path=path)
    if sys.stderr.isatty():
        print(f"{path}: {progress}", file=sys.stderr, flush=True)  # noqa: T201
