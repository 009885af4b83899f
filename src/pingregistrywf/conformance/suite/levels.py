"""The levels of the suite, and how people write several of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

LEVELS: Final[Mapping[int, str]] = {
    1: "sequential",
    2: "versions",
    3: "data",
    4: "wire",
    5: "index",
    6: "several servers",
}
"""The levels and their names."""

LAST_LEVEL: Final = max(LEVELS)
"""The level that may restart an adapter, and therefore gives it a place for its journal."""


class LevelsError(ValueError):
    """A text that names no levels; it says what to write."""


def levels_of(text: str) -> tuple[int, ...]:
    """The levels that a text such as ``1-3`` or ``1,4`` names, sorted.

    Raises:
        LevelsError: it names none, or one that there is not.
    """
    chosen: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.strip().partition("-")
            chosen.update(range(int(first), int(last or first) + 1))
    except ValueError:
        chosen = set()
    if not chosen or not chosen <= set(LEVELS):
        known = f"{min(LEVELS)} to {max(LEVELS)}"
        raise LevelsError(f"levels are written as 1-3 or 1,4, of {known}, not as {text!r}")
    return tuple(sorted(chosen))


def spoken_levels(levels: Sequence[int]) -> str:
    """Levels as text: 1-3, or 1, 4."""
    if len(levels) > 1 and list(levels) == list(range(levels[0], levels[-1] + 1)):
        return f"{levels[0]}-{levels[-1]}"
    return ", ".join(map(str, levels))
