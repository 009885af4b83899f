"""What daemons do unless told otherwise (behaviour.md, section 7); light, for the command line."""

from __future__ import annotations

from typing import Final

PINGS: Final = 3
"""How many pings a participant posts to a workflow."""
INTERVAL: Final = 1.0
"""The pause between two pings, in seconds."""
GATHERER: Final = "gatherer"
"""The gatherer's name, told in its pings."""
DURATION: Final = 10.0
"""From a workflow's start to its deadline, in seconds."""
