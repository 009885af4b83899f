"""Bound n+3: what only it finds, what is kept of its many cases, and how much memory that takes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from pingregistrywf.chart.lower import read_model
from pingregistrywf.cli import app
from pingregistrywf.conformance.assembly import committed_ids
from pingregistrywf.conformance.reports import as_json, junit
from pingregistrywf.conformance.run.capabilities import CRASH
from pingregistrywf.conformance.run.result import Exit, RunResult, Scope, Status
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.session import Session
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.run.triage import alike
from pingregistrywf.conformance.selftest.mutants import first_order
from pingregistrywf.conformance.selftest.subject import Answer, Subject
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.scenario import BOUNDS, Bound, Tell
from pingregistrywf.conformance.suite.sequences import Mealy, size
from pingregistrywf.conformance.suite.sequences import suite as sequences

from ..command_line import on_terminal
from ..test_cli_mistakes import CHART
from .adversary import answering
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


class StoppedError(Exception):
    """The run has told what a test wants to know."""


@pytest.mark.parametrize(("levels", "made"), [((1,), 29_257), ((1, 5), 29_257 + 283)])
def test_how_many_cases_there_are_is_known_at_the_first(
    suite: Suite, levels: tuple[int, ...], made: int
) -> None:
    """Also at level 5, for the index has a bound, too."""

    def progress(_done: int, total: int | None, _level: int) -> None:
        raise StoppedError(total)

    ids = committed_ids(suite)
    plan = Plan(suite, Scope(levels, "n+3"), ids, progress=progress)
    with pytest.raises(StoppedError) as stopped:
        run(plan, ObjectTransport(lambda: Subject(suite.chart)))
    others = sum(each.startswith("5-") for each in ids) - 94 if 5 in levels else 0
    assert stopped.value.args == (made + others,)


@pytest.mark.parametrize("bound", BOUNDS)
def test_the_sequences_of_a_suite_need_not_be_made_to_be_counted(
    suite: Suite, lamp: Suite, bound: Bound
) -> None:
    for chart in (*suite.model.charts.values(), lamp.chart):
        machine = Mealy(chart)
        assert size(machine, bound) == sum(1 for _ in sequences(machine, bound))


def counted_run(
    suite: Suite, level: int, make: Callable[[], Answer]
) -> tuple[RunResult, list[tuple[int, int | None]]]:
    """Run a level, and return its report and each count of cases that the progress was told."""
    told: list[tuple[int, int | None]] = []
    plan = Plan(
        suite,
        Scope((level,), "n"),
        committed_ids(suite),
        progress=lambda done, total, _: told.append((done, total)),
    )
    return run(plan, ObjectTransport(make)), told


def test_cases_that_are_not_claimed_are_taken_from_the_number(suite: Suite) -> None:
    def make() -> Answer:
        right = Subject(suite.chart)

        def answer(request: Mapping[str, Any]) -> dict[str, Any]:
            reply = right(request)
            if "hello" in reply:
                reply["hello"]["capabilities"] = []
            return reply

        return answer

    report, ended = counted_run(suite, 1, make)
    unclaimed = report.count(Status.NOT_CLAIMED)
    assert 0 < unclaimed < 57
    totals = [total or 0 for _, total in ended]
    assert totals[0] == 57
    assert ended[-1] == (57 - unclaimed, 57 - unclaimed)


def test_cases_that_would_kill_the_adapter_are_taken_from_the_number_if_it_does_not_claim_them(
    suite: Suite,
) -> None:
    report, ended = counted_run(suite, 6, lambda: answering("not claiming:gc,operations"))
    asked = report.count(Status.PASSED)
    assert any(CRASH in each.lacking for each in report.results)
    assert asked > 0
    assert ended[-1] == (asked, asked)


def test_without_one_last_sequence_the_number_is_not_known_before(tmp_path: Path) -> None:
    letters = Suite(chart_of(tmp_path, *NO_PRESET))
    assert letters.more_than_whole((1,), "n+3") is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--only", "1-*"), "the filter chooses among the cases while they are made"),
        (
            ("--model", "lamp.yaml"),
            "the cases of charts of your own are counted while they are made",
        ),
    ],
)
def test_a_terminal_shows_how_many_there_are_or_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lamp.yaml").write_text(CHART)
    adapter = [sys.executable, "-m", "pingregistrywf", "adapter", "--journal", "memory:"]
    asked = ("conform", "--level", "1", "--bound", "n", "--adapter")
    shown = on_terminal(*asked, shlex.join(adapter))
    assert "no time left" not in shown
    (*_, bar) = re.findall(r"level 1, cases [^\r\n\x1b]*", shown)
    assert re.search(r" 57/57 0 failed [\d,]+/s \d:\d\d:\d\d left 0:00:00 *$", bar), bar
    assert len(bar) <= 80
    model = words if words[0] == "--model" else ()
    shown = on_terminal(*asked, shlex.join([*adapter, *model]), *words)
    assert f"no time left is shown: {why}" in " ".join(shown.split())  # it is wrapped


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


def test_the_self_test_says_why_it_refuses_the_bound() -> None:
    refused = CliRunner().invoke(app, ["conform", "self-test", "--bound", "n+3"])
    assert refused.exit_code == 2
    assert "n+3 finds no more than n+1" in refused.stderr
    assert "give n, n+1 or n+2" in refused.stderr


def test_the_self_test_looks_first_whether_its_file_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "matrix.json"
    words = ["--bound", "n+3", "--json-report", str(file)]  # which would not be run
    refused = CliRunner().invoke(app, ["conform", "self-test", *words])
    assert refused.exit_code == 2
    assert f"--json-report: there is no directory {file.parent}" in refused.stderr


def test_expected_failures_are_not_written_from_a_part_of_them(tmp_path: Path) -> None:
    words = ["--python", "nothing:nothing", "--bound", "n+3"]
    file = str(tmp_path / "expected.toml")
    refused = CliRunner().invoke(app, ["conform", *words, "--write-expected", file])
    assert refused.exit_code == 2
    assert "not every case of bound n+3 is listed: give n+2 or less" in refused.stderr


# Linux counts the memory of the process that started it in ru_maxrss, but not in VmHWM.
MEASURED = """
import re, sys
from pathlib import Path
from pingregistrywf.cli import app
try:
    app(sys.argv[1:])
finally:
    print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1], file=sys.stderr)
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

    assert peak("n+3") <= peak("n+2") * 1.06  # eight times the cases; measured were 2 %
