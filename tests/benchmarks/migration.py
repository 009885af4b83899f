"""How long a journal file of the version before takes to be brought to this version's schema."""

from __future__ import annotations

import sqlite3
import struct
import time
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

from pingregistrywf import EPOCH, UlidSource, open_journal

from ..runtime.test_version1 import write
from .figures import Row, Side
from .measuring import Scale
from .stock import pinged

NEVER = -(1 << 63)


def rows(scale: Scale, directory: Path) -> list[Row]:
    """Measure opening such a file for the first time: once, since the next time it is migrated."""
    path = directory / "version1.db"
    _fill(path, scale.long)
    begin = time.perf_counter()
    with open_journal(f"sqlite:{path}") as journal:
        taken = time.perf_counter() - begin
        assert sum(each.entries for each in journal.histories()) == scale.long
    return [
        Row(
            "migration",
            f"migration of a file of 0.1, {scale.long:,} events",
            Side("ours", "opens a file that the version before wrote", taken),
        )
    ]


def _fill(path: Path, events: int) -> None:
    """Write one history of so many pings as the version before did."""
    write(path, "DELETE FROM entry", "DELETE FROM history", "DELETE FROM trim")
    history, ids, parent, entries = uuid4().bytes, UlidSource(), EPOCH, []
    for serial in range(events):
        vid = ids.next(parent)
        row = vid.bytes, parent.bytes, pinged(vid, parent).marshal_proto()
        entries.append((1, serial, *row, _digest(history, serial.to_bytes(8, "big"), *row)))
        parent = vid
    numbers = struct.pack(">6q", 1, events, 0, 0, NEVER, NEVER)
    checksum = _digest(history, parent.bytes, numbers, b"ping_registry")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO entry (history, serial, id, parent, data, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            entries,
        )
        connection.execute(
            "INSERT INTO history (key, id, chart, head, vid, start, restart, checksum)"
            " VALUES (1, ?, 'ping_registry', ?, ?, 0, 0, ?)",
            (history, events, parent.bytes, checksum),
        )


def _digest(*parts: bytes) -> bytes:
    return blake2b(b"".join(parts), digest_size=16).digest()
