"""Mistakes in files, and how they are gathered: all at once, and none that another one causes.

A part of a file that cannot be used leaves a *hole*: reading goes on with something in its place,
and whatever would be said about the hole, or because of it, is not said.  So every mistake that is
reported is worth correcting, and few need a second reading to be seen.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""A place in a file: the keys and list positions (from 1) that lead to it."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """A mistake: where it is, what is wrong, and what to write instead."""

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.remedy}"


class ChartError(Exception):
    """There are mistakes in charts or operations.

    Attributes:
        mistakes: all of them, sorted by file and line.
    """

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))

    def __reduce__(self) -> tuple[type[ChartError], tuple[tuple[Mistake, ...]]]:
        return (ChartError, (self.mistakes,))


@dataclass
class Report:
    """The mistakes of one file so far.

    Attributes:
        file: the file's name, for people.
        lines: the line of each place in it, from 1.
        mistakes: the mistakes.
        holes: the places that could not be used.
    """

    file: str
    lines: dict[Path, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    holes: set[Path] = field(default_factory=set)

    def line(self, at: Path) -> int:
        """The line of a place, or of the nearest around it that is written in the file."""
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)

    def rename(self, at: Path, meant: Path) -> None:
        """Let all that is written at one place count as written at another."""
        length = len(at)
        for path, line in list(self.lines.items()):
            if path[:length] == at:
                self.lines[(*meant, *path[length:])] = line
        self.holes |= {(*meant, *hole[length:]) for hole in self.holes if hole[:length] == at}

    def say(self, at: Path, what: str, remedy: str, *given: Path) -> None:
        """Report a mistake, unless its place or a place that it is derived from is a hole."""
        if not any(self.lost(path) for path in (at, *given)):
            self.mistakes.append(Mistake(self.file, self.line(at), what, remedy))

    def spoil(self, at: Path, what: str, remedy: str) -> None:
        """Report a mistake, and leave a hole in its place."""
        self.say(at, what, remedy)
        self.holes.add(at)

    def lost(self, path: Path) -> bool:
        """Whether the place is a hole, or in one."""
        return any(path[:length] in self.holes for length in range(len(path) + 1))

    def whole(self, path: Path = ()) -> bool:
        """Whether the place is no hole, in none, and has none in it."""
        return not self.lost(path) and all(hole[: len(path)] != path for hole in self.holes)


def spoken(path: Path) -> str:
    """A place, for people: ``commands.Open.rules.2``."""
    return ".".join(map(str, path))


def closest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name that was probably meant, if one is near enough."""
    by_folded = {each.casefold().replace("_", ""): each for each in names}
    folded = name.casefold().replace("_", "")
    near = difflib.get_close_matches(folded, by_folded, n=1, cutoff=cutoff)
    return by_folded[near[0]] if near else None


def instead(name: str, names: Iterable[str], *, none: str = "there is none to choose from") -> str:
    """What to write instead of a name that does not exist."""
    names = list(names)
    if not names:
        return none
    near = closest(name, names)
    listed = ", ".join(names)
    return f"write {near}; there are {listed}" if near else f"write one of {listed}"
