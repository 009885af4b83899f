# Generated from chart ping_registry 1.0.0. Do not edit: change the chart.
"""Ping registry. The ping-registry workflow gathers pings from the server daemons that watch a
registry. An admin begins it, each server posts its pings, a gatherer summarizes them at the
deadline, and the admin commits. It shows how a workflow coordinates several servers and an admin
through nothing but a shared journal.
"""

from .commands import (
    AnyCommand,
    CmdAbortExpired,
    CmdAppendPing,
    CmdCommit,
    CmdDelete,
    CmdEnd,
    CmdInit,
    CmdPostSummary,
)
from .declaration import DECLARATION
from .errors import PACKAGE_ERRORS, PackageError, is_package_error
from .events import (
    AnyEvent,
    Event,
    PingRegistryCommitted,
    PingRegistryCompleted,
    PingRegistryStarted,
    ServerPinged,
    ServerPingsGathered,
)
from .facade import Advancer, Behavior, Workflows
from .states import State, StateCode, Status

__all__ = [
    "DECLARATION",
    "PACKAGE_ERRORS",
    "Advancer",
    "AnyCommand",
    "AnyEvent",
    "Behavior",
    "CmdAbortExpired",
    "CmdAppendPing",
    "CmdCommit",
    "CmdDelete",
    "CmdEnd",
    "CmdInit",
    "CmdPostSummary",
    "Event",
    "PackageError",
    "PingRegistryCommitted",
    "PingRegistryCompleted",
    "PingRegistryStarted",
    "ServerPinged",
    "ServerPingsGathered",
    "State",
    "StateCode",
    "Status",
    "Workflows",
    "is_package_error",
]
