"""Histories and events as rows, each under a checksum that is verified when it is read.

A history's row in ``chain`` is written when the history begins, is trimmed, or loses entries to
garbage collection.  An append writes one row of ``event`` for each entry, and no other: the newest
row of a history says where it ends, where a reader may start, and whether it is deleted.

A flipped bit is found, not believed.  An event's checksum covers its bytes and its place (position,
history, serial), a history's row is covered as a whole, and a history that the index by id does not
know is looked up in a second index before it is taken for empty.  What the index by history and
serial lost at the end of a history shows in its *neighbour*, the row that follows in that index: it
must be the first one of the next history, or the sentinel behind the last one.  So a damaged file
gives what was written, or ``CorruptedDataError``.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from pingregistrywf.runtime.errors import CorruptedDataError, JournalEntryParentMismatchError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal.history import NO_HEAD, Entry, Head
from pingregistrywf.runtime.journal.inspection import Stored, Trim
from pingregistrywf.runtime.journal.sqlite.failures import damage

SENTINEL: Final = (1 << 63) - 1
"""The key of the history behind all others; its one event has the position 0 and no content."""
_SENTINEL_PLACE: Final = b"%d 0" % SENTINEL

UNLIKE_CHECKSUM: Final = "it does not match its checksum"
_NEVER: Final = -(1 << 63)
_CHAIN_NUMBERS: Final = struct.Struct(">4q")
_EVENT_NUMBERS: Final = struct.Struct(">6q")
_BLANK: Final = blake2b(digest_size=16)  # to be copied, which costs less than another one
_CHAIN_COLUMNS: Final = ("checksum", "key", "id", "chart", "first", "start", "trimmed_at")
_EVENT_COLUMNS: Final = (
    *("checksum", "position", "history", "serial", "chart", "restart", "deleted_at"),
    *("id", "parent", "data"),
)


def _columns(table: str, names: Sequence[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


INSERTED: Final = (
    "position, history, serial, chart, restart, deleted_at, id, parent, data, checksum"
)
"""The columns of ``event`` in the order of ``event_row``."""
NEIGHBOUR: Final = (
    "(SELECT history || ' ' || serial FROM event WHERE history > {}"
    " ORDER BY history, serial LIMIT 1)"
)
"""The row that follows the newest one of a history, whose key is to be filled in."""
SELECT_CHAIN: Final = f"SELECT {', '.join(_CHAIN_COLUMNS)} FROM chain"  # noqa: S608
SELECT_EVENTS: Final = f"SELECT {', '.join(_EVENT_COLUMNS)} FROM event"  # noqa: S608
SELECT: Final = f"""
SELECT {_columns("chain", _CHAIN_COLUMNS)}, {_columns("tail", _EVENT_COLUMNS)},
  (SELECT key || ' ' || first FROM chain AS next WHERE next.key > chain.key ORDER BY key LIMIT 1),
  {NEIGHBOUR.format("chain.key")}
FROM chain
LEFT JOIN event AS tail ON tail.position =
  (SELECT position FROM event WHERE history = chain.key ORDER BY serial DESC LIMIT 1)"""  # noqa: S608
SELECT_CHANGES: Final = f"""
SELECT {_columns("chain", _CHAIN_COLUMNS)}, {_columns("event", _EVENT_COLUMNS)}
FROM event LEFT JOIN chain ON chain.key = event.history"""  # noqa: S608
"""Events, each behind the row of its history."""
_FIND: Final = f"{SELECT} WHERE chain.id = ?"
_ENTRIES: Final = f"{SELECT_EVENTS} WHERE history = ? AND serial >= ? ORDER BY serial"


Row: TypeAlias = tuple[int, int, int, int, int, int | None, bytes, bytes, bytes, bytes]
"""The columns of ``event``, in the order of ``INSERTED``."""


class Place(NamedTuple):
    """Where an event stands, and what its row says beside its content.

    Attributes:
        position: in the order of commit of the whole journal.
        history: the key of the history.
        serial: of the entry; for a mark of deletion, that of the entry which would be next.
        chart: the key of the chart that it was written under.
        restart: the serial of the newest entry up to here where a reader may start.
        deleted_at: in milliseconds since the Unix epoch; None for an entry.
    """

    position: int
    history: int
    serial: int
    chart: int
    restart: int
    deleted_at: int | None = None


class Event(NamedTuple):
    """A row of ``event``: an entry, or the mark of a deletion.

    A mark's entry has the id of the history's newest entry, and no parent and no data.
    """

    place: Place
    entry: Entry


SENTINEL_EVENT: Final = Event(Place(0, SENTINEL, 0, 0, 0), Entry(EPOCH, EPOCH, b""))


@dataclass(frozen=True, slots=True)
class Chain:
    """A row of ``chain``.

    Attributes:
        key: never used again, so that a later history of the same id is not taken for this one.
        id: the bytes of the history's id.
        chart: the name of the chart of its first event.
        first: the serial of the oldest event that garbage collection left.
        start: the serial of the first visible entry.
        trimmed_at: when it was last trimmed, in milliseconds since the Unix epoch.
    """

    key: int
    id: bytes
    chart: str
    first: int
    start: int
    trimmed_at: int | None


class Tail(NamedTuple):
    """What tells that nothing happened to a history; see ``tail``.

    Attributes:
        chain: the checksum of its row.
        newest: the checksum of its newest event's row.
        neighbour: the key and the serial of the row that follows in the index.
        restart: the serial of the newest entry where a reader may start.
    """

    chain: bytes
    newest: bytes
    neighbour: bytes
    restart: int


@dataclass(frozen=True, slots=True)
class Token:
    """Where a head is.

    Attributes:
        key: that of the history's row.
        serial: the one that the next entry will have.
        tail: what proves it to be the newest, if that is known.
    """

    key: int
    serial: int
    tail: Tail | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class History:
    """A history as its own row and its newest event describe it.

    Attributes:
        key: the key of its row.
        stored: what is known of it; its ``trims`` and ``size`` are in other rows.
        tail: what tells that this is still so, if it was read.
    """

    key: int
    stored: Stored
    tail: Tail | None = field(default=None, compare=False)

    @property
    def head(self) -> Head:
        """The head as readers see it."""
        if self.stored.deleted_at is not None:
            return NO_HEAD
        return Head(self.stored.vid, Token(self.key, self.stored.end, self.tail))


def find(connection: sqlite3.Connection, history: UUID) -> History | None:
    """Return a history, deleted or not; None if there is none.

    Raises:
        CorruptedDataError: it is not what was written.
    """
    row = connection.execute(_FIND, (history.bytes,)).fetchone()
    if row is None:
        again = connection.execute(
            "SELECT 1 FROM chain INDEXED BY chain_again WHERE id = ?", (history.bytes,)
        )
        if again.fetchone() is not None:
            raise damage(f"finding history {history}", "two indexes disagree on whether it exists")
        return None
    found = verified(row, history)
    if isinstance(found, str) or found.stored.id != history:
        reason = found if isinstance(found, str) else "its row has another id"
        raise damage(f"finding history {history}", reason)
    return found


def collectable(connection: sqlite3.Connection) -> Iterator[History]:
    """Iterate over the histories that may hold garbage, with their trims, without damaged rows."""
    keys = "SELECT history FROM event WHERE deleted_at IS NOT NULL UNION SELECT history FROM trim"
    for row in connection.execute(f"{SELECT} WHERE chain.key IN ({keys})"):
        found = verified(row)
        if isinstance(found, History):
            yield replace(found, stored=replace(found.stored, trims=trims(connection, found.key)))


def measured(connection: sqlite3.Connection, history: History) -> Stored:
    """Return a history with its trims and its size."""
    ((size,),) = connection.execute(
        "SELECT ifnull(sum(length(data)), 0) FROM event WHERE history = ?", (history.key,)
    )
    return replace(history.stored, size=size, trims=trims(connection, history.key))


def trims(connection: sqlite3.Connection, key: int) -> tuple[Trim, ...]:
    """Return the trims of a history whose entries are still stored."""
    found = connection.execute(
        "SELECT at, start FROM trim WHERE history = ? ORDER BY start", (key,)
    )
    return tuple(Trim(at / 1000, start) for at, start in found)


def all_(connection: sqlite3.Connection) -> Iterator[Stored]:
    """Iterate over what is stored of every history, deleted or not.

    Raises:
        CorruptedDataError: a row is not what was written.
    """
    for row in connection.execute(f"{SELECT} ORDER BY chain.key"):
        found = verified(row)
        if isinstance(found, str):
            raise damage(f"reading row {row[1]} of the histories", found)
        yield measured(connection, found)


def verified(row: Sequence[Any], asked: UUID | None = None) -> History | str:
    """Return a row of ``SELECT`` as a history, or say what is wrong with it.

    Args:
        row: the row.
        asked: the id that was asked for; it saves making it again.
    """
    chain, tail = verified_chain(row[:7]), row[7:17]
    if chain is None:
        return "its row does not match its checksum"
    if not sound(tail) or tail[2] != chain.key:
        return "its newest event does not match its checksum, or is missing"
    following, neighbour = row[17:]
    if neighbour != (_SENTINEL_PLACE if following is None else following):
        return "the index is damaged where its newest event stands"
    name = asked if asked is not None and asked.bytes == chain.id else UUID(bytes=chain.id)
    found = described(chain, tail, name)
    return History(found.key, found.stored, Tail(row[0], tail[0], neighbour, found.stored.restart))


def described(chain: Chain, tail: Sequence[Any], id: UUID) -> History:
    """Return the history that a row and the newest event's sound row describe."""
    _, _, _, serial, _, restart, deleted_at, vid, _, _ = tail
    stored = Stored(
        id,
        chain.chart,
        Ulid(vid),
        chain.first,
        chain.start,
        max(restart, chain.start),
        serial if deleted_at is not None else serial + 1,
        None if deleted_at is None else deleted_at / 1000,
        None if chain.trimmed_at is None else chain.trimmed_at / 1000,
    )
    return History(chain.key, stored)


@lru_cache(maxsize=1024)  # the row of a history in use is read again and again, and seldom changes
def verified_chain(row: tuple[Any, ...]) -> Chain | None:
    """Return the columns of ``chain`` as a row, None if it is not what was written."""
    checksum, key, own, chart, first, start, trimmed = row
    try:
        if checksum != _chain_digest(key, own, chart, first, start, trimmed):
            return None
        return Chain(key, own, chart.decode(), first, start, trimmed)
    except (TypeError, ValueError, struct.error):  # a flipped bit may make a text of a number
        return None


def sound(row: Sequence[Any]) -> bool:
    """Return whether a row of ``SELECT_EVENTS`` is what was written."""
    try:
        return bool(row[0] == _event_digest(*row[1:]))
    except (TypeError, struct.error):  # a flipped bit may make a number of bytes
        return False


def verified_event(row: Sequence[Any]) -> Event | None:
    """Return a row of ``SELECT_EVENTS``, None if it is not what was written."""
    if not sound(row):
        return None
    own, parent, data = row[7:]
    return Event(Place(*row[1:7]), Entry(Ulid(own), Ulid(parent), data))


def begin(connection: sqlite3.Connection, stored: Stored) -> History:
    """Insert the row of a history that has no event yet."""
    cursor = connection.execute(
        "INSERT INTO chain (id, chart, first, start, checksum) VALUES (?, ?, 0, 0, x'')",
        (stored.id.bytes, stored.chart),
    )
    assert cursor.lastrowid is not None  # noqa: S101 (an INSERT has one)
    history = History(cursor.lastrowid, stored)
    update(connection, history)
    return history


def remove(connection: sqlite3.Connection, key: int) -> None:
    """Remove the row of a history that has no event any more."""
    connection.execute("DELETE FROM chain WHERE key = ?", (key,))


def remove_trim(connection: sqlite3.Connection, key: int, trim: Trim) -> None:
    """Remove a trim of a history."""
    connection.execute("DELETE FROM trim WHERE history = ? AND start = ?", (key, trim.start))


def update(connection: sqlite3.Connection, history: History) -> None:
    """Write what may change of a history's row."""
    stored = history.stored
    trimmed = None if stored.trimmed_at is None else milliseconds(stored.trimmed_at)
    update_chain(
        connection,
        Chain(history.key, stored.id.bytes, stored.chart, stored.first, stored.start, trimmed),
    )


def update_chain(connection: sqlite3.Connection, chain: Chain) -> None:
    """Write the row of a history, whose id and chart never change."""
    numbers = chain.first, chain.start, chain.trimmed_at
    connection.execute(
        "UPDATE chain SET first = ?, start = ?, trimmed_at = ?, checksum = ? WHERE key = ?",
        (
            *numbers,
            _chain_digest(chain.key, chain.id, chain.chart.encode(), *numbers),
            chain.key,
        ),
    )


def append(
    connection: sqlite3.Connection,
    history: History,
    entries: Sequence[Entry],
    charts: Iterable[int],
    positions: range,
) -> History:
    """Write the newest entries of a history, which counts them already; return it with its tail.

    Args:
        connection: that of the turn.
        history: the history with these entries.
        entries: its newest ones.
        charts: the keys of the charts that they are written under.
        positions: theirs in the order of commit.
    """
    key, restart = history.key, history.stored.restart
    serials = range(history.stored.end - len(entries), history.stored.end)
    rows = [
        entry_row(Place(position, key, serial, chart, restart if serial >= restart else 0), entry)
        for position, serial, chart, entry in zip(positions, serials, charts, entries, strict=False)
    ]
    insert_rows(connection, rows)
    if history.tail is None:
        return history
    tail = history.tail._replace(newest=rows[-1][-1], restart=restart)
    return replace(history, tail=tail)


def mark(connection: sqlite3.Connection, history: History, position: int) -> None:
    """Write the mark that a history is deleted, as it says."""
    stored = history.stored
    assert stored.deleted_at is not None  # noqa: S101 (narrows the type)
    at = milliseconds(stored.deleted_at)
    place = Place(position, history.key, stored.end, 0, stored.restart, at)
    insert_rows(connection, [event_row(place, stored.vid.bytes, EPOCH.bytes, b"")])


def insert_rows(connection: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> int:
    """Write rows that ``event_row`` made, and return how many."""
    cursor = connection.executemany(
        f"INSERT INTO event ({INSERTED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        rows,
    )
    return max(cursor.rowcount, 0)


def insert_trims(connection: sqlite3.Connection, key: int, trims: Iterable[Trim]) -> None:
    """Write trims of a history."""
    connection.executemany(
        "INSERT INTO trim (history, start, at) VALUES (?, ?, ?)",
        ((key, trim.start, milliseconds(trim.at)) for trim in trims),
    )


def entries(connection: sqlite3.Connection, history: History, first: int) -> tuple[Entry, ...]:
    """Return a history's entries from a serial to its head.

    Raises:
        CorruptedDataError: one is missing, one too many, or one not what was written; the chain is
            broken; or it does not end at the head.
    """
    stored, key = history.stored, history.key
    read: list[Entry] = []
    previous, before = EPOCH, EPOCH.bytes
    serial, end = first, stored.end
    try:
        # Written out, since this is most of what reading a long history costs.
        for row in connection.execute(_ENTRIES, (key, first)):
            checksum, position, owner, number, chart, restart, deleted_at, own, parent, data = row
            if number != serial or serial >= end:
                break
            if owner != key or checksum != _event_digest(
                position, owner, number, chart, restart, deleted_at, own, parent, data
            ):
                raise damage(_reading(stored, serial), UNLIKE_CHECKSUM)
            if parent != before:
                if read or first == 0:
                    raise CorruptedDataError(
                        _reading(stored, serial),
                        JournalEntryParentMismatchError(Ulid(own), Ulid(parent), previous),
                    )
                previous = Ulid(parent)
            vid = Ulid(own)
            read.append(Entry(vid, previous, data))
            previous, before = vid, own
            serial += 1
        else:
            if serial == end and (not read or previous == stored.vid):
                return tuple(read)
    except (TypeError, struct.error):  # a flipped bit may make a number of bytes
        raise damage(_reading(stored, serial), UNLIKE_CHECKSUM) from None
    raise damage(
        _reading(stored, serial),
        f"the history has {stored.end} entries, and the one expected here is not the one found",
    )


def entry_row(place: Place, entry: Entry) -> Row:
    """Return the columns of an entry's event, under its checksum."""
    return event_row(place, entry.id.bytes, entry.parent.bytes, entry.data)


def event_row(
    place: Place, id: bytes, parent: bytes, data: bytes, *, checksum: bytes | None = None
) -> Row:
    """Return the columns of an event, under its right checksum unless another one is given."""
    return (*place, id, parent, data, checksum or _event_digest(*place, id, parent, data))


def _chain_digest(
    key: int, id: bytes, chart: bytes, first: int, start: int, trimmed_at: int | None
) -> bytes:
    numbers = _CHAIN_NUMBERS.pack(key, first, start, _NEVER if trimmed_at is None else trimmed_at)
    return digest(id + numbers + chart)


def _event_digest(
    position: int,
    history: int,
    serial: int,
    chart: int,
    restart: int,
    deleted_at: int | None,
    id: bytes,
    parent: bytes,
    data: bytes,
) -> bytes:
    deleted = _NEVER if deleted_at is None else deleted_at
    numbers = _EVENT_NUMBERS.pack(position, history, serial, chart, restart, deleted)
    names = numbers + id + parent
    if len(names) != 80:  # without it, bytes could move from one field to another unnoticed
        raise TypeError("an id is not sixteen bytes")
    return digest(names + data)


def digest(data: bytes) -> bytes:
    """Return the checksum of a row's bytes."""
    hashed = _BLANK.copy()
    hashed.update(data)
    return hashed.digest()


def _reading(stored: Stored, serial: int) -> str:
    return f"reading entry {serial} of history {stored.id}"


def milliseconds(seconds: float) -> int:
    """Return a time as it is stored."""
    return round(seconds * 1000)
