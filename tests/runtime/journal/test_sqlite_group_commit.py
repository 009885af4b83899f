"""Turns: one flush for many threads, all or nothing, and everyone told the truth about it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf.runtime.errors import DBError, VersionConflictError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal import NO_HEAD, Entry, Head, open_journal
from pingregistrywf.runtime.journal.sqlite import group_commit, records
from pingregistrywf.runtime.journal.sqlite.journal import SqliteJournal
from pingregistrywf.testing.journal import CHART, DAY, IDS, chain, post

from ..observed import Observed


@pytest.fixture
def journal(observed: type[Observed], tmp_path: Path) -> Iterator[SqliteJournal]:
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        assert isinstance(journal, SqliteJournal)
        yield journal


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that do not end because they are old, however slow the machine is."""
    monkeypatch.setattr(group_commit, "MOST_SECONDS", 60.0)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def queued(
    journal: SqliteJournal, pool: ThreadPoolExecutor, *uses: Callable[[], Any]
) -> list[Future[Any]]:
    """Start each in a thread of its own; return when all wait for their turn, in that order."""
    started = []
    for use in uses:
        before = len(journal._database.group_commit._waiting)
        started.append(pool.submit(use))
        while len(journal._database.group_commit._waiting) == before:
            time.sleep(0.001)
    return started


@pytest.mark.usefixtures("unhurried")
def test_threads_share_a_flush(
    journal: SqliteJournal, observed: type[Observed], pool: ThreadPoolExecutor
) -> None:
    histories = [uuid4() for _ in range(8)]
    own = uuid4()
    observed.executed.clear()
    with journal.exclusive(own):
        uses = [partial(post, journal, history, NO_HEAD) for history in histories]
        others = queued(journal, pool, *uses)
        post(journal, own, NO_HEAD)
    heads = [other.result(timeout=60)[0] for other in others]
    assert observed.executed.count("COMMIT") == observed.executed.count("BEGIN IMMEDIATE") == 1
    assert [journal.read(history).head for history in histories] == heads
    assert journal.read(own).head.vid


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("turns", [1, 64])
def test_the_turn_is_handed_on_when_the_process_lock_cannot_be_released(
    journal: SqliteJournal, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """Whoever ends the first batch gets the error; that batch and the next are durable."""
    monkeypatch.setattr(group_commit, "MOST_TURNS", turns)
    lock = journal._database._process_lock
    release, faults = lock.release, [OSError("no locks available")]

    def release_badly() -> None:
        release()
        if faults:
            raise faults.pop()

    monkeypatch.setattr(lock, "release", release_badly)
    histories = [uuid4() for _ in range(4)]
    errors: list[BaseException | None] = []
    try:
        with journal.exclusive(histories[0]):
            uses = [partial(post, journal, each, NO_HEAD) for each in histories[1:]]
            others = queued(journal, pool, *uses)
            post(journal, histories[0], NO_HEAD)
    except DBError as error:
        errors.append(error)
    errors += [other.exception(timeout=60) for other in others]
    (error,) = filter(None, errors)
    assert isinstance(error, DBError)
    assert (str(error.err), error.definite) == ("no locks available", False)
    assert all(journal.read(each).head.vid for each in histories)
    post(journal, uuid4(), NO_HEAD)


def share_a_flush(journal: SqliteJournal, pool: ThreadPoolExecutor) -> list[tuple[UUID, Head]]:
    """Append to three histories in one batch; return where they then are."""
    histories = [uuid4() for _ in range(3)]
    with journal.exclusive(histories[0]):
        uses = [partial(post, journal, each, NO_HEAD) for each in histories[1:]]
        others = queued(journal, pool, *uses)
        head, _ = post(journal, histories[0], NO_HEAD)
    heads = [head, *(other.result(timeout=60)[0] for other in others)]
    return list(zip(histories, heads, strict=True))


@pytest.mark.usefixtures("unhurried")
def test_threads_that_shared_a_flush_share_the_next(
    journal: SqliteJournal,
    observed: type[Observed],
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "COMPANY_SECONDS", 60.0)
    first, *others = share_a_flush(journal, pool)
    observed.executed.clear()
    appends = [pool.submit(post, journal, *first)]
    while not any("INSERT" in each for each in observed.executed):
        time.sleep(0.001)
    appends += [pool.submit(post, journal, *each) for each in others]
    for each in appends:
        each.result(timeout=30)
    assert observed.executed.count("COMMIT") == 1


@pytest.mark.usefixtures("unhurried")
def test_a_thread_that_is_left_alone_waits_for_company_once(
    journal: SqliteJournal, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    (history, head), *_ = share_a_flush(journal, pool)
    head, _ = post(journal, history, head)
    monkeypatch.setattr(group_commit, "COMPANY_SECONDS", 60.0)
    pool.submit(post, journal, history, head).result(timeout=30)


@pytest.mark.usefixtures("unhurried")
def test_interrupted_while_waiting_for_company(
    journal: SqliteJournal, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    (history, head), *_ = share_a_flush(journal, pool)
    with monkeypatch.context() as patch:
        patch.setattr(group_commit.GroupCommit, "_expect_company", interrupted)
        with pytest.raises(KeyboardInterrupt):
            post(journal, history, head)
    after = journal.read(history).head
    assert after.vid > head.vid
    post(journal, history, after)


@pytest.mark.usefixtures("unhurried")
def test_a_batch_is_bounded(
    journal: SqliteJournal,
    observed: type[Observed],
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "MOST_TURNS", 3)
    observed.executed.clear()
    with journal.exclusive(uuid4()):
        uses = [partial(post, journal, uuid4(), NO_HEAD) for _ in range(8)]
        others = queued(journal, pool, *uses)
    for other in others:
        other.result(timeout=60)
    assert observed.executed.count("COMMIT") == 3


def test_a_batch_does_not_grow_old(
    journal: SqliteJournal,
    observed: type[Observed],
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "MOST_SECONDS", 0.0)
    observed.executed.clear()
    with journal.exclusive(uuid4()):
        uses = [partial(post, journal, uuid4(), NO_HEAD) for _ in range(4)]
        others = queued(journal, pool, *uses)
    for other in others:
        other.result(timeout=60)
    assert observed.executed.count("COMMIT") == 5


def test_turns_are_given_in_order(journal: SqliteJournal, pool: ThreadPoolExecutor) -> None:
    order = []

    def note(number: int) -> None:
        with journal.exclusive(uuid4()):
            order.append(number)

    with journal.exclusive(uuid4()):
        others = queued(journal, pool, *[partial(note, number) for number in range(10)])
    for other in others:
        other.result(timeout=60)
    assert order == list(range(10))


@pytest.mark.usefixtures("unhurried")
def test_nobody_is_told_before_it_is_durable(
    journal: SqliteJournal, pool: ThreadPoolExecutor
) -> None:
    """A commit, a reader of it, and a refusal because of it: all wait for the last of the batch."""
    history = uuid4()
    hold, holding = threading.Event(), threading.Event()

    def read() -> Ulid:
        with journal.exclusive(history):
            return journal.read(history).head.vid

    def refused() -> VersionConflictError:
        with pytest.raises(VersionConflictError) as caught:
            post(journal, history, NO_HEAD)
        return caught.value

    def last() -> None:
        with journal.exclusive(history):
            holding.set()
            hold.wait(60)

    with journal.exclusive(history), journal.subscribe(history) as subscription:
        first = queued(
            journal, pool, partial(post, journal, history, NO_HEAD), read, refused, last
        )[:3]
    assert holding.wait(60)
    time.sleep(0.02)
    assert not any(each.done() for each in first)
    assert journal.read(history).head == NO_HEAD  # readers see durable data only
    assert not subscription.wait(0)
    hold.set()
    (head, _), vid, conflict = [each.result(timeout=60) for each in first]
    assert vid == conflict.stored == head.vid == journal.read(history).head.vid


def test_a_turn_that_only_reads_flushes_nothing(journal: SqliteJournal, tmp_path: Path) -> None:
    history = uuid4()
    post(journal, history, NO_HEAD)
    before = (tmp_path / "pings.db-wal").stat()
    with journal.exclusive(history):
        journal.read(history)
    with pytest.raises(VersionConflictError):
        post(journal, history, NO_HEAD)
    assert not journal.trim(history)
    after = (tmp_path / "pings.db-wal").stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.usefixtures("unhurried")
def test_a_reader_among_readers_need_not_wait(
    journal: SqliteJournal, pool: ThreadPoolExecutor
) -> None:
    hold = threading.Event()

    def last() -> None:
        with journal.exclusive(uuid4()):
            hold.wait(60)

    with journal.exclusive(uuid4()):
        (other,) = queued(journal, pool, last)
    assert not other.done()  # and yet this thread came here
    hold.set()
    other.result(timeout=60)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(
    ("code", "definite"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, False),
        (sqlite3.SQLITE_IOERR_WRITE, False),
        (sqlite3.SQLITE_NOMEM, False),
        (sqlite3.SQLITE_CORRUPT, False),
        (sqlite3.SQLITE_FULL, True),
        (sqlite3.SQLITE_BUSY, True),
    ],
)
def test_a_failed_flush_is_told_to_everyone(
    journal: SqliteJournal,
    observed: type[Observed],
    pool: ThreadPoolExecutor,
    code: int,
    definite: bool,
) -> None:
    history = uuid4()
    head, entries = post(journal, history, NO_HEAD)

    def read() -> Head:
        with journal.exclusive(history):
            return journal.read(history).head

    def body() -> None:
        with journal.exclusive(history):
            started.extend(
                queued(
                    journal,
                    pool,
                    read,
                    partial(post, journal, uuid4(), NO_HEAD),
                    partial(post, journal, history, head),  # loses to this thread
                    partial(journal.delete, uuid4(), NO_HEAD),
                )
            )
            post(journal, history, head)
            observed.fail_with = code

    started: list[Future[Any]] = []
    with journal.subscribe() as subscription:
        for use in (body, *(partial(lambda n: started[n].result(timeout=60), n) for n in range(4))):
            with pytest.raises(DBError) as caught:
                use()
            assert caught.value.definite is definite
            assert caught.value.op == "committing"
        assert not subscription.wait(0)
    observed.fail_with = None
    assert journal.read(history, whole=True).entries == tuple(entries)
    post(journal, history, head)


class Interrupted(BaseException):
    """What Ctrl-C is, but nothing that pytest listens to."""


def wait_interrupted(journal: SqliteJournal, *, until_called: bool) -> None:
    """Wait for a turn; be interrupted at once, or just when it is given."""

    class InterruptedLock:
        def __init__(self) -> None:
            self.taken = False
            self.released = threading.Event()

        def acquire(self, timeout: float = -1) -> bool:
            if self.taken:
                if until_called:
                    assert self.released.wait(60)
                raise Interrupted
            self.taken = True
            return True

        def release(self) -> None:
            self.released.set()

    def new_lock() -> InterruptedLock:
        patch.undo()  # other threads shall not be interrupted
        return InterruptedLock()

    patch = pytest.MonkeyPatch()
    patch.setattr(group_commit, "Lock", new_lock)
    with pytest.raises(Interrupted):
        journal._database.group_commit._queue(time.monotonic() + 10)


def test_interrupted_while_waiting(journal: SqliteJournal) -> None:
    """A thread that leaves the queue leaves it as if it had not come."""
    history = uuid4()
    with journal.exclusive(history):
        wait_interrupted(journal, until_called=False)
        assert not journal._database.group_commit._waiting
    post(journal, history, NO_HEAD)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("more", [0, 2])
def test_interrupted_when_called(
    journal: SqliteJournal, pool: ThreadPoolExecutor, more: int
) -> None:
    """A thread that is given the turn and cannot use it does not keep it from the others."""
    history = uuid4()
    inside = threading.Event()

    def first() -> Head:
        with journal.exclusive(history):
            inside.set()
            head, _ = post(journal, history, NO_HEAD)
            while len(journal._database.group_commit._waiting) < 1 + more:
                time.sleep(0.001)
        return head

    told = pool.submit(first)
    assert inside.wait(60)
    waiting = pool.submit(wait_interrupted, journal, until_called=True)
    while more and not journal._database.group_commit._waiting:
        time.sleep(0.001)
    others = [pool.submit(post, journal, uuid4(), NO_HEAD) for _ in range(more)]
    assert told.result(timeout=60) == journal.read(history).head
    for each in (waiting, *others):
        each.result(timeout=60)


def test_two_objects_for_one_file_in_one_thread(journal: SqliteJournal, tmp_path: Path) -> None:
    """It would wait for itself without end; it is told instead."""
    history = uuid4()
    with open_journal(f"sqlite:{tmp_path}/pings.db") as other:
        with journal.exclusive(history):
            other.read(history)
            with pytest.raises(DBError, match="another journal object"):
                post(other, history, NO_HEAD)
            post(journal, history, NO_HEAD)
        post(other, uuid4(), NO_HEAD)


def test_closing_inside_a_turn(journal: SqliteJournal, tmp_path: Path) -> None:
    history = uuid4()
    with journal.exclusive(history):
        head, _ = post(journal, history, NO_HEAD)
        journal.close()
        with pytest.raises(DBError, match="closed"):
            post(journal, history, head)
    with open_journal(f"sqlite:{tmp_path}/pings.db") as again:
        assert again.read(history).head == head


@pytest.mark.parametrize("written", [False, True])
def test_interrupted_in_an_append(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: bool
) -> None:
    """Before its row is written or after, in a batch that holds more: no position is lost."""
    history, other = uuid4(), uuid4()
    before, _ = post(journal, other, NO_HEAD)
    head, _ = post(journal, history, NO_HEAD)
    head, _ = post(journal, history, head)
    insert = records.insert_rows

    def interrupted(*arguments: Any) -> int:
        if written:
            insert(*arguments)
        raise KeyboardInterrupt

    with journal.exclusive(other):
        before, _ = post(journal, other, before)
        with monkeypatch.context() as patch:
            patch.setattr(records, "insert_rows", interrupted)
            with pytest.raises(KeyboardInterrupt):
                post(journal, history, head)
        post(journal, other, before)
    reading = journal.read(history, head)
    assert len(reading.entries) == written
    post(journal, history, reading.head)
    with open_journal(f"sqlite:{tmp_path}/pings.db") as again:
        assert not [fault for scanned in again.scan() for fault in scanned.faults]


def test_an_append_costs_the_same_at_any_length(
    journal: SqliteJournal, observed: type[Observed]
) -> None:
    history = uuid4()

    def append(head: Head) -> tuple[Head, list[str]]:
        observed.executed.clear()
        with journal.exclusive(history):
            reading = journal.read(history, head)
            assert len(reading.entries) == 0
            head, _ = post(journal, history, reading.head)
        return head, list(observed.executed)

    head, _ = post(journal, history, NO_HEAD, 10)
    head, _ = append(head)  # the connections are open now
    head, short = append(head)
    head, _ = post(journal, history, head, 10_000)
    head, long = append(head)
    assert long == short
    assert len(short) == 5  # BEGIN, the head, the next position, INSERT, COMMIT
    # One row, the event's.
    with journal.exclusive(history):
        batch = journal._database.group_commit.mine
        assert batch is not None
        before = batch.connection.total_changes
        post(journal, history, head)
        assert batch.connection.total_changes - before == 1


@pytest.mark.usefixtures("unhurried")
def test_a_failing_commit_leaves_nothing_of_itself(
    journal: SqliteJournal, pool: ThreadPoolExecutor
) -> None:
    """And takes nothing from the others of its batch."""
    histories = [uuid4() for _ in range(3)]
    broken = [*chain(EPOCH, 2), Entry(IDS.next(EPOCH), EPOCH, None)]  # type: ignore[arg-type]
    with journal.exclusive(histories[0]):
        others = queued(
            journal,
            pool,
            lambda: journal.commit(histories[1], NO_HEAD, broken, chart=CHART),
            partial(post, journal, histories[2], NO_HEAD),
        )
        head, _ = post(journal, histories[0], NO_HEAD)
    with pytest.raises(TypeError):
        others[0].result(timeout=60)
    assert journal.read(histories[0]).head == head
    assert journal.read(histories[1]).head == NO_HEAD
    assert journal.read(histories[2]).head == others[1].result(timeout=60)[0]
    assert len(post(journal, histories[1], NO_HEAD)[1]) == 1


def test_commits_reach_the_disk(journal: SqliteJournal) -> None:
    """Killing a process does not show it: what it wrote outlives it even without a flush."""
    with journal.exclusive(uuid4()):
        batch = journal._database.group_commit.mine
        assert batch is not None
        assert batch.connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert batch.connection.execute("PRAGMA journal_mode").fetchone() == (b"wal",)


# A full disk


def fill(journal: Any, history: UUID) -> tuple[Head, int]:
    """Append until it is full."""
    head, count = NO_HEAD, 0
    while True:
        try:
            head, _ = post(journal, history, head, 10)
            count += 10
        except DBError as error:
            assert error.definite  # noqa: PT017
            assert "full" in str(error)  # noqa: PT017
            assert "free space" in str(error)  # noqa: PT017
            return head, count


def test_a_full_disk(tmp_path: Path) -> None:
    history, other = uuid4(), uuid4()
    small = f"sqlite:{tmp_path}/pings.db?max_page_count=25"
    with open_journal(small) as journal:
        spare, _ = post(journal, other, NO_HEAD, 100)
        head, count = fill(journal, history)
        assert count > 20
        # Nothing half-written: neither by the last append nor by one of many entries.
        with pytest.raises(DBError):
            journal.commit(history, head, chain(head.vid, 100), chart=CHART)
        with pytest.raises(DBError):
            journal.commit(
                uuid4(), NO_HEAD, [Entry(IDS.next(EPOCH), EPOCH, b"x" * 100_000)], chart=CHART
            )
        reading = journal.read(history)
        assert (len(reading.entries), reading.head) == (count, head)
        with pytest.raises(VersionConflictError):
            post(journal, history, NO_HEAD)
        # Space is freed by deleting and collecting, in spite of the full disk.
        journal.delete(other, spare)
        assert journal.collect(journal.clock() + 31 * DAY).entries == 100
        head, _ = post(journal, history, head, 10)
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        head, _ = post(journal, history, head, 200)
        assert len(journal.read(history).entries) == count + 210


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("known", [False, True], ids=["a new history", "a known head"])
def test_a_full_disk_fails_the_batch_and_not_the_next(
    tmp_path: Path, pool: ThreadPoolExecutor, known: bool
) -> None:
    """SQLite undoes the whole transaction: also those who asked for little are told."""
    history, own = uuid4(), uuid4()
    with open_journal(f"sqlite:{tmp_path}/pings.db?max_page_count=20") as journal:
        assert isinstance(journal, SqliteJournal)
        head, _ = post(journal, own, NO_HEAD)
        there = NO_HEAD
        for _ in range(2 * known):
            there, _ = post(journal, history, there)
        large = [Entry(IDS.next(there.vid), there.vid, b"x" * 200_000)]

        def body() -> None:
            with journal.exclusive(own):
                others.extend(
                    queued(
                        journal,
                        pool,
                        lambda: journal.commit(history, there, large, chart=CHART),
                        partial(post, journal, history, there),
                    )
                )
                post(journal, own, head)

        others: list[Future[Any]] = []
        for use in (body, lambda: others[0].result(timeout=60)):
            with pytest.raises(DBError, match="full") as caught:
                use()
            assert caught.value.definite
        # The third came into a batch of its own.
        assert others[1].result(timeout=60)[0] == journal.read(history).head
        assert journal.read(own).head == head
        post(journal, own, head)


def test_a_lost_transaction_takes_no_more_writes(tmp_path: Path) -> None:
    history = uuid4()
    with open_journal(f"sqlite:{tmp_path}/pings.db?max_page_count=20") as journal:

        def body() -> None:
            with journal.exclusive(history):
                head, _ = post(journal, history, NO_HEAD)
                large = Entry(IDS.next(head.vid), head.vid, b"x" * 200_000)
                with pytest.raises(DBError, match="full"):
                    journal.commit(history, head, [large], chart=CHART)
                with pytest.raises(DBError, match="full"):
                    journal.read(history)
                with pytest.raises(DBError, match="full"):
                    post(journal, history, NO_HEAD)

        with pytest.raises(DBError, match="full") as caught:
            body()
        assert caught.value.definite
        assert journal.read(history).head == NO_HEAD
        post(journal, history, NO_HEAD)


def test_another_programs_lock(tmp_path: Path) -> None:
    history = uuid4()
    with open_journal(f"sqlite:{tmp_path}/pings.db?timeout=0.05") as journal:
        head, _ = post(journal, history, NO_HEAD)
        other = sqlite3.connect(tmp_path / "pings.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DBError, match="another program holds") as caught:
            post(journal, history, head)
        assert caught.value.definite
        assert journal.read(history).head == head
        other.close()
        post(journal, history, head)
