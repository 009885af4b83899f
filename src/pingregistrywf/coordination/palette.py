"""The colours of what is shown on a terminal: the same meanings as in the diagrams of the site.

A terminal does not tell its background.  Each colour here has a contrast of 4.4 to 1 or more both
on black and on white, so that it can be read on either.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

BLUE: Final = "#1f74db"
"""Events, as in the diagrams."""
RED: Final = "#e02f29"
"""Whatever failed, is refused or is gone."""
GREEN: Final = "#138630"
AMBER: Final = "#986c16"
VIOLET: Final = "#8f51e6"
CYAN: Final = "#168298"
GREY: Final = "#767676"
"""Whatever is there for completeness only."""

COLOURS: Final = (BLUE, RED, GREEN, AMBER, VIOLET, CYAN, GREY)
PARTICIPANTS: Final = (CYAN, GREEN, AMBER, VIOLET, BLUE)
"""The colours that participants get in turn."""
STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Summarized": AMBER,
        "Completed": VIOLET,
        "Terminated": GREY,
        "Deleted": RED,
        "Unreadable": RED,
    }
)
"""The colours of a workflow's states; all others are green."""


def state_style(state: str) -> str:
    """Return the colour of a workflow's state, named as in the chart."""
    return STATES.get(state, GREEN)


def code_style(code: int) -> str:
    """Return the colour of a status: red unless its code is zero."""
    return RED if code else ""
