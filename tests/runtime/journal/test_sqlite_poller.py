"""Changes of other processes wake a subscription in time, and idling costs next to nothing."""

from __future__ import annotations

import gc
import random
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf.runtime.errors import JournalClosedError
from pingregistrywf.runtime.journal import NO_HEAD, Subscription, open_journal
from pingregistrywf.runtime.journal.sqlite import poller
from pingregistrywf.runtime.journal.sqlite.journal import SqliteJournal
from pingregistrywf.testing.journal import post

OTHER = """
import sys, time
from uuid import UUID
from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import ChartIdentity, Entry, open_journal
ids = UlidSource()
with open_journal(sys.argv[1]) as journal:
    print("ready", flush=True)
    for line in sys.stdin:
        history = UUID(line.strip())
        head = journal.read(history).head
        entry = Entry(ids.next(head.vid), head.vid, b"from afar")
        journal.commit(history, head, [entry], chart=ChartIdentity("pings"))
        print(time.monotonic(), flush=True)
"""


class OtherProcess:
    """Commits when it is told to."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", OTHER, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def start(self, history: UUID) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{history}\n")
        self._process.stdin.flush()

    def done(self) -> float:
        """When the commit was acknowledged, on the clock that all processes share."""
        return float(self._answer())

    def close(self) -> None:
        self._process.communicate(timeout=30)
        assert self._process.returncode == 0


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        assert isinstance(journal, SqliteJournal)
        yield journal


@pytest.fixture
def other(journal: SqliteJournal) -> Iterator[OtherProcess]:
    other = OtherProcess(journal.url)
    yield other
    other.close()


def watching() -> bool:
    return any(thread.name == "journal poller" for thread in threading.enumerate())


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.xdist_group("timing")
def test_latency(journal: SqliteJournal, other: OtherProcess) -> None:
    drawn = random.Random(4)
    history = uuid4()

    def latencies() -> list[float]:
        measured = []
        for _ in range(20):
            time.sleep(drawn.random() * 0.05)
            other.start(history)
            assert subscription.wait(60)
            woken = time.monotonic()
            measured.append(woken - other.done())
        return measured

    with journal.subscribe(history) as subscription:
        attempts = []
        for _ in range(10):  # times depend on what else the machine does
            measured = latencies()
            attempts.append((statistics.median(measured), max(measured)))
            if attempts[-1][0] < 0.05 and attempts[-1][1] < 0.1:
                return
    pytest.fail(f"median and longest, ten times: {attempts}")


IDLE = """
import sys, time
from uuid import uuid4
from pingregistrywf.runtime.journal import open_journal
with open_journal(sys.argv[1]) as journal, journal.subscribe(uuid4()), journal.subscribe():
    for _ in range(3):
        cpu, wall = time.process_time(), time.monotonic()
        time.sleep(2)
        print((time.process_time() - cpu) / (time.monotonic() - wall))
"""


@pytest.mark.xdist_group("timing")
@pytest.mark.slow
def test_idle_cost(journal: SqliteJournal) -> None:
    """In a process of its own: other tests leave threads in this one."""
    words = [sys.executable, "-c", IDLE, journal.url]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    shares = [float(line) for line in done.stdout.split()]
    assert min(shares) < 0.01, shares


def test_only_what_is_asked_for_wakes(journal: SqliteJournal, other: OtherProcess) -> None:
    history, elsewhere = uuid4(), uuid4()
    with journal.subscribe(history) as one, journal.subscribe() as any_:
        other.start(elsewhere)
        other.done()
        assert any_.wait(60)
        assert not one.wait(0.1)
        other.start(history)
        other.done()
        assert one.wait(60)
        assert not one.wait(0.1)


def test_subscribing_is_no_change(journal: SqliteJournal) -> None:
    history = uuid4()
    post(journal, history, NO_HEAD)
    for _ in range(2):  # with a thread that just started, and one that runs
        with journal.subscribe() as any_, journal.subscribe(history) as one:
            assert not any_.wait(0.1)
            assert not one.wait(0.1)


def test_own_changes_wake_once(journal: SqliteJournal) -> None:
    history = uuid4()
    with journal.subscribe(history) as one:
        post(journal, history, NO_HEAD)
        assert one.wait(0)
        assert not one.wait(0.1)


@pytest.mark.slow
def test_no_change_falls_between_subscribing_and_the_first_look(journal: SqliteJournal) -> None:
    """Again and again, with a thread that just started and one that has been running."""
    with open_journal(journal.url) as second:
        for keep in (False, True):
            kept = journal.subscribe() if keep else None
            for _ in range(10):
                history = uuid4()
                with journal.subscribe(history) as one:
                    post(second, history, NO_HEAD)
                    assert one.wait(60)
                with journal.subscribe() as any_:
                    post(second, uuid4(), NO_HEAD)
                    assert any_.wait(60)
            if kept is not None:
                kept.close()


def test_the_thread_lives_as_long_as_somebody_subscribes(journal: SqliteJournal) -> None:
    until(lambda: not watching())  # those of the tests before have ended
    for _ in range(2):
        one, two = journal.subscribe(), journal.subscribe(uuid4())
        assert watching()
        one.close()
        time.sleep(0.06)
        assert watching()
        two.close()
        until(lambda: not watching())


def test_closing_ends_the_thread(tmp_path: Path) -> None:
    journal = open_journal(f"sqlite:{tmp_path}/pings.db")
    subscription = journal.subscribe()
    journal.close()
    assert subscription.wait(0) is False
    until(lambda: not watching())


def test_a_failing_look_wakes_everyone(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that they read, and are told what is wrong; later looks are tried again."""
    monkeypatch.setattr(poller, "_AFTER_FAILURE", 0.05)
    look = poller._version
    failing = True

    def fail(connection: sqlite3.Connection) -> object:
        if failing and threading.current_thread().name == "journal poller":
            raise sqlite3.OperationalError("disk I/O error")
        return look(connection)

    monkeypatch.setattr(poller, "_version", fail)
    history = uuid4()
    with journal.subscribe(history) as one:
        assert one.wait(60)
        failing = False
        time.sleep(0.1)
        one.wait(0)
        with open_journal(journal.url) as second:
            post(second, history, NO_HEAD)
        assert one.wait(60)


def test_a_dropped_journal_is_collected_and_closed(tmp_path: Path) -> None:
    journal = open_journal(f"sqlite:{tmp_path}/pings.db")
    subscription = journal.subscribe(uuid4())
    post(journal, uuid4(), NO_HEAD)
    journal.read(uuid4())
    gone = weakref.ref(journal)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del journal
        gc.collect()
    assert gone() is None
    assert subscription.wait(0) is False
    until(lambda: not watching())
    assert not [each for each in open_files() if each.is_relative_to(tmp_path)]


def open_files() -> list[Path]:
    listed = Path("/proc/self/fd")
    if not listed.is_dir():
        pytest.skip("this system does not list open files")
    return [each.readlink() for each in listed.iterdir() if each.is_symlink()]


def test_no_subscription_begins_while_the_journal_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would never end.  Closing waits for the commits that are under way."""
    journal = open_journal(f"sqlite:{tmp_path / 'journal.db'}")
    group_commit = journal._database.group_commit  # type: ignore[attr-defined]
    close, begun = group_commit.close, list[Subscription]()

    def waiting_close() -> None:
        with suppress(JournalClosedError):
            begun.append(journal.subscribe())
        close()

    monkeypatch.setattr(group_commit, "close", waiting_close)
    journal.close()
    assert all(each.closed for each in begun)
