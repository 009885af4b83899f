"""What the explorer writes for elsewhere: it runs there, and comes to the same."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from playwright.sync_api import Page

from pingregistrywf import explorer
from pingregistrywf.chart.lower import read_model
from pingregistrywf.conformance.suite.case_file import schema
from pingregistrywf.generate import artefacts

from ..command_line import run
from .conftest import Opened
from .test_browser import FIRST, INDEX, OTHERS, chain, everything, tell

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def page(open_page: Opened, url: str) -> Page:
    """A page on which something of everything was done."""
    opened = open_page(url)
    everything(opened)
    return opened


def text(page: Page, kind: str) -> str:
    page.locator(f"[name=as][value={kind}]").check()
    return page.locator("#text").input_value()


def test_python_runs_and_comes_to_the_same_events(page: Page) -> None:
    program = text(page, "python")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + program
    lines = [line.split() for line in done.stdout.splitlines()]
    events = [line[0] for line in lines if len(line) == 2 and len(line[1]) == 26]
    assert events == [
        each for card in (FIRST, INDEX, "history-ping_registry-2") for each in chain(page, card)
    ]
    # What was refused here is refused there.
    assert [re.split(" stored | [(]", line)[0] for line in done.stdout.splitlines()[:6]] == [
        "journal error: version conflict:",
        "crashed after step 1",
        "state conflict: PostSummary is not allowed in Completed",
        "state conflict: Commit is not allowed in Uninitialized",
        "invalid command: AppendPing: code: Input should be less than or equal to 2147483647",
        "The index does not list the workflow as the command needs it.",
    ]
    assert program.count("    print(error)  # ") == 5


def test_adapter_lines_are_answered_in_the_same_way(page: Page) -> None:
    lines = text(page, "adapter")
    done = subprocess.run(
        [sys.executable, "-m", "pingregistrywf", "adapter"],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert [reply["id"] for reply in replies] == list(range(len(lines.splitlines())))
    expected = [step["expect"] for step in json.loads(text(page, "case"))["steps"]]
    told = replies[1:-1]
    assert len(told) == len(expected) > 15
    for reply, step in zip(told, expected, strict=True):
        if "error" in step:
            assert reply["error"]["code"] == step["error"]["code"]
        else:
            assert shape(reply["ok"]["events"]) == shape(step["ok"]["events"])


def shape(events: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(each["event"], sorted(each["fields"])) for each in events]


def test_the_case_can_be_run(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(text(page, "case"), encoding="utf-8")
    jsonschema.validate(json.loads(file.read_text(encoding="utf-8")), schema())
    adapter = shlex.join([sys.executable, "-m", "pingregistrywf", "adapter"])
    done = run("conform", "--adapter", adapter, "--case", str(file))
    assert done.returncode == 3, done.stdout
    assert done.stdout.splitlines()[-1] == "incomplete: 1 case run; a replay is not the suite"
    states = [step["state"] for step in json.loads(text(page, "case"))["steps"]]
    assert {"Uninitialized", "Summarized", "Completed", "Absent", "Active"} <= set(states)


def test_python_of_another_teams_package(open_page: Opened, tmp_path: Path) -> None:
    model = read_model([OTHERS / "split_repo.yaml", OTHERS / "leases.yaml"])
    artefacts.write(artefacts.theirs(model), tmp_path / "packages_of_theirs")
    (written,) = explorer.write(model, tmp_path, package="packages_of_theirs")
    page = open_page(written.as_uri())
    tell(page, "Init", "AcceptPlan", "PostAnalysis", "AcceptPlan", "StartCopy", "Fail", "End")
    page.locator("#history-leases-1").click()
    tell(page, "TakeLease", "TakeLease", "BreakLease", "TakeLease", "ReturnLease")
    program = text(page, "python")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr + program
    events = [line.split()[0] for line in done.stdout.splitlines() if len(line.split()) == 2]
    both = ("history-split_repo-1", "history-leases-1")
    assert events == [each for card in both for each in chain(page, card)]


def test_the_clipboard(open_page: Opened, url: str) -> None:
    page = open_page(url, permissions=["clipboard-read", "clipboard-write"])
    tell(page, "Init")
    page.locator("#copy").click()
    page.get_by_text("The text is on the clipboard.").wait_for()
    read = "navigator.clipboard.readText()"
    assert page.evaluate(read) == page.locator("#text").input_value()
    page.locator("#share").click()
    page.get_by_text("The link is on the clipboard.").wait_for()
    assert page.evaluate(read) == page.url
