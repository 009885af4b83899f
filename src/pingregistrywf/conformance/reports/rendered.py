"""The result of a run as text, as JUnit's XML and as a page of HTML, from the templates beside.

The page holds all that it shows, loads nothing, and needs no script.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from pingregistrywf.chart.ir import Chart
from pingregistrywf.conformance.reports.learned import learned_diagram
from pingregistrywf.conformance.reports.steps import Json, abridged, steps_of
from pingregistrywf.conformance.run.capabilities import CAPABILITIES
from pingregistrywf.conformance.run.result import (
    CaseResult,
    Exit,
    Failure,
    RunResult,
    counted,
)
from pingregistrywf.generate.svg import svg
from pingregistrywf.runtime.render import printable

LOG_LINES: Final = 10
"""So many of the first and of the last lines of the adapter's log are shown with a failure."""
LOG_WIDTH: Final = 200
"""So many characters of each."""


def text(run: RunResult) -> str:
    """Return the result for a terminal; the verdict is its last line."""
    return render("run.txt.jinja", run=run, explained=_explained(run), notes=_notes(run))


def failure_text(failure: Failure) -> str:
    """Return one failure: its steps, what differs, the rule, and how to run it again."""
    return render("failure.txt.jinja", failure=failure).removesuffix("\n")


def junit(run: RunResult) -> str:
    """Return JUnit's XML: a test suite for each level, a test case for each case."""
    return render("junit.xml.jinja", run=run, explained=_explained(run))


def page(run: RunResult, chart: Chart) -> str:
    """Return the page of HTML, with the diagram of the chart, and of the learned machine."""
    learned, marks = learned_diagram(chart, run.differences)
    return render(
        "page.html.jinja",
        run=run,
        learned=Markup(learned),  # noqa: S704 (our own drawing)
        marks=marks,
        notes=_notes(run),
        diagram=Markup(svg(chart)),  # noqa: S704 (our own drawing)
        failing=sorted(_failing(run, chart)),
    )


def render(template: str, **values: object) -> str:
    """Return a template filled in; what cannot be printed is escaped, save tabs and line ends."""
    environment = Environment(
        loader=PackageLoader("pingregistrywf.conformance.reports"),
        autoescape=select_autoescape(("html.jinja", "xml.jinja")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "call": _call,
        "compact": _compact,
        "content": _content,
        "counted": counted,
        "counts": _counts,
        "ends": _ends,
        "failure_text": failure_text,
        "quoted": _quoted,
        "steps": _steps,
        "text": text,
    }
    return printable(environment.get_template(template).render(values), keep="\t\n")


def _explained(run: RunResult) -> dict[str, Failure]:
    """The failures by the ids of all cases that failed in the same way."""
    return {
        each: failure
        for failure in run.failures
        for each in (failure.result.case.id, *(each.id for each in failure.alike))
    }


def _notes(run: RunResult) -> list[str]:
    """What a reader must know beside the verdict."""
    lines = [f"expected failures: {each}" for each in run.complaints]
    if unknown := sorted(run.hello.capabilities - set(CAPABILITIES)) if run.hello else []:
        lines.append(f"unknown to this suite, and not tested: {', '.join(unknown)}")
    if limits := run.hello.limits if run.hello else None:
        lines.append(f"the adapter takes no requests but: {', '.join(limits.requests)}")
        if limits.begun:
            lines.append("commands are asked once an operation has run")
        if limits.find:
            lines.append(f"compared of a state: {', '.join(limits.find)}")
        if limits.errors:
            lines.append(f"compared by class, not by name: {', '.join(sorted(limits.errors))}")
    if run.exit is not Exit.INFRASTRUCTURE and run.trouble:
        lines.append(f"trouble: {run.trouble}")
    if run.exit is not Exit.INCOMPLETE:
        lines += [f"incomplete: {each}" for each in run.missing]
    return lines


def _failing(run: RunResult, chart: Chart) -> set[tuple[str, str]]:
    """The states and commands that are wrong, where the diagram has an arrow for them.

    They are those of the learned machine; if nothing was learned, those at which cases failed.
    """
    moves = {(cell.state, cell.command) for cell in chart.table}
    if run.differences:
        return moves & {(each.state, each.row[0]) for each in run.differences}
    last = {
        [(each.step.state, str(each.step.send.get("command"))) for each in in_states][-1]
        for failure in run.failures
        if (in_states := [each for each in failure.shortest.exchanges if each.step.state])
    }
    return moves & last


# --- Filters --------------------------------------------------------------------------------------


def _steps(result: CaseResult) -> Iterator[tuple[int, dict[str, Json] | None]]:
    return abridged(steps_of(result))


def _counts(level: dict[str, Any]) -> str:
    names = ("passed", "failed", "unsupported", "hangs")
    counts = [f"{level[name]:,} {name}" for name in names if level[name]]
    if level["lacking"]:
        counts.append(f"{level['not_claimed']:,} not claimed ({', '.join(level['lacking'])})")
    return ", ".join(counts) or "no case"


def _ends(log: str) -> list[str]:
    """The first and the last lines: some languages put the cause first, others last."""
    lines = [line[:LOG_WIDTH] for line in log.splitlines()]
    left_out = len(lines) - 2 * LOG_LINES
    if left_out <= 1:
        return lines
    return [*lines[:LOG_LINES], f"… {left_out:,} more lines …", *lines[-LOG_LINES:]]


def _call(send: dict[str, Json]) -> str:
    """A request as the call of a function."""
    if send.get("op") != "exec":
        return _compact({key: value for key, value in send.items() if key != "id"})
    given = send.get("args")
    args = given if isinstance(given, dict) else {"args": given}
    words = ", ".join(f"{key}={_compact(value)}" for key, value in args.items())
    beside = "".join(f", {key} {send[key]}" for key in ("vid", "server") if key in send)
    return f"{send.get('command')}({words}){beside}"


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _content(value: str) -> Markup:
    """The text of an element in XML."""
    return Markup(escape(value))  # noqa: S704


def _quoted(value: str) -> Markup:
    """A value of an attribute in XML, in quotes; its ends of lines stay."""
    return Markup(quoteattr(printable(value, keep="\t\n"), {'"': "&quot;"}))  # noqa: S704
