"""The participants of a registry: the admin, the servers, the gatherer and the collector.

Each is a class that runs declared operations on a journal, with the clock and the pauses passed in.
Loops and waits are here; the decisions are in the charts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

# The defaults (documentation: Behaviour, section 7).
PINGS: Final = 3
"""How many pings a participant posts to a workflow."""
INTERVAL: Final = 1.0
"""The pause between two pings, in seconds."""
GATHERER: Final = "gatherer"
"""The gatherer's name, which its pings carry."""
DURATION: Final = 10.0
"""From a workflow's start to its deadline, in seconds."""
EXPIRE_AFTER: Final = timedelta(days=1)
"""From a workflow's start to its expiry, unless it was completed."""
DELETE_AFTER: Final = timedelta(days=5)
"""From a workflow's completion to its deletion."""
