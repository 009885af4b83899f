"""How much the tests do: the environment's ``EXHAUSTIVE=1`` asks for all that they can.

``SOAK=1``, which ``make soak`` sets, asks the tests marked ``soak`` for more than that: they look
for what happens seldom, and then take minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")

OF_THIS_RUN = ("EXHAUSTIVE", "SOAK", "PYTEST", "PINGREGISTRYWF_WHEEL")
"""How variables begin that are about one run of the tests."""

EXHAUSTIVE = os.environ.get("EXHAUSTIVE") == "1"
SOAK = os.environ.get("SOAK") == "1"


def some(cases: Iterable[Case], every: int) -> list[Case]:
    """All cases if EXHAUSTIVE, else each ``every``-th, the first one included."""
    return list(cases)[:: 1 if EXHAUSTIVE else every]


def inner() -> dict[str, str]:
    """The environment for a run of the tests by a test: it does as much as if it ran alone.

    Under ``make soak`` such a run would otherwise soak, too, and run itself.
    """
    return {name: each for name, each in os.environ.items() if not name.startswith(OF_THIS_RUN)}
