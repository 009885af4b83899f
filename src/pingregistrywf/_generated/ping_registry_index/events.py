# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""The events of chart ping_registry_index."""

from __future__ import annotations

from uuid import UUID

from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.values import NIL
from pingregistrywf.runtime.values import Event as BaseEvent

from .states import Entry


class Event(BaseEvent):
    """Any event of chart ping_registry_index."""


class PingRegistryStarted(Event):
    """A workflow began.

    Attributes:
        workflow_id: The workflow.
        workflow_event_id: The workflow's first event.
    """

    workflow_id: UUID = NIL
    workflow_event_id: Ulid = EPOCH


class PingRegistryCompleted(Event):
    """A workflow was completed, by the admin or because it expired.

    Attributes:
        workflow_id: The workflow.
        workflow_event_id: The workflow's completion event.
    """

    workflow_id: UUID = NIL
    workflow_event_id: Ulid = EPOCH


class PingRegistryDeleted(Event):
    """A workflow was deleted and is listed no more.

    Attributes:
        workflow_id: The workflow.
    """

    workflow_id: UUID = NIL


class SnapshotBegin(Event):
    """A snapshot begins: readers may start here."""


class SnapshotState(Event):
    """The entries that the snapshot lists."""

    ping_registry: tuple[Entry, ...] = ()


class SnapshotEnd(Event):
    """The snapshot is whole."""
