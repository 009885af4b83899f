"""The tables of a journal file.

An append inserts into ``event`` alone, which its position in the order of commit orders, and into
the index of (history, serial), whose uniqueness is the compare-and-set of last resort.  The tables
of the schema before had other names, so that a process of the version before, which has the file
open while it is migrated, fails at its next statement and writes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

from pingregistrywf.runtime.journal.sqlite import ledger, records

SCHEMA_VERSION: Final = 2

# Times are milliseconds since the Unix epoch.  What the columns say is in records.py.
TABLES: Final = {
    "journal": """CREATE TABLE journal (
  one INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  floor INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  checksum BLOB NOT NULL
) STRICT""",
    "chart": """CREATE TABLE chart (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  checksum BLOB NOT NULL
) STRICT""",
    "chain": """CREATE TABLE chain (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE,
  chart TEXT NOT NULL,
  first INTEGER NOT NULL,
  start INTEGER NOT NULL,
  trimmed_at INTEGER,
  checksum BLOB NOT NULL
) STRICT""",
    "chain_again": "CREATE INDEX chain_again ON chain (id, key)",
    "event": """CREATE TABLE event (
  position INTEGER PRIMARY KEY,
  history INTEGER NOT NULL,
  serial INTEGER NOT NULL,
  chart INTEGER NOT NULL,
  restart INTEGER NOT NULL,
  deleted_at INTEGER,
  checksum BLOB NOT NULL,
  id BLOB NOT NULL,
  parent BLOB NOT NULL,
  data BLOB NOT NULL,
  UNIQUE (history, serial)
) STRICT""",
    "event_deleted": """CREATE INDEX event_deleted ON event (history)
  WHERE deleted_at IS NOT NULL""",
    "trim": """CREATE TABLE trim (
  history INTEGER NOT NULL,
  start INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (history, start)
) STRICT, WITHOUT ROWID""",
}


def stored(tables: Mapping[str, str]) -> dict[object, object]:
    """Return tables as SQLite gives their names and SQL back."""
    return {name.encode(): sql.encode() for name, sql in tables.items()}


def create(connection: sqlite3.Connection, *, but: frozenset[str] = frozenset()) -> None:
    """Create the tables of an empty journal, ``but`` those that are there already."""
    for name, statement in TABLES.items():
        if name not in but:
            connection.execute(statement)
    ledger.begin(connection)
    records.insert_rows(connection, [records.entry_row(*records.SENTINEL_EVENT)])
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION:d}")
