"""What a user would pick instead, used as its documentation shows it.

Each peer does the part of the ping-registry workflow that it is compared on, and nothing more: no
checksums, no ids, no version that a caller may give.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from statemachine import State, StateMachine
from statemachine.exceptions import TransitionNotAllowed
from transitions import Machine, MachineError

__all__ = [
    "BareSqlite",
    "EventSourced",
    "EventSourcedWorkflow",
    "MachineError",
    "Statechart",
    "TransitionNotAllowed",
    "Triggered",
]


class Statechart(StateMachine):
    """The workflow in python-statemachine, without callbacks."""

    uninitialized = State(initial=True)
    initialized = State()
    appending = State()
    summarized = State()
    completed = State()
    terminated = State(final=True)

    init = uninitialized.to(initialized)
    append_ping = initialized.to(appending) | appending.to.itself()
    post_summary = initialized.to(summarized) | appending.to(summarized)
    commit = summarized.to(completed)
    abort_expired = initialized.to(completed) | appending.to(completed) | summarized.to(completed)
    end = completed.to(terminated)


class Triggered:
    """The workflow in transitions, without callbacks."""

    def __init__(self) -> None:
        Machine(
            self,
            states=[each.id for each in Statechart.states],
            initial="uninitialized",
            auto_transitions=False,
            transitions=[
                ["init", "uninitialized", "initialized"],
                ["append_ping", ["initialized", "appending"], "appending"],
                ["post_summary", ["initialized", "appending"], "summarized"],
                ["commit", "summarized", "completed"],
                ["abort_expired", ["initialized", "appending", "summarized"], "completed"],
                ["end", "completed", "terminated"],
            ],
        )


class EventSourcedWorkflow(Aggregate):
    """The workflow in eventsourcing, as far as its pings."""

    @event("Started")
    def __init__(self, registry_id: UUID) -> None:
        self.registry_id = registry_id
        self.pings: list[tuple[int, str]] = []

    @event("ServerPinged")
    def append_ping(self, code: int, message: str) -> None:
        self.pings.append((code, message))


class EventSourced(Application[UUID]):
    """Workflows in eventsourcing's SQLite module, on a file; with a cache if it is wanted."""

    def __init__(self, path: Path, *, cached: bool) -> None:
        environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)}
        super().__init__(environment | ({"AGGREGATE_CACHE_MAXSIZE": "1000"} if cached else {}))

    def begin(self, pings: int = 0, message: str = "") -> EventSourcedWorkflow:
        """Save a new workflow that holds so many pings."""
        workflow = EventSourcedWorkflow(registry_id=uuid4())
        for _ in range(pings):
            workflow.append_ping(0, message)
        self.save(workflow)
        return workflow


class BareSqlite:
    """The least that a durable append with a compare-and-set takes in the standard library.

    One connection, write-ahead log, synchronous FULL; sqlite3 itself caches the statements.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._serials: dict[bytes, int] = {}

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[BareSqlite]:
        """Make a file, and close it in the end."""
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                "CREATE TABLE head (id BLOB PRIMARY KEY, head INTEGER NOT NULL) WITHOUT ROWID;"
                "CREATE TABLE event (history BLOB, serial INTEGER, data BLOB,"
                " PRIMARY KEY (history, serial)) WITHOUT ROWID"
            )
            yield cls(connection)

    def begin(self) -> bytes:
        """Begin a history; return its id."""
        history = uuid4().bytes
        self._connection.execute("INSERT INTO head VALUES (?, 0)", (history,))
        self._serials[history] = 0
        return history

    def append(self, history: bytes, data: bytes) -> None:
        """Append an event after the head that is known, durably."""
        execute, known = self._connection.execute, self._serials[history]
        execute("BEGIN IMMEDIATE")
        changed = execute(
            "UPDATE head SET head = ? WHERE id = ? AND head = ?", (known + 1, history, known)
        )
        if changed.rowcount != 1:
            raise LookupError("another writer was faster")
        execute("INSERT INTO event VALUES (?, ?, ?)", (history, known + 1, data))
        execute("COMMIT")
        self._serials[history] = known + 1

    def head(self, history: bytes) -> int:
        """Return the head of a history."""
        row = self._connection.execute("SELECT head FROM head WHERE id = ?", (history,)).fetchone()
        return int(row[0])
