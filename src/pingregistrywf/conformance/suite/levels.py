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
"""The level that has cases which kill the adapter."""


class SuiteError(ValueError):
    """There is no suite for a model; the text says why, and what to change."""


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
            end = min(int(last or first), max(LEVELS) + 1)  # beyond it there is none
            chosen.update(range(int(first), end + 1))
    except ValueError:
        chosen = set()
    if not chosen or not chosen <= set(LEVELS):
        known = f"{min(LEVELS)} to {max(LEVELS)}"
        raise LevelsError(f"levels are written as 1-3 or 1,4, of {known}, not as {text!r}")
    return tuple(sorted(chosen))


def spoken_levels(levels: Sequence[int]) -> str:
    """Levels as text, such as 1-3, 5."""
    runs: list[list[int]] = []
    for level in sorted(levels):
        if runs and runs[-1][-1] == level - 1:
            runs[-1].append(level)
        else:
            runs.append([level])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def named_levels(levels: Sequence[int]) -> str:
    """Levels as text with their noun, such as level 2, or levels 1-3."""
    return f"level{'s' if len(levels) > 1 else ''} {spoken_levels(levels)}"
