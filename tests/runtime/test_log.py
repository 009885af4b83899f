"""What the run time logs, under public names: the message is an action, its facts are fields."""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pingregistrywf import (
    NO_VC,
    RETRY_NO_VC,
    CmdInit,
    DBError,
    Journal,
    JournalOpenError,
    PingRegistry,
    Workflows,
    open_journal,
)
from pingregistrywf.coordination.daemon import Server
from pingregistrywf.runtime import log
from pingregistrywf.runtime.journal import NO_HEAD, opening
from pingregistrywf.testing.journal import DAY, post

from .raced import Raced


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "pingregistrywf")
    return caplog


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait is long after a moment."""
    monkeypatch.setattr(log, "NOTICE_SECONDS", 0.01)


def told(logs: pytest.LogCaptureFixture) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Logger, level, action and fields of each record; clears them."""
    found = [
        (each.name.removeprefix("pingregistrywf."), each.levelname, each.message, each.fields)  # type: ignore[attr-defined]
        for each in logs.records
    ]
    logs.clear()
    return found


def waits(logs: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Action and holder of each wait that was noticed, and the action alone when it was over."""
    found = []
    for name, level, action, fields in told(logs):
        if level == "INFO":
            assert name == "journal"
            assert "seconds" in fields or "holder" in fields
            found.append((action, fields.get("holder", "")))
    return found


# --- Journals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["memory:", "sqlite:{place}/pings.db"])
def test_opened_and_closed(url: str, tmp_path: Path, logs: pytest.LogCaptureFixture) -> None:
    url = url.format(place=tmp_path)
    journal = open_journal(url)
    assert told(logs) == [("journal", "DEBUG", "opened", {"url": url})]
    journal.close()
    journal.close()
    assert told(logs) == [("journal", "DEBUG", "closed", {"url": url})]


def test_a_password_in_a_url_is_not_logged(
    logs: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_open_installed", lambda *_, **__: None)
    open_journal("elsewhere://user:secret@host:4222/pings")
    assert told(logs) == [("journal", "DEBUG", "opened", {"url": "elsewhere://host:4222/pings"})]


def test_collected(journal: Journal, clock: Any, logs: pytest.LogCaptureFixture) -> None:
    head, _ = post(journal, history := uuid4(), NO_HEAD, 3)
    journal.delete(history, head)
    told(logs)
    journal.collect()
    assert told(logs) == []
    journal.collect(clock() + 40 * DAY)
    fields = {"entries": 3, "freed": str(history)}
    assert told(logs) == [("journal", "INFO", "collected", fields)]


def test_files_that_are_opened_again(tmp_path: Path, logs: pytest.LogCaptureFixture) -> None:
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        head, _ = post(journal, history := uuid4(), NO_HEAD)
        told(logs)
        for suffix in ("wal", "shm"):
            (tmp_path / f"pings.db-{suffix}").unlink()
        post(journal, history, head)
        assert told(logs) == [("journal", "WARNING", "opened files again", {"url": journal.url})]


@contextmanager
def heard(field: str) -> Iterator[threading.Event]:
    """Yield an event, which is set once a record with that field is logged."""
    event, handler = threading.Event(), logging.Handler()
    handler.addFilter(lambda record: event.set() if field in record.fields else False)  # type: ignore[attr-defined,func-returns-value]
    log.JOURNAL.addHandler(handler)
    yield event
    log.JOURNAL.removeHandler(handler)


# --- Waits ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
def test_a_thread_waits_for_another(tmp_path: Path, logs: pytest.LogCaptureFixture) -> None:
    with open_journal(f"sqlite:{tmp_path}/pings.db?timeout=30") as journal:
        waiting = threading.Thread(target=post, args=(journal, uuid4(), NO_HEAD))
        with heard("holder") as event, journal.exclusive(uuid4()):
            waiting.start()
            assert event.wait(30)
        waiting.join()
    assert waits(logs) == [
        ("waiting for the turn to write", "another thread of this process"),
        ("waiting for the turn to write: done", ""),
    ]


@pytest.mark.usefixtures("impatient")
def test_another_program_holds_sqlites_lock(tmp_path: Path, logs: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "pings.db"
    with open_journal(f"sqlite:{path}?timeout=0.5") as journal:
        post(journal, uuid4(), NO_HEAD)  # opens a connection, which may take long
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DBError):
                post(journal, uuid4(), NO_HEAD)
        post(journal, uuid4(), NO_HEAD)
    assert waits(logs) == [
        ("waiting for SQLite's lock", "another program"),
        ("waiting for SQLite's lock: gave up", ""),
    ]


@pytest.mark.usefixtures("impatient")
def test_another_process_opens_the_file(tmp_path: Path, logs: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "pings.db"
    open_journal(f"sqlite:{path}").close()
    with (tmp_path / "pings.db-open").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(JournalOpenError):
            open_journal(f"sqlite:{path}?timeout=0.5")
    assert waits(logs) == [
        ("waiting to open the journal's file", "another thread of this process"),
        ("waiting to open the journal's file: gave up", ""),
    ]


def test_a_short_wait_is_not_logged(
    tmp_path: Path, logs: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "NOTICE_SECONDS", 60.0)  # a busy machine may need a second
    path = tmp_path / "pings.db"
    with (
        open_journal(f"sqlite:{path}?timeout=0.1") as journal,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DBError):
            post(journal, uuid4(), NO_HEAD)
    assert waits(logs) == []


# --- Commands and daemons -------------------------------------------------------------------------


def test_each_lost_race(journal: Journal, logs: pytest.LogCaptureFixture) -> None:
    others = Workflows(journal)
    begun = others.init(history := uuid4(), CmdInit(registry_id=uuid4()))
    raced = Raced(journal, [lambda: others.append_ping(history, NO_VC, 0, "other")])
    workflows = Workflows(raced, sleep=lambda _: None)  # type: ignore[arg-type]
    told(logs)
    workflows.append_ping(history, RETRY_NO_VC, 0, "private")
    (lost,) = told(logs)
    fields = {"command": "CmdAppendPing", "history": str(history), "attempt": 1}
    stored = {"stored": str(others.events(history)[1].id), "expected": str(begun)}
    assert lost == ("commands", "DEBUG", "lost a race", fields | stored)


def test_no_ping_is_quoted_from_info_upwards(
    journal: Journal, logs: pytest.LogCaptureFixture
) -> None:
    registry = PingRegistry(journal, "demo")
    registry.begin(workflow := uuid4())
    list(Server(registry, "alpha", pings=2).take_part(workflow))
    records = [each for each in told(logs) if each[1] != "DEBUG"]
    assert [(name, action) for name, _, action, _ in records] == [("server", "pinged")] * 2
    assert "alpha ping" not in str(records)
