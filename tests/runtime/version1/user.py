"""A process of the version before, which has a journal open while another version opens it.

It runs the statements of that version, in its order: the lock files, then SQLite.  It appends an
entry for each line of its standard input, and writes what became of it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import struct
import sys
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

NEVER = -(1 << 63)
NUMBERS = struct.Struct(">6q")

FIND = (
    "SELECT checksum, key, id, chart, head, vid, start, restart, deleted_at, trimmed_at"
    " FROM history WHERE id = ?"
)
INSERT = "INSERT INTO entry (history, serial, id, parent, data, checksum) VALUES (?, ?, ?, ?, ?, ?)"
UPDATE = (
    "UPDATE history SET head = ?, vid = ?, start = ?, restart = ?, deleted_at = ?,"
    " trimmed_at = ?, checksum = ? WHERE key = ?"
)


def digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def append(connection: sqlite3.Connection, history: bytes) -> str:
    try:
        connection.execute("BEGIN IMMEDIATE")
        _, key, own, chart, head, vid, start, restart, *times = connection.execute(
            FIND, (history,)
        ).fetchone()
        new, data = os.urandom(16), b"not an event"
        place = own + head.to_bytes(8, "big") + new + vid
        connection.execute(INSERT, (key, head, new, vid, data, digest(place + data)))
        numbers = NUMBERS.pack(key, head + 1, start, restart, NEVER, NEVER)
        checksum = digest(own + new + numbers + chart.encode())
        connection.execute(UPDATE, (head + 1, new, start, restart, *times, checksum, key))
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        return f"refused: {error}"
    return f"acknowledged: {new.hex()}"


def main(path: str, history: str) -> None:
    with Path(f"{path}-next").open("a") as following, Path(f"{path}-main").open("a") as main:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(FIND, (bytes.fromhex(history),)).fetchall()
        print("open", flush=True)
        for _ in sys.stdin:
            fcntl.flock(following, fcntl.LOCK_EX)
            fcntl.flock(main, fcntl.LOCK_EX)
            fcntl.flock(following, fcntl.LOCK_UN)
            print(append(connection, bytes.fromhex(history)), flush=True)
            fcntl.flock(main, fcntl.LOCK_UN)


if __name__ == "__main__":
    main(*sys.argv[1:])
