"""The changes of a journal file in the order of commit, which is that of the events' positions.

Processes write in turns, and an event gets its position in its turn.  So no position becomes
visible after a greater one, and whoever has seen one has seen all below it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final
from uuid import UUID

from pingregistrywf.runtime.journal.changes import Change, Cursor, Position, resumed
from pingregistrywf.runtime.journal.history import ChartIdentity
from pingregistrywf.runtime.journal.sqlite import ledger, records
from pingregistrywf.runtime.journal.sqlite.failures import damage

_OP: Final = "reading the feed"
_AFTER: Final = f"{records.SELECT_CHANGES} WHERE event.position > ? ORDER BY event.position"


def read_changes(
    connection: sqlite3.Connection, after: Position | None, limit: int
) -> tuple[tuple[Change, ...], Position]:
    """Read changes from one consistent view; see ``feed.ReadChanges``.

    Raises:
        CorruptedDataError: an event is missing, or not what was written.
        FeedPositionGoneError: the position is gone.
    """
    own = ledger.read(connection)
    end = max(ledger.newest(connection), own.floor)
    cursor = resumed(after, UUID(bytes=own.id), end, ledger.expiries(connection))
    charts = ledger.charts(connection)
    changes: list[Change] = []
    reached, missing = cursor.number, 0
    with closing(connection.execute(_AFTER, (cursor.number,))) as rows:
        for row in rows:
            number, change = _change(row, cursor, charts)
            missing += number - reached - 1
            reached = number
            if change is not None:
                changes.append(change)
                if len(changes) == limit:
                    break
    if missing > own.removed:
        raise damage(_OP, f"{missing - own.removed} events are missing")
    return tuple(changes), cursor.at(reached)


def _change(
    row: Sequence[Any], cursor: Cursor, charts: Mapping[int, ChartIdentity]
) -> tuple[int, Change | None]:
    """Return the position of an event, and the change that it is if a reader can use it."""
    chain, event = records.verified_chain(row[:7]), records.verified_event(row[7:])
    if chain is None or event is None:
        what = "an event" if event is None else "the history of an event"
        raise damage(_OP, f"position {row[8]}: {what} is missing or does not match its checksum")
    place, entry = event
    history, number = UUID(bytes=chain.id), place.position
    if place.deleted_at is not None:
        return number, cursor.deleted(number, history, entry.id, place.deleted_at / 1000)
    chart = charts.get(place.chart)
    if chart is None:
        raise damage(_OP, f"position {number}: the event's chart is not recorded")
    return number, cursor.appended(
        number,
        history,
        entry,
        chart,
        serial=place.serial,
        restart=place.restart,
        first=chain.first,
        start=chain.start,
    )
