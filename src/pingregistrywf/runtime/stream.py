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


class EventStream(Closable, Generic[S, E]):
    """An iterator over the events of one history, those to come included; ``next`` waits for them.

    It ends when the history ends, at a time limit, or when it is closed.  One thread iterates; any
    thread may close it.  A stream that nobody holds any more closes itself.

    Attributes:
        restarted: whether the event given last begins the history anew, after a trim has removed
            events that the stream had not given.
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
        self.restarted = False
        self._engine: Final = engine
        self._history: Final = history
        self._until: Final = until
        self._restart: Final = restart
        self._last = after
        """The event given or read last; None before the first, the epoch at the very beginning."""
        self._read: Checkpoint[S] | None = None
        self._events: deque[E] = deque()
        self._begins_anew: Ulid | None = None
        self._is_due = True
        """Whether to look without waiting."""
        self._subscription: Final = engine.journal.subscribe(history)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        """Return the next event, and wait for it if there is none yet.

        Raises:
            PositionGoneError: events that were not given yet are gone, or the whole history is.
            JournalError: whatever the journal raised; the next call tries again.
        """
        while not self._events:
            if not self._is_due and not (self._goes_on() and self._wait()):
                self.close()
            if self._subscription.closed:
                raise StopIteration
            self._look()
        event = self._events.popleft()
        self.restarted = event.id == self._begins_anew
        return event

    def close(self) -> None:
        """End the stream; a thread that waits for an event wakes."""
        self._subscription.close()

    def __del__(self) -> None:
        if hasattr(self, "_subscription"):
            self.close()

    def _goes_on(self) -> bool:
        """Return whether more events may come: in its last state a history gets none."""
        code = getattr(self._read and self._read.state, "state_code", None)
        return code not in self._engine.declaration.last

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
        since = self._read
        if since is None and self._last is not None:
            since = self._engine.remembered(self._history, self._last)
        changes = self._engine.read_on(self._history, since, whole=True)
        new = changes.events if changes.continues else self._following(changes)
        self._read = changes.checkpoint
        self._is_due = False
        self._events.extend(new)
        if new:
            self._last = new[-1].id

    def _following(self, changes: Changes[S, E]) -> tuple[E, ...]:
        """Return the events after the last one, of a history that was read from its beginning."""
        events, last, is_rooted = changes.events, self._last, bool(changes.checkpoint.origin)
        if last is None or (last == EPOCH and (is_rooted or not events)):
            return events
        for place, event in enumerate(events, start=1):
            if event.id == last:
                return events[place:]
        if events and not is_rooted and self._restart:
            self._begins_anew = events[0].id
            return events
        self.close()
        cause = "was deleted" if not events else "has begun anew" if is_rooted else "was trimmed"
        raise PositionGoneError(self._history, last, cause)
