"""Every departure from a chart that the self-test looks for.

First order: each cell of the table answers otherwise, or leads elsewhere.  Extra state: a state has
a twin, one cell that leads to it leads to the twin, and one cell of the twin answers otherwise or
leads elsewhere; these have one state more than the chart.  Two extra states: the twin leads to
another twin, which departs; of these very many a sample is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from pingregistrywf.chart.ir import DELETED, HISTORY_DELETED, Arguments, Cell, Chart, Outcome, Row
from pingregistrywf.conformance.oracle import Cells
from pingregistrywf.conformance.suite.sequences import TWIN
from pingregistrywf.conformance.suite.sequential import spoken


@dataclass(frozen=True, slots=True)
class Mutant:
    """A departure from a chart.

    Attributes:
        group: its class: output, target or extra state.
        name: what it does, in words.
        cells: the cells that it follows.
    """

    group: str
    name: str
    cells: Cells


def first_order(chart: Chart) -> Iterator[Mutant]:
    """Each output and each target of each cell, changed."""
    for (row, state), cell in _distinct_cells(chart):
        for other, what in _changes(chart, cell, chart.columns):
            group = "output" if other.target == cell.target else "target"
            name = f"{spoken(row)} in {state} {what}"
            yield Mutant(group, name, {**chart.cells, (row, state): other})


def extra_state(chart: Chart) -> Iterator[Mutant]:
    """Each twin, by each way to it, with each change of it."""
    for twinned in chart.columns:
        twin = twinned + TWIN
        own: dict[tuple[Row, str], Cell] = {
            (row, twin): chart.cells[row, twinned].model_copy(update={"state": twin})
            for row in chart.rows
        }
        ways = [key for key, cell in _distinct_cells(chart) if cell.target == twinned]
        changes = [
            (row, other, what)
            for (row, state), _ in _distinct_cells(chart)
            if state == twinned
            for other, what in _changes(chart, own[row, twin], (*chart.columns, twin))
        ]
        for way in ways:
            to_twin = chart.cells[way].model_copy(update={"target": twin})
            bent = {**chart.cells, **own, way: to_twin}
            for row, other, what in changes:
                name = (
                    f"after {spoken(way[0])} in {way[1]}, {twinned} is another state,"
                    f" in which {spoken(row)} {what}"
                )
                yield Mutant("extra state", name, {**bent, (row, twin): other})


def two_extra_states(chart: Chart, many: int, random: Random) -> Iterator[Mutant]:
    """So many departures with two states more than the chart, drawn from all that there are.

    A state has a twin, one cell of it leads to a second twin, and one cell of that one departs.
    """
    ways = list(_distinct_cells(chart))
    for _ in range(many):
        way, to_first = random.choice(ways)
        onward, _ = random.choice([at for at, _ in ways if at[1] == to_first.target])
        to_second = chart.cells[onward, to_first.target]
        first, second = to_first.target + TWIN, to_second.target + TWIN + TWIN
        cells = {**chart.cells, way: to_first.model_copy(update={"target": first})}
        for state, twin in ((to_first.target, first), (to_second.target, second)):
            for row in chart.rows:
                cells[row, twin] = chart.cells[row, state].model_copy(update={"state": twin})
        cells[onward, first] = cells[onward, first].model_copy(update={"target": second})
        row = random.choice([at[0] for at, _ in ways if at[1] == to_second.target])
        changes = list(_changes(chart, cells[row, second], (*chart.columns, first, second)))
        other, what = random.choice(changes)
        name = (
            f"after {spoken(way[0])} in {way[1]} and {spoken(onward)}, {to_second.target} is"
            f" another state, in which {spoken(row)} {what}"
        )
        yield Mutant("two extra states", name, {**cells, (row, second): other})


def _distinct_cells(chart: Chart) -> Iterator[tuple[tuple[Row, str], Cell]]:
    """The cells that an implementation can tell apart: where nothing is carried yet, arguments are
    neither the same nor others."""
    for (row, state), cell in chart.cells.items():
        if row[1] is not Arguments.OTHER or state not in _empty(chart):
            yield (row, state), cell


def _empty(chart: Chart) -> tuple[str, ...]:
    return (chart.initial, DELETED)


def _changes(chart: Chart, cell: Cell, states: Sequence[str]) -> Iterator[tuple[Cell, str]]:
    """A cell with each other output, and with each other target."""
    own = (cell.outcome, cell.event, cell.error)
    empty = cell.state.rstrip(TWIN) in _empty(chart)
    for outcome, event, error in _outputs(chart):
        if (outcome, event, error) == own:
            continue
        if empty and {outcome, cell.outcome} == {Outcome.NOOP, Outcome.DELETE}:
            continue  # on an empty history they are one and the same
        output = {"outcome": outcome, "event": event, "error": error}
        yield cell.model_copy(update=output), f"{outcome} {event or error or ''}".rstrip()
    for target in states:
        # A twin that leads to itself where the state leads to itself is no departure.
        if target.rstrip(TWIN) != cell.target.rstrip(TWIN):
            yield cell.model_copy(update={"target": target}), f"leads to {target}"


def _outputs(chart: Chart) -> Iterator[tuple[Outcome, str | None, str | None]]:
    for event in chart.events:
        yield Outcome.EMIT, event, None
    yield Outcome.NOOP, None, None
    if chart.deletes:
        yield Outcome.DELETE, None, None
    for error in (*chart.errors, *((HISTORY_DELETED,) if chart.deletes else ())):
        yield Outcome.REJECT, None, error
