"""What the version before wrote: its file is migrated when it is opened, its export is read.

``version1/`` holds a journal of schema 1 as SQL, the export of it that the version before made, and
a process that runs that version's statements.
"""

from __future__ import annotations

import fcntl
import io
import logging
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, count, pairwise
from pathlib import Path
from uuid import UUID

import pytest

from pingregistrywf import RETRY_NO_VC, Workflows, open_journal
from pingregistrywf.runtime.errors import JournalError, JournalOpenError
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import ChartIdentity, Journal, Scanned
from pingregistrywf.runtime.transfer import import_, read_export
from pingregistrywf.runtime.verify import verify

from ..faults import Faults
from ..tiers import EXHAUSTIVE, SOAK
from .stocked import DECLARATIONS

HERE = Path(__file__).parent / "version1"
NOW = 1_702_678_400.0
"""When the journal was left, by its clock."""
PINGED = UUID("5ba84f25-9848-4cd7-92f7-f84ad344f1ef")
"""A workflow that takes more pings: six events, the third history of the file."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "pings.db"
    write(path)
    return path


def write(path: Path, *edits: str) -> None:
    """Write the journal of the version before, changed by statements."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((HERE / "journal.sql").read_text())
        for edit in edits:
            connection.execute(edit)
        connection.commit()
        connection.execute("PRAGMA journal_mode = WAL")


def opened(path: Path | str) -> Journal:
    url = "memory:" if path == "memory:" else f"sqlite:{path}?timeout=5"
    return open_journal(url, clock=lambda: NOW)


def taken_in(journal: Journal) -> Journal:
    """The journal, with what the version before exported."""
    text = io.BytesIO((HERE / "export.jsonl").read_bytes())
    list(import_(journal, read_export(text, DECLARATIONS, clock=journal.clock)))
    return journal


def contents(journal: Journal) -> dict[UUID, Scanned]:
    return {each.stored.id: each for each in journal.scan() if each.stored}


def newest(journal: Journal) -> Ulid:
    """The id of the newest event of ``PINGED``."""
    return journal.read(PINGED).head.vid


def test_a_file_is_migrated(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It holds the same as before, which an export of then tells, and it is sound."""
    with (
        caplog.at_level(logging.INFO, "pingregistrywf"),
        opened(path) as journal,
        taken_in(opened("memory:")) as expected,
    ):
        assert contents(journal) == contents(expected)
        assert list(verify(journal, DECLARATIONS)) == []
        assert "63 events" in caplog.messages[0]  # 61, and two marks of deletion
        caplog.clear()
    with opened(path) as journal, taken_in(opened("memory:")) as expected:
        assert contents(journal) == contents(expected)
        assert caplog.messages == []  # it is not migrated again


def test_an_export_is_taken_in(tmp_path: Path) -> None:
    with (
        taken_in(opened(tmp_path / "new.db")) as journal,
        taken_in(opened("memory:")) as expected,
    ):
        assert contents(journal) == contents(expected)
        assert list(verify(journal, DECLARATIONS)) == []


def test_events_get_positions_in_the_order_of_time(path: Path) -> None:
    with opened(path) as journal:
        found = contents(journal).values()
        written = sorted(
            chain.from_iterable(
                zip(
                    (w.position for w in each.written), (e.id for _, e in each.entries), strict=True
                )
                for each in found
            )
        )
        assert all(one < other for one, other in pairwise(position for position, _ in written))
        times = [vid.milliseconds for _, vid in written]
        assert times == sorted(times)
        charts = {each.stored.chart for each in found if each.stored}
        assert {w.chart for each in found for w in each.written} == set(map(ChartIdentity, charts))
        # The next one is behind all of them, marks of deletion included.
        Workflows(journal).append_ping(PINGED, RETRY_NO_VC, 0, "late")
        newest = max(w.position for each in contents(journal).values() for w in each.written)
        deleted = sum(each.stored.deleted_at is not None for each in found if each.stored)
        assert newest >= len(written) + deleted


EMPTIED = UUID("762957bd-e641-4d28-a7d5-2a1b4b835537")
"""A deleted workflow whose events are collected, the second history of the file."""
DAMAGED = {
    "data": (PINGED, "UPDATE entry SET data = x'00' WHERE history = 4 AND serial = 2", [2]),
    "a missing event": (PINGED, "DELETE FROM entry WHERE history = 4 AND serial = 2", [2]),
    "a missing newest event": (PINGED, "DELETE FROM entry WHERE history = 4 AND serial = 5", None),
    "all events missing": (PINGED, "DELETE FROM entry WHERE history = 4", None),
    "a history's row": (PINGED, "UPDATE history SET head = 5 WHERE key = 4", None),
    "an id of one byte": (PINGED, "UPDATE history SET vid = x'41' WHERE key = 4", None),
    "a deleted history's row": (EMPTIED, "UPDATE history SET head = 6 WHERE key = 2", None),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_was_damaged_stays_damaged(path: Path, name: str) -> None:
    damaged, edit, serials = DAMAGED[name]
    path.unlink()
    write(path, edit)
    with opened(path) as journal, taken_in(opened("memory:")) as expected:
        with pytest.raises(JournalError):
            Workflows(journal).find_id(damaged)
        faults = list(verify(journal, DECLARATIONS))
        assert {fault.history for fault in faults} == {damaged}
        assert serials in (None, [fault.serial for fault in faults])
        found, whole = contents(journal), contents(expected)
        for history in whole.keys() - {damaged}:
            assert found[history] == whole[history]
            assert journal.read(history).head.vid == expected.read(history).head.vid


def test_events_of_no_history_are_left_out_and_named(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.unlink()
    write(path, "UPDATE entry SET history = 1000 WHERE history = 4 AND serial > 3")
    with opened(path):
        assert any("2 rows belonged to no history" in each for each in caplog.messages)


@dataclass
class Before:
    """A process of the version before that has the journal open."""

    process: subprocess.Popen[str]

    def append(self) -> str:
        """Let it append; return what became of it."""
        self.begin()
        return self.result()

    def begin(self) -> None:
        assert self.process.stdin is not None
        print(file=self.process.stdin, flush=True)

    def result(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def before(path: Path) -> Iterator[Before]:
    with subprocess.Popen(
        [sys.executable, HERE / "user.py", path, PINGED.hex],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        started = Before(process)
        assert started.result() == "open"
        yield started


def test_a_process_of_the_version_before_writes_no_more(path: Path, before: Before) -> None:
    acknowledged = before.append().removeprefix("acknowledged: ")
    with opened(path) as journal:
        assert newest(journal) == Ulid(bytes.fromhex(acknowledged))
        assert "no such table" in before.append()
        assert "no such table" in before.append()
        assert newest(journal) == Ulid(bytes.fromhex(acknowledged))


def test_old_and_new_wait_for_each_other(path: Path, before: Before) -> None:
    with Path(f"{path}-main").open("a") as main:
        fcntl.flock(main, fcntl.LOCK_EX)
        with pytest.raises(JournalOpenError, match="holds the turn to write"):
            open_journal(f"sqlite:{path}?timeout=0.05")
    with opened(path) as journal:
        workflows = Workflows(journal)
        with journal.exclusive(PINGED):
            before.begin()
            workflows.append_ping(PINGED, RETRY_NO_VC, 0, "new")
        assert "no such table" in before.result()
        assert workflows.find_id(PINGED).vid == newest(journal)


OPEN = "import sys; from pingregistrywf import open_journal; open_journal(sys.argv[1]).close()"


@pytest.mark.soak
def test_a_process_that_is_killed_while_it_migrates(faults: Faults, tmp_path: Path) -> None:
    """At any write, so that the file is of the old schema or of the new one."""
    schemas = []
    with taken_in(opened("memory:")) as expected:
        whole = contents(expected)
    for change in count(1, 1 if SOAK else 3 if EXHAUSTIVE else 10):
        path = tmp_path / str(change) / "j.db"
        path.parent.mkdir()
        write(path)
        done = faults.run(["-c", OPEN, f"sqlite:{path}"], kill_at=change)
        schemas.append(schema(path))
        with opened(path) as journal:
            assert contents(journal) == whole
        if done.returncode == 0:
            break
    assert schemas == sorted(schemas)
    assert set(schemas) == {1, 2}


def schema(path: Path) -> int:
    """The schema that a copy of file and log shows."""
    for name in (path.name, f"{path.name}-wal"):
        if path.with_name(name).exists():
            shutil.copy(path.with_name(name), path.with_name(f"copy-{name}"))
    with closing(sqlite3.connect(path.with_name(f"copy-{path.name}"))) as connection:
        ((version,),) = connection.execute("PRAGMA user_version")
        return int(version)


def test_who_may_only_read_is_told_to_let_it_be_migrated(path: Path) -> None:
    with pytest.raises(JournalOpenError, match="version before") as caught:
        open_journal(f"sqlite:{path}?mode=ro")
    assert "pingregistrywf collect" in caught.value.remedy
