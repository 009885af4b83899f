# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""The states of chart ping_registry_index, and what they carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from pyrsistent import pmap

from pingregistrywf.runtime.charted import Charted
from pingregistrywf.runtime.field_types import PersistentMap, Uuid
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.values import Code as BaseCode
from pingregistrywf.runtime.values import KeyedState as BaseKeyedState
from pingregistrywf.runtime.values import Record as BaseRecord


class StateCode(BaseCode):
    """The states of chart ping_registry_index."""

    ABSENT = 0
    """The index does not list the workflow, or does no more."""
    ACTIVE = 1
    """The workflow has begun. Servers that watch the registry take part in it."""
    COMPLETED = 2
    """The workflow is over. It stays listed until it is deleted."""


@dataclass(frozen=True, slots=True)
class Entry(BaseRecord, Charted):
    """One entry of a history, which follows the chart by itself.

    Attributes:
        workflow_id: The key.
        state_code: The state of this entry.
        started_workflow_event_id: The id of the workflow's first event, and so the time at which it
            began.
        completed_workflow_event_id: The id of the workflow's completion event. The epoch while the
            workflow is active.
    """

    workflow_id: Uuid
    state_code: StateCode = StateCode.ABSENT
    started_workflow_event_id: Ulid = EPOCH
    completed_workflow_event_id: Ulid = EPOCH


@dataclass(frozen=True, slots=True)
class State(BaseKeyedState[UUID, Entry]):
    """The state of a history: its entries by key."""

    entries: PersistentMap[Uuid, Entry] = field(default_factory=pmap)
    rewritten: PersistentMap[Uuid, Entry] | None = None
