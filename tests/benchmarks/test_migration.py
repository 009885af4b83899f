"""How long the file of the version before takes to be migrated, by the number of its events."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import ServerPinged, open_journal
from pingregistrywf.runtime.ids import EPOCH, UlidSource

from ..runtime.test_version1 import write

EVENTS = 200_000
LENGTH = 100
"""Events a history."""


def digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def fill(path: Path, histories: int) -> None:
    """Write histories of ``LENGTH`` events as the version before did."""
    write(path, "DELETE FROM entry", "DELETE FROM history", "DELETE FROM trim")
    with closing(sqlite3.connect(path)) as connection, connection:
        for key in range(1, histories + 1):
            history, rows = uuid4(), list(entries())
            connection.executemany(
                "INSERT INTO entry (history, serial, id, parent, data, checksum)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (
                        key,
                        *row,
                        digest(b"".join((history.bytes, row[0].to_bytes(8, "big"), *row[1:]))),
                    )
                    for row in rows
                ),
            )
            insert_history(connection, key, history, rows[-1][1])


def entry_digest(history: UUID, serial: int, *row: bytes) -> bytes:
    return digest(b"".join((history.bytes, serial.to_bytes(8, "big"), *row)))


def entries() -> Iterator[tuple[int, bytes, bytes, bytes]]:
    ids, parent = UlidSource(), EPOCH
    for serial in range(LENGTH):
        vid = ids.next(parent)
        event = ServerPinged(id=vid, parent=parent, status_code=0, status_message="all is well")
        yield serial, vid.bytes, parent.bytes, event.marshal_proto()
        parent = vid


def insert_history(connection: sqlite3.Connection, key: int, history: UUID, vid: bytes) -> None:
    never = -(1 << 63)
    numbers = struct.pack(">6q", key, LENGTH, 0, 0, never, never)
    checksum = digest(history.bytes + vid + numbers + b"ping_registry")
    connection.execute(
        "INSERT INTO history (key, id, chart, head, vid, start, restart, checksum)"
        " VALUES (?, ?, 'ping_registry', ?, ?, 0, 0, ?)",
        (key, history.bytes, LENGTH, vid, checksum),
    )


@pytest.mark.parametrize("events", [EVENTS])
def test_migrate(request: Any, benchmark: Any, tmp_path: Path, events: int) -> None:
    histories = 2 if request.config.getoption("benchmark_disable") else events // LENGTH
    path = tmp_path / "pings.db"
    fill(path, histories)

    def opened() -> int:
        with open_journal(f"sqlite:{path}") as journal:
            return sum(each.entries for each in journal.histories())

    assert benchmark.pedantic(opened, rounds=1) == histories * LENGTH
