"""Turns among the threads of one process, so that they do not race each other for one history.

Nothing rests on a turn: the compare-and-set decides.  So a thread that waits for long goes on
without one, also if two threads want each other's.  Among processes, a pause takes the place of
turns: see ``rivals``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Final
from uuid import UUID

_LOCKS: Final = 256
_LONGEST: Final = 1.0
"""Seconds that a thread waits for its turn."""


class Turns:
    """The turns of one journal; histories share locks, by their ids.

    Args:
        pause: returns how many seconds to leave a history to other processes.
    """

    def __init__(self, pause: Callable[[UUID], float]) -> None:
        self._pause = pause
        self.forget()

    def forget(self) -> None:
        """Begin anew in a forked child, whatever the parent's threads were doing."""
        self._locks = tuple(threading.RLock() for _ in range(_LOCKS))

    @contextmanager
    def of(self, history: UUID) -> Iterator[None]:
        """Take a turn at a history, or go on without one."""
        lock = self._locks[hash(history) % _LOCKS]
        taken = lock.acquire(timeout=_LONGEST)
        try:
            if pause := self._pause(history):
                sleep(pause)
            yield
        finally:
            if taken:
                lock.release()
