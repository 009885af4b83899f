# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""What chart ping_registry_index says, as data that the run time interprets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Final

from pingregistrywf.runtime.declaration import (
    Argument,
    Declaration,
    Emit,
    EventDeclaration,
    EventField,
    KeyedDeclaration,
    Noop,
    Outcome,
    Refuse,
    SetValue,
    SnapshotDeclaration,
)
from pingregistrywf.runtime.errors import StateConflictError
from pingregistrywf.runtime.values import Command
from pingregistrywf.runtime.wire import codec_of

from .commands import (
    CmdBeginPingRegistry,
    CmdCommitPingRegistry,
    CmdDeletePingRegistry,
    CmdSnapshot,
)
from .errors import (
    PACKAGE_ERRORS,
    SmallStorageReductionError,
    TooManyWorkflowsError,
    UnknownWorkflowError,
)
from .events import (
    Event,
    PingRegistryCompleted,
    PingRegistryDeleted,
    PingRegistryStarted,
    SnapshotBegin,
    SnapshotEnd,
    SnapshotState,
)
from .states import Entry, State, StateCode

OTHERWISE: Final = Refuse(StateConflictError, {}, "otherwise")

BEGIN_PING_REGISTRY_1: Final = Emit(
    PingRegistryStarted,
    {"workflow_id": Argument("workflow_id"), "workflow_event_id": Argument("workflow_event_id")},
    "BeginPingRegistry.1",
)
BEGIN_PING_REGISTRY_2: Final = Noop("The workflow is listed already.", "BeginPingRegistry.2")
COMMIT_PING_REGISTRY_1: Final = Emit(
    PingRegistryCompleted,
    {"workflow_id": Argument("workflow_id"), "workflow_event_id": Argument("workflow_event_id")},
    "CommitPingRegistry.1",
)
COMMIT_PING_REGISTRY_2: Final = Noop(
    "The workflow is listed as completed already.",
    "CommitPingRegistry.2",
)
COMMIT_PING_REGISTRY_3: Final = Refuse(
    UnknownWorkflowError,
    {"workflow_id": Argument("workflow_id")},
    "CommitPingRegistry.3",
)
DELETE_PING_REGISTRY_1: Final = Emit(
    PingRegistryDeleted,
    {"workflow_id": Argument("workflow_id")},
    "DeletePingRegistry.1",
)
DELETE_PING_REGISTRY_2: Final = Refuse(
    UnknownWorkflowError,
    {"workflow_id": Argument("workflow_id")},
    "DeletePingRegistry.2",
)

TABLE: Final[Mapping[type[Command], Mapping[IntEnum, Outcome]]] = {
    CmdBeginPingRegistry: {
        StateCode.ABSENT: BEGIN_PING_REGISTRY_1,
        StateCode.ACTIVE: BEGIN_PING_REGISTRY_2,
        StateCode.COMPLETED: OTHERWISE,
    },
    CmdCommitPingRegistry: {
        StateCode.ABSENT: COMMIT_PING_REGISTRY_3,
        StateCode.ACTIVE: COMMIT_PING_REGISTRY_1,
        StateCode.COMPLETED: COMMIT_PING_REGISTRY_2,
    },
    CmdDeletePingRegistry: {
        StateCode.ABSENT: DELETE_PING_REGISTRY_2,
        StateCode.ACTIVE: DELETE_PING_REGISTRY_2,
        StateCode.COMPLETED: DELETE_PING_REGISTRY_1,
    },
}
"""What each command does in each state."""

DECLARATION: Final = Declaration(
    name="ping_registry_index",
    version="1.0.0",
    sha256="43606a1e3cce8b642816e7f28aa1696e04baf631d053dcbeb2655b9d35c35d5e",
    descriptor=Path(__file__).with_name("descriptor.binpb").read_bytes(),
    message="nogfso.WorkflowEvent",
    initial=StateCode.ABSENT,
    state=State,
    table=TABLE,
    events=(
        EventDeclaration(
            event=PingRegistryStarted,
            number=111,
            target=StateCode.ACTIVE,
            fields={
                "workflow_id": EventField("uuid", nonzero=True),
                "workflow_event_id": EventField("ulid", nonzero=True),
            },
            carries=(
                SetValue("started_workflow_event_id", "workflow_event_id"),
            ),
            other_forms=("registry_id",),
        ),
        EventDeclaration(
            event=PingRegistryCompleted,
            number=114,
            target=StateCode.COMPLETED,
            fields={
                "workflow_id": EventField("uuid", nonzero=True),
                "workflow_event_id": EventField("ulid", nonzero=True),
            },
            carries=(
                SetValue("completed_workflow_event_id", "workflow_event_id"),
            ),
        ),
        EventDeclaration(
            event=PingRegistryDeleted,
            number=116,
            target=StateCode.ABSENT,
            fields={
                "workflow_id": EventField("uuid", nonzero=True, required=True),
            },
        ),
    ),
    package_errors=PACKAGE_ERRORS,
    carried={
        "started_workflow_event_id": "started_workflow_event_id",
        "completed_workflow_event_id": "completed_workflow_event_id",
    },
    state_names={
        StateCode.ABSENT: "Absent",
        StateCode.ACTIVE: "Active",
        StateCode.COMPLETED: "Completed",
    },
    keyed=KeyedDeclaration(
        key="workflow_id",
        entry=Entry,
        snapshot=SnapshotDeclaration(
            command=CmdSnapshot,
            option="if_storage_reduction",
            begin=SnapshotBegin,
            state=SnapshotState,
            end=SnapshotEnd,
            numbers=(141, 92, 142),
            field="workflow_index_state",
            entries="ping_registry",
            values={
                "workflow_id": "uuid",
                "started_workflow_event_id": "ulid",
                "completed_workflow_event_id": "ulid",
            },
            order_by="started_workflow_event_id",
            states=(
                (StateCode.COMPLETED, "completed_workflow_event_id"),
                (StateCode.ACTIVE, None),
            ),
            limit=200,
            limit_error=TooManyWorkflowsError,
            saving_events=1000,
            saving_base=300,
            saving_per_entry=300,
            saving_error=SmallStorageReductionError,
        ),
    ),
)
"""The chart."""

Event.codec = codec_of(DECLARATION)
