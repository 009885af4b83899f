"""The events of one history as they come: each once, oldest first, from the past into the present.

A stream reads only what is new.  It begins to watch before it reads, so that nothing that is
written meanwhile is missed, and it waits for the journal's word instead of asking.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, Self, TypeVar
from uuid import UUID

from pingregistrywf.runtime.engine import Changes, Checkpoint, Engine
from pingregistrywf.runtime.errors import PositionGoneError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal.protocol import Closable
from pingregistrywf.runtime.values import Event
from pingregistrywf.runtime.waiting import seconds_until

S = TypeVar("S")
E = TypeVar("E", bound=Event)


class StreamPosition(Generic[S, E]):
    """Where a stream is in a history, and the events that were read and not given yet.

    Attributes:
        last: the event given or read last; None before the first, the epoch at the very beginning.
        read: the place up to which was read; None before the first read.
        restarted: whether the event given last begins the history anew, after a trim has removed
            events that were not given.
    """

    def __init__(
        self, engine: Engine[S, E], history: UUID, after: Ulid | None, *, restart: bool
    ) -> None:
        self.last = after
        self.restarted = False
        self._engine: Final = engine
        self._history: Final = history
        self._restart: Final = restart
        self.read: Checkpoint[S] | None = None
        self._events: deque[E] = deque()
        self._begins_anew: Ulid | None = None

    def __bool__(self) -> bool:
        """Whether there is an event to give."""
        return bool(self._events)

    @property
    def since(self) -> Checkpoint[S] | None:
        """Where the next read goes on; None if it must begin at the beginning."""
        if self.read is None and self.last is not None:
            return self._engine.remembered(self._history, self.last)
        return self.read

    @property
    def goes_on(self) -> bool:
        """Whether more events may come: in its last state a history gets none."""
        code = getattr(self.read and self.read.state, "state_code", None)
        return code not in self._engine.declaration.last

    def take(self, changes: Changes[S, E]) -> None:
        """Take what was read since ``since``.

        Raises:
            PositionGoneError: events that were not given yet are gone, or the whole history is.
        """
        new = changes.events if changes.continues else self._following(changes)
        self.read = changes.checkpoint
        self._events.extend(new)
        if new:
            self.last = new[-1].id

    def give(self) -> E:
        """Return the next event, which must be there."""
        event = self._events.popleft()
        self.restarted = event.id == self._begins_anew
        return event

    def _following(self, changes: Changes[S, E]) -> tuple[E, ...]:
        """Return the events after the last one, of a history that was read from its beginning."""
        events, last, is_rooted = changes.events, self.last, bool(changes.checkpoint.origin)
        if last is None or (last == EPOCH and (is_rooted or not events)):
            return events
        for place, event in enumerate(events, start=1):
            if event.id == last:
                return events[place:]
        if events and not is_rooted and self._restart:
            self._begins_anew = events[0].id
            return events
        cause = "was deleted" if not events else "has begun anew" if is_rooted else "was trimmed"
        raise PositionGoneError(self._history, last, cause)


class EventStream(Closable, Generic[S, E]):
    """An iterator over the events of one history, those to come included; ``next`` waits for them.

    It ends when the history ends, at a time limit, or when it is closed.  One thread iterates; any
    thread may close it.  A stream that nobody holds any more closes itself.
    """

    def __init__(
        self,
        engine: Engine[S, E],
        history: UUID,
        after: Ulid | None = None,
        until: float | None = None,
        *,
        restart: bool = False,
    ) -> None:
        self._engine: Final = engine
        self._history: Final = history
        self._until: Final = until
        self._position: Final = StreamPosition(engine, history, after, restart=restart)
        self._is_due = True
        """Whether to look without waiting."""
        self._subscription: Final = engine.journal.subscribe(history)

    @property
    def restarted(self) -> bool:
        """Whether the event given last begins the history anew, after a trim has removed events
        that the stream had not given."""
        return self._position.restarted

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        """Return the next event, and wait for it if there is none yet.

        Raises:
            PositionGoneError: events that were not given yet are gone, or the whole history is.
            JournalError: whatever the journal raised; the next call tries again.
        """
        while not self._position:
            if not self._is_due and not (self._position.goes_on and self._wait()):
                self.close()
            if self._subscription.closed:
                raise StopIteration
            self._look()
        return self._position.give()

    def close(self) -> None:
        """End the stream; a thread that waits for an event wakes."""
        self._subscription.close()

    def __del__(self) -> None:
        if hasattr(self, "_subscription"):
            self.close()

    def _wait(self) -> bool:
        """Wait for a change; return False at the time limit, or if the stream was closed."""
        clock = self._engine.journal.clock
        while not self._subscription.closed:
            limit = None if self._until is None else seconds_until(self._until, clock)
            if limit == 0:
                return False
            if self._subscription.wait(limit):
                return True
        return False

    def _look(self) -> None:
        self._is_due = True
        changes = self._engine.read_on(self._history, self._position.since, whole=True)
        try:
            self._position.take(changes)
        except PositionGoneError:
            self.close()
            raise
        self._is_due = False
