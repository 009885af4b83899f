"""What ``chart --format`` prints: the table for people, and notations of other programs.

On a terminal the table has a row for each state and command that a rule names, grouped by state, so
that it fits 60 columns.  Its colours are those of the diagrams on the site: events blue, what is
refused or gone red, what changes nothing grey; each has a sign, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import typer

from pingregistrywf.cli.common import print_json, require
from pingregistrywf.cli.output import print_for_program
from pingregistrywf.cli.terminal import for_person

if TYPE_CHECKING:
    from pingregistrywf.chart.ir import Cell, Chart

Format: TypeAlias = Literal[
    "table", "mermaid", "dot", "svg", "plantuml", "scxml", "xstate", "json", "tla"
]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
_SUFFIXES: Final = {
    "mermaid": "mmd",
    "dot": "dot",
    "svg": "svg",
    "plantuml": "puml",
    "scxml": "scxml",
    "xstate": "xstate.json",
}
"""The names of formats that are also written as files, and how these end."""


def print_chart(chart: Chart, chosen: Format) -> None:
    """Print a chart in a format.  SVG needs the extra ``model``."""
    match chosen:
        case "table":
            _print_table(chart)
        case "json":
            from pingregistrywf.chart.locate import with_layout

            print_json(with_layout(chart).model_dump(mode="json"))
        case "tla":
            from pingregistrywf.generate.tla import chart_module

            print_for_program(chart_module(chart))
        case _:
            from pingregistrywf.generate.artefacts import FORMATS as DRAWN

            if chosen == "svg":
                require("model", "graphviz-pure")
            print_for_program(DRAWN[_SUFFIXES[chosen]](chart))


def _print_table(chart: Chart) -> None:
    from pingregistrywf.generate.readme import markdown_table

    if not for_person():
        typer.echo(f"{chart.title} {chart.version}\n\n{markdown_table(chart)}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pingregistrywf.coordination.palette import GREY

    console = Console(highlight=False)
    console.print(Text(f"{chart.title} {chart.version}", "bold"))
    rows = [(state, *row) for state in chart.columns for row in _rows(chart, state)]
    widest = max(len(word) for *_, does, _ in rows for word in does.split())
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    grid.add_column("state", no_wrap=True)
    # rich shrinks columns below their least width, and then cuts: so the widths are given.
    room = console.width - max(map(len, chart.columns)) - widest - len("  ✗ ")
    grid.add_column("command", width=max(8, min(room, max(len(name) for _, name, _, _ in rows))))
    grid.add_column("does")
    before = None
    for state, name, does, style in rows:
        grid.add_row(Text("" if state == before else state, "bold"), name, Text(does, style))
        before = state
    console.print(grid)
    what = f"✗ {chart.otherwise.removesuffix('Error')}: every other command"
    console.print(Text(what, GREY))


def _rows(chart: Chart, state: str) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of a state: the command, what it does, and the colour of that."""
    from pingregistrywf.chart.ir import OTHERWISE
    from pingregistrywf.generate.readme import row_name

    found: dict[str, dict[str, tuple[str, str]]] = {}
    for row in chart.rows:
        cell = chart.cells[row, state]
        if cell.rule != OTHERWISE:
            found.setdefault(row[0], {})[row_name(chart, *row)] = _effect(cell)
    for command, effects in found.items():
        whole = sum(row[0] == command for row in chart.rows) == len(effects)
        if whole and len(set(effects.values())) == 1:  # whatever the arguments
            yield command, *next(iter(effects.values()))
        else:
            for name, effect in effects.items():
                yield name, *effect


def _effect(cell: Cell) -> tuple[str, str]:
    """Return what a cell does in words, and its colour."""
    from pingregistrywf.chart.ir import Outcome
    from pingregistrywf.coordination.palette import BLUE, GREY, RED
    from pingregistrywf.generate.readme import cell_text

    text = cell_text(cell).strip("*")
    match cell.outcome:
        case Outcome.EMIT:
            moved = "" if cell.target == cell.state else f" → {cell.target}"
            return f"{text}{moved}", BLUE
        case Outcome.NOOP:
            return f"· {text}", GREY
        case Outcome.REJECT:
            return f"✗ {text}", RED
        case Outcome.DELETE:
            return f"- {text}", RED
        case Outcome.REWRITE:
            return f"~ {text}", BLUE
