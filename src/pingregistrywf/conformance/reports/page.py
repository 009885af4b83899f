"""A report as one page of HTML: the verdict, the levels, each failure, and the diagram.

The page holds all that it shows, asks nothing of any host, and needs no script.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pingregistrywf.chart.ir import Chart
from pingregistrywf.conformance.reports.printable import printable
from pingregistrywf.conformance.reports.text import notes, rendered
from pingregistrywf.conformance.run.result import Failure, RunResult, abridged, steps_of
from pingregistrywf.generate.svg import svg


def page(report: RunResult, chart: Chart) -> str:
    """The page.

    Args:
        report: the report.
        chart: the chart under test, for the diagram.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["compact"] = _compact
    environment.filters["rendered"] = rendered
    source = files("pingregistrywf.conformance.reports").joinpath("page.html.jinja")
    template = environment.from_string(source.read_text(encoding="utf-8"))
    html = template.render(
        report=report,
        levels=report.by_level(),
        failures=[(each, _shown(each)) for each in report.failures],
        notes=notes(report),
        diagram=Markup(svg(chart)),  # noqa: S704 (our own drawing)
        failing=sorted(_failing(report, chart)),
    )
    return printable(html)


def _failing(report: RunResult, chart: Chart) -> set[tuple[str, str]]:
    """The states and commands that failed, where the diagram has an arrow for them."""
    moves = {(cell.state, cell.command) for cell in chart.table}
    found = set()
    for failure in report.failures:
        for each in failure.shortest.exchanges:
            place = (each.step.state, str(each.step.send.get("command")))
            if each.step.state:
                last = place
        if failure.shortest.exchanges and last in moves:
            found.add(last)
    return found


def _shown(failure: Failure) -> list[tuple[int, Any]]:
    """The steps with their numbers; without a step, how many are left out."""
    steps = abridged(steps_of(failure.shortest))
    return [(each, None) if isinstance(each, int) else each for each in steps]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
