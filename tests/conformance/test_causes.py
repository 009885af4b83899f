"""One cause, one report: a wrong cell of the table is one group, however many cases meet it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from pingregistrywf.chart.ir import Arguments, Chart, Outcome
from pingregistrywf.chart.locate import load_model
from pingregistrywf.conformance.oracle import Cells
from pingregistrywf.conformance.reports import as_json, page, text
from pingregistrywf.conformance.run.result import RunResult, Scope
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.selftest.mutants import Mutant, first_order
from pingregistrywf.conformance.selftest.subject import Subject
from pingregistrywf.conformance.suite import Suite

from ..explorer.restored import restored
from ..tiers import EXHAUSTIVE, SOAK, some

pytestmark = pytest.mark.slow

CHART: Chart = load_model().main
REFUSED = {"outcome": Outcome.REJECT, "error": "StateConflictError"}


def ran(suite: Suite, cells: Cells, *levels: int, **more: Any) -> RunResult:
    plan = Plan(suite, Scope(levels, "n"), seed=1, **more)
    return run(plan, ObjectTransport(lambda: Subject(suite.chart, cells)))


def bent(*changes: tuple[str, str, Mapping[str, Any]]) -> Cells:
    """The chart's cells, of which some are changed."""
    cells = dict(CHART.cells)
    for command, state, change in changes:
        row = (command, Arguments.ANY)
        cells[row, state] = cells[row, state].model_copy(update=change)
    return cells


@cache
def mutants() -> tuple[Mutant, ...]:
    return tuple(first_order(CHART))


@pytest.mark.soak
@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(each, id=each.name)
        for each in mutants()[:: 1 if SOAK else 8 if EXHAUSTIVE else 80]
    ],
)
def test_one_wrong_cell_is_one_group(suite: Suite, mutant: Mutant) -> None:
    report = ran(suite, mutant.cells, 1, 2)
    (wrong,) = report.differences
    (failure,) = report.failures
    assert failure.causes == (wrong,)
    assert str(wrong).startswith(f"from {mutant.name.split(' in ')[1].split()[0]}, ")
    assert 1 + len(failure.alike) == len(report.unexpected)


@pytest.mark.parametrize(
    "name",
    [
        "Init with the same arguments in Uninitialized leads to Completed",
        "AppendPing in Initialized leads to Summarized",
        "Delete in Completed leads to Initialized",
    ],
)
def test_a_wrong_target_of_the_only_short_way_into_a_state_is_one_group(
    suite: Suite, name: str
) -> None:
    """The cells behind it answer otherwise, too, and are not blamed."""
    (cells,) = (each.cells for each in mutants() if each.name == name)
    report = ran(suite, cells, 1, 2)
    command, _, rest = name.partition(" in ")
    state, _, target = rest.partition(" leads to ")
    (failure,) = report.failures
    (cause,) = failure.causes
    assert str(cause).startswith(f"from {state}, {command} goes to {target}, should go to ")


LONGEST_WAY = [each for each in mutants() if each.name == "End in Terminated leads to Completed"]


@pytest.mark.parametrize(
    "mutant", [*LONGEST_WAY, *some(mutants()[::2], every=160)], ids=lambda mutant: mutant.name
)
def test_with_fail_fast_a_failure_is_explained_in_few_requests(
    suite: Suite, mutant: Mutant
) -> None:
    """To learn the machine would take some 4,100; a few of the wrong targets take 101."""
    subject = Subject(suite.chart, mutant.cells)
    asked = []
    at_failure = 0

    def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return subject(request)

    def progress(_done: int, _all: int | None, _level: int) -> None:
        nonlocal at_failure
        at_failure = len(asked)

    plan = Plan(suite, Scope((1,), "n"), fail_fast=1, progress=progress)
    (failure,) = run(plan, ObjectTransport(lambda: answer)).failures
    assert not failure.note
    assert len(asked) - at_failure <= 150


def test_with_fail_fast_failures_are_grouped_by_the_first_cell_that_differs(suite: Suite) -> None:
    """No machine is learned, and so no cause is told."""
    cells = bent(
        ("Commit", "Completed", REFUSED),
        ("End", "Terminated", REFUSED),
    )
    report = ran(suite, cells, 1, fail_fast=2)
    assert [str(each.first) for each in report.failures] == [
        "from Completed, Commit answers StateConflict, should append nothing",
        "from Terminated, End answers StateConflict, should append nothing",
    ]
    assert not any(each.causes for each in report.failures)
    assert "  first differs: from Completed, Commit answers StateConflict" in text(report)


def test_two_wrong_cells_are_two_groups(suite: Suite) -> None:
    cells = bent(
        ("Commit", "Completed", REFUSED),
        ("End", "Terminated", REFUSED),
    )
    report = ran(suite, cells, 1, 2)
    assert sorted(str(each) for failure in report.failures for each in failure.causes) == [
        "from Completed, Commit answers StateConflict, should append nothing",
        "from Terminated, End answers StateConflict, should append nothing",
    ]
    assert "  cause: from Completed, Commit answers StateConflict" in text(report)
    assert "<p>Cause: from Completed, Commit answers StateConflict" in page(report, CHART)


def test_groups_that_are_not_explained_are_counted(suite: Suite) -> None:
    cells = bent(
        ("Commit", "Completed", REFUSED),
        ("End", "Terminated", REFUSED),
    )
    report = ran(suite, cells, 1, explain=1)
    assert "failed, in 1 more group; --explain 2 explains them, too." in text(report)


def test_each_alike_case_keeps_its_title(suite: Suite) -> None:
    cells = bent(("Commit", "Summarized", {"target": "Terminated"}))
    report = ran(suite, cells, 1)
    (failure,) = json.loads(as_json(report))["failures"]
    titles = {each.case.id: each.case.title for each in report.unexpected}
    told = {each["id"]: each["title"] for each in failure["alike"]}
    assert told | {failure["id"]: failure["title"]} == titles
    assert failure["causes"] == [
        "from Summarized, Commit goes to Terminated, should go to Completed"
    ]


def test_the_explorer_opens_where_a_failing_sequence_ends(suite: Suite) -> None:
    cells = bent(("Commit", "Completed", REFUSED))
    report = ran(suite, cells, 1, explore=("pingregistrywf", "explore"))
    (failure,) = report.failures
    assert f"  explore: {failure.explorer}" in text(report)
    assert failure.explorer in page(report, CHART)
    *words, link = shlex.split(failure.explorer)
    assert words == ["pingregistrywf", "explore", "--link"]
    shown = restored(suite.model, link)
    assert shown["errors"] == [None] * len(failure.shortest.case.scenario.actions)
    (history,) = filter(None, shown["histories"])
    assert [name for name, _, _ in history] == ["PingRegistryStarted", "PingRegistryCompleted"]
