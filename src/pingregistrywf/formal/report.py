"""Results for people and for programs: tables, a timeline of each violation, and JSON."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from pingregistrywf.chart.ir import Chart
from pingregistrywf.formal.cells import Reached
from pingregistrywf.formal.timeline import Line, timeline
from pingregistrywf.formal.values import tla_text
from pingregistrywf.formal.verification import Result
from pingregistrywf.generate.readme import row_name
from pingregistrywf.runtime.render import printable

_HEADINGS: Final = ("property", "result", "distinct states", "depth", "time", "sizes")
_NUMBERS: Final = range(2, 5)
"""The columns of the table that hold numbers."""
_STYLES: Final = ("cyan", "bold", "italic")


def table(results: Sequence[Result]) -> str:
    """Return the results as a table in plain text, one line for each property.

    The numbers of a property that was checked at several sizes are those of all of them together.
    """
    by_property: dict[str, list[Result]] = {}
    for result in results:
        by_property.setdefault(result.property, []).append(result)
    rows = [_HEADINGS, *(_row(name, every) for name, every in by_property.items())]
    return _aligned(rows, _NUMBERS)


def cells_report(cells: Sequence[Reached]) -> str:
    """Return the tables of all charts in plain text, and why some cells cannot be reached.

    A cell says *reached*, or the number of the reason why it cannot be, or both if the reason is
    wrong; a cell that is not reached for no reason says *missed*.
    """
    reasons = {why: f"[{number}]" for number, why in enumerate(_reasons(cells), start=1)}
    blocks = []
    for chart in {each.chart.name: each.chart for each in cells}.values():
        said = {
            (each.cell.row, each.cell.state): _said(each, reasons)
            for each in cells
            if each.chart is chart
        }
        rows = [(chart.name, *chart.columns)]
        for row in chart.rows:
            words = (said[row, state] for state in chart.columns)
            rows.append((row_name(chart, *row), *words))
        blocks.append(_aligned(rows))
    if reasons:
        blocks.append("\n".join(f"{number} {why}" for why, number in reasons.items()))
    return "\n\n".join([*blocks, _counts(cells)])


def _reasons(cells: Sequence[Reached]) -> Sequence[str]:
    return list(dict.fromkeys(each.why for each in cells if each.why))


def _said(cell: Reached, reasons: Mapping[str, str]) -> str:
    words = ["reached"] if cell.size else []
    words += [reasons[cell.why]] if cell.why else []
    return " ".join(words) or "missed"


def _counts(cells: Sequence[Reached]) -> str:
    reached = sum(each.size is not None for each in cells)
    wrong = sum(not each.is_right for each in cells)
    explained = sum(bool(each.why) for each in cells)
    text = f"{len(cells)} cells: {reached} reached, {explained} explained"
    return f"{text}, {wrong} missed or explained wrongly" if wrong else text


def cell_json(cell: Reached) -> dict[str, Any]:
    """Return a cell as a JSON object."""
    return {
        "chart": cell.chart.name,
        "command": cell.cell.command,
        "arguments": cell.cell.arguments.value,
        "state": cell.cell.state,
        "reached": cell.size,
        "why": cell.why or None,
        "holds": cell.is_right,
    }


def _aligned(rows: Sequence[Sequence[str]], numbers: Container[int] = ()) -> str:
    """Return rows in columns; those of numbers end at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if number in numbers else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(name: str, results: Sequence[Result]) -> tuple[str, ...]:
    broken = [result.size for result in results if result.violation]
    outcomes = [result.outcome for result in results]
    return (
        name,
        f"violated at {', '.join(broken)}" if broken else "holds",
        f"{sum(each.distinct for each in outcomes):,}",
        str(max(each.depth for each in outcomes)),
        f"{sum(each.seconds for each in outcomes):.1f} s",
        ", ".join(result.size for result in results),
    )


def show_violation(
    result: Result, charts: Mapping[str, Chart], places: Mapping[str, str] | None = None
) -> None:
    """Print how a property is broken, step by step; nothing for one that holds.

    Args:
        result: the result.
        charts: the charts of the system, by the names of the variables with their histories.
        places: where else the violation can be seen, by names.
    """
    if result.violation is None:
        return
    console = Console(highlight=False, soft_wrap=True)
    kind = result.violation.kind.value
    console.print(
        Text(f"The {kind} {result.property} does not hold at size {result.size}:", "bold red")
    )
    show_timeline(list(timeline(result.violation.trace, charts)), console)
    for name, place in (places or {}).items():
        console.print(Text(f"{name}: {place}"))
    console.print()


def show_timeline(lines: Sequence[Line], console: Console) -> None:
    """Print a behaviour, a line for each step, with details beside it or below it."""
    widths = [max(map(len, column)) for column in zip(*map(_columns, lines), strict=True)]
    for line in lines:
        row = Text().append(f"{line.step:>4}", "dim")
        for cell, width, style in zip(_columns(line), widths, _STYLES, strict=True):
            if width:
                row.append("  ").append(cell.ljust(width), style)
        details = [printable(detail) for detail in line.details]
        beside = "  ".join(details)
        if row.cell_len + 2 + cell_len(beside) <= console.width:
            row.append(f"  {beside}")
            details = []
        row.rstrip()
        console.print(row)
        for detail in details:
            console.print(Text(f"{'':6}{detail}"))


def _columns(line: Line) -> tuple[str, str, str]:
    return line.who, line.what, line.state


def result_json(result: Result, charts: Mapping[str, Chart]) -> dict[str, Any]:
    """Return a result as a JSON object; values of the module are texts of TLA+."""
    outcome, violation = result.outcome, result.violation
    fields = {
        "property": result.property,
        "size": result.size,
        "holds": violation is None,
        "generated": outcome.generated,
        "distinct": outcome.distinct,
        "depth": outcome.depth,
        "seconds": round(outcome.seconds, 3),
    }
    if violation is None:
        return fields
    trace = violation.trace
    states = [
        {
            "number": state.number,
            "action": state.action,
            "variables": {name: tla_text(value) for name, value in state.variables.items()},
        }
        for state in trace.states
    ]
    return fields | {
        "kind": violation.kind.value,
        "states": states,
        "lasso": None if trace.lasso is None else asdict(trace.lasso),
        "timeline": [asdict(line) for line in timeline(trace, charts)],
    }
