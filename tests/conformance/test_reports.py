"""Reports for others: JUnit's XML for its consumers, a page for people, a badge for everybody."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from playwright.sync_api import Browser, Page, expect

from pingregistrywf.conformance.reports import as_json, badge, junit, page, text
from pingregistrywf.conformance.run.result import RunResult, Status
from pingregistrywf.conformance.suite import Suite

from ..tiers import some
from ..tools import node_modules
from .conftest import Runs

pytestmark = pytest.mark.slow

SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


@pytest.fixture(scope="module")
def deviating(run_object: Runs) -> RunResult:
    return run_object("another target")


@pytest.fixture(scope="module")
def nasty(run_object: Runs) -> RunResult:
    return run_object("control characters")


@pytest.fixture(scope="module")
def partial(run_object: Runs) -> RunResult:
    return run_object("not claiming:delete,wire", 1, 4)


# --- What was claimed ---------------------------------------------------------------------------


def test_the_verdict_says_what_was_not_claimed(partial: RunResult) -> None:
    assert partial.verdict == (
        "conforms: level 1 at bound n, 43 cases; not claimed: level 4, delete in level 1"
    )
    assert "level 1  sequential       43 passed, 14 not claimed (delete)" in text(partial)
    assert "conforms: level 1, without delete" in badge(partial)
    told = json.loads(as_json(partial))
    assert told["not_claimed"] == "level 4, delete in level 1"
    assert [each["lacking"] for each in told["levels"]] == [["delete"], ["delete", "wire"]]


def test_nothing_is_said_where_all_was_claimed(run_object: Runs) -> None:
    report = run_object("right")
    assert report.verdict == "conforms: level 1 at bound n, 57 cases"
    assert "conforms: level 1<" in badge(report)


# --- JUnit --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["deviating", "nasty", "partial"])
def test_junitparser_counts_the_same(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    report: RunResult = request.getfixturevalue(name)
    file = tmp_path / "junit.xml"
    file.write_text(junit(report), encoding="utf-8")
    read = JUnitXml.fromfile(str(file))
    cases = [case for suite in read for case in suite]
    kinds = [type(result) for case in cases for result in case.result]
    counts = (read.tests, read.failures, read.errors, read.skipped)
    assert counts == (len(cases), kinds.count(Failure), kinds.count(Error), kinds.count(Skipped))
    assert counts == (
        len(report.results),
        report.count(Status.FAILED),
        0,
        report.count(Status.NOT_CLAIMED),
    )
    read.update_statistics()
    assert counts == (read.tests, read.failures, read.errors, read.skipped)
    assert len({(case.classname, case.name) for case in cases}) == len(cases)


def test_a_run_without_a_verdict_is_an_error(run_object: Runs) -> None:
    report = run_object('hello:{"protocol": 2}')
    read = JUnitXml.fromstring(junit(report).encode())
    assert (read.tests, read.errors) == (1, 1)
    assert "protocol 2" in junit(report)


def test_control_characters(nasty: RunResult) -> None:
    for written in (text(nasty), junit(nasty), as_json(nasty)):
        written.encode()
        assert not {"\x00", "\x1b", "\u202e"} & set(written) or written == as_json(nasty)
    (failure,) = json.loads(as_json(nasty))["failures"]
    assert failure["steps"][0]["got"]["error"]["code"].endswith("\x00\x1b[31m\u202e\ud800\ufffe")
    assert "\\u0000\\u001b[31m\\u202e\\ud800\\ufffe" in junit(nasty)


# --- The badge ----------------------------------------------------------------------------------


def test_the_badge(deviating: RunResult) -> None:
    root = ElementTree.fromstring(badge(deviating))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(words) == {"ping_registry", "deviates: 9 cases"}


# --- The page -----------------------------------------------------------------------------------


def opened(browser: Browser, suite: Suite, report: RunResult, place: Path, **screen: Any) -> Page:
    """A report's page in a browser; it may ask for nothing else, and run no script."""
    file = place / "report.html"
    file.write_text(page(report, suite.chart), encoding="utf-8")
    context = browser.new_context(**screen)
    shown = context.new_page()
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("dialog", lambda dialog: asked.append(dialog.message))
    shown.goto(file.as_uri())
    assert asked == [file.as_uri()]
    return shown


@pytest.mark.parametrize("screen", some(SCREENS, every=3))
def test_the_page(
    browser: Browser, suite: Suite, deviating: RunResult, tmp_path: Path, screen: str
) -> None:
    shown = opened(browser, suite, deviating, tmp_path, **SCREENS[screen])
    (failure,) = deviating.failures
    expect(shown.get_by_role("heading", level=1)).to_have_text(deviating.verdict)
    case = shown.locator(f'[id="{failure.result.case.id}"]')
    expect(case.get_by_text("Commit in Summarized is answered otherwise")).to_be_visible()
    expect(case.get_by_text("Only a summarized workflow can be committed.")).to_be_visible()
    expect(case.locator("li.wrong")).to_contain_text("PingRegistryCompleted")
    expect(case.locator("pre")).to_have_text(failure.replay)
    expect(
        case.get_by_text("from Summarized, Commit goes to Terminated, should go to Completed")
    ).to_be_visible()
    widths = shown.evaluate(
        """() => [...document.querySelectorAll("g[data-source]")].map(
             (arrow) => [arrow.closest("svg").dataset.chart + " " + arrow.dataset.source + " to "
                         + arrow.dataset.target + " by " + arrow.dataset.command,
                         getComputedStyle(arrow.querySelector(".line")).strokeWidth])"""
    )
    assert [each for each, width in widths if width == "4px"] == [
        "ping_registry-learned Summarized to Terminated by Commit",
        "ping_registry Summarized to Completed by Commit AbortExpired",
    ]
    marked = shown.evaluate(
        """() => [...document.querySelectorAll("[data-chart$=learned] tspan")]
             .filter((each) => getComputedStyle(each).textDecorationLine == "underline")
             .map((each) => each.closest("g").dataset.source + " " + each.textContent)"""
    )
    assert marked == ["Summarized Commit"]
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown.evaluate((node_modules() / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    assert not shown.evaluate("async () => (await axe.run()).violations.map(({ id }) => id)")


def test_what_an_adapter_answers_is_text_on_the_page(
    browser: Browser, suite: Suite, nasty: RunResult, tmp_path: Path
) -> None:
    shown = opened(browser, suite, nasty, tmp_path)
    expect(shown.locator("li.wrong dd").last).to_contain_text("]]>&<script>alert(1)</script>")
    assert shown.locator("script").count() == 0


def test_a_page_of_what_conforms(
    browser: Browser, suite: Suite, partial: RunResult, tmp_path: Path
) -> None:
    shown = opened(browser, suite, partial, tmp_path)
    expect(shown.get_by_role("heading", level=1)).to_have_text(partial.verdict)
    expect(shown.get_by_role("heading", name="Failures")).to_have_count(0)
    expect(shown.get_by_role("row", name="4 wire")).to_contain_text("(delete, wire)")
