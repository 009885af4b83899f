"""The participants of a registry: the admin, the servers, the gatherer and the collector.

Each is a class that runs declared operations on a journal, with the clock and the pauses passed in.
Loops and waits are here; the decisions are in the charts, and the rules of daemons in their
declaration beside the operations.
"""

from __future__ import annotations

from typing import Final

from pingregistrywf._generated.ping_registry_operations import DAEMONS

# The defaults (documentation: Behaviour, section 7).
PINGS: Final = 3
"""How many pings a participant posts to a workflow."""
INTERVAL: Final = 1.0
"""The pause between two pings, in seconds."""
GATHERER: Final = "gatherer"
"""The gatherer's name, which its pings carry."""
DURATION: Final = 10.0
"""From a workflow's start to its deadline, in seconds."""
EXPIRE_AFTER: Final = DAEMONS.ages["expire"].after
"""From a workflow's start to its expiry, unless it was completed."""
DELETE_AFTER: Final = DAEMONS.ages["delete"].after
"""From a workflow's completion to its deletion."""
