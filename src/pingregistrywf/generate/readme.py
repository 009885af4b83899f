"""The parts of the README that come from the chart: the diagram's text form, and the table."""

from __future__ import annotations

import re
from typing import Final

from pingregistrywf.chart.ir import Arguments, Cell, Chart, Outcome
from pingregistrywf.generate.mermaid import mermaid

_PARTS: Final = ("diagram", "table")


class MarkerError(ValueError):
    """The README has lost a marker."""


def filled(text: str, chart: Chart) -> str:
    """The README with each part between its two markers written anew.

    Raises:
        MarkerError: a marker is missing.
    """
    made = {"diagram": f"```mermaid\n{mermaid(chart)}```", "table": markdown_table(chart)}
    for part in _PARTS:
        begin, end = f"<!-- begin generated {part} -->", f"<!-- end generated {part} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise MarkerError(f"README.md needs {begin} and {end} once: put them back")
        content = f"{begin}\n{made[part]}\n{end}"
        text = pattern.sub(lambda _, content=content: content, text)  # type: ignore[misc]
    return text


def markdown_table(chart: Chart) -> str:
    """The total table in Markdown, a row a command, a column a state."""
    head = ["command", *chart.columns]
    lines = [_row(head), _row(["---"] * len(head))]
    for command, arguments in chart.rows:
        cells = (chart.cells[(command, arguments), state] for state in chart.columns)
        lines.append(_row([row_name(chart, command, arguments), *map(cell_text, cells)]))
    return "\n".join(lines)


def cell_text(cell: Cell) -> str:
    """What a cell says, in a word or two."""
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
    """The name of a row: the command, and which arguments it is about."""
    if arguments is Arguments.ANY:
        return command
    return f"{command}, {arguments} {', '.join(sorted(chart.commands[command].compared))}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
