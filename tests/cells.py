"""The tables of behaviour.md, sections 2 and 6, written out by hand: what every engine must do.

Nothing here is computed from the charts.  A cell says ``+EVENT`` if the command appends an event,
``noop``, ``delete``, or the name of the error that refuses it.
"""

from __future__ import annotations

from typing import NamedTuple

CONFLICT = "StateConflictError"
NOT_IDEMPOTENT = "ArgumentNotIdempotentError"
UNKNOWN = "UnknownWorkflowError"
DELETED = "HistoryDeletedError"

STARTED = "+PingRegistryStarted"
PINGED = "+ServerPinged"
GATHERED = "+ServerPingsGathered"
COMPLETED = "+PingRegistryCompleted"
COMMITTED = "+PingRegistryCommitted"
UNLISTED = "+PingRegistryDeleted"


class Cell(NamedTuple):
    """What a command does in a state.

    Attributes:
        command: the command.
        same: whether its arguments are those carried; None if the command compares none.
        state: the state it is told in.
        outcome: emit, noop, reject or delete.
        event: the event appended, if any.
        error: the error that refuses it, if any.
        target: the state after it.
    """

    command: str
    same: bool | None
    state: str
    outcome: str
    event: str | None
    error: str | None
    target: str

    @property
    def name(self) -> str:
        """A name for a test's case."""
        arguments = {None: "", True: "-same", False: "-other"}[self.same]
        return f"{self.command}{arguments}-{self.state}"


STATES = (
    "Uninitialized",
    "Initialized",
    "Appending",
    "Summarized",
    "Completed",
    "Terminated",
    "Deleted",
)
LEADS = {
    "PingRegistryStarted": "Initialized",
    "ServerPinged": "Appending",
    "ServerPingsGathered": "Summarized",
    "PingRegistryCompleted": "Completed",
    "PingRegistryCommitted": "Terminated",
}
ROWS = {
    ("Init", True): (STARTED, "noop", CONFLICT, CONFLICT, CONFLICT, CONFLICT, DELETED),
    ("Init", False): (STARTED, NOT_IDEMPOTENT, CONFLICT, CONFLICT, CONFLICT, CONFLICT, DELETED),
    ("AppendPing", None): (CONFLICT, PINGED, PINGED, CONFLICT, CONFLICT, CONFLICT, CONFLICT),
    ("PostSummary", None): (CONFLICT, GATHERED, GATHERED, CONFLICT, CONFLICT, CONFLICT, CONFLICT),
    ("Commit", None): (CONFLICT, CONFLICT, CONFLICT, COMPLETED, "noop", CONFLICT, CONFLICT),
    ("AbortExpired", None): (CONFLICT, COMPLETED, COMPLETED, COMPLETED, "noop", "noop", CONFLICT),
    ("End", None): (CONFLICT, CONFLICT, CONFLICT, CONFLICT, COMMITTED, "noop", CONFLICT),
    ("Delete", None): ("noop", CONFLICT, CONFLICT, CONFLICT, "delete", "delete", "noop"),
}

INDEX_STATES = ("Absent", "Active", "Completed")
INDEX_LEADS = {
    "PingRegistryStarted": "Active",
    "PingRegistryCompleted": "Completed",
    "PingRegistryDeleted": "Absent",
}
INDEX_ROWS = {
    ("BeginPingRegistry", None): (STARTED, "noop", CONFLICT),
    ("CommitPingRegistry", None): (UNKNOWN, COMPLETED, "noop"),
    ("DeletePingRegistry", None): (UNKNOWN, UNKNOWN, UNLISTED),
}

Rows = dict[tuple[str, bool | None], tuple[str, ...]]


def _cells(states: tuple[str, ...], leads: dict[str, str], rows: Rows) -> tuple[Cell, ...]:
    return tuple(
        _cell(command, same, state, said, leads)
        for (command, same), row in rows.items()
        for state, said in zip(states, row, strict=True)
    )


def _cell(command: str, same: bool | None, state: str, said: str, leads: dict[str, str]) -> Cell:
    if said.startswith("+"):
        event = said[1:]
        return Cell(command, same, state, "emit", event, None, leads[event])
    if said == "noop":
        return Cell(command, same, state, "noop", None, None, state)
    if said == "delete":
        return Cell(command, same, state, "delete", None, None, "Deleted")
    return Cell(command, same, state, "reject", None, said, state)


WORKFLOW = _cells(STATES, LEADS, ROWS)
"""The 8 × 6 cells of the workflow's table, and the column of deleted histories."""
INDEX = _cells(INDEX_STATES, INDEX_LEADS, INDEX_ROWS)
"""The 3 × 3 cells of the index's table."""
