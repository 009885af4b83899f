"""The results of several implementations together: a page of HTML, JSON, and text."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from pingregistrywf.conformance.reports.badge import badge
from pingregistrywf.conformance.reports.rendered import render
from pingregistrywf.conformance.run.result import RunResult
from pingregistrywf.conformance.suite import VERSION
from pingregistrywf.conformance.suite.levels import LEVELS

Json: TypeAlias = Any
Runs: TypeAlias = Mapping[str, RunResult]
"""Runs of one suite in one scope, at least one, by the names of the implementations."""


def comparison_page(runs: Runs) -> str:
    """Return the page: a row an implementation, a column a level, and what differs below."""
    rows = [
        {**each, "badge": _as_source(badge(run))}
        for each, run in zip(_rows(runs), runs.values(), strict=True)
    ]
    return render("comparison.html.jinja", rows=rows, levels=_levels(runs), names=LEVELS)


def comparison_text(runs: Runs) -> str:
    """Return the table for a terminal."""
    return render("comparison.txt.jinja", rows=_rows(runs), levels=_levels(runs))


def comparison_json(runs: Runs) -> str:
    """Return the text of the JSON document."""
    first = next(iter(runs.values()))
    document = {
        "format": "pingregistrywf-matrix/1",
        "suite": VERSION,
        "chart": first.chart,
        "chart_sha256": first.sha256,
        "scope": asdict(first.scope),
        "implementations": _rows(runs),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _levels(runs: Runs) -> Sequence[int]:
    return sorted({level for run in runs.values() for level in run.scope.levels})


def _rows(runs: Runs) -> list[dict[str, Json]]:
    return [
        {
            "name": name,
            "verdict": run.verdict,
            "exit": int(run.exit),
            "adapter": run.hello
            and asdict(run.hello) | {"capabilities": sorted(run.hello.capabilities)},
            "levels": {str(each["level"]): _cell(run, each) for each in run.by_level()},
            "differences": [str(each) for each in run.differences]
            or [each.shortest.why for each in run.failures],
        }
        for name, run in runs.items()
    ]


def _cell(run: RunResult, counts: Mapping[str, Json]) -> dict[str, Json]:
    """A level of an implementation: its counts, and one word for them."""
    failed = counts["failed"]
    ran = counts["passed"] + failed
    if run.trouble or counts["hangs"]:
        word = "no verdict"
    elif failed:
        word = "deviates"
    elif not ran:
        word = "not claimed"
    else:
        word = "in part" if counts["not_claimed"] else "conforms"
    return {"result": word, "passed": counts["passed"], "failed": failed, "cases": ran} | {
        "not_claimed": counts["not_claimed"]
    }


def _as_source(svg: str) -> str:
    """A drawing as the source of a picture, so that its ids and styles stay its own."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
