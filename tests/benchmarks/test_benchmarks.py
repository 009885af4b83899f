"""The benchmarks still run: at their tiniest scale, where the figures say nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ..tools import require_package

pytestmark = pytest.mark.slow

COMPARED = {
    *("command.statemachine", "command.transitions", "rejection.statemachine"),
    *("append.bare", "append.threads", "append.processes", "append.fairness"),
    *("append.longest-wait", "find.bare", "replay.long", "replay.longest", "replay.growth"),
    *("append.growth", "begin.growth", "memory", "list", "look", "service.ping"),
    *("nats.append", "nats.at-once", "nats.woken"),
}
"""The rows that have a goal."""


@pytest.mark.exhaustive
def test_every_path_is_measured_and_shown(tmp_path: Path) -> None:
    for package in ("eventsourcing", "matplotlib", "transitions"):
        require_package(package)
    from . import page, report
    from .__main__ import run
    from .measuring import TINY

    findings = run(TINY)
    assert {row.key for row in findings.rows if row.goal} == COMPARED
    for row in findings.rows:
        assert row.ours.value > 0
        assert (row.peer is None) == (row.ratio is None)
        assert (row.goal is None) == (row.met is None)
    shown = report.table(findings.rows).splitlines()[1:]
    assert [line.split("  ")[0] for line in shown] == [row.path for row in findings.rows]

    docs = tmp_path / "docs"
    for name in (page.PAGE, page.ASSETS):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(page.DOCS / page.PAGE, docs / page.PAGE)
    page.write(findings, docs)
    text = (docs / page.PAGE).read_text(encoding="utf-8")
    for row in findings.rows:
        assert f"| {row.path} |" in text
    figures = json.loads((docs / page.ASSETS / "figures.json").read_text(encoding="utf-8"))
    assert len(figures["rows"]) == len(findings.rows)
    for plot in findings.plots:
        drawn = (docs / page.ASSETS / f"{plot.name}.svg").read_text(encoding="utf-8")
        assert all(curve.name in drawn for curve in plot.curves)


@pytest.mark.parametrize(
    ("ours", "peer", "speed", "cost"), [(1.0, 2.0, 2.0, 0.5), (4.0, 1.0, 0.25, 4.0)]
)
def test_a_ratio_is_of_speed_or_of_cost(
    ours: float, peer: float, speed: float, cost: float
) -> None:
    from .figures import Ratio, Row, Side, at_least, at_most

    sides = Side("ours", "", ours), Side("peer", "", peer)
    row = Row("key", "path", *sides, at_least(1))
    assert (row.ratio, row.met) == (speed, speed >= 1)
    grown = Row("key", "path", *sides, at_most(1.2), Ratio.COST)
    assert (grown.ratio, grown.met) == (cost, cost <= 1.2)
