"""The parts of the README that come from the chart: the diagram's text form, and the table."""

from __future__ import annotations

from collections.abc import Mapping

from pingregistrywf.chart.ir import Arguments, Cell, Chart, Outcome
from pingregistrywf.generate.mermaid import mermaid


class MarkerError(ValueError):
    """A page has lost a marker."""


def filled(text: str, chart: Chart) -> str:
    """Return the README with each part between its two markers written anew.

    Raises:
        MarkerError: a marker is missing.
    """
    diagram = f"```mermaid\n{mermaid(chart)}```"
    return replaced("README.md", text, {"diagram": diagram, "table": markdown_table(chart)})


def replaced(page: str, text: str, parts: Mapping[str, str]) -> str:
    """Return a page's text with each part between its two markers replaced.

    Raises:
        MarkerError: a marker is missing.
    """
    for part, content in parts.items():
        begin, end = f"<!-- begin generated {part} -->", f"<!-- end generated {part} -->"
        before, *after = text.split(begin)
        if len(after) != 1 or after[0].count(end) != 1:
            raise MarkerError(f"{page} needs {begin} and {end} once: put them back")
        text = f"{before}{begin}\n{content}\n{end}{after[0].partition(end)[2]}"
    return text


def markdown_table(chart: Chart) -> str:
    """Return the total table in Markdown, a row for a command, a column for a state."""
    rows = [["command", *chart.columns], ["---"] * (len(chart.columns) + 1)]
    for row in chart.rows:
        cells = (chart.cells[row, state] for state in chart.columns)
        rows.append([row_name(chart, *row), *map(cell_text, cells)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def cell_text(cell: Cell) -> str:
    """Return what a cell does, in a word or two."""
    match cell.outcome:
        case Outcome.EMIT:
            return f"**+{cell.event}**"
        case Outcome.DELETE:
            return "**history deleted**"
        case Outcome.NOOP:
            return "noop"
        case Outcome.REJECT:
            return (cell.error or "").removesuffix("Error")
        case Outcome.REWRITE:
            return "rewrites the history"


def row_name(chart: Chart, command: str, arguments: Arguments) -> str:
    """Return the name of a row: the command, and which arguments it is about."""
    if arguments is Arguments.ANY:
        return command
    return f"{command}, {arguments} {', '.join(sorted(chart.commands[command].compared))}"
