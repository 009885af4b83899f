"""The table of commands and states as HTML that fits a screen.

Each cell says what happens in a sign and a word or two, and opens the explorer in that state with
that command ready to be sent.  The sign says what the colour says, for those who do not see it.
The first column stays in sight while the others scroll.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

from linked import explorer_state, reference

from pingregistrywf.chart.ir import Arguments, Cell, Chart, Outcome
from pingregistrywf.generate.readme import row_name

SIGNS: Final = {
    Outcome.EMIT: "+",
    Outcome.DELETE: "−",
    Outcome.REWRITE: "↻",
    Outcome.NOOP: "=",
    Outcome.REJECT: "✕",
}

_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a name may be broken into two lines."""


def table(chart: Chart) -> str:
    """Return a chart's table."""
    heads = "".join(
        f'<th scope="col"><a href="{reference("states", chart, state)}">{_broken(state)}</a></th>'
        for state in chart.columns
    )
    rows = "".join(_row(chart, *row) for row in chart.rows)
    return (
        f'<div class="chart-table" role="region" tabindex="0" aria-label="{chart.title}: table">'
        f'<table class="cells"><thead><tr><th scope="col">command</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(chart: Chart, command: str, arguments: Arguments) -> str:
    name = row_name(chart, command, arguments)
    about = name.removeprefix(command)
    cells = "".join(
        _cell(chart, chart.cells[(command, arguments), state], name) for state in chart.columns
    )
    link = f'<a href="{reference("commands", chart, command)}">{_broken(command)}</a>'
    return f'<tr><th scope="row">{link}<span>{about}</span></th>{cells}</tr>'


def _cell(chart: Chart, cell: Cell, row: str) -> str:
    sign, text = SIGNS[cell.outcome], _text(cell)
    other = cell.arguments is Arguments.OTHER
    address = explorer_state(chart, cell.state, cell.command, other=other)
    said = escape(f"{sign}{text}: {row} in {cell.state}. Open the explorer there.")
    return (
        f'<td data-outcome="{cell.outcome}"><a href="{address}" aria-label="{said}">'
        f'<span class="sign">{sign}</span>{_broken(text)}</a></td>'
    )


def _text(cell: Cell) -> str:
    match cell.outcome:
        case Outcome.EMIT:
            return cell.event or ""
        case Outcome.DELETE:
            return "history deleted"
        case Outcome.NOOP:
            return "noop"
        case Outcome.REJECT:
            return (cell.error or "").removesuffix("Error")
        case Outcome.REWRITE:
            return "history rewritten"


def _broken(name: str) -> str:
    return _HUMP.sub("<wbr>", name)
