# Generated from chart ping_registry 1.0.0. Do not edit: change the chart.
"""What chart ping_registry says, as data that the run time interprets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Final

from pingregistrywf.runtime.declaration import (
    Append,
    Argument,
    Declaration,
    Delete,
    Emit,
    EventDeclaration,
    EventField,
    Noop,
    Outcome,
    Refuse,
    Same,
    SetRecord,
    SetValue,
)
from pingregistrywf.runtime.errors import ArgumentNotIdempotentError, StateConflictError
from pingregistrywf.runtime.values import Command
from pingregistrywf.runtime.wire import codec_of

from .commands import (
    CmdAbortExpired,
    CmdAppendPing,
    CmdCommit,
    CmdDelete,
    CmdEnd,
    CmdInit,
    CmdPostSummary,
)
from .errors import PACKAGE_ERRORS
from .events import (
    Event,
    PingRegistryCommitted,
    PingRegistryCompleted,
    PingRegistryStarted,
    ServerPinged,
    ServerPingsGathered,
)
from .states import State, StateCode, Status

OTHERWISE: Final = Refuse(StateConflictError, {}, "otherwise")

INIT_1: Final = Emit(PingRegistryStarted, {"registry_id": Argument("registry_id")}, "Init.1")
INIT_2: Final = Same(
    ("registry_id",),
    "The workflow has begun with the same registry already.",
    ArgumentNotIdempotentError,
    "Init.2",
)
APPEND_PING_1: Final = Emit(
    ServerPinged,
    {"status_code": Argument("code"), "status_message": Argument("message")},
    "AppendPing.1",
)
POST_SUMMARY_1: Final = Emit(
    ServerPingsGathered,
    {"status_code": Argument("code"), "status_message": Argument("message")},
    "PostSummary.1",
)
COMMIT_1: Final = Emit(PingRegistryCompleted, {}, "Commit.1")
COMMIT_2: Final = Noop("The workflow is completed already.", "Commit.2")
ABORT_EXPIRED_1: Final = Emit(PingRegistryCompleted, {}, "AbortExpired.1")
ABORT_EXPIRED_2: Final = Noop("The workflow is over already.", "AbortExpired.2")
END_1: Final = Emit(PingRegistryCommitted, {}, "End.1")
END_2: Final = Noop("The history has ended already.", "End.2")
DELETE_1: Final = Noop("There is nothing to delete.", "Delete.1")
DELETE_2: Final = Delete("Delete.2")

TABLE: Final[Mapping[type[Command], Mapping[IntEnum, Outcome]]] = {
    CmdInit: {
        StateCode.UNINITIALIZED: INIT_1,
        StateCode.INITIALIZED: INIT_2,
        StateCode.APPENDING: OTHERWISE,
        StateCode.SUMMARIZED: OTHERWISE,
        StateCode.COMPLETED: OTHERWISE,
        StateCode.TERMINATED: OTHERWISE,
    },
    CmdAppendPing: {
        StateCode.UNINITIALIZED: OTHERWISE,
        StateCode.INITIALIZED: APPEND_PING_1,
        StateCode.APPENDING: APPEND_PING_1,
        StateCode.SUMMARIZED: OTHERWISE,
        StateCode.COMPLETED: OTHERWISE,
        StateCode.TERMINATED: OTHERWISE,
    },
    CmdPostSummary: {
        StateCode.UNINITIALIZED: OTHERWISE,
        StateCode.INITIALIZED: POST_SUMMARY_1,
        StateCode.APPENDING: POST_SUMMARY_1,
        StateCode.SUMMARIZED: OTHERWISE,
        StateCode.COMPLETED: OTHERWISE,
        StateCode.TERMINATED: OTHERWISE,
    },
    CmdCommit: {
        StateCode.UNINITIALIZED: OTHERWISE,
        StateCode.INITIALIZED: OTHERWISE,
        StateCode.APPENDING: OTHERWISE,
        StateCode.SUMMARIZED: COMMIT_1,
        StateCode.COMPLETED: COMMIT_2,
        StateCode.TERMINATED: OTHERWISE,
    },
    CmdAbortExpired: {
        StateCode.UNINITIALIZED: OTHERWISE,
        StateCode.INITIALIZED: ABORT_EXPIRED_1,
        StateCode.APPENDING: ABORT_EXPIRED_1,
        StateCode.SUMMARIZED: ABORT_EXPIRED_1,
        StateCode.COMPLETED: ABORT_EXPIRED_2,
        StateCode.TERMINATED: ABORT_EXPIRED_2,
    },
    CmdEnd: {
        StateCode.UNINITIALIZED: OTHERWISE,
        StateCode.INITIALIZED: OTHERWISE,
        StateCode.APPENDING: OTHERWISE,
        StateCode.SUMMARIZED: OTHERWISE,
        StateCode.COMPLETED: END_1,
        StateCode.TERMINATED: END_2,
    },
    CmdDelete: {
        StateCode.UNINITIALIZED: DELETE_1,
        StateCode.INITIALIZED: OTHERWISE,
        StateCode.APPENDING: OTHERWISE,
        StateCode.SUMMARIZED: OTHERWISE,
        StateCode.COMPLETED: DELETE_2,
        StateCode.TERMINATED: DELETE_2,
    },
}
"""What each command does in each state."""

DECLARATION: Final = Declaration(
    name="ping_registry",
    version="1.0.0",
    sha256="d89f7e4627962b368029125f13f2b513ffa5b7f13af475a954caa10a3b201787",
    descriptor=Path(__file__).with_name("descriptor.binpb").read_bytes(),
    message="nogfso.WorkflowEvent",
    initial=StateCode.UNINITIALIZED,
    state=State,
    table=TABLE,
    events=(
        EventDeclaration(
            event=PingRegistryStarted,
            number=111,
            target=StateCode.INITIALIZED,
            fields={
                "registry_id": EventField("uuid", nonzero=True),
            },
            carries=(
                SetValue("registry_id", "registry_id"),
            ),
            other_forms=("workflow_id", "workflow_event_id",),
        ),
        EventDeclaration(
            event=ServerPinged,
            number=112,
            target=StateCode.APPENDING,
            fields={
                "status_code": EventField("int32"),
                "status_message": EventField("string"),
            },
            carries=(
                Append("pings", Status, {"code": "status_code", "message": "status_message"}),
            ),
        ),
        EventDeclaration(
            event=ServerPingsGathered,
            number=113,
            target=StateCode.SUMMARIZED,
            fields={
                "status_code": EventField("int32"),
                "status_message": EventField("string"),
            },
            carries=(
                SetRecord(
                    "summary_status",
                    Status,
                    {"code": "status_code", "message": "status_message"},
                ),
            ),
        ),
        EventDeclaration(
            event=PingRegistryCompleted,
            number=114,
            target=StateCode.COMPLETED,
            other_forms=("workflow_id", "workflow_event_id",),
        ),
        EventDeclaration(
            event=PingRegistryCommitted,
            number=115,
            target=StateCode.TERMINATED,
        ),
    ),
    package_errors=PACKAGE_ERRORS,
    carried={
        "registry_id": "registry_id",
        "pings": "pings",
        "summary": "summary_status",
    },
    state_names={
        StateCode.UNINITIALIZED: "Uninitialized",
        StateCode.INITIALIZED: "Initialized",
        StateCode.APPENDING: "Appending",
        StateCode.SUMMARIZED: "Summarized",
        StateCode.COMPLETED: "Completed",
        StateCode.TERMINATED: "Terminated",
    },
)
"""The chart."""

Event.codec = codec_of(DECLARATION)
