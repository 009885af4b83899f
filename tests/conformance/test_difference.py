"""Every failure says what differs, also where expected and got look alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf.chart.lower import read_model
from pingregistrywf.conformance.reports import text
from pingregistrywf.conformance.run import runner
from pingregistrywf.conformance.run.difference import of_replies
from pingregistrywf.conformance.run.result import Exit, Scope
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.selftest.subject import Answer, Subject
from pingregistrywf.conformance.suite import Suite

from ..tiers import some
from .adversary import ANSWERS
from .conftest import Runs

OTHER_WORKFLOW = Path(__file__).parents[1] / "other_workflow"


@pytest.mark.slow
def test_ids_that_do_not_grow(run_object: Runs) -> None:
    (failure, *_) = run_object("falling ids").failures
    (wrong,) = (each for each in failure.shortest.exchanges if not each.right)
    assert wrong.expect == wrong.got
    assert wrong.differs == "vid2 is not greater than vid1: ids of a history must grow"


FAILING_NO_CASE = {"right", "hello", "not claiming", "more keys", "unsupported", "pretends to die"}
# Where it is not level 1 at which they are seen first.
LEVELS = {"stale accepted": 2, **dict.fromkeys(("false", "float", "truncated", "unsigned"), 3)}
LEVELS |= {"wrong bytes": 4}


@pytest.mark.slow
@pytest.mark.parametrize("name", some(sorted(set(ANSWERS) - FAILING_NO_CASE), every=8))
def test_every_way_of_going_wrong_says_what_differs(run_object: Runs, name: str) -> None:
    argument = {"no events": ":Commit", "other code": ":End", "flaky": ":Init", "at most": ":2"}
    report = run_object(f"{name}{argument.get(name, '')}", LEVELS.get(name, 1))
    assert report.failures
    for failure in report.failures:
        wrong = [each for each in failure.shortest.exchanges if not each.right]
        assert all(each.differs for each in wrong), text(report)
        assert wrong or failure.shortest.why


def test_a_constant_of_a_chart_is_not_what_differs() -> None:
    suite = Suite(read_model([OTHER_WORKFLOW / "split_repo.yaml"]))

    def adapter() -> Answer:
        right = Subject(suite.chart)

        def answer(request: Mapping[str, Any]) -> dict[str, Any]:
            reply = right(request)
            if request["op"] == "find" and "ok" in reply:
                reply["ok"]["plan_id"] = "0" * 26
            return reply

        return answer

    report = run(Plan(suite, Scope((1,), "n")), ObjectTransport(adapter))
    (failure, *_) = report.failures
    (wrong,) = (each for each in failure.shortest.exchanges if not each.right)
    assert wrong.differs == f'ok.plan_id is "{"0" * 26}", should be null'
    tool = "538c7f96-b164-4f1b-97bb-9f4bb472e89f"
    assert wrong.expect["ok"]["tool_id"] == wrong.got["ok"]["tool_id"] == tool


@pytest.mark.slow
def test_a_failure_that_shows_nothing_is_not_printed(
    run_object: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*given: Any) -> Any:
        failure = explained(*given)
        steps = tuple(replace(each, differs="") for each in failure.shortest.exchanges)
        return replace(failure, shortest=replace(failure.shortest, exchanges=steps))

    explained = runner.explained
    monkeypatch.setattr(runner, "explained", silent)
    report = run_object("another target")
    assert report.exit is Exit.DEVIATES
    assert not report.failures
    assert "the runner cannot say what differs: this is a fault of the runner" in text(report)


@pytest.mark.parametrize(
    ("expect", "got", "differs"),
    [
        ({"ok": {}}, {"ok": {}}, ""),
        ({"ok": {}}, None, "there is no answer"),
        (None, {"ok": {}}, "the answer is ok, should be none: the adapter was to be killed"),
        (
            {"ok": {}},
            {"error": {"code": "Internal"}},
            'the answer is the error "Internal", should be ok',
        ),
        ({"error": {"code": "A"}}, {"error": {"code": "B"}}, 'error.code is "B", should be "A"'),
        ({"error": {"code": "A"}}, {"error": {}}, "error.code is missing"),
        ({"ok": {"vid": "a"}}, {"ok": {"vid": "a", "b": 1}}, "ok has b, too"),
        ({"ok": {"n": 0}}, {"ok": {"n": 0.0}}, "ok.n is 0.0, should be 0"),
        ({"ok": {"n": 0}}, {"ok": {"n": False}}, "ok.n is false, should be 0"),
        ({"ok": {"n": [1]}}, {"ok": {"n": []}}, "ok.n has 0 parts, should have 1"),
        ({"ok": {"n": "ab"}}, {"ok": {"n": "ac"}}, 'ok.n is "ac", should be "ab"'),
        (
            {"ok": {"n": "a" * 99 + "b" * 99}},
            {"ok": {"n": "a" * 99 + "c"}},
            f'ok.n from character 100 on is "c", should be "{"b" * 30}… (99 characters)"',
        ),
        (
            {"ok": {"n": "a" * 255 + "b"}},
            {"ok": {"n": "a" * 255}},
            'ok.n from character 256 on is "", should be "b"',
        ),
    ],
)
def test_in_words(expect: Any, got: Any, differs: str) -> None:
    assert of_replies(expect, got) == differs
