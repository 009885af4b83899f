# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""The commands of chart ping_registry_index."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pingregistrywf.runtime.field_types import NonZero, Uuid
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.json_forms import CommandUnion
from pingregistrywf.runtime.values import Command


class CmdBeginPingRegistry(Command):
    """List a workflow as active.

    Attributes:
        workflow_id: The workflow.
        workflow_event_id: The id of its first event.
    """

    workflow_id: NonZero[Uuid]
    workflow_event_id: NonZero[Ulid]


class CmdCommitPingRegistry(Command):
    """List a workflow as completed.

    Attributes:
        workflow_id: The workflow.
        workflow_event_id: The id of its completion event.
    """

    workflow_id: NonZero[Uuid]
    workflow_event_id: NonZero[Ulid]


class CmdDeletePingRegistry(Command):
    """Take a workflow from the list.

    Attributes:
        workflow_id: The workflow.
    """

    workflow_id: NonZero[Uuid]


class CmdSnapshot(Command):
    """Rewrite the list as a snapshot.

    Attributes:
        if_storage_reduction: True to write the snapshot only if it saves storage.
    """

    if_storage_reduction: bool


AnyCommand: TypeAlias = Annotated[
    CmdBeginPingRegistry
    | CmdCommitPingRegistry
    | CmdDeletePingRegistry
    | CmdSnapshot,
    CommandUnion(),
]
"""A command of chart ping_registry_index, of a closed union: its name tells which."""
