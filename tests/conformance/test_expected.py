"""Expected failures: an excuse holds for its case, until its day, and as long as it is needed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pingregistrywf.conformance.reports import badge
from pingregistrywf.conformance.run.expected import ExpectedFailuresError, read_expected
from pingregistrywf.conformance.run.result import Exit, RunResult

from .conftest import Runs

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
        ("expected_failure = [1]\n", "entry 1: its keys are id, reason, issue, expires"),
        (entry("1-a") + 'by = "me"', "entry 1: its keys are id, reason, issue, expires"),
        (entry("1-a") + entry("1-b", '"soon"'), "entry 2: expires is a date, like 2027-01-31"),
        (entry("1-a", "2026-07-01T00:00:00"), "entry 1: expires is a date, like 2027-01-31"),
        (entry("1-a").replace("Not yet.", ""), "entry 1: reason is a text that is not empty"),
        (entry("1-a").replace("https:", "see "), "entry 1: issue is the URL of an issue"),
        (entry("1-a") + entry("1-a"), "entry 2: 1-a is listed twice"),
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


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ExpectedFailuresError, match="no such file"):
        read_expected(tmp_path / "expected.toml")
