"""Bound n+3: what only it finds, what is kept of its many cases, and how much memory that takes."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from pingregistrywf.chart.lower import read_model
from pingregistrywf.cli import app
from pingregistrywf.conformance.reports import as_json, junit
from pingregistrywf.conformance.run.result import Exit, RunResult, Scope, Status
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.session import Session
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.run.triage import alike
from pingregistrywf.conformance.selftest.mutants import first_order
from pingregistrywf.conformance.selftest.subject import Answer, Subject
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.scenario import Bound, Tell

from ..test_cli_mistakes import CHART
from .test_suite import NO_PRESET, chart_of


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    path = tmp_path_factory.mktemp("chart") / "lamp.yaml"
    path.write_text(CHART)
    return Suite(read_model([path]))


def ran(suite: Suite, make: Any, bound: Bound) -> RunResult:
    return run(Plan(suite, Scope((1,), bound), seed=0), ObjectTransport(make))


def test_what_is_right_passes_and_none_of_the_results_is_kept(lamp: Suite) -> None:
    report = ran(lamp, lambda: Subject(lamp.chart), "n+3")
    made = list(lamp.cases(frozenset({1}), "n+3"))
    assert report.exit is Exit.CONFORMS
    assert report.count(Status.PASSED) == len(made)
    assert f"level 1 at bound n+3, {len(made)} cases" in report.verdict
    kept = [each.case.id for each in report.results]
    assert kept == [case.id for case in lamp.cases(frozenset({1}))]
    assert json.loads(as_json(report))["counted"] == {"1": {"passed": len(made) - len(kept)}}
    assert f'tests="{len(made)}"' in junit(report)


def test_a_departure_that_only_n_plus_3_can_see_is_found(lamp: Suite) -> None:
    """The implementation counts: after one long sequence it refuses what it should not."""
    *_, deepest = lamp.cases(frozenset({1}), "n+3")
    sequence = [each.command for each in deepest.scenario.actions if isinstance(each, Tell)]

    def make() -> Answer:
        right = Subject(lamp.chart)
        told: dict[str, list[str]] = {}

        def answer(request: Mapping[str, Any]) -> dict[str, Any]:
            if request["op"] == "exec":
                commands = told.setdefault(request["workflow"], [])
                commands.append(request["command"])
                if commands == sequence:
                    return {"id": request["id"], "error": {"code": "Broken", "message": ""}}
            return right(request)

        return answer

    assert ran(lamp, make, "n+2").exit is Exit.CONFORMS
    report = ran(lamp, make, "n+3")
    assert report.exit is Exit.DEVIATES
    assert [each.result.case.id for each in report.failures] == [deepest.id]


def test_failures_that_look_alike_are_counted_but_for_the_first(tmp_path: Path) -> None:
    letters = Suite(chart_of(tmp_path, *NO_PRESET))
    most = 0
    for mutant in list(first_order(letters.chart))[::40]:
        make = partial(Subject, letters.chart, mutant.cells)
        report = ran(letters, make, "n+3")
        transport = ObjectTransport(make)
        transport.start()
        every = Session(letters, transport, Random(0)).execute(letters.cases(frozenset({1}), "n+3"))
        counts = Counter(each.status for each in every)
        assert counts == Counter({status: report.count(status) for status in Status}), mutant.name
        assert report.deviating == report.count(Status.FAILED) > 0
        assert len({alike(each) for each in report.unexpected}) >= report.groups
        beyond = [alike(each) for each in report.unexpected if each.case.beyond]
        assert len(beyond) == len(set(beyond))
        most = max(most, report.counted[1][Status.FAILED] if report.counted else 0)
    assert most > 20


def test_expected_failures_are_not_written_from_a_part_of_them(tmp_path: Path) -> None:
    words = ["--python", "nothing:nothing", "--bound", "n+3"]
    file = str(tmp_path / "expected.toml")
    refused = CliRunner().invoke(app, ["conform", *words, "--write-expected", file])
    assert refused.exit_code == 2
    assert "not every case of bound n+3 is listed: give n+2 or less" in refused.stderr


MEASURED = """
import resource, sys
from pingregistrywf.cli import app
try:
    app(sys.argv[1:])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.soak(only=True)
def test_n_plus_3_takes_hardly_more_memory_than_n_plus_2() -> None:
    def peak(bound: str) -> int:
        adapter = shlex.join([sys.executable, "-m", "pingregistrywf", "adapter"])
        words = ["conform", "--adapter", adapter, "--level", "1-3", "--bound", bound]
        line = [sys.executable, "-c", MEASURED, *words]
        ended = subprocess.run(line, capture_output=True, text=True, timeout=900, check=True)
        assert f"at bound {bound}" in ended.stdout
        return int(ended.stderr.split()[-1])

    assert peak("n+3") <= peak("n+2") * 1.06  # eight times the cases; measured were 3 %
