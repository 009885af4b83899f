"""A clock that tests turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

DAY: Final = timedelta(days=1).total_seconds()


@dataclass
class TurnedClock:
    """A clock that stands still until it is turned.

    Attributes:
        now: its time, in seconds since the Unix epoch.
    """

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, *, days: float = 0, seconds: float = 0) -> None:
        """Turn it forward, or back by a negative number."""
        self.now += days * DAY + seconds
