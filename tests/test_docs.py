"""The pages: their examples run, their names exist.  The site that they become is in tests/site."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
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

from .changed_chart.changed import APPROVAL
from .snippets import python_snippets, run_snippets
from .tools import node_modules, require_tool

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TEXT = {
    page.relative_to(DOCS).as_posix(): page.read_text(encoding="utf-8")
    for page in sorted(DOCS.rglob("*.md"))
}
CHARTS = "how-to/chart.md"
TESTED_ELSEWHERE = (CHARTS, "how-to/testing.md")
"""Pages whose examples need a generated package; tests/testing/test_fixtures.py runs the second."""
BEHAVIOUR = TEXT["reference/behaviour.md"]

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

NAMES = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", TEXT["reference/names.md"], re.MULTILINE)


def messages() -> list[str]:
    """The texts of the package, with … for what is put into them, without docstrings."""
    found = []
    for path in sorted(Path(pingregistrywf.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {each.value for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", None) for part in node.values)
                found.append("".join(part if isinstance(part, str) else "…" for part in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.extend([] if node in prose else [node.value])
    return found


def test_the_errors_of_the_page_on_troubles_are_those_of_the_package() -> None:
    told = re.findall(r"^\| `([^`]+)` \|", TEXT["troubleshooting.md"], re.MULTILINE)
    texts = messages()
    assert len(told) > 20
    assert [each for each in told if not any(each in text for text in texts)] == []


def test_each_go_name_has_a_row() -> None:
    assert sorted(go for go, _ in NAMES) == sorted(GO)


@pytest.mark.parametrize(("go", "python"), NAMES, ids=[go for go, _ in NAMES])
def test_each_python_name_resolves(go: str, python: str) -> None:
    name, _, attribute = python.partition(".")
    assert name in pingregistrywf.__all__
    value = getattr(pingregistrywf, name)
    if attribute:
        assert hasattr(INSTANCES.get(name, value), attribute)


@pytest.mark.parametrize(
    "page", [p for p in TEXT if p not in TESTED_ELSEWHERE and python_snippets(TEXT[p])]
)
def test_the_examples_run(page: str, tmp_path: Path) -> None:
    # The diagrams' page has its files beside it, as whoever downloads them has.
    shutil.copytree(DOCS / "generated", tmp_path, dirs_exist_ok=True)
    run_snippets(python_snippets(TEXT[page]), tmp_path)


def test_the_example_in_javascript_runs(tmp_path: Path) -> None:
    (example,) = re.findall(
        r"^```js\n(.*?)^```$", TEXT["reference/diagrams.md"], re.MULTILINE | re.DOTALL
    )
    shutil.copytree(DOCS / "generated", tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(node_modules())
    (tmp_path / "example.mjs").write_text(example, encoding="utf-8")
    printed = run([require_tool("node"), "example.mjs"], tmp_path)
    assert printed.split() == ["PingRegistryStarted", "ServerPinged", "Appending"]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is found by its name."""
    # A program of that name, not a function: a daemon in the background is then the job itself.
    path = tmp_path / "bin" / "pingregistrywf"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pingregistrywf "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


@pytest.mark.slow
@pytest.mark.usefixtures("program")
def test_the_tutorials_lines_for_the_shell_run(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", TEXT["tutorial.md"], re.MULTILINE | re.DOTALL)
    script = [
        "set -eu",
        "trap 'kill $(jobs -p) 2>&- || :' EXIT",
        *blocks,
    ]
    printed = run(["bash", "-c", "\n".join(script)], tmp_path)
    assert re.search(r"^summary +100 ", printed, re.MULTILINE)
    assert re.search(r"PingRegistryCommitted +Terminated", printed)
    assert re.search(r"^11111111-2222-4333-8444-555555555555 +Terminated", printed, re.MULTILINE)
    assert re.search(r"^End +Completed +→ Terminated", printed, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.usefixtures("program")
def test_the_example_chart_generates_a_package_that_runs(tmp_path: Path) -> None:
    text = TEXT[CHARTS]
    chart = re.search(r"^```yaml\n(chart: parcel\n.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert chart is not None
    (tmp_path / "parcel.yaml").write_text(chart[1], encoding="utf-8")
    (tmp_path / "approval.yaml").write_text(approval(text), encoding="utf-8")
    shell = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    commands = [line for block in shell for line in block.splitlines() if " verify " not in line]
    assert len(commands) == 5
    for command in commands:
        # One level at the smallest bound is enough to see that it runs.
        run(["sh", "-c", command.replace(" conform ", " conform --level 1 --bound n ")], tmp_path)
    run_snippets(python_snippets(text), tmp_path)
    run([*commands[-1].split(), "--check"], tmp_path)


def approval(text: str) -> str:
    """The chart of the second example."""
    (chart,) = re.findall(r"^```yaml\n(chart: approval\n.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(chart)


def test_the_second_example_is_the_chart_that_tests_change() -> None:
    """Its changes are those of tests/chart/test_diff.py and of the page about changing a chart."""
    _, _, chart = APPROVAL.read_text(encoding="utf-8").partition("\n")
    assert approval(TEXT[CHARTS]) == chart


def run(command: list[str], directory: Path) -> str:
    ran = subprocess.run(
        command,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_pages_stand_alone() -> None:
    for text in (*TEXT.values(), (ROOT / "README.md").read_text(encoding="utf-8")):
        assert "shared/" not in text
        assert "godoc.txt" not in text


def test_the_page_on_conformance_knows_how_many_cases_there_are() -> None:
    manifest = ROOT / "src/pingregistrywf/_generated/ping_registry/suite.txt"
    ids = [line for line in manifest.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert f" some {round(len(ids), -2):,} cases" in TEXT["conformance.md"]


def test_what_the_code_refers_to_is_there() -> None:
    sections = set(re.findall(r"^## (\d+)\.", BEHAVIOUR, re.MULTILINE))
    assert sections == {str(number) for number in range(1, 9)}
    last = BEHAVIOUR.split("## 8.")[1]
    points = set(re.findall(r"^(\d+)\. ", last, re.MULTILINE))
    assert points == set(
        re.findall(r"^\| (\d+) \|", TEXT["explanation/differences.md"], re.MULTILINE)
    )
    titles = {text.partition("\n")[0].removeprefix("# ") for text in TEXT.values()}
    for source in (ROOT / "src").rglob("*.py"):
        text = " ".join(source.read_text(encoding="utf-8").split())
        assert not re.search(r"\b(behaviour|wire|sharing)\.md\b", text), source
        for title, places in re.findall(r"\bdocumentation: ([A-Z][\w ]*)([^.);]*)", text):
            assert title.strip() in titles, source
            for section in re.findall(r"sections? (\d)", places):
                assert title == "Behaviour", source
                assert section in sections, source
            for point in re.findall(r"points? (\d+)", places):
                assert "section 8" in places, source
                assert point in points, source
