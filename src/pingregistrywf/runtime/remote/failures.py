"""What a call that failed means: the service's own error, or that no answer came.

Only the details that the service attaches tell whether a call took effect.  A status without them
comes from gRPC, or from something between client and service.  A write that failed so may have
taken effect, unless no connection was made at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import grpc
from google.rpc import error_details_pb2, status_pb2

from pingregistrywf.runtime.errors import DBError, JournalUnusableError, WorkflowError
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.remote.details import DETAILS, DOMAIN, RemoteCauseError, rebuilt

_UNCONNECTED: Final = "failed to connect to all addresses"
"""How gRPC begins to say that a call was never sent."""
_PASSING: Final = frozenset({"ABORTED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"})
"""The statuses of refusals whose cause may pass."""


def details_of(error: grpc.RpcError) -> bytes | None:
    """Return the details that the service attached to a call that failed, if it did."""
    metadata = error.trailing_metadata() or ()
    return next((value for key, value in metadata if key == DETAILS), None)


def was_sent(error: grpc.RpcError) -> bool:
    """Return whether a call may have reached the service."""
    return not str(error.details() or "").startswith(_UNCONNECTED)


def may_pass(error: grpc.RpcError) -> bool:
    """Return whether the service may answer in a moment."""
    return error.code() is grpc.StatusCode.UNAVAILABLE


def failure(
    op: str,
    error: grpc.RpcError,
    declared: Iterable[type[Exception]] = (),
    *,
    writing: bool,
) -> WorkflowError:
    """Return the error that a call is to raise; those of a journal are not wrapped.

    Args:
        op: what was being done.
        error: how the call ended.
        declared: the errors of the charts that the call was about.
        writing: whether it would have changed the journal.
    """
    details = details_of(error)
    found = None if details is None else told(op, details, declared)
    if found is not None:
        return found
    cause = RemoteCauseError(f"{error.code().name}: {error.details()}")
    return DBError(op, cause, definite=not (writing and was_sent(error)))


def told(op: str, details: bytes, declared: Iterable[type[Exception]] = ()) -> WorkflowError | None:
    """Return the error that details tell; None if they are not those of this service.

    Args:
        op: what was being done.
        details: a serialized ``google.rpc.Status``.
        declared: the errors of the charts that the call was about.
    """
    status, info = status_pb2.Status.FromString(details), error_details_pb2.ErrorInfo()
    if not any(each.Unpack(info) for each in status.details) or info.domain != DOMAIN:
        return None
    texts = dict(info.metadata)
    definite = texts.get("definite") != "false"
    error = rebuilt(info.reason, texts, declared)
    if error is None:
        code = next(each.name for each in grpc.StatusCode if each.value[0] == status.code)
        cause = RemoteCauseError(status.message)
        if code in _PASSING or not definite:
            return _noted(DBError(op, cause, definite=definite), texts)
        return JournalUnusableError(op, cause)
    if not definite:
        error.definite = False
    return _noted(error, texts)


def _noted(error: WorkflowError, texts: dict[str, str]) -> WorkflowError:
    attempted = texts.get("attempted", "").split()
    if not error.definite and attempted:
        error.attempted = tuple(map(Ulid.parse, attempted))
    return error
