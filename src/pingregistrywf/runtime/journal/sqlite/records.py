"""Histories and entries as rows, each under a checksum that is verified when it is read.

A flipped bit is found, not believed: an entry's checksum covers its bytes and its place (history,
serial, id, parent), a history's covers the whole row, and a history that the index by id does not
know is looked up in a second index before it is taken for empty.  So a damaged file gives what was
written, or ``CorruptedDataError``.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.runtime.errors import CorruptedDataError, JournalEntryParentMismatchError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal.history import NO_HEAD, Entry, Head
from pingregistrywf.runtime.journal.inspection import Stored, Trim
from pingregistrywf.runtime.journal.sqlite.failures import damage

_NEVER: Final = -(1 << 63)
_DIGEST: Final = 16
_NUMBERS: Final = struct.Struct(">6q")
SELECT: Final = (
    "SELECT checksum, key, id, chart, head, vid, start, restart, deleted_at, trimmed_at"
    " FROM history"
)
SELECT_ENTRIES: Final = "SELECT serial, id, parent, data, checksum FROM entry WHERE history = ?"

Mark: TypeAlias = tuple[int, int, int, bool]
"""What tells two states of a history apart: key, head, start, deleted."""


@dataclass(frozen=True, slots=True)
class History:
    """A row of ``history``.

    Attributes:
        key: never used again, so that a later history of the same id is not taken for this one.
        stored: what the row says; its ``first``, ``trims`` and ``size`` are in other tables.
    """

    key: int
    stored: Stored

    @property
    def place(self) -> Head:
        """The head as readers see it."""
        if self.stored.deleted_at is not None:
            return NO_HEAD
        return Head(self.stored.vid, (self.key, self.stored.end))

    @property
    def mark(self) -> Mark:
        return self.key, self.stored.end, self.stored.start, self.stored.deleted_at is not None

    def but(self, **changes: Any) -> History:
        """Return the row with other values in ``stored``."""
        return replace(self, stored=replace(self.stored, **changes))


def find(connection: sqlite3.Connection, history: UUID) -> History | None:
    """Return a history's row, deleted or not; None if there is none.

    Raises:
        CorruptedDataError: the row is not what was written.
    """
    row = connection.execute(f"{SELECT} WHERE id = ?", (history.bytes,)).fetchone()
    if row is None:
        again = connection.execute(
            "SELECT 1 FROM history INDEXED BY history_again WHERE id = ?", (history.bytes,)
        )
        if again.fetchone() is not None:
            raise damage(f"finding history {history}", "two indexes disagree on whether it exists")
        return None
    found = verified(row, history)
    if found is None or found.stored.id != history:
        raise damage(f"finding history {history}", "its row does not match its checksum")
    return found


def collectable(connection: sqlite3.Connection) -> Iterator[History]:
    """Iterate over the histories that may hold garbage, with their trims, without damaged rows."""
    keys = "SELECT key FROM history WHERE deleted_at IS NOT NULL UNION SELECT history FROM trim"
    for row in connection.execute(f"{SELECT} WHERE key IN ({keys})"):
        history = verified(row)
        if history is not None:
            yield history.but(trims=_trims(connection, history.key))


def measured(connection: sqlite3.Connection, history: History) -> Stored:
    """Return what a history's row, its entries and its trims say of it."""
    first, size = connection.execute(
        "SELECT ifnull(min(serial), ?2), ifnull(sum(length(data)), 0) FROM entry"
        " WHERE history = ?1",
        (history.key, history.stored.end),
    ).fetchone()
    return replace(history.stored, first=first, size=size, trims=_trims(connection, history.key))


def _trims(connection: sqlite3.Connection, key: int) -> tuple[Trim, ...]:
    found = connection.execute(
        "SELECT at, start FROM trim WHERE history = ? ORDER BY start", (key,)
    )
    return tuple(Trim(at / 1000, start) for at, start in found)


def all_(connection: sqlite3.Connection) -> Iterator[Stored]:
    """Iterate over what is stored of every history, deleted or not.

    Raises:
        CorruptedDataError: a row is not what was written.
    """
    for row in connection.execute(f"{SELECT} ORDER BY key"):
        found = verified(row)
        if found is None:
            raise damage(f"reading row {row[1]} of the histories", "it does not match its checksum")
        yield measured(connection, found)


def verified(row: Sequence[Any], asked: UUID | None = None) -> History | None:
    """Return a row of ``SELECT`` as a history, None if it is not what was written.

    Args:
        row: the row.
        asked: the id that was asked for; it saves making it again.
    """
    checksum, *columns = row
    try:
        if checksum != _history_digest(*columns):
            return None
        key, own, chart, end, vid, start, restart, deleted, trimmed = columns
        name = asked if asked is not None and asked.bytes == own else UUID(bytes=own)
        return History(
            key,
            Stored(
                name,
                chart.decode(),
                Ulid(vid),
                end,
                start,
                restart,
                end,
                None if deleted is None else deleted / 1000,
                None if trimmed is None else trimmed / 1000,
            ),
        )
    except (TypeError, ValueError, struct.error):  # a flipped bit may make a text of a number
        return None


def begin(connection: sqlite3.Connection, history: UUID, chart: str) -> History:
    """Insert a history that has no entry yet; ``update`` completes the row."""
    cursor = connection.execute(
        "INSERT INTO history (id, chart, head, vid, start, restart, checksum)"
        " VALUES (?, ?, 0, ?, 0, 0, x'')",
        (history.bytes, chart, EPOCH.bytes),
    )
    assert cursor.lastrowid is not None  # noqa: S101 (an INSERT has one)
    return History(cursor.lastrowid, Stored(history, chart, EPOCH, 0, 0, 0, 0))


def update(connection: sqlite3.Connection, history: History) -> None:
    """Write what may change of a history."""
    stored = history.stored
    columns = (
        history.key,
        stored.id.bytes,
        stored.chart.encode(),
        stored.end,
        stored.vid.bytes,
        stored.start,
        stored.restart,
        None if stored.deleted_at is None else milliseconds(stored.deleted_at),
        None if stored.trimmed_at is None else milliseconds(stored.trimmed_at),
    )
    connection.execute(
        "UPDATE history SET head = ?4, vid = ?5, start = ?6, restart = ?7, deleted_at = ?8,"
        " trimmed_at = ?9, checksum = ?10 WHERE key = ?1",
        (*columns, _history_digest(*columns)),
    )


def insert(
    connection: sqlite3.Connection, history: History, first: int, entries: Sequence[Entry]
) -> None:
    """Write entries from a serial on."""
    name = history.stored.id.bytes
    rows = (
        (serial, entry.id.bytes, entry.parent.bytes, entry.data)
        for serial, entry in enumerate(entries, first)
    )
    connection.executemany(
        "INSERT INTO entry (history, serial, id, parent, data, checksum) VALUES (?, ?, ?, ?, ?, ?)",
        ((history.key, *row, _entry_digest(name, *row)) for row in rows),
    )


def insert_trims(connection: sqlite3.Connection, history: History, trims: Iterable[Trim]) -> None:
    """Write trims of a history."""
    connection.executemany(
        "INSERT INTO trim (history, start, at) VALUES (?, ?, ?)",
        ((history.key, trim.start, milliseconds(trim.at)) for trim in trims),
    )


def entries(connection: sqlite3.Connection, history: History, first: int) -> tuple[Entry, ...]:
    """Return a history's entries from a serial to its head.

    Raises:
        CorruptedDataError: one is missing, one too many, or one not what was written; the chain is
            broken; or it does not end at the head.
    """
    stored, name = history.stored, history.stored.id.bytes
    read: list[Entry] = []
    previous = EPOCH if first == 0 else None
    serial = first
    for row in connection.execute(
        f"{SELECT_ENTRIES} AND serial >= ? ORDER BY serial", (history.key, first)
    ):
        if row[0] != serial or serial >= stored.end:
            break
        entry = verified_entry(name, row, previous)
        if entry is None:
            raise damage(_reading(stored, serial), "it does not match its checksum")
        if previous is not None and entry.parent is not previous:
            raise CorruptedDataError(
                _reading(stored, serial),
                JournalEntryParentMismatchError(entry.id, entry.parent, previous),
            )
        read.append(entry)
        previous = entry.id
        serial += 1
    else:
        if serial == stored.end and (not read or read[-1].id == stored.vid):
            return tuple(read)
    raise damage(
        _reading(stored, serial),
        f"the history has {stored.end} entries, and the one expected here is not the one found",
    )


def verified_entry(
    history: bytes, row: Sequence[Any], previous: Ulid | None = None
) -> Entry | None:
    """Return a row of ``SELECT_ENTRIES`` as an entry, None if it is not what was written.

    The parent is ``previous`` itself where they are equal: a chain names every id twice.
    """
    serial, own, parent, data, checksum = row
    try:
        if checksum != _entry_digest(history, serial, own, parent, data):
            return None
        named = previous if previous is not None and parent == previous.bytes else Ulid(parent)
        return Entry(Ulid(own), named, data)
    except (TypeError, ValueError, OverflowError):  # a flipped bit may make a number of bytes
        return None


def _history_digest(
    key: int,
    id: bytes,
    chart: bytes,
    head: int,
    vid: bytes,
    start: int,
    restart: int,
    deleted_at: int | None,
    trimmed_at: int | None,
) -> bytes:
    numbers = _NUMBERS.pack(
        key,
        head,
        start,
        restart,
        _NEVER if deleted_at is None else deleted_at,
        _NEVER if trimmed_at is None else trimmed_at,
    )
    return blake2b(id + vid + numbers + chart, digest_size=_DIGEST).digest()


def _entry_digest(history: bytes, serial: int, id: bytes, parent: bytes, data: bytes) -> bytes:
    place = b"".join((history, serial.to_bytes(8, "big"), id, parent))
    if len(place) != 56:  # without it, bytes could move from one field to another unnoticed
        raise TypeError("an id is not sixteen bytes")
    return blake2b(place + data, digest_size=_DIGEST).digest()


def _reading(stored: Stored, serial: int) -> str:
    return f"reading entry {serial} of history {stored.id}"


def milliseconds(seconds: float) -> int:
    """Return a time as it is stored."""
    return round(seconds * 1000)
