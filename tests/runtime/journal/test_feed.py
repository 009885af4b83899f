"""What a feed leaves out and where it goes on, beyond the contract of every journal."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import Workflows
from pingregistrywf.runtime.errors import CorruptedDataError, DBError, FeedPositionGoneError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal import (
    NO_HEAD,
    Appended,
    Change,
    Entry,
    Head,
    Journal,
    Position,
    open_journal,
)
from pingregistrywf.runtime.journal.changes import Cursor, Expiries
from pingregistrywf.runtime.journal.notify import MOST_NAMED, Notifier
from pingregistrywf.runtime.journal.sqlite import journal as sqlite_journal
from pingregistrywf.runtime.journal.sqlite import ledger, records
from pingregistrywf.testing.journal import (
    CHART,
    IDS,
    TurnedClock,
    chain,
    given,
    post,
    read_feed,
)
from pingregistrywf.testing.journal.deletion import completed_workflow
from pingregistrywf.testing.journal.writing import post_snapshot

from ...snippets import python_snippets
from ...tiers import EXHAUSTIVE

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "how-to" / "read-model.md"


@pytest.mark.parametrize(
    ("serial", "restart", "first", "start", "shown"),
    [
        (0, 0, 0, 0, True),
        (5, 0, 0, 0, False),
        (5, 5, 0, 0, True),
        (5, 5, 0, 5, True),
        (6, 5, 0, 5, False),
        (5, 0, 5, 5, True),  # it was taken in: where else a reader might start is not known
        (6, 0, 5, 5, False),
        (5, 0, 5, 9, None),  # removing what is before 9 is under way
        (8, 0, 5, 9, None),
        (9, 9, 5, 9, True),
        (7, 7, 5, 9, True),
        (8, 7, 5, 9, False),
        (8, 4, 5, 9, None),
        (8, 4, 5, 3, None),  # removing a deleted history is under way
    ],
)
def test_the_rest_of_a_history_is_given_from_where_a_reader_may_start(
    serial: int, restart: int, first: int, start: int, shown: bool | None
) -> None:
    entry = Entry(IDS.next(EPOCH), EPOCH, b"")
    change = Cursor("", 0, 0).appended(
        *(1, uuid4(), entry, CHART), serial=serial, restart=restart, first=first, start=start
    )
    assert (change and change.restart) == shown


def test_few_expiries_tell_as_much_as_all() -> None:
    drawn = random.Random(1)
    numbers = drawn.sample(range(1, 60), 40)
    expiries = Expiries()
    for removed in range(len(numbers) + 1):
        for known in range(removed + 1):
            for number in range(60):
                cursor = Cursor("", number, known)
                concerned = any(each > number for each in numbers[known:removed])
                assert expiries.concern(cursor) == concerned
        if removed < len(numbers):
            expiries = expiries.extended(numbers[removed])
    assert len(expiries.marks) < 10


def test_a_subscription_names_what_it_knows_and_no_more() -> None:
    notifier = Notifier()
    mine, other = uuid4(), uuid4()
    with notifier.subscribe(None) as any_, notifier.subscribe(mine) as one:
        notifier.notify(other)
        notifier.notify(mine, other)
        assert any_.wait(0)
        assert any_.histories == {mine, other}
        assert one.wait(0)
        assert one.histories == {mine}
        notifier.notify(mine)
        notifier.notify(everyone=True)
        notifier.notify(mine)
        for each in (any_, one):
            assert each.wait(0)
            assert each.histories is None
        notifier.notify(*(uuid4() for _ in range(MOST_NAMED + 1)))
        assert any_.wait(0)
        assert any_.histories is None
        notifier.notify(mine)
        assert any_.wait(0)
        assert any_.histories == {mine}


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


# Readers that come and go


class Reader:
    """What one reader of the feed makes of it, with its oracle.

    Attributes:
        position: where it goes on.
        entries: those of each history since the newest place where reading it may start.
        seen: the deletions that it was told of.
        freed: what was freed since it read last.
    """

    def __init__(self) -> None:
        self.position: Position | None = None
        self.entries: dict[UUID, list[Entry]] = {}
        self.seen: set[Ulid] = set()
        self.freed: set[Ulid] = set()

    def read(self, journal: Journal, limit: int) -> bool:
        """Read once; return whether there was anything."""
        is_late = self.position is not None and not self.freed <= self.seen
        self.freed.clear()
        with journal.feed(self.position) as feed:
            try:
                changes = feed.read(limit)
            except FeedPositionGoneError:
                assert is_late
                self.__init__()  # type: ignore[misc]
                return True
            assert not is_late
            self.position = feed.position
        for change in changes:
            self._apply(change)
        return bool(changes)

    def _apply(self, change: Change) -> None:
        if isinstance(change, Appended):
            if change.restart:
                self.entries[change.history] = []
            self.entries[change.history].append(change.entry)
        else:
            self.entries.pop(change.history, None)
            self.seen.add(change.vid)


class Journaled:
    """A journal that random changes are made to.

    Attributes:
        heads: of the histories that are alive.
        freed: the ids of those that were deleted and are gone.
    """

    def __init__(self, journal: Journal, clock: TurnedClock, drawn: random.Random) -> None:
        self.journal, self.clock, self.drawn = journal, clock, drawn
        self.heads: dict[UUID, Head] = {}
        self.marks: dict[UUID, Ulid] = {}
        self.freed: list[UUID] = []
        self.readers = [Reader() for _ in range(4)]

    def change(self) -> None:
        getattr(self, self.drawn.choice(("append", "append", "snapshot", "begin", *CHANGES)))()

    def begin(self) -> None:
        history = self.freed.pop() if self.freed and self.drawn.random() < 0.5 else uuid4()
        self.heads[history], _ = post(self.journal, history, NO_HEAD, self.drawn.randrange(1, 4))

    def append(self) -> None:
        if self.heads:
            history = self.drawn.choice(list(self.heads))
            self.heads[history], _ = post(self.journal, history, self.heads[history])

    def snapshot(self) -> None:
        if self.heads:
            history = self.drawn.choice(list(self.heads))
            self.heads[history], _ = post_snapshot(self.journal, history, self.heads[history])

    def trim(self) -> None:
        for history in self.heads:
            self.journal.trim(history)

    def delete(self) -> None:
        if self.heads:
            history = self.drawn.choice(list(self.heads))
            self.marks[history] = self.heads[history].vid
            self.journal.delete(history, self.heads.pop(history))

    def turn_clock(self) -> None:
        self.clock.turn(days=self.drawn.randrange(-5, 20))

    def collect(self) -> None:
        for history in self.journal.collect().freed:
            self.freed.append(history)
            for reader in self.readers:
                reader.freed.add(self.marks[history])

    def read(self) -> None:
        self.drawn.choice(self.readers).read(self.journal, self.drawn.randrange(1, 6))

    def check(self) -> None:
        for reader in self.readers:
            while reader.read(self.journal, self.drawn.randrange(1, 6)):
                pass
            assert reader.entries == {
                history: list(self.journal.read(history).entries) for history in self.heads
            }


CHANGES = ("trim", "delete", "turn_clock", "turn_clock", "collect", "read", "read", "read")


@pytest.mark.parametrize("scheme", ["memory", "sqlite"])
@pytest.mark.parametrize("seed", range(100 if EXHAUSTIVE else 8))
def test_readers_that_come_and_go_know_what_is_alive(
    tmp_path: Path, clock: TurnedClock, scheme: str, seed: int
) -> None:
    url = "memory:" if scheme == "memory" else f"sqlite:{tmp_path}/pings.db"
    with open_journal(url, clock=clock) as journal:
        journaled = Journaled(journal, clock, random.Random(seed))
        for _ in range(100):
            journaled.change()
        journaled.check()


# In a SQLite file


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path}/pings.db"


def interrupted(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collect garbage two entries at a time, and stop after the first two."""
    remove = sqlite_journal.ledger.remove
    removed: list[object] = []

    def once(*arguments: Any) -> None:
        if removed:
            raise InterruptedError
        removed.append(remove(*arguments))

    with monkeypatch.context() as patched:
        patched.setattr(sqlite_journal, "COLLECTED_AT_ONCE", 2)
        patched.setattr(sqlite_journal.ledger, "remove", once)
        with pytest.raises(InterruptedError):
            journal.collect()


def test_a_reader_meets_garbage_collection_half_way(
    url: str, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    trimmed, deleted = uuid4(), uuid4()
    with open_journal(url, clock=clock) as journal:
        head, entries = post(journal, trimmed, NO_HEAD, 5)
        at = {each.entry.id: each.position for each in read_feed(journal)[0]}  # type: ignore[union-attr]
        head, snapshot = post_snapshot(journal, trimmed, head)
        assert journal.trim(trimmed)
        clock.turn(days=31)
        interrupted(journal, monkeypatch)
        assert journal.read(trimmed, whole=True).entries == tuple(snapshot)
        for after in (None, *(at[entry.id] for entry in entries)):
            changes, _ = read_feed(journal, after)
            assert given(changes) == [(trimmed, entry) for entry in snapshot]
            assert isinstance(changes[0], Appended)
            assert changes[0].restart
        journal.collect()
        _, end = read_feed(journal)
        head, _ = post(journal, deleted, NO_HEAD, 5)
        journal.delete(deleted, head)
        clock.turn(days=16)
        interrupted(journal, monkeypatch)
        assert given(read_feed(journal, end)[0]) == [(deleted, head.vid)]


def test_who_may_only_read_has_a_feed(url: str) -> None:
    history = uuid4()
    with open_journal(url) as journal:
        head, _ = post(journal, history, NO_HEAD)
        with open_journal(f"{url}?mode=ro") as reader, reader.feed() as feed:
            assert len(feed.read()) == 1
            _, (entry,) = post(journal, history, head)
            assert feed.wait(60)
            assert given(feed.read()) == [(history, entry)]
        changes = read_feed(journal)
    with open_journal(f"{url}?mode=ro") as reader:  # nobody writes
        assert read_feed(reader) == changes


def test_an_older_copy_of_the_file_is_told(url: str, tmp_path: Path) -> None:
    path, history = tmp_path / "pings.db", uuid4()
    with open_journal(url) as journal:
        head, _ = post(journal, history, NO_HEAD)
        _, known = read_feed(journal)
    shutil.copy(path, tmp_path / "copy.db")
    with open_journal(url) as journal:
        post(journal, history, head)
        _, ahead = read_feed(journal)
    shutil.copy(tmp_path / "copy.db", path)
    with open_journal(url) as journal:
        assert read_feed(journal, known)[0] == []
        with pytest.raises(FeedPositionGoneError, match="older copy"):
            read_feed(journal, ahead)


def test_a_backup_is_another_journal(url: str, tmp_path: Path) -> None:
    with open_journal(url) as journal:
        post(journal, uuid4(), NO_HEAD)
        _, position = read_feed(journal)
        copy = journal.backup(tmp_path / "copy.db")
    with (
        open_journal(copy) as journal,
        pytest.raises(FeedPositionGoneError, match="another journal"),
    ):
        read_feed(journal, position)


def spoil(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE event SET data = x'00' WHERE position = 2", "checksum"),
        ("UPDATE event SET position = 9 WHERE position = 3", "checksum"),
        ("UPDATE chain SET start = 1", "checksum"),
        ("DELETE FROM chain", "missing"),
        ("DELETE FROM event WHERE position = 2", "1 events are missing"),
        ("DELETE FROM chart", "chart is not recorded"),
        ("UPDATE journal SET floor = 9", "the journal's own row"),
    ],
)
def test_damage_is_told(url: str, tmp_path: Path, statement: str, what: str) -> None:
    with open_journal(url) as journal:
        post(journal, uuid4(), NO_HEAD, 3)
    spoil(tmp_path / "pings.db", statement)
    with open_journal(url) as journal, pytest.raises((CorruptedDataError, DBError), match=what):
        read_feed(journal)


def test_a_damaged_record_of_expiries_is_told() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE trim (history, start, at)")  # a flipped bit breaks STRICT
        connection.execute("INSERT INTO trim VALUES (?, 1, x'03')", (records.SENTINEL,))
        with pytest.raises(CorruptedDataError, match="removed marks"):
            ledger.expiries(connection)


def test_a_read_looks_at_new_events_only(url: str) -> None:
    """What a reader who has seen all pays for one more event does not grow with the journal."""
    with open_journal(url) as journal:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
        pool = journal._database.pool  # type: ignore[attr-defined]

        def instructions(seen: int) -> int:
            nonlocal head
            head = journal.commit(history, head, chain(head.vid, seen), chart=CHART)
            _, end = read_feed(journal)
            head, _ = post(journal, history, head)
            counted: list[None] = []
            with pool.lend(sqlite_journal.Role.READER) as connection:
                connection.set_progress_handler(lambda: counted.append(None), 1)
                changes, _ = sqlite_journal.read_changes(connection, end, 10)
                connection.set_progress_handler(None, 1)
            assert len(changes) == 1
            return len(counted)

        assert instructions(10) == instructions(1000)


# The read model of the page


class Process:
    """A running program of this directory."""

    def __init__(self, name: str, *arguments: object, place: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, HERE / name, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(place)},
        )

    def wait_for_lines(self, count: int) -> None:
        assert self.process.stdout is not None
        for _ in range(count):
            assert self.process.stdout.readline(), "it ended by itself"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def read_model(tmp_path: Path) -> ModuleType:
    """The page's program, as a module, beside which the processes find it."""
    program, _ = python_snippets(PAGE.read_text(encoding="utf-8"))
    (tmp_path / "read_model.py").write_text(program, encoding="utf-8")
    module = ModuleType("read_model")
    exec(compile(program, "read_model.py", "exec"), vars(module))
    return module


@pytest.mark.slow
def test_a_read_model_is_exact_whoever_is_killed(
    url: str, tmp_path: Path, read_model: ModuleType
) -> None:
    """Eight processes write and are killed, and so is the reader, again and again."""
    drawn = random.Random(5)
    path = tmp_path / "model.db"
    with open_journal(url):  # its file is made once
        pass
    kills = 50 if EXHAUSTIVE else 3

    def writer() -> Process:
        return Process("feed_writer.py", url, drawn.getrandbits(32), place=tmp_path)

    writers = [writer() for _ in range(8)]
    try:
        for _ in range(kills):
            reader = Process("feed_reader.py", url, path, place=tmp_path)
            reader.wait_for_lines(drawn.randrange(1, 40))
            reader.kill()
            victim = drawn.randrange(8)
            writers[victim].kill()
            writers[victim] = writer()
    finally:
        for each in writers:
            each.kill()
    with (
        open_journal(url) as journal,
        closing(read_model.ReadModel(path)) as model,
        closing(read_model.ReadModel(":memory:")) as rebuilt,
    ):
        read_model.catch_up(journal, model)
        assert states_of(model) == folded(journal)
        read_model.catch_up(journal, rebuilt)
        assert states_of(rebuilt) == folded(journal)
        assert sum(stored.entries for stored in journal.histories()) > 8 * kills


def folded(journal: Journal) -> dict[UUID, object]:
    """The state of each workflow, read from its history."""
    workflows = Workflows(journal)
    alive = [stored.id for stored in journal.histories() if stored.deleted_at is None]
    return {history: workflows.find_id(history) for history in alive}


def states_of(model: Any) -> dict[UUID, object]:
    rows = model.database.execute("SELECT id, state FROM workflow")
    return {UUID(history): pickle.loads(state) for history, state in rows}


def test_a_read_model_that_is_too_late_is_rebuilt(
    url: str, clock: TurnedClock, read_model: ModuleType
) -> None:
    with (
        open_journal(url, clock=clock) as journal,
        closing(read_model.ReadModel(":memory:")) as model,
    ):
        workflows = Workflows(journal)
        history, _ = completed_workflow(workflows)
        kept, _ = completed_workflow(workflows)
        read_model.catch_up(journal, model)
        assert set(states_of(model)) == {history, kept}
        workflows.delete(history, workflows.find_id(history).vid)
        clock.turn(days=31)
        assert journal.collect().freed == (history,)
        with pytest.raises(FeedPositionGoneError):
            read_model.catch_up(journal, model)

        class Ended(read_model.ReadModel):  # type: ignore[name-defined,misc]
            """A read model that closes the journal when it has caught up."""

            def apply(self, *arguments: object) -> None:
                super().apply(*arguments)
                states.update(states_of(self))
                journal.close()

        states: dict[UUID, object] = {}
        model.__class__ = Ended
        read_model.keep(journal, model)
        assert set(states) == {kept}
