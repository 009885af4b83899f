"""Every error that the run time raises; each carries its facts as fields.

``WorkflowError`` is the base of all.  ``PACKAGE_ERRORS`` are those that every workflow's facade
answers with (documentation: Behaviour, section 4); a generated package adds its chart's own, which
are subclasses of ``BehaviorError``, and recognizes them all with its ``is_package_error``.
*Journal-level* errors come bare from a journal and as a ``JournalError`` from a facade.  Such a
``JournalError`` is also of the class of the error that it wraps, so that ``except
VersionConflictError`` catches a version conflict from either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias, get_args
from uuid import UUID

from pingregistrywf.runtime.ids import Ulid

if TYPE_CHECKING:
    from pingregistrywf.runtime.journal.history import ChartIdentity

Retry: TypeAlias = Literal["safe", "after reading", "never"]
"""What running the same command again means after an error.

- ``"safe"``: the command had no effect, and its cause may pass.  Run it again as it is, after a
  pause.
- ``"after reading"``: the history may have changed.  Read it, and decide again.
- ``"never"``: the same command gets the same answer.
"""


class WorkflowError(Exception):
    """Base of every error of this package."""

    definite: bool = True
    """True if the command certainly had no effect; False if it may have had one."""
    attempted: tuple[Ulid, ...] = ()
    """The ids of the events that may be in the history, if the error is not definite.

    ``happened``, a method of every facade, tells whether they are.
    """

    @property
    def retry(self) -> Retry:
        """Whether to run the same command again: what ``RETRY`` says of this kind of error.

        After an error that is not definite it is always ``"after reading"``.
        """
        return retry_of(type(self)) if self.definite else "after reading"

    def __reduce__(self) -> tuple[object, ...]:
        # Errors are rebuilt without their ``__init__``, so that they pickle whatever it takes.
        return (type(self).__new__, (type(self), *self.args), self.__dict__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.args == other.args and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), str(self)))


class BehaviorError(WorkflowError):
    """The chart refuses the command: never retried, never wrapped, nothing changed."""


class UninitializedError(WorkflowError):
    """The history holds no event (documentation: Behaviour, section 4)."""

    def __init__(self, id: UUID | None = None) -> None:
        self.id = id
        super().__init__(
            "uninitialized" if id is None else f"history {id} is uninitialized: it has no event"
        )


class InvalidCommandError(WorkflowError):
    """Not a command of this workflow, or malformed arguments; raised before anything is read."""

    def __init__(self, reason: str = "not a command of this workflow") -> None:
        self.reason = reason
        super().__init__(f"invalid command: {reason}")


class StateConflictError(BehaviorError):
    """The chart does not allow the command, or a replayed event, in the current state."""

    def __init__(self, what: str | None = None, state: str | None = None) -> None:
        self.what = what
        self.state = state
        text = "state conflict"
        if what is not None:
            text = f"state conflict: {what} is not allowed in {state}"
        self.args = (text,)  # as super().__init__ would, for less


class ArgumentNotIdempotentError(BehaviorError):
    """The command was given before with another value of ``arg``, whose name is in PascalCase."""

    def __init__(self, arg: str) -> None:
        self.arg = arg
        super().__init__(f"argument not idempotent: {arg} differs from the value stored first")


class NewEventsError(WorkflowError):
    """An event could not be made, for example because ids ran out."""

    def __init__(self, err: Exception) -> None:
        self.err = err
        super().__init__(f"failed to make new events: {err}")


class JournalError(WorkflowError):
    """Whatever the journal raised, in ``err``.

    A wrapped journal-level error can also be caught by its own name: the ``JournalError`` is an
    instance of that class, too, and has its fields.  By whichever name it is caught, ``err`` is
    the error that the journal raised.
    """

    err: AnyJournalError

    def __new__(cls, err: Exception) -> JournalError:
        kind: type[JournalError] = cls
        if isinstance(err, JournalLevelError) and not isinstance(err, JournalError):
            kind = _raised_for(type(err))  # type: ignore[arg-type]  # mypy takes it for no Hashable
        return super(JournalError, kind).__new__(kind, err)

    def __init__(self, err: Exception) -> None:
        self.__dict__.update(vars(err), err=err)
        self.args = (f"journal error: {err}",)

    def __reduce__(self) -> tuple[object, ...]:
        return (JournalError, (self.err,), self.__dict__)


class PositionGoneError(WorkflowError):
    """What follows an event cannot be read on: the event is no longer in the history.

    Begin anew from the state that ``find_id`` returns, and follow what comes after its vid.
    ``cause`` says what became of the event in words.
    """

    def __init__(self, id: UUID, after: Ulid, cause: str) -> None:
        self.id = id
        self.after = after
        self.cause = cause
        super().__init__(f"history {id} {cause} since event {after}: read it anew")


class EventTypeError(WorkflowError):
    """Bytes of an event that is none of this chart's; ``number`` is its wire number."""

    def __init__(self, number: int | None = None) -> None:
        self.number = number
        details = "" if number is None else f": wire type {number}"
        super().__init__(f"not an event of this workflow{details}")


class MalformedEventError(WorkflowError):
    """Bytes that are no event, or an event that replay cannot accept."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"malformed event: {reason}")


class JournalLevelError(WorkflowError):
    """An error of a journal; facades wrap it in ``JournalError``."""


@cache
def _raised_for(kind: type[JournalLevelError]) -> type[JournalError]:
    """Return the class of the ``JournalError`` that wraps an error of a journal."""
    return type("JournalError", (JournalError, kind), {"__module__": __name__})


class VersionConflictError(JournalLevelError):
    """The history's head is ``stored``, and not ``expected``: the one asked for, or read before."""

    def __init__(self, stored: Ulid, expected: Ulid) -> None:
        self.stored = stored
        self.expected = expected
        super().__init__(f"version conflict: stored {stored}, expected {expected}")


class _HistoryError(JournalLevelError):
    """An error about one history; its message is ``words`` with the history's id."""

    words: ClassVar[str]

    def __init__(self, id: UUID) -> None:
        self.id = id
        super().__init__(self.words.format(id))


class UnknownHistoryError(_HistoryError):
    """The journal has no history of that id."""

    words = "unknown history {}"


class HistoryDeletedError(_HistoryError):
    """The history was deleted, and its id is not free yet (documentation: Behaviour, section 5)."""

    words = "history {} was deleted and its id is not free yet: use another id"


class HistoryExistsError(_HistoryError):
    """A history that was to be taken in exists already, if only as a deleted one."""

    words = "history {} exists already, or was deleted and its id is not free yet"


class RetryNoVCError(JournalLevelError):
    """All six attempts under ``RETRY_NO_VC`` lost their race; ``last`` is the last conflict.

    It is no ``VersionConflictError``: the command expected no version.
    """

    def __init__(self, err: VersionConflictError) -> None:
        self.err: WorkflowError = err
        self.last = err
        super().__init__(f"gave up after repeated version conflicts: {err}")


class DBError(JournalLevelError):
    """The database failed with ``err`` while it was doing ``op``."""

    def __init__(self, op: str, err: Exception, *, definite: bool = True) -> None:
        self.op = op
        self.err = err
        self.definite = definite
        super().__init__(f"{op}: {err}")


class DiskFullError(DBError):
    """The disk, or the journal's limit of size, is full; nothing was written."""


class LockTimeoutError(DBError):
    """Another thread or process held the journal's lock for longer than the timeout."""


class JournalUnusableError(DBError):
    """This journal object can never do this: it is open for reading only, for example."""


class JournalClosedError(JournalUnusableError):
    """The journal is closed."""

    def __init__(self) -> None:
        super().__init__("use of a closed journal", ValueError("open it again"))


class JournalBusyError(JournalLevelError):
    """As many commands as may wait for the journal do; this one was not begun.

    ``waiting`` says how many that is.
    """

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        super().__init__(f"busy: {waiting} commands wait for the journal; this one was not begun")


class CorruptedDataError(JournalLevelError):
    """Stored data is not what was written, or is no chain that the chart allows.

    ``event`` is the id of the event that was refused, None if it is about no single one.
    """

    def __init__(self, op: str, err: Exception, event: Ulid | None = None) -> None:
        self.op = op
        self.err = err
        self.event = event
        super().__init__(f"corrupted data: {op}: {err}")


class ChartChangedError(CorruptedDataError):
    """A sound event was written under another version of the chart, and this one refuses it.

    Attributes:
        written: the chart that the event was written under.
        read: the chart that it was read by.
    """

    def __init__(
        self, refused: CorruptedDataError, written: ChartIdentity, read: ChartIdentity
    ) -> None:
        super().__init__(refused.op, refused.err, refused.event)
        self.written = written
        self.read = read
        reason = f"it was written under {written}, and {read} refuses it: {self.err}"
        self.args = (f"chart changed: {self.op}: {reason}",)


class JournalEntryParentMismatchError(JournalLevelError):
    """A stored event does not follow the one before it."""

    def __init__(self, event_id: Ulid, actual: Ulid, expected: Ulid) -> None:
        self.event_id = event_id
        self.actual = actual
        self.expected = expected
        super().__init__(f"event {event_id} names {actual} as its parent, but follows {expected}")


class FeedPositionGoneError(JournalLevelError):
    """What came after a position of a feed cannot be told any more: rebuild from the beginning.

    ``cause`` says why in words.
    """

    def __init__(self, position: str, cause: str) -> None:
        self.position = position
        self.cause = cause
        super().__init__(f"feed position {position!r} is gone: {cause}; rebuild from the beginning")


class JournalOpenError(JournalLevelError):
    """The journal of a URL cannot be opened, for a cause and with a remedy, both in words."""

    def __init__(self, url: str, cause: str, remedy: str) -> None:
        self.url = url
        self.cause = cause
        self.remedy = remedy
        super().__init__(f"cannot open journal {url!r}: {cause}; {remedy}")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check of a journal found, and its place.

    Attributes:
        what: what was found.
        history: in which history; None if that is not known.
        serial: at which entry, counted from 0; None if it is about no single one.
        id: the id of that entry's event, if it is known.
        written: the chart that the event was written under, if it is the chart that refuses it, and
            another version of it.  Then nothing is damaged.
    """

    what: str
    history: UUID | None = None
    serial: int | None = None
    id: Ulid | None = None
    written: ChartIdentity | None = None

    def __str__(self) -> str:
        place = "journal" if self.history is None else f"history {self.history}"
        if self.serial is not None:
            place += f", entry {self.serial}"
        if self.id is not None:
            place += f", event {self.id}"
        return f"{place}: {self.what}"


class Fault(Finding):
    """Something that is not as it must be.  It is a value, so that a check goes on after it."""

    __slots__ = ()


class Note(Finding):
    """Something unusual that is no fault."""

    __slots__ = ()


class UnsoundError(JournalLevelError):
    """What was to be kept has faults, and so was not kept."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{count} found, and nothing was written: {faults[0]}")


class MalformedExportError(JournalLevelError):
    """A text that is no export of histories, or not all of one; lines are counted from 1."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"line {line} of the export: {reason}")


AnyJournalError: TypeAlias = (
    VersionConflictError
    | UnknownHistoryError
    | HistoryDeletedError
    | RetryNoVCError
    | DBError
    | JournalBusyError
    | CorruptedDataError
    | JournalEntryParentMismatchError
    | FeedPositionGoneError
    | JournalOpenError
)
"""An error of a journal that a ``JournalError`` wraps."""

PackageError: TypeAlias = (
    UninitializedError
    | InvalidCommandError
    | StateConflictError
    | ArgumentNotIdempotentError
    | NewEventsError
    | JournalError
    | EventTypeError
)
"""An error that every workflow's facade answers with."""
PACKAGE_ERRORS: Final[tuple[type[WorkflowError], ...]] = get_args(PackageError)
"""The errors that every workflow's facade answers with."""


RETRY: Final[Mapping[type[WorkflowError], Retry]] = {
    WorkflowError: "never",
    PositionGoneError: "after reading",
    VersionConflictError: "after reading",
    RetryNoVCError: "safe",
    DBError: "safe",
    JournalUnusableError: "never",
    JournalBusyError: "safe",
    JournalOpenError: "safe",
}
"""Whether to run a command again after an error of this class, or of one derived from it."""


def retry_of(kind: type[WorkflowError]) -> Retry:
    """Return what ``RETRY`` says of the errors of a class that are definite."""
    return next(RETRY[base] for base in kind.__mro__ if base in RETRY)
