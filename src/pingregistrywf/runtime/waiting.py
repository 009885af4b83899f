"""Waiting for a time of the journal's clock.

The system counts the seconds of a wait on a clock that stands still while the machine is suspended.
So a wait for a time of another clock looks at that clock now and then.
"""

from __future__ import annotations

from typing import Final

from pingregistrywf.runtime.ids import Clock

LONGEST_WAIT: Final = 30.0
"""Seconds of a wait without a look at the clock: no deadline is kept later than that."""


def seconds_until(moment: float, clock: Clock) -> float:
    """Return how long to wait for a moment of the clock before another look at it, in seconds."""
    return min(max(moment - clock(), 0.0), LONGEST_WAIT)
