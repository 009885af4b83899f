"""Which gRPC status each error has, and the details that tell the error's name and fields.

Details are a ``google.rpc.Status`` with one ``google.rpc.ErrorInfo``; a caller who is not known is
also told which scope the call needs.  Its reason is the error's
name, as VERSION_CONFLICT for a ``VersionConflictError``, and its metadata has the error's fields.
``definite`` among them is the only word on whether a call had an effect: gRPC itself gives any
status to a call whose server was killed after it had one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from pingregistrywf.runtime import errors
from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.remote.details import DOMAIN, fields, reason
from pingregistrywf.runtime.services import ErrorStatus
from pingregistrywf.service.grpc.refusal import CallRefusedError

STATUSES: Final[Mapping[type[Exception], str]] = {
    errors.BehaviorError: "FAILED_PRECONDITION",
    errors.CorruptedDataError: "DATA_LOSS",
    errors.DBError: "UNAVAILABLE",
    errors.DiskFullError: "INTERNAL",
    errors.EventTypeError: "INVALID_ARGUMENT",
    errors.FeedPositionGoneError: "OUT_OF_RANGE",
    errors.HistoryDeletedError: "FAILED_PRECONDITION",
    errors.InvalidCommandError: "INVALID_ARGUMENT",
    errors.JournalBusyError: "RESOURCE_EXHAUSTED",
    errors.JournalClosedError: "UNAVAILABLE",
    errors.JournalEntryParentMismatchError: "DATA_LOSS",
    errors.JournalUnusableError: "INTERNAL",
    errors.MalformedEventError: "INVALID_ARGUMENT",
    errors.NewEventsError: "INTERNAL",
    errors.PositionGoneError: "OUT_OF_RANGE",
    errors.RetryNoVCError: "ABORTED",
    errors.UninitializedError: "NOT_FOUND",
    errors.VersionConflictError: "FAILED_PRECONDITION",
}
"""The status of errors of a class, or of one derived from it, that certainly had no effect.

Errors that may have had one are UNKNOWN, and so are all others.
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """How an error is answered.

    Attributes:
        code: the status.
        text: what is said.
        details: the serialized ``google.rpc.Status``.
    """

    code: grpc.StatusCode
    text: str
    details: bytes


def answered(
    error: Exception, declared: Mapping[str, ErrorStatus], scope: Message | None = None
) -> Answered:
    """Return how an error is answered.

    Args:
        error: the error.
        declared: how the service says that some errors are answered.
        scope: the message that tells which scope the call needs, if the caller is not known.
    """
    if isinstance(error, CallRefusedError):
        return _answer(error.status, str(error), error.name, {"definite": error.definite}, scope)
    if not isinstance(error, WorkflowError):
        return _answer("UNKNOWN", "internal error", "Internal", {"definite": False})
    inner = error.err if isinstance(error, errors.JournalError) else error
    kinds = type(inner).__mro__
    names = (each.__name__ for each in kinds)
    own = next((declared[name] for name in names if name in declared), None)
    usual = next((STATUSES[each] for each in kinds if each in STATUSES), "UNKNOWN")
    status = own.status if own else usual
    text = own.says if own and own.says else str(inner)
    told: dict[str, Any] = {**fields(inner), "message": str(inner), "definite": error.definite}
    if not error.definite:
        told["attempted"] = " ".join(map(str, error.attempted))
    name = type(inner).__name__
    return _answer(status if error.definite else "UNKNOWN", text, name, told)


def _answer(
    status: str, text: str, name: str, told: Mapping[str, Any], further: Message | None = None
) -> Answered:
    info = error_details_pb2.ErrorInfo(
        reason=reason(name),
        domain=DOMAIN,
        metadata={
            key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in told.items()
        },
    )
    code = grpc.StatusCode[status]
    details = status_pb2.Status(code=code.value[0], message=text)
    for each in filter(None, (info, further)):
        details.details.add().Pack(each)
    return Answered(code, text, details.SerializeToString())
