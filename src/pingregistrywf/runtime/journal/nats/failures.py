"""What goes wrong between a client and NATS servers, and as which journal-level error it is raised.

Inside the backend there are two errors: a server *answered* that it will not do something, or no
server answered in time.  ``failure`` makes journal-level errors of them.
"""

from __future__ import annotations

from typing import Final

from pingregistrywf.runtime.errors import CorruptedDataError, DBError, DiskFullError

WRONG_SEQUENCE: Final = frozenset({10071, 10164})
"""The compare-and-set refuses: the subject's last message is another one."""
NO_MESSAGE: Final = 10037
NO_STREAM: Final = 10059
STREAM_DIFFERS: Final = 10058
NO_JETSTREAM: Final = frozenset({10039, 10076})
UNFINISHED_BATCH: Final = frozenset({10175, 10176})
"""A message of an atomic batch was lost on its way: nothing of the batch was stored."""

_FULL: Final = frozenset({10002, 10023, 10028, 10047, 10077})
_PASSING_STATUS: Final = 503
_PASSING: Final = frozenset({10004, 10005, 10006, 10007, 10008, 10009, 10041})
"""A cluster that elects a leader, or of which too few servers run, answers with one of these.

Their classes differ: 10005, that no server can take a replica, is told as a bad request.
"""
_DAMAGED: Final = "restore the journal from a backup"


class ApiError(Exception):
    """A server refused a request.

    Attributes:
        code: JetStream's number of the error.
        status: its class, as an HTTP status.
    """

    def __init__(self, code: int, status: int, text: str) -> None:
        self.code = code
        self.status = status
        super().__init__(f"the server answered: {text} ({code})")

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed in a moment: when a leader is elected, say."""
        if self.code in _PASSING:
            return True
        return self.status == _PASSING_STATUS and self.code not in _FULL | NO_JETSTREAM


class NoAnswerError(Exception):
    """No server answered in time.

    Attributes:
        sent: whether the request may have reached a server.
    """

    def __init__(self, text: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(text)


class DeniedError(Exception):
    """The user may not publish to a subject.

    Attributes:
        subject: the subject.
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        super().__init__(f"this user may not publish to {subject}: give it that permission")


class TooLargeError(Exception):
    """A message is larger than the servers take."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"the event has {size} bytes, and the servers take {limit}: raise their max_payload"
        )


def failure(op: str, error: Exception, *, writing: bool) -> DBError:
    """Return the journal-level error for one of this backend.

    Args:
        op: what was being done.
        error: what went wrong.
        writing: whether it would have changed the journal.
    """
    match error:
        case ApiError(code=code) if code in _FULL:
            return DiskFullError(op, error)
        case NoAnswerError(sent=sent):
            return DBError(op, error, definite=not (writing and sent))
    return DBError(op, error)


def damage(op: str, what: str) -> CorruptedDataError:
    """Return the error for stored data that is not what was written."""
    return CorruptedDataError(op, ValueError(f"{what}: {_DAMAGED}"))
