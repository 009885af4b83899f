"""Each error has the status, the words and the details that clients decide by."""

from __future__ import annotations

from uuid import UUID

import pytest
from google.rpc import error_details_pb2, status_pb2

from pingregistrywf import EPOCH, Ulid
from pingregistrywf._generated.ping_registry_index import (
    SmallStorageReductionError,
    TooManyWorkflowsError,
    UnknownWorkflowError,
)
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.runtime import errors
from pingregistrywf.service.grpc.refusal import not_served
from pingregistrywf.service.grpc.statuses import answered

ID = UUID(int=1)
CONFLICT = errors.VersionConflictError(EPOCH, Ulid((5).to_bytes(16, "big")))
BROKEN = OSError("the disk is gone")


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (errors.InvalidCommandError("no"), "INVALID_ARGUMENT", "INVALID_COMMAND"),
        (errors.MalformedEventError("no"), "INVALID_ARGUMENT", "MALFORMED_EVENT"),
        (errors.EventTypeError(5), "INVALID_ARGUMENT", "EVENT_TYPE"),
        (errors.UninitializedError(ID), "NOT_FOUND", "UNINITIALIZED"),
        (UnknownWorkflowError(ID), "NOT_FOUND", "UNKNOWN_WORKFLOW"),
        (errors.StateConflictError("Commit", "Appending"), "FAILED_PRECONDITION", "STATE_CONFLICT"),
        (
            errors.ArgumentNotIdempotentError("RegistryId"),
            "FAILED_PRECONDITION",
            "ARGUMENT_NOT_IDEMPOTENT",
        ),
        (SmallStorageReductionError(), "FAILED_PRECONDITION", "SMALL_STORAGE_REDUCTION"),
        (TooManyWorkflowsError(), "FAILED_PRECONDITION", "TOO_MANY_WORKFLOWS"),
        (errors.HistoryDeletedError(ID), "FAILED_PRECONDITION", "HISTORY_DELETED"),
        (CONFLICT, "FAILED_PRECONDITION", "VERSION_CONFLICT"),
        (errors.RetryNoVCError(CONFLICT), "ABORTED", "RETRY_NO_VC"),
        (errors.DBError("commit", BROKEN), "UNAVAILABLE", "DB"),
        (errors.LockTimeoutError("commit", BROKEN), "UNAVAILABLE", "LOCK_TIMEOUT"),
        (errors.DiskFullError("commit", BROKEN), "INTERNAL", "DISK_FULL"),
        (errors.JournalUnusableError("commit", BROKEN), "INTERNAL", "JOURNAL_UNUSABLE"),
        (errors.JournalClosedError(), "UNAVAILABLE", "JOURNAL_CLOSED"),
        (errors.JournalBusyError(9), "RESOURCE_EXHAUSTED", "JOURNAL_BUSY"),
        (errors.NewEventsError(BROKEN), "INTERNAL", "NEW_EVENTS"),
        (errors.DBError("commit", BROKEN, definite=False), "UNKNOWN", "DB"),
        (errors.CorruptedDataError("read", BROKEN), "DATA_LOSS", "CORRUPTED_DATA"),
        (not_served("registry", "x"), "NOT_FOUND", "NOT_SERVED"),
        (ZeroDivisionError("a mistake of ours"), "UNKNOWN", "INTERNAL"),
    ],
)
def test_an_error(error: Exception, status: str, name: str) -> None:
    check(error, error, status, name)
    if isinstance(error, errors.JournalLevelError):
        check(errors.JournalError(error), error, status, name)


def check(raised: Exception, inner: Exception, status: str, name: str) -> None:
    told = answered(raised, SERVICE.errors)
    assert told.code.name == status
    details, info = status_pb2.Status.FromString(told.details), error_details_pb2.ErrorInfo()
    assert (details.code, details.message) == (told.code.value[0], told.text)
    assert details.details[0].Unpack(info)
    assert (info.reason, info.domain) == (name, "pingregistrywf")
    is_definite = status != "UNKNOWN"
    assert info.metadata["definite"] == str(is_definite).lower()


def test_the_fields_of_an_error() -> None:
    told = answered(errors.JournalError(CONFLICT), SERVICE.errors)
    info = error_details_pb2.ErrorInfo()
    assert status_pb2.Status.FromString(told.details).details[0].Unpack(info)
    assert told.text == "version conflict"
    assert dict(info.metadata) == {
        "message": str(CONFLICT),
        "stored": str(CONFLICT.stored),
        "expected": str(CONFLICT.expected),
        "definite": "true",
    }


def test_an_internal_mistake_is_not_told_to_clients() -> None:
    assert answered(ZeroDivisionError("secret"), SERVICE.errors).text == "internal error"
