"""Every departure from a chart that the self-test looks for.

First order: each cell of the table answers otherwise, or leads elsewhere.  Extra state: a state has
a twin, one cell that leads to it leads to the twin, and one cell of the twin answers otherwise or
leads elsewhere; these have one state more than the chart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pingregistrywf.chart.table import (
    DELETED,
    HISTORY_DELETED,
    Arguments,
    Cell,
    Outcome,
    Row,
    Table,
)
from pingregistrywf.conformance.simulation import Cells
from pingregistrywf.conformance.suite.sequential import spoken

TWIN: Final = "′"
"""What is added to a state's name to name its twin."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A departure from a chart.

    Attributes:
        group: its class: output, target or extra state.
        name: what it does, in words.
        cells: the cells that it goes by.
    """

    group: str
    name: str
    cells: Cells


def first_order(table: Table) -> Iterator[Mutant]:
    """Each output and each target of each cell, changed."""
    for (row, state), cell in _told_apart(table):
        for other, what in _changes(table, cell, table.states):
            group = "output" if other.target == cell.target else "target"
            name = f"{spoken(row)} in {state} {what}"
            yield Mutant(group, name, {**table.cells, (row, state): other})


def extra_state(table: Table) -> Iterator[Mutant]:
    """Each twin, by each way to it, with each change of it."""
    for twinned in table.states:
        twin = twinned + TWIN
        own: dict[tuple[Row, str], Cell] = {
            (row, twin): replace(table.cells[row, twinned], state=twin) for row in table.rows
        }
        ways = [key for key, cell in _told_apart(table) if cell.target == twinned]
        changes = [
            (row, other, what)
            for (row, state), _ in _told_apart(table)
            if state == twinned
            for other, what in _changes(table, own[row, twin], (*table.states, twin))
        ]
        for way in ways:
            bent = {**table.cells, **own, way: replace(table.cells[way], target=twin)}
            for row, other, what in changes:
                cells: Mapping[tuple[Row, str], Cell] = {**bent, (row, twin): other}
                name = (
                    f"after {spoken(way[0])} in {way[1]}, {twinned} is another state,"
                    f" in which {spoken(row)} {what}"
                )
                yield Mutant("extra state", name, cells)


def _told_apart(table: Table) -> Iterator[tuple[tuple[Row, str], Cell]]:
    """The cells that an implementation can tell apart: where nothing is carried yet, arguments are
    neither the same nor others."""
    for (row, state), cell in table.cells.items():
        if row[1] is not Arguments.OTHER or state not in _empty(table):
            yield (row, state), cell


def _empty(table: Table) -> tuple[str, ...]:
    return (table.chart.initial, DELETED)


def _changes(table: Table, cell: Cell, states: tuple[str, ...]) -> Iterator[tuple[Cell, str]]:
    """A cell with each other output, and with each other target."""
    said = (cell.outcome, cell.event, cell.error)
    empty = cell.state.removesuffix(TWIN) in _empty(table)
    for outcome, event, error in _outputs(table):
        if (outcome, event, error) == said:
            continue
        if empty and {outcome, cell.outcome} == {Outcome.NOOP, Outcome.DELETE}:
            continue  # on an empty history they are one and the same
        yield (
            replace(cell, outcome=outcome, event=event, error=error),
            f"{outcome} {event or error or ''}".rstrip(),
        )
    for target in states:
        # A twin that leads to itself where the state leads to itself is no departure.
        if target.removesuffix(TWIN) != cell.target.removesuffix(TWIN):
            yield replace(cell, target=target), f"leads to {target}"


def _outputs(table: Table) -> Iterator[tuple[Outcome, str | None, str | None]]:
    chart = table.chart
    for event in chart.events:
        yield Outcome.EMIT, event, None
    yield Outcome.NOOP, None, None
    errors = dict.fromkeys((*chart.errors, chart.otherwise))
    if chart.deletes:
        yield Outcome.DELETE, None, None
        errors[HISTORY_DELETED] = None
    for error in errors:
        yield Outcome.REJECT, None, error
