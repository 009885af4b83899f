"""The capabilities that an adapter may claim, by adapter protocol 1, and how their names are read.

A name that nobody knows is no fault: a newer adapter runs under an older suite.  A name that is
almost that of a capability is one that is misspelt, and what it claims would not be tested.
"""

from __future__ import annotations

from typing import Final

CRASH: Final = "crash"
"""The capability of an adapter whose journal outlives it, where it is given a store."""
DAEMONS: Final = "daemons"
"""The capability of an adapter that can be asked to be a daemon."""
CAPABILITIES: Final = (
    *("versions", "retry", "delete", "index", "multi_server", "wire"),
    *("gc", "operations", CRASH, "concurrent"),
    DAEMONS,
)
"""The capabilities of the adapter protocol."""
MISSPELT: Final = 2
"""A name that differs from a capability in so many letters is a misspelt one."""


def meant(name: str) -> str | None:
    """Return the capability that a misspelt name stands for; None if it is not a misspelt one."""
    if name in CAPABILITIES:
        return None
    return next((each for each in CAPABILITIES if _edits(name, each) <= MISSPELT), None)


def _edits(one: str, other: str) -> int:
    """Return how many letters must be put in, left out or changed to make one name of another."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        before, row = row, [at]
        for number, each in enumerate(other):
            row.append(min(row[-1] + 1, before[number + 1] + 1, before[number] + (letter != each)))
    return row[-1]
