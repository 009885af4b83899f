"""The machine that was learned of an implementation, as a diagram with its wrong arrows marked.

A wrong arrow is thick and red, and its command is underlined.  Where the implementation refuses
what the chart accepts, it has no arrow: the chart's is drawn with dashes, and its command is struck
through.  So each mark can be seen without colours, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pingregistrywf.chart.ir import DELETED, Arguments, Cell, Chart, Outcome, Row
from pingregistrywf.conformance.run.repair import NOTHING, appends
from pingregistrywf.conformance.run.result import WrongCell
from pingregistrywf.conformance.suite.sequences import TWIN
from pingregistrywf.generate.diagram import arrows
from pingregistrywf.generate.svg import svg

MISSING = "missing"
WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Mark:
    """How an arrow of the diagram is marked.

    Attributes:
        arrow: the id of its element.
        command: the command that is marked.
        kind: ``WRONG``, or ``MISSING`` if the implementation has no such arrow.
        whole: whether the line is marked, too: no other command is at it.
    """

    arrow: str
    command: str
    kind: str
    whole: bool


def learned_diagram(chart: Chart, differences: Sequence[WrongCell]) -> tuple[str, list[Mark]]:
    """Return the SVG of a learned machine, and the marks of its arrows; empty if nothing differs.

    Raises:
        LayoutError: if Graphviz is not installed or fails.
    """
    if not differences:
        return "", []
    machine, changed = _machine(chart, differences)
    return svg(machine), list(_marks(machine, changed))


def _machine(
    chart: Chart, differences: Sequence[WrongCell]
) -> tuple[Chart, dict[tuple[Row, str], str]]:
    """The chart with the cells that the implementation has, and which of them are marked how."""
    cells = dict(chart.cells)
    changed: dict[tuple[Row, str], str] = {}
    for each in differences:
        command, arguments = each.row
        # Where nothing is carried, arguments are neither the same nor others.
        empty = each.state in (chart.initial, DELETED)
        for row in chart.rows:
            if row == each.row or (empty and row[0] == command and arguments is not Arguments.ANY):
                at = (row, each.state)
                cell = _cell(chart, cells[at], each)
                refused = cell.outcome is Outcome.REJECT
                if refused and cells[at].outcome is Outcome.REJECT:
                    continue  # neither machine has an arrow
                changed[at] = MISSING if refused else WRONG
                cells[at] = cells[at] if refused else cell
    twins = sorted({each.target for each in cells.values()} - {*chart.columns})
    states = {twin: chart.states[twin.removesuffix(TWIN)] for twin in twins}
    fields = {name: getattr(chart, name) for name in Chart.model_fields}
    # Not copied by pydantic, which would take over what was computed from the other table.
    machine = Chart.model_construct(
        **fields
        | {
            "name": f"{chart.name}-learned",
            "title": f"{chart.title}, as it was learned",
            "states": chart.states | states,
            "columns": [*chart.columns, *twins],
            "table": list(cells.values()),
        }
    )
    return machine, changed


def _cell(chart: Chart, declared: Cell, wrong: WrongCell) -> Cell:
    """A cell as the implementation has it."""
    target = wrong.target or declared.target
    events = {appends(name): name for name in chart.events}
    change: dict[str, object] = {"target": target, "error": None, "event": None}
    if wrong.answer in events:
        change |= {"outcome": Outcome.EMIT, "event": events[wrong.answer]}
    elif wrong.answer == NOTHING:
        change["outcome"] = Outcome.DELETE if target == DELETED else Outcome.NOOP
    else:
        change["outcome"] = Outcome.REJECT
    compared = list(chart.commands[declared.command].compared)
    return declared.model_copy(update=change | {"compared": compared})


def _marks(machine: Chart, changed: dict[tuple[Row, str], str]) -> Iterator[Mark]:
    for arrow in arrows(machine):
        name = f"{machine.name}-arrow-{arrow.source}-{arrow.target}-{arrow.event or arrow.kind}"
        kinds = [changed.get((cell.row, cell.state)) for cell in arrow.cells]
        for cell, kind in zip(arrow.cells, kinds, strict=True):
            if kind:
                yield Mark(name, cell.command, kind, whole=all(kinds))
