"""The explorer on a history of a real journal, and what it writes of a run: story and scenario."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

from pingregistrywf import NO_VC, PingRegistry, open_journal

from ..nats.cluster import Cluster
from ..scenarios.interpreter import played
from .conftest import Opened, until_a_signal
from .test_browser import FIRST, INDEX, chain, everything, ids, location, run, tell
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


def explored(journal: str, *words: str) -> AbstractContextManager[str]:
    command = [
        sys.executable,
        "-m",
        "pingregistrywf",
        "events",
        "lab",
        "--service" if journal.startswith("grpc") else "--journal",
        journal,
    ]
    return until_a_signal([*command, "--explore", "--json", *words])


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


def test_a_history_too_long_for_a_link(tmp_path: Path, open_page: Opened) -> None:
    journal = f"sqlite:{tmp_path / 'journal.db'}"
    with open_journal(journal) as opened:
        registry = PingRegistry(opened, "lab")
        registry.begin(WORKFLOWS[0])
        for number in range(1001):
            registry.ping(WORKFLOWS[0], number, "")
    with explored(journal, "--workflow", str(WORKFLOWS[0])) as url:
        page = open_page(url)
        expect(page.locator("#place")).to_have_text("1002 of 1002: AppendPing")
        page.locator("#undo").click()
        expect(page.locator("#place")).to_have_text("1001 of 1002: AppendPing")
        page.locator("#share").click()
        expect(page.locator("#shared")).to_contain_text("A link holds at most 1000 actions.")
        # The address holds no half of it, so a reload opens the history again.
        page.reload()
        expect(page.locator("#place")).to_have_text("1002 of 1002: AppendPing")
        page.locator("#timeline").fill("1000")
        restored = open_page(page.url)
        expect(restored.locator("#place")).to_have_text("1000 of 1000: AppendPing")


@contextmanager
def served(journal: str) -> Iterator[str]:
    """Serve a journal's registry; gives the URL of the service."""
    command = [sys.executable, "-m", "pingregistrywf", "serve", "--journal", journal]
    command += ["--registry", "lab", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
        try:
            assert service.stderr
            found = re.search(r"address=(127\.0\.0\.1:\d+)", service.stderr.readline())
            assert found
            yield f"grpc://{found[1]}"
        finally:
            service.terminate()


def test_a_workflow_behind_a_service(journal: str, open_page: Opened) -> None:
    with served(journal) as url, explored(url, "--workflow", str(WORKFLOWS[1])) as address:
        page = open_page(address)
        expect(page.locator("#answer")).to_contain_text("events 1 to 5 of 5")
        expect(page.locator("#current")).to_have_text("Terminated")


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


def trim(url: str) -> list[tuple[str, str]]:
    """Write a registry whose index begins with a snapshot; return its events' ids and parents."""
    with open_journal(url) as opened:
        registry = PingRegistry(opened, "lab")
        for workflow in WORKFLOWS:
            registry.begin(workflow)
        registry.expire(WORKFLOWS[0])
        registry.indexes.snapshot(registry.index_id, NO_VC, False)
        assert opened.trim(registry.index_id)
        registry.expire(WORKFLOWS[1])
        registry.begin(UUID(int=4))
        events = registry.indexes.events(registry.index_id)
        assert events[0].parent
        return [(str(event.id), str(event.parent)) for event in events]


TRIMMED = (
    "Its oldest events were trimmed, so it starts with a snapshot of 3 entries."
    " Events 1 to 5 of 5 are shown"
)


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[tuple[str, str]]]:
    url = f"sqlite:{tmp_path_factory.mktemp('trimmed') / 'journal.db'}"
    return url, trim(url)


@pytest.fixture(scope="module")
def trimmed_page(
    trimmed: tuple[str, list[tuple[str, str]]], open_page: Opened
) -> Iterator[tuple[Page, str]]:
    """A page with a trimmed index, and its address."""
    with explored(trimmed[0]) as url:
        yield open_page(url), url


@pytest.fixture
def started(trimmed_page: tuple[Page, str]) -> Page:
    """The page with a trimmed index as it is at first."""
    page, url = trimmed_page
    page.goto("about:blank")
    page.goto(url)
    return page


def test_a_trimmed_index_starts_with_its_snapshot(
    started: Page, trimmed: tuple[str, list[tuple[str, str]]]
) -> None:
    _, recorded = trimmed
    expect(started.locator("#answer")).to_contain_text(TRIMMED)
    expect(started.locator("article[data-selected]")).to_contain_text("Older events were trimmed.")
    assert ids(started, INDEX) == recorded
    entries = started.locator("article[data-selected] .entries > li")
    expect(entries).to_have_count(4)
    key = started.locator("[id$=-key-workflow_id]")
    expect(started.locator("#place")).to_have_text("2 of 2: BeginPingRegistry")
    started.locator("#timeline").fill("0")
    expect(started.locator("#place")).to_have_text("0 of 2: a snapshot of 3 entries")
    expect(entries).to_have_count(3)
    # What the snapshot lists can be chosen, and its states are those of the journal.
    for workflow, state in zip(WORKFLOWS, ["Completed", "Active", "Active"], strict=True):
        key.select_option(str(workflow))
        expect(started.locator("#current")).to_have_text(state)
    started.keyboard.press("Control+Shift+Z")
    started.keyboard.press("Control+Shift+Z")
    assert ids(started, INDEX) == recorded
    tell(started, "Snapshot")
    expect(started.locator("#answer")).to_contain_text("the history is rewritten")


def test_a_link_holds_the_start(started: Page, open_page: Opened) -> None:
    started.locator("#undo").click()
    known = ids(started, INDEX)
    assert len(known) == 4
    other = open_page(started.url)
    expect(other.locator("#answer")).to_contain_text(
        "Ping registry index 1 starts with a snapshot of 3 entries, and actions 1 to 1 follow."
    )
    assert ids(other, INDEX) == known
    expect(other.locator("#place")).to_have_text("1 of 1: CommitPingRegistry")
    other.locator("#undo").click()
    again = open_page(location(other))
    assert ids(again, INDEX) == known[:3]
    again.locator("#again").click()
    assert ids(again, INDEX) == []
    assert "#" not in again.url


def test_a_link_with_a_start_that_is_none(started: Page, trimmed_page: tuple[Page, str]) -> None:
    started.locator("#timeline").fill("0")
    version, mark, _, data = started.url.partition("#")[2].split(".")
    text = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)).decode()
    (place, history, parent, events), *rows = json.loads(text)
    begin, (kind, vid, (entry, *_)), end = events
    wrong = {
        "no end": [begin, [kind, vid, [entry]]],
        "no beginning": [[kind, vid, [entry]], end],
        "more than a snapshot": [*events, begin],
        "ids that do not grow": [end, [kind, vid, [entry]], begin],
        "an entry without its key": [begin, [kind, vid, [[None, *entry[1:]]]], end],
        "an entry with too little": [begin, [kind, vid, [entry[:-1]]], end],
        "an entry of another type": [begin, [kind, vid, [["<b>", *entry[1:]]]], end],
    }
    starts = [[place, history, parent, each] for each in wrong.values()]
    starts += [
        [0, history, parent, events],
        [place, 10, parent, events],
        [place, history, 1, events],
    ]
    for start in starts:
        damaged = json.dumps([start, *rows]).encode()
        data = base64.urlsafe_b64encode(damaged).decode().rstrip("=")
        started.goto("about:blank")
        started.goto(f"{trimmed_page[1]}#{version}.{mark}.{fnv(data)}.{data}")
        expect(started.locator("#answer")).to_contain_text("The link is damaged")
        assert ids(started, INDEX) == []


def fnv(text: str) -> str:
    """The hash of a link's data: FNV-1a with 32 bits, to the base 36."""
    value = 0x811C9DC5
    for letter in text.encode():
        value = (value ^ letter) * 0x01000193 & 0xFFFFFFFF
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def test_what_starts_with_a_snapshot_says_so_elsewhere(started: Page) -> None:
    says = "starts with a snapshot of 3 entries"
    expect(started.locator("#drawn svg .start")).to_have_text(says)
    expect(started.locator("#sequence")).to_contain_text(f"Ping registry index 1 {says}.")
    assert f"    Note over h1: {says}" in text(started, "mermaid").splitlines()
    file = ElementTree.fromstring(text(started, "svg"))
    assert [each.text for each in file.iter() if each.get("class") == "start"] == [says]
    for kind in ("python", "case", "adapter", "scenario"):
        started.locator(f"[name=as][value={kind}]").check()
        expect(started.locator("#no-text")).to_contain_text("begins with empty histories")
        expect(started.locator("#text")).to_be_hidden()
        expect(started.locator("#save")).to_be_hidden()
    started.locator("#again").click()
    expect(started.locator("#no-text")).to_be_hidden()
    expect(started.locator("#text")).to_be_visible()
    expect(started.locator("#drawn")).to_be_hidden()


def test_a_trimmed_index_behind_a_service(
    trimmed: tuple[str, list[tuple[str, str]]], open_page: Opened
) -> None:
    journal, recorded = trimmed
    with served(journal) as url, explored(url) as address:
        page = open_page(address)
        expect(page.locator("#answer")).to_contain_text(TRIMMED)
        assert ids(page, INDEX) == recorded


def test_a_trimmed_index_on_nats(nats_server: Cluster, open_page: Opened) -> None:
    journal = nats_server.url("trimmed")
    recorded = trim(journal)
    with explored(journal) as address:
        page = open_page(address)
        expect(page.locator("#answer")).to_contain_text(TRIMMED)
        assert ids(page, INDEX) == recorded


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
