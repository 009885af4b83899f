"""The explorer on a history of a real journal, and what it writes of a run: story and scenario."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

from pingregistrywf import NO_VC, PingRegistry, open_journal

from ..scenarios.interpreter import played
from .conftest import Opened
from .test_browser import FIRST, INDEX, chain, everything, ids, run, tell
from .test_copy import text

pytestmark = pytest.mark.exhaustive

WORKFLOWS = [UUID(int=number) for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A journal with workflows of a registry: expired, committed, pinged; and a snapshot."""
    url = f"sqlite:{tmp_path_factory.mktemp('recorded') / 'journal.db'}"
    expired, committed, pinged = WORKFLOWS
    with open_journal(url) as journal:
        registry = PingRegistry(journal, "lab")
        registry.begin(expired)
        registry.expire(expired)
        registry.begin(committed)
        registry.ping(committed, 0, "<b>alpha</b>")
        registry.gather(committed, 0, "all well")
        registry.snapshot()
        registry.commit(committed)
        registry.begin(pinged)
        for number in range(30):
            registry.ping(pinged, number, f"ping {number}")
    return url


@contextmanager
def explored(journal: str, *words: str) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "pingregistrywf",
        "events",
        "lab",
        "--service" if journal.startswith("grpc") else "--journal",
        journal,
    ]
    command += ["--explore", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield json.loads(process.stdout.readline())["url"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM


def test_a_workflow_of_a_journal_can_be_scrubbed_through(journal: str, open_page: Opened) -> None:
    _, committed, pinged = WORKFLOWS
    with open_journal(journal) as opened:
        events = PingRegistry(opened, "lab").workflows.events(committed)
        recorded = [(str(event.id), str(event.parent)) for event in events]
    with explored(journal, "--workflow", str(committed)) as url:
        page = open_page(url)
        expect(page.locator("#answer")).to_contain_text(
            f"This is the history {committed} of the journal: events 1 to 5 of 5"
        )
        expect(page.locator("#current")).to_have_text("Terminated")
        assert ids(page, FIRST) == recorded
        page.locator("#timeline").fill("2")
        expect(page.locator("#current")).to_have_text("Appending")
        # What others wrote is text.
        expect(page.locator(".chain")).to_contain_text('"<b>alpha</b>"')
        tell(page, "AbortExpired")
        expect(page.locator("#current")).to_have_text("Completed")
        restored = open_page(page.url)
        assert ids(restored, FIRST)[:2] == recorded[:2]
    with explored(journal, "--workflow", str(pinged)) as url:
        expect(open_page(url).locator("#place")).to_have_text("31 of 31: AppendPing")


def test_a_workflow_behind_a_service(journal: str, open_page: Opened) -> None:
    command = [sys.executable, "-m", "pingregistrywf", "serve", "--journal", journal]
    command += ["--registry", "lab", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
        try:
            assert service.stderr
            found = re.search(r"address=(127\.0\.0\.1:\d+)", service.stderr.readline())
            assert found
            url = f"grpc://{found[1]}"
            with explored(url, "--workflow", str(WORKFLOWS[1])) as address:
                page = open_page(address)
                expect(page.locator("#answer")).to_contain_text("events 1 to 5 of 5")
                expect(page.locator("#current")).to_have_text("Terminated")
        finally:
            service.terminate()


def test_an_index_of_a_journal_with_a_snapshot(journal: str, open_page: Opened) -> None:
    with open_journal(journal) as opened:
        registry = PingRegistry(opened, "lab")
        events = registry.indexes.events(registry.index_id)
        recorded = [(str(event.id), str(event.parent)) for event in events]
    with explored(journal) as url:
        page = open_page(url)
        assert ids(page, INDEX) == recorded
        entries = page.locator("article[data-selected] .entries > li")
        expect(entries).to_have_count(3)
        page.locator("[id$=-key-workflow_id]").select_option(str(WORKFLOWS[1]))
        expect(page.locator("#current")).to_have_text("Completed")


def test_a_trimmed_index_says_why_it_is_not_shown(tmp_path: Path, open_page: Opened) -> None:
    url = f"sqlite:{tmp_path / 'trimmed.db'}"
    with open_journal(url) as opened:
        registry = PingRegistry(opened, "lab")
        for workflow in WORKFLOWS:
            registry.begin(workflow)
        registry.indexes.snapshot(registry.index_id, NO_VC, False)
        assert opened.trim(registry.index_id)
    with explored(url) as address:
        page = open_page(address)
        answer = page.locator("#answer")
        expect(answer).to_contain_text("Its oldest events were trimmed")
        expect(answer).to_contain_text("it cannot show this one")
        expect(answer).not_to_contain_text("events 1 to 0")


def test_a_part_of_a_history_is_not_explored() -> None:
    words = ["events", "lab", "--journal", "memory:", "--explore", "--watch"]
    done = subprocess.run(
        [sys.executable, "-m", "pingregistrywf", *words], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "leave out --watch and --after" in done.stderr


@pytest.fixture(scope="module")
def page(open_page: Opened, url: str) -> Page:
    opened = open_page(url)
    everything(opened)
    return opened


def test_a_scenario_is_answered_as_it_is_written(page: Page, tmp_path: Path) -> None:
    written = text(page, "scenario")
    url = f"sqlite:{tmp_path / 'journal.db'}"
    answered = played(written, lambda clock: open_journal(url, clock=clock))
    pairs = list(zip(written.splitlines(), answered.splitlines(), strict=True))
    assert written.count("\nrun ") + written.count("\ntell ") == 15
    for ours, theirs in pairs:
        assert theirs.startswith(ours.partition("…")[0])
    unknown = [theirs.partition(":")[0] for ours, theirs in pairs if ours == "…"]
    assert unknown == [
        "JournalError(VersionConflictError)",
        "InvalidCommandError",
        "UnknownWorkflowError",
    ]


def test_the_story_is_drawn_and_written(page: Page) -> None:
    drawn = page.locator("#drawn svg")
    expect(drawn).to_contain_text("crash after step 1")
    expect(drawn).to_contain_text("BeginPingRegistry(Ping registry 1, …")
    expect(drawn.locator(".bad")).to_have_count(5)
    file = ElementTree.fromstring(text(page, "svg"))
    assert file.tag == "{http://www.w3.org/2000/svg}svg"
    assert any("✕ StateConflictError" in (each.text or "") for each in file.iter())
    diagram = text(page, "mermaid").splitlines()
    assert diagram[0] == "sequenceDiagram"
    assert "    participant h2 as Ping registry index 1" in diagram
    assert "    Note over you: crash after step 1" in diagram
    assert diagram.count("    end") == sum(line.startswith("    rect") for line in diagram)
    sent = [line for line in diagram if "->>h" in line]
    assert len(sent) == page.locator("#drawn .ask").count()


def test_what_is_saved_is_what_is_shown(page: Page, tmp_path: Path) -> None:
    shown = text(page, "mermaid")
    with page.expect_download() as waiting:
        page.locator("#save").click()
    assert waiting.value.suggested_filename == "explored.mmd"
    waiting.value.save_as(tmp_path / "saved")
    assert (tmp_path / "saved").read_text(encoding="utf-8") == shown


def test_a_story_of_refusals_alone(open_page: Opened, url: str) -> None:
    page = open_page(url)
    expect(page.locator("#drawn")).to_be_hidden()
    run(page, "begin", crash="0")
    expect(page.locator("#drawn")).to_contain_text("begin: crash before step 1")
    assert "Note over you: crash before step 1" in text(page, "mermaid")
    assert chain(page, FIRST) == []
