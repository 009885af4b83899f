"""Waiting for changes of a journal until a stop is asked for, by a signal or another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal import WorkflowJournal

JUMP: Final = 60.0
"""A clock that moved by this many seconds more or less than time passed has jumped."""


class Stop:
    """A request to stop, made from any thread.  Whoever waits with it wakes at once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._wakes: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        """True once a stop was asked for."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask for a stop; a signal handler uses ``ask_aside``."""
        self._event.set()
        for wake in tuple(self._wakes):
            wake()

    def ask_aside(self) -> None:
        """Ask for a stop from another thread.

        A signal handler may have interrupted the very code whose locks ``ask`` would need.
        """
        threading.Thread(target=self.ask, daemon=True).start()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """While inside, a stop also calls ``wake``; at once if one was asked for already."""
        self._wakes.append(wake)
        try:
            if self.asked:
                wake()
            yield
        finally:
            self._wakes.remove(wake)


def wake_ups(
    journal: WorkflowJournal,
    history: UUID | None = None,
    stop: Stop | None = None,
    timeout: Callable[[], float | None] = lambda: None,
) -> Iterator[bool]:
    """Yield at once, then at each change of a history, or of any history, until stopped.

    It also ends when the journal is closed.  No change is missed: whatever is written while the
    caller works ends the next wait.  Before each wait, ``timeout`` returns how many seconds it may
    last, or None for no limit.

    Yields:
        True for a change and at first, False if the wait ended without one.
    """
    stop = stop or Stop()
    with journal.subscribe(history) as subscription, stop.waking(subscription.close):
        yield True
        while not subscription.closed:
            limit = timeout()
            changed = subscription.wait(limit)
            if stop.asked or (limit is None and not changed):
                return
            yield changed


class JumpingClock:
    """Notices when a clock jumps: the machine slept, or somebody set the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._measured()

    def jump(self) -> float:
        """Return by how many seconds the clock jumped since the last call, 0 if it did not."""
        before, self._offset = self._offset, self._measured()
        moved = self._offset - before
        return moved if abs(moved) > JUMP else 0.0

    def _measured(self) -> float:
        return self._clock() - time.monotonic()
