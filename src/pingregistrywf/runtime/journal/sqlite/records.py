"""Histories and entries as rows, each under a checksum that is verified when it is read.

A flipped bit is found, not believed: an entry's checksum covers its bytes and its place (history,
serial, id, parent), a history's covers the whole row, and a history that the index by id does not
know is looked up in a second index before it is taken for empty.  So a damaged file gives what was
written, or ``CorruptedDataError``.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.runtime.errors import CorruptedDataError, JournalEntryParentMismatchError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal.history import NO_HEAD, Entry, Head
from pingregistrywf.runtime.journal.inspection import Stored, Trim
from pingregistrywf.runtime.journal.sqlite.failures import damage

_DIGEST_SIZE: Final = 16
_NEVER: Final = -(1 << 63)
SELECT: Final = (
    "SELECT checksum, key, id, chart, head, vid, start, restart, deleted_at, trimmed_at"
    " FROM history"
)

Mark: TypeAlias = tuple[int, int, int, bool]
"""What tells two states of a history apart: key, head, start, deleted."""


@dataclass(frozen=True, slots=True)
class History:
    """A row of ``history``.

    Attributes:
        key: never used again, so that a later history of the same id is not taken for this one.
        id: the history's UUID.
        chart: the name of its chart, in UTF-8.
        head: the serial that the next entry will have.
        vid: the id of the newest entry.
        start: the serial of the first visible entry.
        restart: the serial of the entry where a reader may start.
        deleted_at: when it was deleted, in milliseconds since the Unix epoch.
        trimmed_at: when it was last trimmed, likewise.
    """

    key: int
    id: bytes
    chart: bytes
    head: int
    vid: bytes
    start: int
    restart: int
    deleted_at: int | None = None
    trimmed_at: int | None = None

    @property
    def place(self) -> Head:
        """The head as readers see it."""
        if self.deleted_at is not None:
            return NO_HEAD
        return Head(Ulid(self.vid), (self.key, self.head))

    @property
    def mark(self) -> Mark:
        return (self.key, self.head, self.start, self.deleted_at is not None)

    def stored(
        self, trims: tuple[Trim, ...] = (), first: int | None = None, size: int = 0
    ) -> Stored:
        """Return the row as operators see it, with what other tables say.

        ``first`` is the serial of the oldest entry, None if no entry is stored; ``size`` counts the
        bytes of events.
        """
        return Stored(
            UUID(bytes=self.id),
            self.chart.decode(),
            Ulid(self.vid),
            self.head if first is None else first,
            self.start,
            self.restart,
            self.head,
            None if self.deleted_at is None else self.deleted_at / 1000,
            None if self.trimmed_at is None else self.trimmed_at / 1000,
            trims,
            size,
        )

    def like(self, stored: Stored) -> History:
        """Return this new row with the rest of what another journal stored."""
        return replace(
            self,
            head=stored.end,
            vid=stored.vid.bytes,
            start=stored.start,
            restart=stored.restart,
            deleted_at=None if stored.deleted_at is None else milliseconds(stored.deleted_at),
            trimmed_at=None if stored.trimmed_at is None else milliseconds(stored.trimmed_at),
        )

    def digest(self) -> bytes:
        numbers = struct.pack(
            ">6q",
            self.key,
            self.head,
            self.start,
            self.restart,
            _NEVER if self.deleted_at is None else self.deleted_at,
            _NEVER if self.trimmed_at is None else self.trimmed_at,
        )
        return blake2b(
            b"".join((self.id, self.vid, numbers, self.chart)), digest_size=_DIGEST_SIZE
        ).digest()


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
    found = verified(row)
    if found is None or found.id != history.bytes:
        raise damage(f"finding history {history}", "its row does not match its checksum")
    return found


def collectable(connection: sqlite3.Connection) -> Iterator[tuple[History, tuple[Trim, ...]]]:
    """Iterate over the histories that may hold garbage, and their trims, without damaged rows."""
    keys = "SELECT key FROM history WHERE deleted_at IS NOT NULL UNION SELECT history FROM trim"
    for row in connection.execute(f"{SELECT} WHERE key IN ({keys})"):
        history = verified(row)
        if history is not None:
            yield history, trims(connection, history)


def trims(connection: sqlite3.Connection, history: History) -> tuple[Trim, ...]:
    """Return a history's trims whose entries are still stored, oldest first."""
    found = connection.execute(
        "SELECT at, start FROM trim WHERE history = ? ORDER BY start", (history.key,)
    )
    return tuple(Trim(at / 1000, start) for at, start in found)


def all_(connection: sqlite3.Connection) -> Iterator[History]:
    """Iterate over every history, deleted or not.

    Raises:
        CorruptedDataError: a row is not what was written.
    """
    for row in connection.execute(f"{SELECT} ORDER BY key"):
        found = verified(row)
        if found is None:
            raise damage(f"reading row {row[1]} of the histories", "it does not match its checksum")
        yield found


def verified(row: Sequence[Any]) -> History | None:
    """Return a row of ``SELECT`` as a history, None if it is not what was written."""
    checksum, *columns = row
    found = History(*columns)
    try:
        sound = checksum == found.digest() and len(found.id) == len(found.vid) == len(EPOCH.bytes)
    except (TypeError, struct.error):  # a flipped bit may make a text of a number
        return None
    return found if sound else None


def begin(connection: sqlite3.Connection, history: UUID, chart: str) -> History:
    """Insert a history that has no entry yet; ``update`` completes the row."""
    cursor = connection.execute(
        "INSERT INTO history (id, chart, head, vid, start, restart, checksum)"
        " VALUES (?, ?, 0, ?, 0, 0, x'')",
        (history.bytes, chart, EPOCH.bytes),
    )
    assert cursor.lastrowid is not None  # noqa: S101 (an INSERT has one)
    return History(cursor.lastrowid, history.bytes, chart.encode(), 0, EPOCH.bytes, 0, 0)


def update(connection: sqlite3.Connection, history: History) -> None:
    """Write what may change of a history."""
    connection.execute(
        "UPDATE history SET head = ?, vid = ?, start = ?, restart = ?, deleted_at = ?,"
        " trimmed_at = ?, checksum = ? WHERE key = ?",
        (
            history.head,
            history.vid,
            history.start,
            history.restart,
            history.deleted_at,
            history.trimmed_at,
            history.digest(),
            history.key,
        ),
    )


def append(
    connection: sqlite3.Connection, history: History, entries: Sequence[Entry], *, restart: bool
) -> History:
    """Write entries after a history's head, and return the history as it is then."""
    insert(connection, history, history.head, entries)
    longer = replace(
        history,
        head=history.head + len(entries),
        vid=entries[-1].id.bytes,
        restart=history.head if restart else history.restart,
    )
    update(connection, longer)
    return longer


def insert(
    connection: sqlite3.Connection, history: History, first: int, entries: Sequence[Entry]
) -> None:
    """Write entries from a serial on."""
    connection.executemany(
        "INSERT INTO entry (history, serial, id, parent, data, checksum) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                history.key,
                serial,
                entry.id.bytes,
                entry.parent.bytes,
                entry.data,
                _digest(history.id, serial, entry.id.bytes, entry.parent.bytes, entry.data),
            )
            for serial, entry in enumerate(entries, first)
        ),
    )


def insert_trim(connection: sqlite3.Connection, history: History, start: int, at: int) -> None:
    """Write a trim that was at a time in milliseconds."""
    connection.execute(
        "INSERT INTO trim (history, start, at) VALUES (?, ?, ?)", (history.key, start, at)
    )


def entries(connection: sqlite3.Connection, history: History, first: int) -> tuple[Entry, ...]:
    """Return a history's entries from a serial to its head.

    Raises:
        CorruptedDataError: one is missing, one too many, or one not what was written; the chain is
            broken; or it does not end at the head.
    """
    read: list[Entry] = []
    previous = EPOCH if first == 0 else None
    serial = first
    for stored, own, parent, data, checksum in connection.execute(
        "SELECT serial, id, parent, data, checksum FROM entry"
        " WHERE history = ? AND serial >= ? ORDER BY serial",
        (history.key, first),
    ):
        if stored != serial or serial >= history.head:
            break
        if not entry_is_sound(history.id, serial, own, parent, data, checksum):
            raise damage(_reading(history, serial), "it does not match its checksum")
        # Neighbours share one value: a chain names every id twice.
        named = previous if previous is not None and parent == previous.bytes else Ulid(parent)
        entry = Entry(Ulid(own), named, data)
        if previous is not None and named is not previous:
            raise CorruptedDataError(
                _reading(history, serial),
                JournalEntryParentMismatchError(entry.id, named, previous),
            )
        read.append(entry)
        previous = entry.id
        serial += 1
    else:
        if serial == history.head and (not read or read[-1].id.bytes == history.vid):
            return tuple(read)
    raise damage(
        _reading(history, serial),
        f"the history has {history.head} entries, and the one expected here is not the one found",
    )


def entry_is_sound(
    history: bytes, serial: int, id: bytes, parent: bytes, data: bytes, checksum: bytes
) -> bool:
    """Return whether an entry's row is what was written."""
    try:
        sound = checksum == _digest(history, serial, id, parent, data)
    except (TypeError, OverflowError):  # a flipped bit may make a number of bytes
        return False
    return sound and len(id) == len(EPOCH.bytes)


def _digest(history: bytes, serial: int, id: bytes, parent: bytes, data: bytes) -> bytes:
    place = b"".join((history, serial.to_bytes(8, "big"), id, parent))
    if len(place) != 56:  # without it, bytes could move from one field to another unnoticed
        raise TypeError("an id is not sixteen bytes")
    return blake2b(place + data, digest_size=_DIGEST_SIZE).digest()


def _reading(history: History, serial: int) -> str:
    return f"reading entry {serial} of history {UUID(bytes=history.id)}"


def milliseconds(seconds: float) -> int:
    """Return a time as it is stored."""
    return round(seconds * 1000)
