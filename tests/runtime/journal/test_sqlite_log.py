"""The log stays short, returns to its limit after a reader that stays, and is told of."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from pingregistrywf import NO_VC, CmdInit, Workflows, open_journal
from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import Entry
from pingregistrywf.runtime.journal.inspection import Log
from pingregistrywf.runtime.journal.sqlite.journal import SqliteJournal
from pingregistrywf.runtime.journal.sqlite.log import LOG_LIMIT
from pingregistrywf.testing.journal import CHART

from ...command_line import run
from ...nats.cluster import wait_until

if TYPE_CHECKING:
    from .conftest import User

HISTORY = UUID(int=7)
LARGE = 400_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "j.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    opened = open_journal(f"sqlite:{path}")
    assert isinstance(opened, SqliteJournal)
    with opened:
        append(opened, HISTORY, 200, 10)
        yield opened


def append(journal: SqliteJournal, history: UUID, times: int, size: int = LARGE) -> None:
    """Append entries of a size, all in one turn if they are small."""
    ids = UlidSource()
    head = journal.read(history).head
    if size < LARGE:
        entries = []
        parent = head.vid
        for _ in range(times):
            entries.append(Entry(ids.next(parent), parent, b"x" * size))
            parent = entries[-1].id
        journal.commit(history, head, entries, chart=CHART)
        return
    for _ in range(times):
        entry = Entry(ids.next(head.vid), head.vid, b"x" * size)
        head = journal.commit(history, head, [entry], chart=CHART)


def log(journal: SqliteJournal) -> Log:
    found = journal.log()
    assert found is not None
    return found


@pytest.mark.parametrize("ends", ["stop_iterating", "kill"])
def test_after_a_reader_that_stayed_the_log_returns_to_its_limit(
    journal: SqliteJournal, path: Path, new_user: Callable[[], User], ends: str
) -> None:
    reader = new_user()
    reader("open", path)
    reader("iterate", path)
    append(journal, uuid4(), 24)
    assert log(journal).size > LOG_LIMIT
    assert list(log(journal).readers) == [reader.pid]
    reader("stop_iterating") if ends == "stop_iterating" else reader.kill()
    append(journal, HISTORY, 1, 10)
    append(journal, HISTORY, 1, 10)
    assert log(journal).size <= LOG_LIMIT
    assert not log(journal).readers


def test_reads_that_leave_no_gap_do_not_make_the_log_grow(
    journal: SqliteJournal, path: Path, new_user: Callable[[], User]
) -> None:
    readers = [new_user() for _ in range(3)]
    for reader in readers:
        reader("open", path)
        reader.send("read_on", path)
    append(journal, uuid4(), 80)
    size = log(journal).size
    for reader in readers:
        reader.kill()
    assert size < 3 * LOG_LIMIT


def test_listing_holds_nothing(journal: SqliteJournal) -> None:
    histories = journal.histories()
    next(histories)
    assert not log(journal).readers


def test_info_and_doctor_name_who_keeps_the_log(
    journal: SqliteJournal, path: Path, new_user: Callable[[], User]
) -> None:
    reader = new_user()
    reader("open", path)
    reader("iterate", path)
    append(journal, uuid4(), 24)
    size = log(journal).size
    info = run("journal", "info", "--journal", journal.url).stdout
    assert f"log: {size:,} bytes, read by process {reader.pid} (" in info
    *_, totals = run("journal", "info", "--json", "--journal", journal.url).stdout.splitlines()
    fields = json.loads(totals)
    assert (fields["log_bytes"], fields["log_readers"]) == (size, [reader.pid])
    doctor = run("doctor", "--json", "--journal", journal.url).stdout.splitlines()
    (check,) = (each for each in map(json.loads, doctor) if each["check"] == "log")
    assert check["verdict"] == "note"
    assert f"process {reader.pid} (" in check["text"]
    assert check["remedy"].startswith("end a reader that stays")


def test_an_export_that_nobody_reads_holds_nothing(journal: SqliteJournal) -> None:
    workflows, workflow = Workflows(journal), uuid4()
    workflows.init(workflow, CmdInit(registry_id=workflow))
    workflows.append_ping(workflow, NO_VC, code=0, message="x" * LARGE)
    command = [sys.executable, "-m", "pingregistrywf", "journal", "export", "--history", workflow]
    with subprocess.Popen(
        [*map(str, command), "--journal", journal.url], stdout=subprocess.PIPE
    ) as export:
        assert export.stdout is not None
        assert export.stdout.read(1) == b"{"
        # It may still be reading what it writes next; then it waits for somebody who reads.
        wait_until(lambda: not log(journal).readers, 60, lambda: "it holds the log")
        assert export.poll() is None
        export.kill()


def test_no_log_is_told_of_where_there_is_none(path: Path) -> None:
    open_journal(f"sqlite:{path}").close()
    opened = open_journal(f"sqlite:{path}?mode=ro")
    assert isinstance(opened, SqliteJournal)
    with opened:
        assert opened.log() is None
