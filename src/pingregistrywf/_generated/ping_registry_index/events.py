# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""The events of chart ping_registry_index."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pingregistrywf.runtime.field_types import Uuid
from pingregistrywf.runtime.ids import EPOCH, NIL, Ulid
from pingregistrywf.runtime.json_forms import EventUnion
from pingregistrywf.runtime.values import Event as BaseEvent

from .states import Entry


class Event(BaseEvent):
    """The base of the events of chart ping_registry_index; ``AnyEvent`` is their union.

    An event is an immutable link of a history's chain.  Its ``time`` is the time in its id.
    ``marshal_proto`` gives its bytes, and ``unmarshal_proto`` reads them.

    Attributes:
        id: The event's id.
        parent: The id of the event before it; the epoch for a history's first.
    """


class PingRegistryStarted(Event):
    """A workflow began.

    Attributes:
        workflow_id: The workflow.
        workflow_event_id: The workflow's first event.
    """

    workflow_id: Uuid = NIL
    workflow_event_id: Ulid = EPOCH


class PingRegistryCompleted(Event):
    """A workflow was completed, by the admin or because it expired.

    Attributes:
        workflow_id: The workflow.
        workflow_event_id: The workflow's completion event.
    """

    workflow_id: Uuid = NIL
    workflow_event_id: Ulid = EPOCH


class PingRegistryDeleted(Event):
    """A workflow was deleted and is listed no more.

    Attributes:
        workflow_id: The workflow.
    """

    workflow_id: Uuid = NIL


class SnapshotBegin(Event):
    """A snapshot begins: readers may start here."""


class SnapshotState(Event):
    """The entries that the snapshot lists."""

    ping_registry: tuple[Entry, ...] = ()


class SnapshotEnd(Event):
    """The snapshot is whole."""


AnyEvent: TypeAlias = Annotated[
    PingRegistryStarted
    | PingRegistryCompleted
    | PingRegistryDeleted
    | SnapshotBegin
    | SnapshotState
    | SnapshotEnd,
    EventUnion(),
]
"""An event of chart ping_registry_index, of a closed union: its name tells which."""
