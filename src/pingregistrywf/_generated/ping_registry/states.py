# Generated from chart ping_registry 1.0.0. Do not edit: change the chart.
"""The states of chart ping_registry, and what they carry."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyrsistent import pvector

from pingregistrywf.runtime.charted import Charted
from pingregistrywf.runtime.field_types import Int32, PersistentList, Text, Uuid
from pingregistrywf.runtime.ids import EPOCH, NIL, Ulid
from pingregistrywf.runtime.values import Code as BaseCode
from pingregistrywf.runtime.values import Record as BaseRecord
from pingregistrywf.runtime.values import State as BaseState


class StateCode(BaseCode):
    """The states of chart ping_registry."""

    UNINITIALIZED = 0
    """Nothing has happened. The history is empty, or was deleted."""
    INITIALIZED = 1
    """The admin has begun the workflow. No server has answered yet."""
    APPENDING = 2
    """At least one server has answered, and more pings are welcome."""
    SUMMARIZED = 3
    """The pings have been summarized. What was not posted by now is not counted. The admin may
    commit.
    """
    COMPLETED = 4
    """The workflow is over, by commit or by expiry. Only the confirmation that its history ends is
    still missing.
    """
    TERMINATED = 5
    """The history has ended. Nothing more is appended."""


@dataclass(frozen=True, slots=True)
class Status(BaseRecord):
    """What one ping, or the summary, says.

    Attributes:
        code: 0 if all is well; any other number tells what is wrong.
        message: The same in words.
        event_id: The id of the event that set this; the epoch if none has.
    """

    code: Int32 = 0
    message: Text = ""
    event_id: Ulid = EPOCH


@dataclass(frozen=True, slots=True)
class State(BaseState, Charted):
    """The state of a history, and what its events carried into it.

    Attributes:
        id: The history's id.
        vid: The id of its newest event; the epoch if it has none.
        state_code: The state.
        registry_id: The registry whose servers are asked. Nil until the workflow has begun.
        pings: What the servers answered, in the order in which they did.
        summary_status: The summary of the pings. Empty until it is posted, and for ever in a
            workflow that was aborted before.
    """

    id: Uuid
    vid: Ulid = EPOCH
    state_code: StateCode = StateCode.UNINITIALIZED
    registry_id: Uuid = NIL
    pings: PersistentList[Status] = field(default_factory=pvector)
    summary_status: Status = Status()

    @property
    def num_pings(self) -> int:
        """How many ``pings`` there are."""
        return len(self.pings)
