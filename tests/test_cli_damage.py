"""A damaged history keeps no command from the others: its own row says what is wrong."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf import open_journal
from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.coordination.overview import changes
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.testing.journal import chain

from .command_line import on_terminal, run
from .nats.cluster import Cluster
from .runtime.remote.conftest import Serving

IDS = [UUID(f"{number}f0c9a52-6a5b-4c1e-9a57-2f1d8c7b6e01") for number in (3, 4, 5)]
FIRST, DAMAGED, LAST = IDS
WHY = "corrupted data"


def fill(journal: Journal) -> None:
    """Begin the three workflows."""
    for workflow in IDS:
        PingRegistry(journal, "reg").begin(workflow)


def append_junk(journal: Journal) -> None:
    """Append bytes that are no event to the damaged workflow."""
    head = journal.read(DAMAGED).head
    journal.commit(DAMAGED, head, chain(head.vid), chart=DECLARATION.identity)


@pytest.fixture(params=["sqlite", "nats", "service"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A journal of three workflows, one of which cannot be read; behind the service, in memory."""
    name = f"sqlite:{tmp_path / 'pings.db'}"
    if request.param == "nats":
        server: Cluster = request.getfixturevalue("nats_server")
        name = server.url(f"s{uuid4().hex}")
    with open_journal("memory:" if request.param == "service" else name) as journal:
        fill(journal)
        append_junk(journal)
        if request.param == "service":
            with closing(Serving(journal)) as serving:
                yield serving.url
                return
    yield name


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A journal in a file, in which the only event of the damaged workflow was overwritten."""
    path = tmp_path / "pings.db"
    with open_journal(f"sqlite:{path}") as journal:
        fill(journal)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE event SET data = zeroblob(9)"
            " WHERE history = (SELECT key FROM chain WHERE id = ?)",
            (DAMAGED.bytes,),
        )
    return f"sqlite:{path}"


def test_list_goes_on(url: str) -> None:
    done = run("list", "reg", "--json", "--journal", url)
    assert done.returncode == 1
    *rows, last = map(json.loads, done.stdout.splitlines())
    rows.sort(key=lambda row: row["workflow"])  # those of one millisecond come in any order
    assert [row["workflow"] for row in rows] == [str(each) for each in IDS]
    assert [row["state"] for row in rows] == ["Initialized", "Unreadable", "Initialized"]
    assert [row["error"] is None for row in rows] == [True, False, True]
    assert rows[1]["error"].startswith(WHY)
    assert (last["exit"], last["error"]) == (1, done.stderr.removeprefix("pingregistrywf: ")[:-1])
    assert last["error"].startswith("1 of 3 workflows cannot be read: ")


def test_watch_goes_on(url: str) -> None:
    with open_journal(url) as journal:
        registry = PingRegistry(journal, "reg")
        told = changes(registry, Stop())
        seen = sorted((next(told) for _ in IDS), key=lambda row: row.workflow)
        assert [row.workflow for row in seen] == IDS
        assert WHY in seen[1].text()
        assert "pings" not in seen[1].text()
        registry.ping(LAST, 0, "alpha ping 1")
        changed = next(told)
        assert (changed.workflow, changed.pings) == (LAST, 1)


def test_the_table_says_so(file: str) -> None:
    done = run("list", "reg", "--journal", file)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    _, first, damaged, last = done.stdout.splitlines()
    assert str(FIRST) in first
    assert str(LAST) in last
    assert damaged.split()[:2] == [str(DAMAGED), "Unreadable"]
    assert WHY in damaged
    some = run("list", "reg", "--state", "unreadable", "--journal", file)
    assert some.stdout.splitlines()[1:] == [damaged]
    none = run("list", "reg", "--state", "summarized", "--journal", file)
    assert (none.returncode, none.stdout) == (1, "")
    assert "…" not in on_terminal("list", "reg", "--journal", file)


def test_info_describes_the_others(file: str) -> None:
    done = run("journal", "info", "--json", "--journal", file)
    assert done.returncode == 1
    *rows, totals, last = map(json.loads, done.stdout.splitlines())
    errors = {row["history"]: row["error"] for row in rows}
    assert errors.pop(str(DAMAGED)) == "all its events are missing or damaged"
    assert set(errors.values()) == {None}
    assert len(errors) == 3  # two workflows, and the index
    assert (totals["histories"], totals["events"]) == (4, 5)
    assert last["exit"] == 1
    assert "damaged" in last["error"]
    text = run("journal", "info", "--journal", file)
    (row,) = (line for line in text.stdout.splitlines() if line.startswith(str(DAMAGED)))
    assert row.endswith("all its events are missing or damaged")
    assert "4f0c9a52: all its events" in on_terminal("journal", "info", "--journal", file)


def test_a_history_without_its_row_is_named(file: str) -> None:
    with closing(sqlite3.connect(file.removeprefix("sqlite:"))) as connection, connection:
        connection.execute(
            "UPDATE chain SET checksum = zeroblob(16) WHERE id = ?", (DAMAGED.bytes,)
        )
    done = run("journal", "info", "--json", "--journal", file)
    assert done.returncode == 1
    rows = map(json.loads, done.stdout.splitlines())
    (damaged,) = (row for row in rows if row.get("history") == str(DAMAGED))
    assert "does not match its checksum" in damaged["error"]
    assert str(FIRST) in done.stdout


def test_a_beginning_of_an_id_is_enough(file: str) -> None:
    sound = run("journal", "export", "--history", "3f0c", "--journal", file)
    assert sound.returncode == 0, sound.stderr
    assert str(FIRST) in sound.stdout
    damaged = run("journal", "export", "--history", "4f0c", "--journal", file)
    assert damaged.returncode == 1
    assert str(DAMAGED) in damaged.stderr


def test_on_a_terminal_a_damaged_journal_is_checked_and_saved(file: str, tmp_path: Path) -> None:
    """A terminal asks for the number of events first, which such a journal does not tell."""
    assert "2 faults" in on_terminal("journal", "verify", "--journal", file)
    saved, copy = tmp_path / "saved.jsonl", tmp_path / "copy.db"
    assert "the rest was exported" in on_terminal(
        "journal", "export", str(saved), "--journal", file
    )
    assert str(LAST) in saved.read_text()
    assert "no copy was kept" in on_terminal("journal", "backup", str(copy), "--journal", file)
