"""Mistakes in files: where each is, what is wrong, and what to write instead.

A check reports what it finds to the ``Report`` of the file and goes on, so that all mistakes of one
kind are known after one reading.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""A place in a file: the keys and list positions (from 1) that lead to it."""


_WORD: Final = re.compile(r"""[\w.<>*&+-]+|"[^"]*"|'[^']*'""")


class Mark(NamedTuple):
    """Where a place is written: its line and column, both from 1."""

    line: int
    column: int


class Mistake(NamedTuple):
    """A mistake: its place in a file, what is wrong, and what to write instead.

    ``quoted`` is the line of the file, without its end; it is empty if there is none.
    """

    file: str
    line: int
    column: int
    what: str
    remedy: str
    quoted: str = ""

    @property
    def length(self) -> int:
        """How many characters of the line are wrong: those of the word at the column."""
        found = _WORD.match(self.quoted, self.column - 1)
        return len(found[0]) if found else 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.what}; {self.remedy}"


class ChartError(Exception):
    """There are mistakes in charts or operations; ``mistakes`` are sorted by their places."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))

    def __reduce__(self) -> tuple[type[ChartError], tuple[tuple[Mistake, ...]]]:
        return (ChartError, (self.mistakes,))


@dataclass
class Report:
    """The mistakes of one file so far, its lines, and where each place of it is written.

    ``marks`` has the places of keys and of what lists hold, ``values`` those of values.
    """

    file: str
    marks: Mapping[Path, Mark] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    values: Mapping[Path, Mark] = field(default_factory=dict)
    lines: Sequence[str] = ()

    def say(self, at: Path, what: str, remedy: str, *, value: bool = False) -> None:
        """Report a mistake at a place, or at the nearest place around it that is written.

        The place of what stands under a key is that of the key; that of the value itself if
        ``value`` and if it stands in the same line.
        """
        while at and at not in self.marks:
            at = at[:-1]
        mark = self.marks.get(at, Mark(1, 1))
        written = self.values.get(at, mark)
        self.say_at(written if value and written.line == mark.line else mark, what, remedy)

    def say_at(self, mark: Mark, what: str, remedy: str) -> None:
        """Report a mistake at a line and column."""
        quoted = self.lines[mark.line - 1] if mark.line <= len(self.lines) else ""
        self.mistakes.append(Mistake(self.file, *mark, what, remedy, quoted))

    def unused(
        self, at: Path, declared: Iterable[str], used: Set[str | None], what: str, remedy: str
    ) -> None:
        """Report every name that is declared at a place and not used."""
        for name in declared:
            if name not in used:
                self.say((*at, name), f"{what} {name}", remedy)

    def resolve(self, name: str, names: Iterable[str], at: Path, what: str) -> str | None:
        """Look up a name among those that exist; ``what`` it names is for people.

        Returns:
            The name; or, after a mistake, the name that was probably meant, so that checks can go
            on; or None, if none is near.
        """
        names = list(names)
        near = closest(name, names)
        if near == name:
            return name
        if not names:
            remedy = f"declare it, or remove it: there is no {what}"
        elif near:
            remedy = f"did you mean {near}? There are {', '.join(names)}"
        else:
            remedy = f"write one of {', '.join(names)}"
        self.say(at, f"{name} is no {what}", remedy, value=at not in self.marks or name != at[-1])
        return near


def spoken(path: Path) -> str:
    """A place, for people: ``commands.Open.rules.2``, or ``the file``."""
    return ".".join(map(str, path)) or "the file"


def closest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name itself, if it is one of the names; else the one that was probably meant, if any."""
    names = list(names)
    if name in names:
        return name
    by_folded = {each.casefold().replace("_", ""): each for each in names}
    folded = name.casefold().replace("_", "")
    near = difflib.get_close_matches(folded, by_folded, n=1, cutoff=cutoff)
    return by_folded[near[0]] if near else None
