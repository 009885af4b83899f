"""Expected failures: an excuse holds for its case, until its day, and as long as it is needed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from pingregistrywf.conformance.reports import badge, expected_failures
from pingregistrywf.conformance.run.expected import (
    ExpectedFailures,
    ExpectedFailuresError,
    read_expected,
)
from pingregistrywf.conformance.run.result import Exit, RunResult, Scope
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.levels import LEVELS

from ..tiers import some
from .conftest import Runs
from .documented import documented

pytestmark = pytest.mark.slow

TODAY = date(2026, 7, 1)


def entry(id: str, expires: str = "2026-07-01") -> str:
    return (
        f'[[expected_failure]]\nid = "{id}"\nreason = "Not yet."\n'
        f'issue = "https://example.org/issues/7"\nexpires = {expires}\n'
    )


def run_with(run_object: Runs, place: Path, name: str, *entries: str) -> RunResult:
    file = place / "expected.toml"
    file.write_text("\n".join(entries), encoding="utf-8")
    manifest = [each.case.id for each in run_object("right").results]
    return run_object(name, expected=read_expected(file), today=TODAY, manifest=manifest)


@pytest.fixture(scope="module")
def failing(run_object: Runs) -> list[str]:
    return [each.case.id for each in run_object("noop that emits").unexpected]


@pytest.mark.slow
def test_all_that_fails_is_listed(run_object: Runs, tmp_path: Path, failing: list[str]) -> None:
    entries = [entry(each) for each in failing]
    report = run_with(run_object, tmp_path, "noop that emits", *entries)
    count = len(failing)
    assert report.exit is Exit.CONFORMS
    assert report.verdict == f"conforms except {count} listed: level 1 at bound n, 57 cases"
    assert not report.failures
    assert f"conforms except {count}: level 1" in badge(report)


@pytest.mark.slow
def test_one_is_not_listed(run_object: Runs, tmp_path: Path, failing: list[str]) -> None:
    entries = [entry(each) for each in failing[1:]]
    report = run_with(run_object, tmp_path, "noop that emits", *entries)
    assert report.exit is Exit.DEVIATES
    assert report.verdict.startswith(f"deviates: 1 of 57 cases failed, beside {len(failing) - 1}")
    assert [each.result.case.id for each in report.failures] == failing[:1]


@pytest.mark.parametrize(
    ("id", "expires", "why"),
    [
        ("", "2026-07-01", "is expected to fail, but passes: remove it from the list"),
        ("1-0", "2026-07-01", "is expected to fail, but the suite has no such case"),
        ("", "2026-06-30", "was expected to fail until 2026-06-30: https://example.org/issues/7"),
    ],
)
def test_an_excuse_that_does_not_hold(
    run_object: Runs, tmp_path: Path, failing: list[str], id: str, expires: str, why: str
) -> None:
    report = run_with(run_object, tmp_path, "right", entry(id or failing[0], expires))
    assert report.exit is Exit.DEVIATES
    assert report.verdict == f"deviates: {id or failing[0]} {why}"


def test_an_excuse_that_has_expired_is_a_failure_though_its_case_fails(
    run_object: Runs, tmp_path: Path, failing: list[str]
) -> None:
    entries = [entry(each) for each in failing[1:]]
    late = entry(failing[0], "2026-06-30")
    report = run_with(run_object, tmp_path, "noop that emits", late, *entries)
    assert report.exit is Exit.DEVIATES
    assert "until 2026-06-30" in report.verdict


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[[expected_failure]\n", "expected.toml is no TOML: "),
        ("[[expected_failures]]\n", "write [[expected_failure]] above each entry, and nothing"),
        ("expected_failure = 1\n", "write [[expected_failure]] above each entry"),
        (
            "expected_failure = [1]\n",
            "entry 1: its keys are id, rule, title, level, pattern, reason",
        ),
        (
            entry("1-a") + 'by = "me"',
            "entry 1: its keys are id, rule, title, level, pattern, reason",
        ),
        (entry("1-a") + entry("1-b", '"soon"'), "entry 2: expires is a date, like 2027-01-31"),
        (entry("1-a", "2026-07-01T00:00:00"), "entry 1: expires is a date, like 2027-01-31"),
        (entry("1-a").replace("Not yet.", ""), "entry 1: reason is a text that is not empty"),
        (entry("1-a").replace("https:", "see "), "entry 1: issue is the URL of an issue"),
        (entry("1-a") + entry("1-a"), "entry 2: 1-a is listed twice"),
        (entry("1-a").replace('id = "1-a"', ""), "entry 1: say which cases by id, rule, title"),
        (entry("1-a").replace('id = "1-a"', "id = 7"), "entry 1: id is the id of a case, or a"),
        ("\xff", "expected.toml is no TOML: "),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: str, why: str) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(ExpectedFailuresError) as caught:
        read_expected(file)
    told = str(caught.value)
    assert told.startswith(str(file))
    assert why in told
    assert "\n" not in told


def listed(place: Path, **keys: object) -> ExpectedFailures:
    """A file of one entry with these keys."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    file = place / "listed.toml"
    more = ['reason = "Not yet."', "expires = 2026-07-01"]
    file.write_text("\n".join(["[[expected_failure]]", *lines, *more]), encoding="utf-8")
    return read_expected(file)


@pytest.mark.parametrize(
    ("keys", "exit"),
    some(
        [
            ({"rule": "Init.2"}, Exit.DEVIATES),  # some cases of the rule pass
            ({"pattern": "Init with the same arguments*", "flaky": True}, Exit.DEVIATES),
            ({"level": 1, "flaky": True}, Exit.CONFORMS),
            ({"pattern": "*", "flaky": True}, Exit.CONFORMS),
            ({"level": 2}, Exit.DEVIATES),
            ({}, Exit.CONFORMS),
        ],
        every=3,
    ),
)
def test_what_an_entry_is_about(
    run_object: Runs, tmp_path: Path, failing: list[str], keys: dict[str, object], exit: Exit
) -> None:
    expected = listed(tmp_path, **(keys or {"id": failing}))
    report = run_object("noop that emits", expected=expected, today=TODAY)
    assert report.exit is exit, report.verdict


def test_an_entry_of_which_some_cases_pass(
    run_object: Runs, tmp_path: Path, failing: list[str]
) -> None:
    report = run_object("noop that emits", expected=listed(tmp_path, level=1), today=TODAY)
    passed = 57 - len(failing)
    assert report.verdict.startswith(
        f"deviates: level 1 is expected to fail, but {passed} of its 57 cases pass, such as 1-"
    )


def test_an_entry_that_is_about_no_case(run_object: Runs, tmp_path: Path) -> None:
    expected = listed(tmp_path, title="No such title", level=2)
    scope = Scope((2,), "n+2")
    report = run_object("right", expected=expected, today=TODAY, scope=scope)
    assert report.verdict == (
        "deviates: title No such title, level 2 is expected to fail, but no case of the suite is"
        " such"
    )
    # A run that leaves something out says nothing of it.
    assert run_object("right", expected=expected, today=TODAY).exit is Exit.CONFORMS


def test_what_failed_is_written_as_a_file(
    run_object: Runs, tmp_path: Path, failing: list[str]
) -> None:
    report = run_object("noop that emits")
    file = tmp_path / "first.toml"
    file.write_text(expected_failures(report, TODAY), encoding="utf-8")
    expected = read_expected(file)
    assert 0 < len(expected) < len(failing)
    assert any(each.rule and not each.id for each in expected)
    assert {each.expires for each in expected} == {date(2026, 9, 29)}
    assert run_object("noop that emits", expected=expected, today=TODAY).exit is Exit.CONFORMS


@pytest.mark.exhaustive
def test_the_documented_differences_are_described_in_few_entries(
    suite: Suite, tmp_path: Path
) -> None:
    scope = Scope(tuple(LEVELS), "n")
    report = run(Plan(suite, scope), ObjectTransport(documented))
    assert len(report.unexpected) > 200
    file = tmp_path / "documented.toml"
    file.write_text(expected_failures(report, TODAY), encoding="utf-8")
    expected = read_expected(file)
    assert len(expected) < 30
    again = run(Plan(suite, scope, expected=expected, today=TODAY), ObjectTransport(documented))
    assert again.exit is Exit.CONFORMS, again.verdict
    assert again.excused == len(report.unexpected)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ExpectedFailuresError, match="no such file"):
        read_expected(tmp_path / "expected.toml")
