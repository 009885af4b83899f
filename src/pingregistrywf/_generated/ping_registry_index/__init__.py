# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""Ping registry index. One index history per registry lists the workflows that are active or
completed, so that the daemons that watch the registry find them. Each listed workflow follows this
chart by itself.
"""

from .commands import (
    AnyCommand,
    CmdBeginPingRegistry,
    CmdCommitPingRegistry,
    CmdDeletePingRegistry,
    CmdSnapshot,
)
from .declaration import DECLARATION
from .errors import (
    PACKAGE_ERRORS,
    PackageError,
    SmallStorageReductionError,
    TooManyWorkflowsError,
    UnknownWorkflowError,
    is_package_error,
)
from .events import (
    AnyEvent,
    Event,
    PingRegistryCompleted,
    PingRegistryDeleted,
    PingRegistryStarted,
    SnapshotBegin,
    SnapshotEnd,
    SnapshotState,
)
from .facade import Advancer, Behavior, WorkflowIndexes
from .states import Entry, State, StateCode

__all__ = [
    "DECLARATION",
    "PACKAGE_ERRORS",
    "Advancer",
    "AnyCommand",
    "AnyEvent",
    "Behavior",
    "CmdBeginPingRegistry",
    "CmdCommitPingRegistry",
    "CmdDeletePingRegistry",
    "CmdSnapshot",
    "Entry",
    "Event",
    "PackageError",
    "PingRegistryCompleted",
    "PingRegistryDeleted",
    "PingRegistryStarted",
    "SmallStorageReductionError",
    "SnapshotBegin",
    "SnapshotEnd",
    "SnapshotState",
    "State",
    "StateCode",
    "TooManyWorkflowsError",
    "UnknownWorkflowError",
    "WorkflowIndexes",
    "is_package_error",
]
