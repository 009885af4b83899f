"""The site: its examples run, its names exist, and it asks nothing of other hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from uuid import uuid4

import pytest

import pingregistrywf
from pingregistrywf import (
    EPOCH,
    ArgumentNotIdempotentError,
    Behavior,
    CmdAppendPing,
    CmdInit,
    CmdPostSummary,
    JournalError,
    NewEventsError,
    Status,
)

from .snippets import python_snippets, run_snippets

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TEXT = {page.name: page.read_text(encoding="utf-8") for page in PAGES}

# The exported names of the published documentation of the 2019 package.
_GO_NAMES = """
NoVC RetryNoVC IsPackageError New Advancer Advancer.Advance ArgumentNotIdempotentError
ArgumentNotIdempotentError.Arg ArgumentNotIdempotentError.Error Behavior Behavior.NewAdvancer
Behavior.NewEvent Behavior.NewState Behavior.Tell CmdAbortExpired
CmdAbortExpired.AggregateCommand CmdAppendPing CmdAppendPing.Code CmdAppendPing.Message
CmdAppendPing.AggregateCommand CmdCommit CmdCommit.AggregateCommand CmdDelete
CmdDelete.AggregateCommand CmdEnd CmdEnd.AggregateCommand CmdInit CmdInit.RegistryId
CmdInit.AggregateCommand CmdPostSummary CmdPostSummary.Code CmdPostSummary.Message
CmdPostSummary.AggregateCommand Event Event.UnmarshalProto EventTypeError EventTypeError.Error
InvalidCommandError InvalidCommandError.Error JournalError JournalError.Err JournalError.Error
JournalError.Unwrap NewEventsError NewEventsError.Err NewEventsError.Error NewEventsError.Unwrap
State State.AggregateState State.Id State.NumPings State.Pings State.RegistryId State.SetVid
State.StateCode State.SummaryStatus State.Vid StateCode StateUninitialized StateInitialized
StateAppending StateSummarized StateCompleted StateTerminated StateConflictError
StateConflictError.Error Status Status.Code Status.Message Status.EventId UninitializedError
UninitializedError.Error Workflows Workflows.AbortExpired Workflows.AppendPing Workflows.Commit
Workflows.Delete Workflows.End Workflows.FindId Workflows.Init Workflows.PostSummary
"""
GO = _GO_NAMES.split()

# Attributes that instances have and classes do not.
INSTANCES = {
    "ArgumentNotIdempotentError": ArgumentNotIdempotentError("RegistryId"),
    "CmdAppendPing": CmdAppendPing(code=0, message=""),
    "CmdInit": CmdInit(registry_id=uuid4()),
    "CmdPostSummary": CmdPostSummary(code=0, message=""),
    "JournalError": JournalError(ValueError()),
    "NewEventsError": NewEventsError(ValueError()),
    "State": Behavior().new_state(uuid4()),
    "Status": Status(event_id=EPOCH),
}

NAMES = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", TEXT["names.md"], re.MULTILINE)


def test_each_go_name_has_a_row() -> None:
    assert sorted(go for go, _ in NAMES) == sorted(GO)


@pytest.mark.parametrize(("go", "python"), NAMES, ids=[go for go, _ in NAMES])
def test_each_python_name_resolves(go: str, python: str) -> None:
    name, _, attribute = python.partition(".")
    assert name in pingregistrywf.__all__
    value = getattr(pingregistrywf, name)
    if attribute:
        assert hasattr(INSTANCES.get(name, value), attribute)


@pytest.mark.parametrize("page", [p for p in TEXT if p != "charts.md" and python_snippets(TEXT[p])])
def test_the_examples_run(page: str, tmp_path: Path) -> None:
    run_snippets(python_snippets(TEXT[page]), tmp_path)


def test_the_example_chart_generates_a_package_that_runs(tmp_path: Path) -> None:
    text = TEXT["charts.md"]
    chart = re.search(r"^```yaml\n(chart: parcel\n.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert chart is not None
    (tmp_path / "parcel.yaml").write_text(chart[1], encoding="utf-8")
    shell = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    commands = [line for block in shell for line in block.splitlines()]
    assert len(commands) == 3
    for command in commands:
        program, *arguments = command.split()
        assert program == "pingregistrywf"
        run([sys.executable, "-m", "pingregistrywf", *arguments], tmp_path)
    run_snippets(python_snippets(text), tmp_path)
    check = ["generate", "--check", "--model", "parcel.yaml", "--package", "workflows"]
    run([sys.executable, "-m", "pingregistrywf", *check], tmp_path)


def run(command: list[str], directory: Path, **environment: str) -> str:
    ran = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(made)]
    run(command, ROOT, NO_MKDOCS_2_WARNING="1")
    return made


class Loads(HTMLParser):
    """Collects what a browser loads for a page by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in {"script", "img", "iframe", "source", "object", "video"}:
            self.found += [attributes[name] or "" for name in ("src", "data") if name in attributes]
        if tag == "link" and attributes.get("rel") not in {"canonical", "edit", "next", "prev"}:
            self.found.append(attributes.get("href") or "")


@pytest.mark.xdist_group("site")
def test_the_site_asks_nothing_of_other_hosts(site: Path) -> None:
    pages = list(site.glob("*.html"))
    assert len(pages) >= len(PAGES)
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert not [url for url in loads.found if "//" in url], page.name
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"url\(\s*['\"]?(https?:)?//", text), style.name


@pytest.mark.xdist_group("site")
def test_the_site_fills_in_what_the_chart_says(site: Path) -> None:
    page = (site / "behaviour.html").read_text(encoding="utf-8")
    assert "EV_FSO_SERVER_PINGED 112" in page
    assert "+ServerPinged" in page
    assert "EV_SNAPSHOT_BEGIN 141" in page
    assert "<!-- table" not in page
    assert "keyed_by" in (site / "charts.html").read_text(encoding="utf-8")


def test_the_pages_stand_alone() -> None:
    for text in (*TEXT.values(), (ROOT / "README.md").read_text(encoding="utf-8")):
        assert "shared/" not in text
        assert "godoc.txt" not in text


def test_what_the_code_refers_to_is_there() -> None:
    sections = set(re.findall(r"^## (\d+)\.", TEXT["behaviour.md"], re.MULTILINE))
    assert sections == {str(number) for number in range(1, 9)}
    last = TEXT["behaviour.md"].split("## 8.")[1]
    points = set(re.findall(r"^(\d+)\. ", last, re.MULTILINE))
    assert points == set(re.findall(r"^\| (\d+) \|", TEXT["differences.md"], re.MULTILINE))
    for source in (ROOT / "src").rglob("*.py"):
        text = " ".join(source.read_text(encoding="utf-8").split())
        for section, point in re.findall(r"behaviour\.md, sections? (\d)(?:, (\d+))?", text):
            assert section in sections, source
            assert not point or (section == "8" and point in points), source
