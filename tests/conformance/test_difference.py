"""Every failure says what differs, also where expected and got look alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pingregistrywf.conformance.reports import text
from pingregistrywf.conformance.run import runner
from pingregistrywf.conformance.run.difference import of_replies
from pingregistrywf.conformance.run.result import Exit

from ..tiers import some
from .adversary import ANSWERS
from .conftest import Runs


@pytest.mark.slow
def test_ids_that_do_not_grow(run_object: Runs) -> None:
    (failure, *_) = run_object("falling ids").failures
    (wrong,) = (each for each in failure.shortest.exchanges if not each.right)
    assert wrong.expect == wrong.got
    assert wrong.differs == "vid2 is not greater than vid1: ids of a history must grow"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", some(sorted(set(ANSWERS) - {"right", "hello", "not claiming"}), every=8)
)
def test_every_way_of_going_wrong_says_what_differs(run_object: Runs, name: str) -> None:
    argument = {"no events": ":Commit", "other code": ":End", "flaky": ":Init", "at most": ":2"}
    report = run_object(f"{name}{argument.get(name, '')}", 1)
    for failure in report.failures:
        wrong = [each for each in failure.shortest.exchanges if not each.right]
        assert all(each.differs for each in wrong), text(report)
        assert wrong or failure.shortest.why


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
