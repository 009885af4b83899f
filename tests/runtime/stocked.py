"""Journals stocked with real histories of every kind, and edits of their rows.

An edit without its checksums shows that bytes are covered; one that seals them again shows that the
chain and the chart are checked, too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pingregistrywf import NO_VC, CmdInit, UlidSource, WorkflowIndexes, Workflows
from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import Entry, Journal
from pingregistrywf.runtime.journal.sqlite import ledger, records
from pingregistrywf.runtime.journal.sqlite.group_commit import Batch

DECLARATIONS: Mapping[str, Declaration] = {
    each.name: each for each in (ping_registry.DECLARATION, ping_registry_index.DECLARATION)
}
NAMES = (
    *("begun", "pinged", "summarized", "aborted", "terminated"),
    *("deleted", "emptied", "index", "snapshot", "trimmed"),
)


@dataclass
class Stock:
    """The ids of what was stocked, by name; the clock's time is then that of the newest event."""

    ids: dict[str, UUID]

    def __getitem__(self, name: str) -> UUID:
        return self.ids[name]


def stock(journal: Journal, turn: Callable[[float], None]) -> Stock:
    """Write histories of every kind, deleted and trimmed ones included.

    Args:
        journal: an empty one.
        turn: turns the journal's clock by days.
    """
    ticks = count()  # a millisecond between two events, so that others fit between
    ids = UlidSource(lambda: journal.clock() + next(ticks) / 1000)
    workflows, indexes = Workflows(journal, ids=ids), WorkflowIndexes(journal, ids=ids)
    named = {name: uuid4() for name in NAMES}

    def workflow(name: str, pings: int, *then: str) -> None:
        history = named[name]
        vid = workflows.init(history, CmdInit(registry_id=uuid4()))
        for number in range(pings):
            vid = workflows.append_ping(history, vid, number % 3, f"{name} ping {number}")
        for command in then:
            if command == "post_summary":
                vid = workflows.post_summary(history, vid, 1, f"{pings} pings")
            else:
                vid = getattr(workflows, command)(history, vid)

    def listed(name: str, number: int) -> None:
        for _ in range(number):
            member = uuid4()
            start = ids.next(indexes.find_id(named[name]).vid)
            indexes.begin_ping_registry(named[name], NO_VC, member, start)
            indexes.commit_ping_registry(named[name], NO_VC, member, ids.next(start))
        indexes.begin_ping_registry(named[name], NO_VC, uuid4(), ids.next(start))
        indexes.delete_ping_registry(named[name], NO_VC, member)

    def snapshot(name: str) -> None:
        indexes.snapshot(named[name], NO_VC, if_storage_reduction=False)

    listed("trimmed", 3)
    snapshot("trimmed")
    assert journal.trim(named["trimmed"])
    turn(14)
    workflow("emptied", 2, "abort_expired", "end", "delete")
    turn(17)
    listed("trimmed", 1)
    assert journal.collect()
    workflow("begun", 0)
    workflow("pinged", 5)
    workflow("summarized", 2, "post_summary")
    workflow("aborted", 1, "abort_expired")
    workflow("terminated", 3, "post_summary", "commit", "end")
    workflow("deleted", 2, "post_summary", "commit", "delete")
    listed("index", 2)
    listed("snapshot", 3)
    snapshot("snapshot")
    listed("snapshot", 1)
    snapshot("trimmed")
    assert journal.trim(named["trimmed"])
    listed("trimmed", 1)
    return Stock(named)


@contextmanager
def rows_of(path: Path) -> Iterator[sqlite3.Connection]:
    """The file's rows, to be changed."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.text_factory = bytes
        yield connection


def row_of(connection: sqlite3.Connection, history: UUID) -> records.History:
    found = connection.execute(f"{records.SELECT} WHERE chain.id = ?", (history.bytes,)).fetchone()
    row = records.verified(found)
    assert isinstance(row, records.History)
    return row


def entries_of(connection: sqlite3.Connection, key: int) -> list[Entry]:
    found = connection.execute(
        "SELECT id, parent, data FROM event WHERE history = ? AND deleted_at IS NULL"
        " ORDER BY serial",
        (key,),
    )
    return [Entry(Ulid(own), Ulid(parent), data) for own, parent, data in found]


def rewrite(
    path: Path, history: UUID, entries: Sequence[Entry] | None = None, **changes: Any
) -> None:
    """Give a history other entries, or another row, each under a right checksum."""
    with rows_of(path) as connection:
        row = row_of(connection, history)
        if entries is None:
            entries = entries_of(connection, row.key)
        ((chart,),) = connection.execute(
            "SELECT max(chart) FROM event WHERE history = ?", (row.key,)
        )
        stored = replace(row.stored, **changes)
        stored = replace(stored, end=stored.first + len(entries), vid=entries[-1].id)
        ledger.remove(connection, row.key, row.stored.end + 1)
        batch, changed = Batch(connection, {}), records.History(row.key, stored)
        positions = batch.take_positions(len(entries))
        records.append(connection, changed, entries, [chart] * len(entries), positions)
        if stored.deleted_at is not None:
            records.mark(connection, changed, *batch.take_positions(1))
        connection.execute("UPDATE chain SET chart = ? WHERE key = ?", (stored.chart, row.key))
        records.update(connection, changed)


def portable(text: str | bytes) -> list[dict[str, Any]]:
    """The lines of an export, without what each journal has of its own."""
    lines = [json.loads(line) for line in text.splitlines()]
    own = {"journal", "position", "sha256"}
    return [{name: line[name] for name in line.keys() - own} for line in lines]


def digest(path: Path) -> str:
    return blake2b(path.read_bytes()).hexdigest()
