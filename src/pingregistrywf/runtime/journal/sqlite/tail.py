"""Heads that are proved without reading the history: one statement for most finds and appends.

Whoever has read a history, or appended to it, knows its *tail*: the checksums of the history's row
and of its newest event's row, and the row that follows in the index by history and serial.  While
these are what they were, nothing happened to the history.  A key and a serial are used once, so an
entry or a mark of deletion would be newer; a trim changes the history's row; and a damaged index
shows in its neighbour, as ``records`` explains.  Equal checksums belong to equal rows, which were
verified when they were read.  If anything differs, nothing is concluded, and the history is read.
"""

from __future__ import annotations

import sqlite3
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.journal.history import Entry, Head
from pingregistrywf.runtime.journal.sqlite import records
from pingregistrywf.runtime.journal.sqlite.records import Place, Tail, Token

_NEWEST: Final = f"""
SELECT (SELECT checksum FROM chain WHERE key = ? AND id = ?), checksum,
  {records.NEIGHBOUR.format("?")}
FROM event WHERE history = ? ORDER BY serial DESC LIMIT 1"""  # noqa: S608 (constants)


def unchanged(
    connection: sqlite3.Connection, history: UUID, head: Head
) -> tuple[Token, Tail] | None:
    """Return what a history's head is, if that is certain; None if it has to be read."""
    token = head.token
    if isinstance(token, Token) and token.tail is not None:
        arguments = token.key, history.bytes, token.key, token.key
        found = connection.execute(_NEWEST, arguments).fetchone()
        if found == token.tail[:3]:
            return token, token.tail
    return None


def append(
    connection: sqlite3.Connection,
    token: Token,
    tail: Tail,
    entry: Entry,
    chart: int,
    position: int,
) -> Head:
    """Append an entry after an ``unchanged`` head, and return the new head.

    Args:
        connection: that of the turn.
        token, tail: what the head is.
        entry: the entry.
        chart: the key of the chart that it is written under.
        position: its position in the order of commit.
    """
    place = Place(position, token.key, token.serial, chart, tail.restart)
    row = records.entry_row(place, entry)
    records.insert_rows(connection, (row,))
    extended = Tail(tail.chain, row[-1], tail.neighbour, tail.restart)
    return Head(entry.id, Token(token.key, token.serial + 1, extended))
