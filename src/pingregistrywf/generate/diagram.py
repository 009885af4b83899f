"""The arrows that a diagram of a chart shows, taken from the total table.

Every format draws these arrows and no others, so no two diagrams of a chart can disagree.  Each
cell that emits, deletes or is a noop is part of one arrow; rejections and rewrites have none.
Cells that go from one state to one state by one event share an arrow, and so do the noops of a
state.  Arrows and their cells are sorted: states by code, commands as in the chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pingregistrywf.chart.ir import Arguments, Cell, Chart, Outcome


class Kind(StrEnum):
    """How an arrow is drawn.  Several kinds between two states are in this order."""

    MOVE = "move"
    LOOP = "loop"
    NOOP = "noop"
    DELETE = "delete"


MEANING: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.MOVE: "moves to another state",
        Kind.LOOP: "emits, and stays",
        Kind.NOOP: "accepted, changes nothing",
        Kind.DELETE: "deletes the history",
    }
)


@dataclass(frozen=True, slots=True)
class Arrow:
    """Commands that have one effect in one state: each command's cell of the table."""

    kind: Kind
    source: str
    target: str
    event: str | None
    cells: tuple[Cell, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """The names of the commands, in the chart's order."""
        return tuple(cell.command for cell in self.cells)


def arrows(chart: Chart) -> tuple[Arrow, ...]:
    """Return every arrow of the chart, sorted by source, target, kind and first command."""
    groups: dict[tuple[Kind, str, str, str | None], dict[str, Cell]] = {}
    for cell in chart.table:
        # A rewrite leaves every entry in its state: there is no arrow to draw.
        if cell.outcome not in (Outcome.REJECT, Outcome.REWRITE):
            key = (_kind(cell), cell.state, cell.target, cell.event)
            # A command with two rows that do the same is one entry: the first row stands for both.
            groups.setdefault(key, {}).setdefault(cell.command, cell)
    kinds, places, commands = list(Kind), chart.columns.index, list(chart.commands).index

    def order(arrow: Arrow) -> tuple[int, ...]:
        first = commands(arrow.commands[0])
        return places(arrow.source), places(arrow.target), kinds.index(arrow.kind), first

    return tuple(
        sorted((Arrow(*key, tuple(group.values())) for key, group in groups.items()), key=order)
    )


def conditional(chart: Chart, arrow: Arrow) -> list[str]:
    """Return the commands of an arrow as text, each with the arguments that it asks for."""
    asked = [(cell.command, condition(chart, cell)) for cell in arrow.cells]
    return [f"{command} ({words})" if words else command for command, words in asked]


def condition(chart: Chart, cell: Cell) -> str:
    """Return the arguments that a cell asks for, as words; empty if any arguments do."""
    if cell.arguments is Arguments.ANY:
        return ""
    same, other = (chart.cell(cell.command, cell.state, same=same) for same in (True, False))
    if (same.outcome, same.event) == (other.outcome, other.event):
        return ""
    (what, *more) = cell.compared
    return f"{cell.arguments} {'arguments' if more else what}"


def unshown(chart: Chart) -> str:
    """Return what commands without an arrow do, as sentences; empty if each has one."""
    rewriting = [name for name, command in chart.commands.items() if command.rewrite]
    refusing = [cell.error for cell in chart.table if cell.error]
    sentences = [f"{name} rewrites the history and changes no state." for name in rewriting]
    if refusing:
        # The error of most cells comes first.
        often = sorted(dict.fromkeys(refusing), key=lambda each: -refusing.count(each))
        sentences.append(f"Every other command is refused, with {_any_of(often)}.")
    return " ".join(sentences)


def _any_of(words: list[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _kind(cell: Cell) -> Kind:
    match cell.outcome:
        case Outcome.DELETE:
            return Kind.DELETE
        case Outcome.EMIT:
            return Kind.LOOP if cell.target == cell.state else Kind.MOVE
        case _:
            return Kind.NOOP
