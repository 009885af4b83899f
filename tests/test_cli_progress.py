"""Nothing is silent for long: on a terminal, what takes long shows how far it is."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest

from pingregistrywf import open_journal
from pingregistrywf.cli.progress import progress
from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.selftest.matrix import SelfTest
from pingregistrywf.coordination.registry import PingRegistry

from .command_line import environment, on_terminal, read_terminal, run
from .nats.cluster import Cluster
from .test_cli_mistakes import CHART

WORKFLOW = UUID("3f0c9a52-6a5b-4c1e-9a57-2f1d8c7b6e01")
PINGS = 40


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:{tmp_path / 'pings.db'}"
    fill(url)
    return url


def fill(url: str) -> None:
    """Make a journal with a workflow of ``PINGS`` pings."""
    with open_journal(url) as journal:
        registry = PingRegistry(journal, "reg")
        registry.begin(WORKFLOW)
        for number in range(PINGS):
            registry.ping(WORKFLOW, 0, f"alpha ping {number}")


def test_what_works_on_a_journal(url: str, tmp_path: Path) -> None:
    events = PINGS + 2
    file, copy = tmp_path / "pings.jsonl", tmp_path / "copy.db"
    for words, total in (
        (("verify",), f"{events}/{events} events"),
        (("export", str(file)), f"{events}/{events} events"),
        (("backup", str(copy)), f"{events}/{events} events"),
    ):
        shown = on_terminal("journal", *words, "--journal", url)
        assert total in shown, words
    back = f"sqlite:{tmp_path / 'back.db'}"
    shown = on_terminal("journal", "restore", str(copy), "--journal", back)
    assert "checking and restoring," in shown
    assert "there were no old files" in shown
    size = f"{2 * file.stat().st_size / 1000:.1f}"
    other = f"sqlite:{tmp_path / 'other.db'}"
    shown = on_terminal("journal", "import", str(file), "--journal", other)
    assert f"{size}/{size} kB" in shown
    assert "2 histories imported" in shown
    assert run("journal", "verify", "--journal", other).stderr == ""


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_backup_shows_its_events_in_one_line(url: str, tmp_path: Path, width: int) -> None:
    words = ("journal", "backup", str(tmp_path / "copy.db"), "--journal", url)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\r", on_terminal(*words, width=width))
    bars = [line for line in re.split(r"[\r\n]+", shown) if re.search("copying|checking", line)]
    assert bars
    for bar in bars:
        amount = rf"[ ━╸╺]{{{20 if width >= 80 else 8}}} +\d+/{PINGS + 2} events \d:\d\d:\d\d *$"
        assert re.search(rf" (copying|checking) {amount}", bar), bar
        assert len(bar) <= width
    assert f" {PINGS + 2}/{PINGS + 2} events " in bars[-1]


@pytest.mark.parametrize(
    ("total", "counts"), [(1_234_567, "      890/1,234,567 events"), (None, " 0:00:0")]
)
def test_thousands_are_separated(total: float | None, counts: str) -> None:
    shown = io.StringIO()
    shown.isatty = lambda: True  # type: ignore[method-assign]
    with (
        patch.object(sys, "stderr", shown),
        patch.dict(os.environ, environment(TERM="xterm")),
        progress("checking", total, "events") as advance,
    ):
        advance(890)
    assert counts in shown.getvalue()


def test_what_works_on_nats_servers(nats_server: Cluster, tmp_path: Path) -> None:
    url, events = nats_server.url(f"s{uuid4().hex}"), PINGS + 2
    fill(url)
    file, copy = tmp_path / "pings.jsonl", tmp_path / "copy.db"
    for *words, what in (
        ("verify", "checking"),
        ("export", str(file), "exporting"),
        ("backup", str(copy), "checking"),
    ):
        shown = on_terminal("journal", *words, "--journal", url)
        assert re.search(rf" {what} [ ━╸╺]+ {events}/{events} events", shown), words
    size = f"{2 * file.stat().st_size / 1000:.1f}"
    other = nats_server.url(f"s{uuid4().hex}")
    shown = on_terminal("journal", "import", str(file), "--journal", other)
    assert f"{size}/{size} kB" in shown
    assert "2 histories imported" in shown


def test_a_wait(url: str) -> None:
    shown = on_terminal("get", "reg", "--workflow", "3f", "--wait", "0.1", "--journal", url)
    assert "waiting for the summary of 0.1 s," in shown
    assert "summary  101 appending" in shown
    done = run("get", "reg", "--workflow", "3f", "--wait", "0.1", "--journal", url)
    assert done.stderr == ""


def test_generate(tmp_path: Path) -> None:
    (tmp_path / "lamp.yaml").write_text(CHART)
    words = ("--model", str(tmp_path / "lamp.yaml"), "--package", str(tmp_path / "lamps"))
    shown = on_terminal("generate", *words)
    assert "3/4 steps" in shown
    assert "comparing with what is there" in shown
    assert run("generate", *words, "--check").stderr == ""


def test_a_bundle_and_a_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without their work: what is shown at the start is shown as long as it lasts."""
    monkeypatch.setattr("pingregistrywf.conformance.bundle.write_bundle", lambda *_: None)
    monkeypatch.setattr("pingregistrywf.formal.proof.obligations.decided", lambda _: iter(()))
    monkeypatch.setattr("pingregistrywf.formal.proof.report.table", lambda _: "all proved")
    file = tmp_path / "bundle.zip"
    assert "writing the bundle," in on_terminal("conform", "bundle", str(file))
    assert run("conform", "bundle", str(file)).stderr == ""
    assert "proving," in on_terminal("prove")
    assert run("prove").stderr == ""


def test_what_goes_into_a_pipe_is_the_answer_alone(url: str) -> None:
    """Also where standard error is a terminal."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pingregistrywf", "journal", "verify", "--json", "--journal", url],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env=environment(TERM="xterm"),
    ) as process:
        os.close(theirs)
        shown = read_terminal(ours)
        out, _ = process.communicate()
    os.close(ours)
    assert b"events" in shown
    assert out.count("\n") == 1
    assert out.startswith('{"journal": ')


@pytest.mark.slow
def test_the_self_test_knows_how_many_groups_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its work, which takes minutes: everything broken counts as found at once."""
    for name in ("kills", "finds", "finds_departure"):
        monkeypatch.setattr(SelfTest, name, lambda *_: True)
    monkeypatch.setattr(SelfTest, "_failing", lambda *_: ())
    test = SelfTest(suite_of([]), bound="n+1")
    begun: list[str] = []
    test.run(begun.append)
    assert len(begun) == test.groups() > 5
