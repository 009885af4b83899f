"""Whether a journal answers several clients as it could answer one client after another.

A set of calls is *linearizable* if each call can be given one moment between its beginning and its
end, so that in the order of these moments every answer is the right one.  A call that nobody knows
the outcome of, such as a commit whose acknowledgement was lost, may have taken effect at any moment
since it began, or not at all.

``linearize`` searches for such an order, as Wing and Gong did it (1993), and remembers what it
tried, as Lowe proposed (2017).  ``Recorder`` records what the clients of a journal do, and checks
it against the protocol's meaning.  One history is checked at a time: a journal is linearizable if
each of its histories is, because no call is about two of them.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from pingregistrywf.runtime.errors import (
    HistoryDeletedError,
    VersionConflictError,
    WorkflowError,
)
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Head, Journal, Reading
from pingregistrywf.testing.wrapped import WrappedJournal

State = TypeVar("State")


@dataclass(slots=True, eq=False)
class Call:
    """What one client asked, and what it was told.

    Attributes:
        client: who asked.
        operation: what was asked.
        began: the moment before it was asked, as a number; later moments have greater numbers.
        ended: the moment after the answer came; None if the outcome is unknown.
        answer: what was answered, if the outcome is known.
    """

    client: str
    operation: object
    began: int
    ended: int | None = None
    answer: object = None

    def __str__(self) -> str:
        told = "outcome unknown" if self.ended is None else str(self.answer)
        return f"{self.began:5}-{self.ended or '':<5} {self.client}: {self.operation} -> {told}"


class Model(Protocol, Generic[State]):
    """What calls mean that are made one after another."""

    @property
    def initial(self) -> State:
        """The state before the first call; every state can be hashed."""

    def apply(self, state: State, call: Call) -> State | None:
        """Return the state after a call, or None if its answer is wrong in this state.

        A call with an unknown outcome takes effect if it can.
        """


class NotLinearizableError(AssertionError):
    """There is no order of these calls in which every answer is right.

    Attributes:
        calls: all calls, in the order in which they began.
        longest: as many of them as could be put in an order.
    """

    def __init__(self, calls: Sequence[Call], longest: Sequence[Call]) -> None:
        self.calls = calls
        self.longest = longest
        placed = set(map(id, longest))
        left = [call for call in calls if id(call) not in placed]
        lines = ["not linearizable; the longest order found:", *longest, "nothing follows of:"]
        super().__init__("\n".join(map(str, [*lines, *left])))


def linearize(calls: Sequence[Call], model: Model[State]) -> list[Call]:
    """Return an order of the calls in which every answer is right.

    A call whose outcome is unknown is left out where it takes no effect.

    Raises:
        NotLinearizableError: there is none.
    """
    calls = sorted(calls, key=lambda call: call.began)
    told = sum(1 << place for place, call in enumerate(calls) if call.ended is not None)
    # Each step of the order that is being tried: what is placed by now, the state then, what may
    # come next.
    steps = [(0, model.initial, _candidates(calls, 0))]
    order: list[Call] = []
    longest: list[Call] = []
    tried: set[tuple[int, State]] = set()
    while steps:
        placed, state, candidates = steps[-1]
        if placed & told == told:
            return order
        for place in candidates:
            call = calls[place]
            after = model.apply(state, call)
            if after is None or (call.ended is None and after == state):
                continue
            known = (placed | 1 << place, after)
            if known not in tried:
                tried.add(known)
                steps.append((*known, _candidates(calls, known[0])))
                order.append(call)
                if len(order) > len(longest):
                    longest = order.copy()
                break
        else:
            steps.pop()
            del order[-1:]
    raise NotLinearizableError(calls, longest)


def _candidates(calls: Sequence[Call], placed: int) -> Iterator[int]:
    """The calls that may come next: those that began before any other one that is left ended."""
    left = [place for place in range(len(calls)) if not placed >> place & 1]
    horizon = min(
        (ended for place in left if (ended := calls[place].ended) is not None), default=None
    )
    for place in left:
        if horizon is not None and calls[place].began > horizon:
            return
        yield place


# --- Journals ------------------------------------------------------------------------------------


class Read(NamedTuple):
    """A reading of a history; the answer is a ``Seen``."""

    def __str__(self) -> str:
        return "read"


class Seen(NamedTuple):
    """What a reading showed: the last entries, or all, and the head."""

    ids: tuple[Ulid, ...]
    head: Ulid

    def __str__(self) -> str:
        return f"{_short(*self.ids)} at {_short(self.head)}"


class Commit(NamedTuple):
    """A commit of entries after a head; the answer is ``DONE`` or an error."""

    after: Ulid
    ids: tuple[Ulid, ...]

    def __str__(self) -> str:
        return f"commit {_short(*self.ids)} after {_short(self.after)}"


class Delete(NamedTuple):
    """A deletion at a head; the answer is ``DONE`` or an error."""

    after: Ulid

    def __str__(self) -> str:
        return f"delete at {_short(self.after)}"


DONE: Final = "done"


class History(NamedTuple):
    """What a history is at one moment."""

    ids: tuple[Ulid, ...] = ()
    deleted: bool = False

    @property
    def head(self) -> Ulid:
        return EPOCH if self.deleted or not self.ids else self.ids[-1]


class HistoryModel:
    """What the protocol of journals says of one history, whose id does not become free again."""

    initial: Final = History()

    def apply(self, state: History, call: Call) -> History | None:
        right: object
        after = state
        match call.operation:
            case Read():
                visible = () if state.deleted else state.ids
                shown = len(call.answer.ids) if isinstance(call.answer, Seen) else 0
                right = Seen(visible[max(0, len(visible) - shown) :], state.head)
            case Commit(expected, ids):
                if state.deleted and not expected:
                    right = HistoryDeletedError
                elif expected != state.head:
                    right = state.head
                else:
                    right, after = DONE, History(state.ids + ids)
            case Delete(expected):
                if state.head and expected != state.head:
                    right = state.head
                else:
                    right, after = DONE, History(state.ids, deleted=bool(state.ids))
            case other:
                raise TypeError(f"no operation on a history: {other!r}")
        return after if call.ended is None or right == _told(call.answer) else None


def _told(answer: object) -> object:
    """Return of an answer what must be right about it."""
    match answer:
        case VersionConflictError():
            return answer.stored
        case HistoryDeletedError():
            return HistoryDeletedError
    return answer


@dataclass(slots=True)
class Recorder:
    """Records what is done on journals that all stand for the same one, from any threads."""

    calls: dict[UUID, list[Call]] = field(default_factory=lambda: defaultdict(list))
    _moments: Iterator[int] = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recorded(self, journal: Journal, client: str) -> Journal:
        """Return a journal that records what this client reads, commits and deletes.

        Its ``exclusive`` keeps nobody out, so that clients of one process race as others do.
        """
        return _Recorded(journal, client, self)

    def check(self) -> None:
        """Check all that was recorded, while no call is under way.

        Raises:
            NotLinearizableError: it is not linearizable.
        """
        for calls in self.calls.values():
            linearize(calls, HistoryModel())

    @contextmanager
    def call(self, history: UUID, client: str, operation: object) -> Iterator[Call]:
        """Record a call that the body makes; it sets the answer.

        A call that fails is recorded if it was refused, or may have had an effect.
        """
        call = Call(client, operation, self._moment())
        matters = True
        try:
            yield call
        except (HistoryDeletedError, VersionConflictError) as refusal:
            call.answer = refusal
            raise
        except WorkflowError as error:
            matters = not error.definite
            raise
        finally:
            if call.answer is not None:
                call.ended = self._moment()
            if matters:
                with self._lock:
                    self.calls[history].append(call)

    def _moment(self) -> int:
        with self._lock:
            return next(self._moments)


class _Recorded(WrappedJournal):
    def __init__(self, journal: Journal, client: str, recorder: Recorder) -> None:
        super().__init__(journal)
        self._client = client
        self._recorder = recorder

    def exclusive(self, history: UUID) -> AbstractContextManager[None]:
        return nullcontext()

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        with self._recorder.call(history, self._client, Read()) as call:
            reading = self.wrapped.read(history, after, whole=whole)
            call.answer = Seen(_ids(reading.entries), reading.head.vid)
        return reading

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        operation = Commit(after.vid, _ids(entries))
        with self._recorder.call(history, self._client, operation) as call:
            head = self.wrapped.commit(history, after, entries, chart=chart, restart=restart)
            call.answer = DONE
        return head

    def delete(self, history: UUID, after: Head) -> None:
        with self._recorder.call(history, self._client, Delete(after.vid)) as call:
            self.wrapped.delete(history, after)
            call.answer = DONE


def _short(*ids: Ulid) -> str:
    """Name ids in a report: their ends, which are drawn at random."""
    return "(" + " ".join(str(each)[-5:] for each in ids) + ")"


def _ids(entries: Sequence[Entry]) -> tuple[Ulid, ...]:
    return tuple(entry.id for entry in entries)
