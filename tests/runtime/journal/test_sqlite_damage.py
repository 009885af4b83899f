"""A damaged file gives what was written, or one of the journal's errors: never other data.

Flipped bits and lost ends stand for what disks, copies and transfers do to a file.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf.runtime.errors import (
    CorruptedDataError,
    DBError,
    FeedPositionGoneError,
    JournalEntryParentMismatchError,
    JournalOpenError,
)
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import NO_HEAD, Entry, open_journal
from pingregistrywf.testing.journal import CHART, DAY, chain, given, post, read_feed

from ...tiers import EXHAUSTIVE, some

TYPED = (JournalOpenError, CorruptedDataError, DBError, FeedPositionGoneError)


@dataclass
class Written:
    """A journal file, and what stands in it."""

    path: Path
    histories: dict[UUID, tuple[Entry, ...]]
    changes: list[tuple[UUID, object]]

    def copy_to(self, place: Path) -> Path:
        return Path(shutil.copy(self.path, place / "pings.db"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    path = tmp_path_factory.mktemp("written") / "pings.db"
    histories: dict[UUID, tuple[Entry, ...]] = {}
    with open_journal(f"sqlite:{path}") as journal:
        for count in (1, 7, 120):
            history = uuid4()
            post(journal, history, NO_HEAD, count)
            histories[history] = journal.read(history).entries
        trimmed = uuid4()
        head, _ = post(journal, trimmed, NO_HEAD, 10)
        journal.commit(trimmed, head, chain(head.vid, 5), chart=CHART, restart=True)
        assert journal.trim(trimmed)
        histories[trimmed] = journal.read(trimmed, whole=True).entries
        deleted = uuid4()
        journal.delete(deleted, post(journal, deleted, NO_HEAD, 20)[0])
        histories[deleted] = ()
        changes = given(read_feed(journal)[0])
    assert not path.with_name("pings.db-wal").exists()
    return Written(path, histories, changes)


class Unflushed(sqlite3.Connection):
    """A connection that does not wait for the disk, which thousands of damaged files would."""

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:  # type: ignore[override]
        return super().execute(statement.replace("= FULL", "= OFF"), *arguments)


@pytest.fixture
def unflushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Unflushed))


def outcome(path: Path, written: Written) -> str:
    """Open, read all, commit, read again, collect; what gave in first, if anything did."""
    try:
        journal = open_journal(f"sqlite:{path}")
    except JournalOpenError as error:
        assert error.cause  # noqa: PT017
        assert error.remedy  # noqa: PT017
        return "open"
    typed = 0

    def attempt(use: Callable[[], None]) -> None:
        nonlocal typed
        try:
            use()
        except TYPED as error:
            assert str(error)  # noqa: PT017
            typed += 1

    with journal:
        grown: dict[UUID, tuple[Entry, ...]] = dict(written.histories)

        def read(history: UUID) -> None:
            assert journal.read(history, whole=True).entries == grown[history]

        def append(history: UUID) -> None:
            head = journal.read(history).head
            if grown[history]:
                _, more = post(journal, history, head)
                grown[history] += tuple(more)

        def read_all() -> None:
            # Where the newest rows of the table are lost, a feed gives what it gave before them.
            changes = given(read_feed(journal, limit=50)[0])
            assert changes == written.changes[: len(changes)]

        attempt(read_all)
        for step in (read, append, read):
            for history in grown:
                attempt(lambda step=step, history=history: step(history))  # type: ignore[misc]
        attempt(lambda: journal.collect() and None)
        fresh = uuid4()
        attempt(lambda: post(journal, fresh, NO_HEAD) and None)
    return "use" if typed else "none"


def test_an_intact_copy(written: Written, tmp_path: Path) -> None:
    assert outcome(written.copy_to(tmp_path), written) == "none"


@pytest.mark.slow
@pytest.mark.usefixtures("unflushed")
def test_flipped_bits(written: Written, tmp_path: Path) -> None:
    drawn = random.Random(1)
    size = written.path.stat().st_size
    header = [(offset, 1 << drawn.randrange(8)) for offset in range(100)]
    page_starts = [
        (page + offset, 1 << drawn.randrange(8))
        for page in range(0, size, 4096)
        for offset in some(range(16), every=8)
    ]
    anywhere = [
        (drawn.randrange(size), 1 << drawn.randrange(8)) for _ in range(1000 if EXHAUSTIVE else 30)
    ]
    seen = set()
    for offset, bit in header + page_starts + anywhere:
        path = written.copy_to(tmp_path)
        with path.open("r+b") as file:
            file.seek(offset)
            (byte,) = file.read(1)
            file.seek(offset)
            file.write(bytes([byte ^ bit]))
        seen.add(outcome(path, written))
        for leftover in tmp_path.iterdir():
            leftover.unlink()
    assert seen == {"open", "use", "none"}


@pytest.mark.usefixtures("unflushed")
def test_every_stored_byte_is_covered(written: Written, tmp_path: Path) -> None:
    """Whatever a flip hits of ids, chains, data and names of histories: it is seen."""
    history, entries = next((h, e) for h, e in written.histories.items() if len(e) == 7)
    entry = entries[3]
    row = entry.id.bytes + entry.parent.bytes + entry.data
    stored = written.path.read_bytes()

    def flip(offset: int) -> tuple[Entry, ...] | None:
        path = written.copy_to(tmp_path)
        flipped = bytearray(stored)
        flipped[offset] ^= 4
        path.write_bytes(flipped)
        with open_journal(f"sqlite:{path}") as journal:
            try:
                return journal.read(history).entries
            except CorruptedDataError:
                return None

    assert stored.count(row) == 1
    place = stored.index(row)
    assert [flip(place + n) for n in range(-4, len(row))] == [None] * (4 + len(row))
    # A history's id stands in its row and in two indexes; the second is asked when the first does
    # not know it, and finds that it should have.
    names = [n for n in range(len(stored)) if stored.startswith(history.bytes, n)]
    found = [flip(name + 7) for name in names]
    assert len(found) == 3
    assert None in found
    assert all(each in (None, entries) for each in found)


@pytest.mark.parametrize("step", [977 if EXHAUSTIVE else 4999])
@pytest.mark.usefixtures("unflushed")
def test_lost_ends(written: Written, tmp_path: Path, step: int) -> None:
    size = written.path.stat().st_size
    seen = set()
    lengths = [1, 15, 16, 99, 100, 511, 512, 1000, 4095, *range(4096, size, step)]
    for length in [*lengths, *range(4096, size, 4096)]:
        path = written.copy_to(tmp_path)
        os.truncate(path, length)
        seen.add(outcome(path, written))
        for leftover in tmp_path.iterdir():
            leftover.unlink()
    assert "open" in seen


@pytest.mark.slow
def test_a_copy_without_its_log_is_an_older_state(tmp_path: Path) -> None:
    """What the log held is lost with it; what is left is consistent."""
    history = uuid4()
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        head = NO_HEAD
        for _ in range(1200):  # more than what SQLite moves from the log at once
            head, _ = post(journal, history, head)
        entries = journal.read(history).entries
        copy = Path(shutil.copy(tmp_path / "pings.db", tmp_path / "copy.db"))
    with open_journal(f"sqlite:{copy}") as journal:
        reading = journal.read(history, head)
        assert 0 < len(reading.entries) < len(entries)
        assert reading.entries == entries[: len(reading.entries)]
        assert not reading.continues
        head, _ = post(journal, history, reading.head)
        # Grown along another chain, the file no longer knows the places of the lost one.
        lost = next(e for e in entries[len(reading.entries) :])
        assert lost.id != head.vid


def _edit(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM event WHERE serial = 3",
        "DELETE FROM event WHERE serial = 0 AND history = 1",
        "UPDATE event SET serial = 7 WHERE serial = 6",
        (
            "INSERT INTO event SELECT position + 1, history, 7, chart, restart, deleted_at,"
            " checksum, id, parent, data FROM event WHERE serial = 6"
        ),
        "UPDATE event SET data = x'00' WHERE serial = 2",
        "UPDATE event SET data = x'00' WHERE serial = 6",
        "UPDATE event SET position = position + 1 WHERE serial = 6",
        "UPDATE event SET chart = 2 WHERE serial = 6",
        "UPDATE event SET restart = 1 WHERE serial = 6",
        "UPDATE event SET deleted_at = 1 WHERE serial = 6",
        "UPDATE chain SET first = 1",
        "UPDATE chain SET start = 1",
        "UPDATE chain SET chart = 'other'",
    ],
)
def test_edited_by_hand(tmp_path: Path, edit: str) -> None:
    path = tmp_path / "pings.db"
    history = uuid4()
    with open_journal(f"sqlite:{path}") as journal:
        post(journal, history, NO_HEAD, 7)
    _edit(path, edit)
    with open_journal(f"sqlite:{path}") as journal:
        with pytest.raises(CorruptedDataError) as caught:
            journal.read(history)
        assert str(history) in caught.value.op
        assert "backup" in str(caught.value)
        # Other histories are not held up.
        other = uuid4()
        post(journal, other, NO_HEAD)
        assert len(journal.read(other).entries) == 1


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE event SET history = history + 100 WHERE history = 1",
        "DELETE FROM event WHERE position = 0",
    ],
)
def test_a_neighbour_that_is_not_the_next_history(tmp_path: Path, edit: str) -> None:
    """Whether events are missing before it cannot be told."""
    path, history = tmp_path / "pings.db", uuid4()
    with open_journal(f"sqlite:{path}") as journal:
        post(journal, history, NO_HEAD, 7)
    _edit(path, edit)
    with open_journal(f"sqlite:{path}") as journal:
        with pytest.raises(CorruptedDataError) as caught:
            journal.read(history)
        assert str(history) in caught.value.op


def test_a_newest_event_that_was_removed_is_missed(tmp_path: Path) -> None:
    """No other row names it, but the journal counts what it must hold up to its newest event."""
    path, history = tmp_path / "pings.db", uuid4()
    with open_journal(f"sqlite:{path}") as journal:
        post(journal, history, NO_HEAD, 7)
        post(journal, uuid4(), NO_HEAD)
    _edit(path, "DELETE FROM event WHERE serial = 6")
    with open_journal(f"sqlite:{path}") as journal:
        whole, *_ = journal.scan()
        assert [fault.what for fault in whole.faults] == [
            "1 events are missing at the ends of histories"
        ]


def test_an_index_that_lost_the_end_of_a_history(tmp_path: Path) -> None:
    """A bit fewer in the number of a page's cells: SQLite sees nothing, the neighbour tells."""
    path, history = tmp_path / "pings.db", uuid4()
    with open_journal(f"sqlite:{path}") as journal:
        head, _ = post(journal, history, NO_HEAD, 15)
    with closing(sqlite3.connect(path)) as connection:
        ((root,),) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_event_1'"
        )
        ((size,),) = connection.execute("PRAGMA page_size")
    cells = (root - 1) * size + 3
    for count in (15, 14, 8, 1):
        with path.open("r+b") as file:
            file.seek(cells)
            assert int.from_bytes(file.read(2), "big") <= 16  # the history's, and the sentinel's
            file.seek(cells)
            file.write(count.to_bytes(2, "big"))
        with open_journal(f"sqlite:{path}") as journal:
            with pytest.raises(CorruptedDataError):
                journal.read(history)
            with pytest.raises(CorruptedDataError):
                post(journal, history, head)


def test_garbage_collection_leaves_damaged_histories_alone(tmp_path: Path) -> None:
    path, (damaged, sound) = tmp_path / "pings.db", (uuid4(), uuid4())
    with open_journal(f"sqlite:{path}") as journal:
        for history in (damaged, sound):
            journal.delete(history, post(journal, history, NO_HEAD, 3)[0])
    _edit(path, "UPDATE event SET deleted_at = 1 WHERE history = 1 AND deleted_at > 0")
    with open_journal(f"sqlite:{path}") as journal:
        assert journal.collect(time.time() + 31 * DAY).freed == (sound,)
        with pytest.raises(CorruptedDataError):
            journal.read(damaged)


def test_a_broken_chain(tmp_path: Path) -> None:
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        history = uuid4()
        first, second = chain(NO_HEAD.vid, 2)
        stray = Ulid(bytes(15) + b"\7")
        journal.commit(history, NO_HEAD, [first, Entry(second.id, stray, b"")], chart=CHART)
        with pytest.raises(CorruptedDataError) as caught:
            journal.read(history)
        assert caught.value.err == JournalEntryParentMismatchError(second.id, stray, first.id)
        rootless = uuid4()
        journal.commit(rootless, NO_HEAD, [Entry(first.id, stray, b"")], chart=CHART)
        with pytest.raises(CorruptedDataError) as caught:
            journal.read(rootless)
        assert isinstance(caught.value.err, JournalEntryParentMismatchError)


def test_another_chain_in_a_restored_file_is_read_anew(tmp_path: Path) -> None:
    """Heads that were read before a file was replaced by an older copy that grew again."""
    path, history = tmp_path / "pings.db", uuid4()
    with open_journal(f"sqlite:{path}") as journal:
        head, old = post(journal, history, NO_HEAD, 2)
    backup = path.read_bytes()
    with open_journal(f"sqlite:{path}") as journal:
        lost, _ = post(journal, history, head)
        further, _ = post(journal, history, lost)
    path.write_bytes(backup)
    with open_journal(f"sqlite:{path}") as journal:
        assert not journal.read(history, further).continues  # beyond the head
        head, new = post(journal, history, head)
        for _ in range(2):
            reading = journal.read(history, lost)
            assert not reading.continues
            assert list(reading.entries) == old + new
            head, more = post(journal, history, head)
            new += more
