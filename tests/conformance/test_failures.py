"""Failures that a developer can act on: shortest sequence, rule, replay, learned machine."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from random import Random

import pytest

from pingregistrywf.conformance.reports import as_json, text
from pingregistrywf.conformance.run.result import CaseResult, Exit, Failure, RunResult, Status
from pingregistrywf.conformance.run.session import Session
from pingregistrywf.conformance.run.shrink import shortest
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.run.triage import FLAKY
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.scenario import Scenario, Tell

from ..tiers import EXHAUSTIVE, some
from .adversary import answering
from .conftest import Runs, command

SAME = "Init with the same arguments"
# The way of going wrong, the level at which it is seen, the shortest sequence, the rule that is
# broken, and what is learned of the machine.
DEVIATIONS = {
    "another target": (
        1,
        ["Init", "PostSummary", "Commit"],
        "Commit.1",
        ["from Summarized, Commit goes to Terminated, should go to Completed"],
    ),
    "no events:Commit": (
        1,
        ["Init", "PostSummary", "Commit"],
        "Commit.1",
        ["from Summarized, Commit appends nothing, should append PingRegistryCompleted"],
    ),
    "noop that emits": (
        1,
        ["Init", "Init"],
        "Init.2",
        [f"from Initialized, {SAME} appends PingRegistryStarted, should append nothing"],
    ),
    "other code:End": (
        1,
        ["End"],
        "otherwise",
        [
            f"from {state}, End answers Internal, should answer StateConflict"
            for state in ("Uninitialized", "Initialized", "Appending", "Summarized", "Deleted")
        ],
    ),
    "stale accepted": (2, ["Init", "AppendPing"], "version", []),
    "truncated": (3, ["Init", "AppendPing"], "AppendPing.1", []),
    "unsigned": (3, ["Init", "AppendPing"], "AppendPing.1", []),
}


def parts(scenario: Scenario) -> list[Scenario]:
    """Every scenario that leaves something out of this one, and something in."""
    actions = scenario.actions
    chosen = chain.from_iterable(combinations(actions, size) for size in range(1, len(actions)))
    return [replace(scenario, actions=each) for each in chosen]


def failing(name: str, suite: Suite, scenarios: list[Scenario]) -> list[Scenario]:
    session = Session(suite, ObjectTransport(lambda: answering(name)), Random(0))
    session.hello()
    cases = [suite.compiler.compile(each) for each in scenarios]
    return [
        each.case.scenario for each in session.execute(cases) if each.status is not Status.PASSED
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", some(DEVIATIONS, every=3))
def test_the_shortest_sequence(run_object: Runs, suite: Suite, name: str) -> None:
    level, commands, rule, differences = DEVIATIONS[name]
    report = run_object(name, level)
    assert report.exit is Exit.DEVIATES
    scenarios = [each.shortest.case.scenario for each in report.failures]
    assert commands in [[each.command for each in scenario.actions] for scenario in scenarios]
    for scenario in scenarios:
        assert failing(name, suite, [scenario])
        assert not failing(name, suite, parts(scenario))
    assert rule in {each.rule for each in report.failures}
    assert sorted(map(str, report.differences)) == sorted(differences)
    assert not any(each.note for each in report.failures)


def test_what_is_needed_only_by_what_is_left_out_later_is_left_out_too(suite: Suite) -> None:
    """Init seems to be needed until AppendPing is gone."""
    fails = {("Init", "AppendPing", "Commit"), ("Init", "Commit"), ("Commit",)}

    def execute(case: Case) -> CaseResult:
        told = tuple(each.command for each in case.scenario.actions)
        return CaseResult(case, Status.FAILED if told in fails else Status.PASSED)

    actions = tuple(Tell(each) for each in ("Init", "AppendPing", "Commit"))
    case = suite.compiler.compile(Scenario("", actions, chart=suite.chart.name))
    found = shortest(
        CaseResult(case, Status.FAILED), suite.compiler.compile, execute, lambda _: True
    )
    assert found
    assert [each.command for each in found[0].case.scenario.actions] == ["Commit"]


@pytest.mark.slow
def test_what_is_printed(run_object: Runs) -> None:
    printed = text(run_object("another target"))
    for line in (
        "  Commit in Summarized is answered otherwise",
        "  the rule Commit.1: Only a summarized workflow can be committed.",
        '      2 PostSummary(code=2, message="text 2") in Initialized',
        "  ✗   3 Commit() in Summarized",
        "  8 more cases alike, such as 1-143ad5b3935b3a35",
        "level 1  sequential       48 passed, 9 failed",
    ):
        assert line in printed.splitlines()
    assert printed.splitlines()[-1] == "deviates: 9 of 57 cases failed; level 1 at bound n"


@pytest.mark.slow
def test_a_failure_at_several_levels_is_told_once(run_object: Runs) -> None:
    report = run_object("another target", 1, 2)
    assert [each.rule for each in report.failures] == ["Commit.1"]
    assert 1 + len(report.failures[0].alike) == len(report.unexpected)
    assert {each.case.level for each in report.unexpected} == {1, 2}


@pytest.mark.slow
def test_a_thousand_pings_are_shrunk_to_those_that_are_needed(run_object: Runs) -> None:
    most = 100 if EXHAUSTIVE else 20
    report = run_object(f"at most:{most}", 3)
    (failure,) = report.failures
    assert [each.command for each in failure.shortest.case.scenario.actions] == [
        "Init",
        *["AppendPing"] * (most + 1),
    ]
    assert not failure.note
    printed = text(report)
    assert f"… {most - 8} more steps …" in printed
    assert f"{most + 2} AppendPing(code={most + 2}" in printed


@pytest.mark.slow
def test_a_flaky_adapter_is_called_so(run_object: Runs) -> None:
    (failure,) = run_object("flaky:Init").failures
    assert failure.note == FLAKY
    assert failure.shortest.exchanges


# --- The replay ---------------------------------------------------------------------------------


def shell(line: str) -> subprocess.CompletedProcess[str]:
    place = Path(sys.executable).parent
    return subprocess.run(
        ["/bin/sh", "-c", line],
        env=os.environ | {"PATH": f"{place}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def replayed(failure: Failure) -> list[str]:
    done = shell(failure.replay)
    assert done.returncode == 1, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "name",
    ["no events:Commit", "truncated", 'it\'s "quoted"'] if EXHAUSTIVE else ["no events:Commit"],
)
def test_the_replay_fails_in_the_same_way(run_child: Runs, name: str) -> None:
    level = DEVIATIONS[name][0] if name in DEVIATIONS else 1
    line = ("pingregistrywf", "conform", "--adapter", command(name))
    failure, *_ = run_child(name, level, command=line).failures
    printed = replayed(failure)
    assert f"  {failure.shortest.why}" in printed
    assert f"  replay: {failure.replay}" in printed
    assert printed[-1] == f"deviates: 1 of 1 case failed; level {level} at bound n+2"


@pytest.mark.slow
def test_a_replay_that_passes_is_no_conformance() -> None:
    script = '{"chart": "ping_registry", "level": 1, "do": [{"tell": "Commit"}]}'
    done = shell(f"pingregistrywf conform --python tests.none: --replay '{script}'")
    assert done.returncode == 2
    reference = "pingregistrywf adapter --journal memory:"
    done = shell(f"pingregistrywf conform --adapter '{reference}' --replay '{script}'")
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1] == "incomplete: 1 case run; a replay is not the suite"


# --- Again and again ----------------------------------------------------------------------------


def without_seconds(report: RunResult) -> str:
    return as_json(replace(report, seconds=0, level_seconds={}))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["right", "another target", "control characters", "other code:End"]
    if EXHAUSTIVE
    else ["another target"],
)
def test_every_run_reports_the_same(run_object: Runs, name: str) -> None:
    reports = {without_seconds(run_object(name)) for _ in range(20 if EXHAUSTIVE else 2)}
    assert len(reports) == 1


def test_every_run_reports_the_same_bytes(run_object: Runs) -> None:
    reports = {without_seconds(run_object("wrong bytes", 4)) for _ in range(2)}
    assert len(reports) == 1
    assert "{vid1}" in reports.pop()
