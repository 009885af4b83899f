"""The ping-registry workflow: an event-sourced state machine generated from a declarative chart.

    journal = open_journal("sqlite:pings.db")
    workflows = Workflows(journal)
    vid = workflows.init(workflow_id, CmdInit(registry_id=registry_id))

The names here are the counterparts of the 2019 Go package's; what they do is written in the chart
``ping_registry`` and nowhere else.  ``PingRegistry`` does what takes several steps, on workflows
and on the index that lists them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pingregistrywf._generated.ping_registry import (
        Advancer,
        AnyCommand,
        AnyEvent,
        Behavior,
        CmdAbortExpired,
        CmdAppendPing,
        CmdCommit,
        CmdDelete,
        CmdEnd,
        CmdInit,
        CmdPostSummary,
        Event,
        PackageError,
        PingRegistryCommitted,
        PingRegistryCompleted,
        PingRegistryStarted,
        ServerPinged,
        ServerPingsGathered,
        State,
        StateCode,
        Status,
        Workflows,
        is_package_error,
    )
    from pingregistrywf._generated.ping_registry_index import (
        SmallStorageReductionError,
        TooManyWorkflowsError,
        UnknownWorkflowError,
        WorkflowIndexes,
    )
    from pingregistrywf._generated.ping_registry_operations import Operations
    from pingregistrywf.coordination.registry import PingRegistry
    from pingregistrywf.runtime.errors import (
        AnyJournalError,
        ArgumentNotIdempotentError,
        BehaviorError,
        ChartChangedError,
        CorruptedDataError,
        DBError,
        DiskFullError,
        EventTypeError,
        FeedPositionGoneError,
        HistoryDeletedError,
        HistoryExistsError,
        InvalidCommandError,
        JournalBusyError,
        JournalClosedError,
        JournalEntryParentMismatchError,
        JournalError,
        JournalLevelError,
        JournalOpenError,
        JournalUnusableError,
        LockTimeoutError,
        MalformedEventError,
        MalformedExportError,
        NewEventsError,
        PositionGoneError,
        RetryNoVCError,
        StateConflictError,
        UninitializedError,
        UnknownHistoryError,
        UnsoundError,
        VersionConflictError,
        WorkflowError,
    )
    from pingregistrywf.runtime.event_feed import Recorded
    from pingregistrywf.runtime.ids import (
        EPOCH,
        NIL,
        NO_VC,
        RETRY_NO_VC,
        IdSource,
        Ulid,
        UlidSource,
        Vid,
    )
    from pingregistrywf.runtime.journal import Deleted, Journal, Retention, open_journal
    from pingregistrywf.runtime.tables import to_dicts
    from pingregistrywf.runtime.values import Command

__version__ = "0.2.0"

__all__ = [
    "EPOCH",
    "NIL",
    "NO_VC",
    "RETRY_NO_VC",
    "Advancer",
    "AnyCommand",
    "AnyEvent",
    "AnyJournalError",
    "ArgumentNotIdempotentError",
    "Behavior",
    "BehaviorError",
    "ChartChangedError",
    "CmdAbortExpired",
    "CmdAppendPing",
    "CmdCommit",
    "CmdDelete",
    "CmdEnd",
    "CmdInit",
    "CmdPostSummary",
    "Command",
    "CorruptedDataError",
    "DBError",
    "Deleted",
    "DiskFullError",
    "Event",
    "EventTypeError",
    "FeedPositionGoneError",
    "HistoryDeletedError",
    "HistoryExistsError",
    "IdSource",
    "InvalidCommandError",
    "Journal",
    "JournalBusyError",
    "JournalClosedError",
    "JournalEntryParentMismatchError",
    "JournalError",
    "JournalLevelError",
    "JournalOpenError",
    "JournalUnusableError",
    "LockTimeoutError",
    "MalformedEventError",
    "MalformedExportError",
    "NewEventsError",
    "Operations",
    "PackageError",
    "PingRegistry",
    "PingRegistryCommitted",
    "PingRegistryCompleted",
    "PingRegistryStarted",
    "PositionGoneError",
    "Recorded",
    "Retention",
    "RetryNoVCError",
    "ServerPinged",
    "ServerPingsGathered",
    "SmallStorageReductionError",
    "State",
    "StateCode",
    "StateConflictError",
    "Status",
    "TooManyWorkflowsError",
    "Ulid",
    "UlidSource",
    "UninitializedError",
    "UnknownHistoryError",
    "UnknownWorkflowError",
    "UnsoundError",
    "VersionConflictError",
    "Vid",
    "WorkflowError",
    "WorkflowIndexes",
    "Workflows",
    "is_package_error",
    "open_journal",
    "to_dicts",
]

_HOMES: Final = (
    "runtime.errors",
    "runtime.ids",
    "runtime.journal",
    "_generated.ping_registry",
    "_generated.ping_registry_index",
    "_generated.ping_registry_operations",
    "runtime.values",
    "runtime.event_feed",
    "runtime.tables",
    "coordination.registry",
)
"""Where the names above are defined; the first module that has a name is its home."""


if not TYPE_CHECKING:  # else every name would be an Any to a type checker

    def __getattr__(name: str) -> Any:
        # A name is imported when it is first used: who needs a journal alone pays for no models.
        if name in __all__:
            for home in _HOMES:
                module = import_module(f"{__name__}.{home}")
                if hasattr(module, name):
                    value = globals()[name] = getattr(module, name)
                    return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
