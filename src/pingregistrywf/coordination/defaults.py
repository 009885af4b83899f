"""The defaults of the daemons (behaviour.md, section 7).

They are apart from the daemons so that the command line loads fast.
"""

from __future__ import annotations

from typing import Final

PINGS: Final = 3
"""How many pings a participant posts to a workflow."""
INTERVAL: Final = 1.0
"""The pause between two pings, in seconds."""
GATHERER: Final = "gatherer"
"""The gatherer's name, which its pings carry."""
DURATION: Final = 10.0
"""From a workflow's start to its deadline, in seconds."""
