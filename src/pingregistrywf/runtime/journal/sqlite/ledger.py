"""What a journal file says of itself: its id, its charts, its expiries, and the next position.

A position is never used twice, also when garbage collection removes the newest events: the *floor*
is the highest position that it ever removed.  It also counts what it removed, so that the file
tells how many rows it must have: every position up to the newest is stored or was removed.

The *expiries* tell which marks of deletion were removed.  They stand in the table of trims, under
the sentinel's key: ``start`` is how many marks were removed up to this one, ``at`` its position.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from uuid import uuid4

from pingregistrywf.runtime.journal.changes import Expiries
from pingregistrywf.runtime.journal.history import ChartIdentity
from pingregistrywf.runtime.journal.sqlite.failures import damage
from pingregistrywf.runtime.journal.sqlite.records import SENTINEL, digest

_OP: Final = "reading what the journal says of itself"
_SELECT: Final = "SELECT checksum, id, floor, removed"
_NUMBERS: Final = struct.Struct(">2q")


@dataclass(frozen=True, slots=True)
class Own:
    """The row of ``journal``.

    Attributes:
        id: the bytes of the journal's id.
        floor: the highest position that was ever removed.
        removed: how many positions were ever removed.
    """

    id: bytes
    floor: int = 0
    removed: int = 0

    @property
    def checksum(self) -> bytes:
        return digest(_NUMBERS.pack(self.floor, self.removed) + self.id)


def begin(connection: sqlite3.Connection) -> None:
    """Give a new journal its id."""
    own = Own(uuid4().bytes)
    connection.execute(
        "INSERT INTO journal (one, id, floor, removed, checksum) VALUES (1, ?, ?, ?, ?)",
        (own.id, own.floor, own.removed, own.checksum),
    )


def renew(connection: sqlite3.Connection) -> None:
    """Give a copy of a journal an id of its own, as its positions go on differently."""
    _write(connection, replace(read(connection), id=uuid4().bytes))


def read(connection: sqlite3.Connection) -> Own:
    """Return the journal's own row.

    Raises:
        CorruptedDataError: the row is not what was written.
    """
    return _verified(*connection.execute(f"{_SELECT} FROM journal").fetchone() or (None,))


def newest(connection: sqlite3.Connection) -> int:
    """Return the newest position that is stored, 0 if there is none."""
    ((position,),) = connection.execute("SELECT max(position) FROM event")
    return int(position or 0)


def next_position(connection: sqlite3.Connection) -> int:
    """Return the position that the next event gets.

    Raises:
        CorruptedDataError: the floor is not what was written.
    """
    *row, last = connection.execute(
        f"{_SELECT}, (SELECT max(position) FROM event) FROM journal"  # noqa: S608 (a constant)
    ).fetchone()
    return max(int(last), _verified(*row).floor) + 1


@lru_cache(maxsize=16)  # it changes when garbage is collected, and is read at every append
def _verified(checksum: bytes, *columns: Any) -> Own:
    try:
        own = Own(*columns)
        if checksum == own.checksum:
            return own
    except (TypeError, struct.error):  # a flipped bit may make a number of bytes
        pass
    raise damage(_OP, "the journal's own row does not match its checksum")


def missing(connection: sqlite3.Connection) -> int:
    """Return how many events are missing at the ends of histories, where no other row tells."""
    own = read(connection)
    ((stored, gaps),) = connection.execute(
        "SELECT total(n), total(span - n) FROM (SELECT count(*) AS n, max(serial) + 1 - min("
        "(SELECT first FROM chain WHERE key = history), min(serial)) AS span"
        " FROM event WHERE position > 0 GROUP BY history)"
    )
    return max(newest(connection), own.floor) - own.removed - int(stored) - int(gaps)


def remove(connection: sqlite3.Connection, history: int, before: int) -> None:
    """Remove the events of a history below a serial; their positions are not used again."""
    which = "FROM event WHERE history = ? AND serial < ?"
    ((highest,),) = connection.execute(f"SELECT max(position) {which}", (history, before))
    removed = connection.execute(f"DELETE {which}", (history, before)).rowcount
    own = read(connection)
    own = replace(own, floor=max(own.floor, highest or 0), removed=own.removed + removed)
    _write(connection, own)


def expiries(connection: sqlite3.Connection) -> Expiries:
    """Return which marks of deletion were removed.

    Raises:
        CorruptedDataError: this is not what was written.
    """
    marks = connection.execute(
        "SELECT start, at FROM trim WHERE history = ? ORDER BY start", (SENTINEL,)
    ).fetchall()
    if not all(isinstance(number, int) for mark in marks for number in mark):
        raise damage(_OP, "the record of removed marks of deletion is damaged")
    return Expiries(tuple(marks))


def expire(connection: sqlite3.Connection, history: int) -> None:
    """Record that the mark of a deleted history is removed."""
    marked = connection.execute(
        "SELECT position FROM event WHERE history = ? AND deleted_at IS NOT NULL", (history,)
    ).fetchone()
    if marked is not None:
        extended = expiries(connection).extended(*marked)
        connection.execute("DELETE FROM trim WHERE history = ?", (SENTINEL,))
        connection.executemany(
            "INSERT INTO trim (history, start, at) VALUES (?, ?, ?)",
            ((SENTINEL, *mark) for mark in extended.marks),
        )


def _write(connection: sqlite3.Connection, own: Own) -> None:
    connection.execute(
        "UPDATE journal SET id = ?, floor = ?, removed = ?, checksum = ?",
        (own.id, own.floor, own.removed, own.checksum),
    )


def chart_key(connection: sqlite3.Connection, chart: ChartIdentity) -> int:
    """Return the key that events name a chart by; a chart that is new gets one."""
    names = chart.name, chart.version, chart.sha256
    row = connection.execute(
        "SELECT key FROM chart WHERE name = ? AND version = ? AND sha256 = ?", names
    ).fetchone()
    if row is not None:
        return int(row[0])
    ((key,),) = connection.execute("SELECT ifnull(max(key), 0) + 1 FROM chart")
    connection.execute(
        "INSERT INTO chart (key, name, version, sha256, checksum) VALUES (?, ?, ?, ?, ?)",
        (key, *names, _chart_digest(key, *(name.encode() for name in names))),
    )
    return int(key)


def charts(connection: sqlite3.Connection) -> dict[int, ChartIdentity]:
    """Return the charts that events name by their keys, without damaged rows."""
    found = {}
    for key, *names, checksum in connection.execute(
        "SELECT key, name, version, sha256, checksum FROM chart"
    ):
        with contextlib.suppress(TypeError, ValueError):  # a flipped bit may make a number of bytes
            if checksum == _chart_digest(key, *names):
                found[key] = ChartIdentity(*(name.decode() for name in names))
    return found


def _chart_digest(key: int, name: bytes, version: bytes, sha256: bytes) -> bytes:
    return digest(b"\0".join((str(key).encode(), name, version, sha256)))
