"""The result of a run as one page of HTML: the verdict, the levels, the failures, the diagram.

The page holds all that it shows, loads nothing, and needs no script.
"""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pingregistrywf.chart.ir import Chart
from pingregistrywf.conformance.reports.printable import printable
from pingregistrywf.conformance.reports.steps import abridged, steps_of
from pingregistrywf.conformance.reports.text import call, compact, notes
from pingregistrywf.conformance.run.result import RunResult
from pingregistrywf.generate.svg import svg


def page(run: RunResult, chart: Chart) -> str:
    """Return the page.

    Args:
        run: the result of the run.
        chart: the chart under test, for the diagram.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"compact": compact, "call": call}
    source = files("pingregistrywf.conformance.reports").joinpath("page.html.jinja")
    template = environment.from_string(source.read_text(encoding="utf-8"))
    html = template.render(
        run=run,
        levels=run.by_level(),
        failures=[(each, list(abridged(steps_of(each.shortest)))) for each in run.failures],
        notes=notes(run),
        diagram=Markup(svg(chart)),  # noqa: S704 (our own drawing)
        failing=sorted(_failing(run, chart)),
    )
    return printable(html)


def _failing(run: RunResult, chart: Chart) -> set[tuple[str, str]]:
    """The states and commands that failed, where the diagram has an arrow for them."""
    moves = {(cell.state, cell.command) for cell in chart.table}
    last = {
        [(each.step.state, str(each.step.send.get("command"))) for each in in_states][-1]
        for failure in run.failures
        if (in_states := [each for each in failure.shortest.exchanges if each.step.state])
    }
    return moves & last
