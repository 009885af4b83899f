"""Waiting for the turn to write ends in time, whoever has it, and reading never waits."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf import RETRY_NO_VC, CmdInit, JournalError, Workflows
from pingregistrywf.runtime.errors import DBError, JournalOpenError
from pingregistrywf.runtime.journal import NO_HEAD, Head, open_journal
from pingregistrywf.runtime.journal.sqlite import group_commit
from pingregistrywf.runtime.journal.sqlite.group_commit import Batch
from pingregistrywf.runtime.journal.sqlite.guard import FileGuard
from pingregistrywf.runtime.journal.sqlite.journal import SqliteJournal
from pingregistrywf.runtime.journal.sqlite.process_lock import ProcessLock
from pingregistrywf.testing.journal import post

POSTER = Path(__file__).with_name("poster.py")
LONG = 60.0
"""Seconds that no test waits for."""


class Stopped:
    """A process that was stopped inside its turn, after its first commit to a history."""

    def __init__(self, url: str, history: UUID) -> None:
        self.process = subprocess.Popen(
            [sys.executable, POSTER, url, str(history), "1", "1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def go_on(self) -> str:
        """Let it continue to its end; return the id that it posted."""
        self.process.send_signal(signal.SIGCONT)
        out, _ = self.process.communicate(timeout=LONG)
        return str(out.splitlines()[1])


@pytest.fixture
def history() -> UUID:
    return uuid4()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path}/pings.db"


@pytest.fixture
def head(url: str, history: UUID) -> Head:
    with open_journal(url) as journal:
        return post(journal, history, NO_HEAD)[0]


@pytest.fixture
def stopped(url: str, history: UUID, head: Head) -> Iterator[Stopped]:
    stopped = Stopped(url, history)
    yield stopped
    stopped.process.kill()
    stopped.process.communicate()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


@contextmanager
def opened(url: str, timeout: float) -> Iterator[SqliteJournal]:
    with open_journal(f"{url}?timeout={timeout}") as journal:
        assert isinstance(journal, SqliteJournal)
        yield journal


@contextmanager
def other_process(journal: SqliteJournal) -> Iterator[ProcessLock]:
    """What looks like another process in its turn."""
    lock = ProcessLock(journal._database.address.path)
    assert lock.acquire(LONG) is None
    yield lock
    lock.close()


def test_others_go_on_when_a_stopped_process_continues(
    url: str, history: UUID, head: Head, stopped: Stopped
) -> None:
    with opened(url, 0.05) as journal:
        with pytest.raises(DBError, match="waiting for the turn to write") as caught:
            post(journal, history, head)
        assert caught.value.definite
        assert f"process {stopped.process.pid} ({sys.executable} {POSTER}" in str(caught.value)
        assert "which is stopped" in str(caught.value)
        # Reads go on: of what is durable.
        assert journal.read(history).head == head
        assert len(list(journal.scan())) == 1
        with journal.subscribe(history) as subscription:
            posted = stopped.go_on()
            assert subscription.wait(LONG)
        reading = journal.read(history)
        assert str(reading.head.vid) == posted
        helper_has_left(journal._database._process_lock)
        post(journal, history, reading.head)
        assert len(journal.read(history).entries) == 3


def test_others_go_on_at_once_when_a_stopped_process_dies(
    url: str, history: UUID, head: Head, stopped: Stopped, pool: ThreadPoolExecutor
) -> None:
    with opened(url, LONG) as journal:
        waiting = pool.submit(post, journal, history, head)
        wait_until(lambda: journal._database._process_lock._request is not None)
        stopped.process.kill()
        after, _ = waiting.result(timeout=LONG / 2)
        assert journal.read(history).head == after
        assert len(journal.read(history).entries) == 2


def test_a_journal_opens_while_a_process_is_stopped(
    url: str, history: UUID, head: Head, stopped: Stopped
) -> None:
    with open_journal(url) as journal:
        assert journal.read(history).head == head


def test_threads_wait_at_the_same_time(
    url: str, history: UUID, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six threads behind another process: not one bound after the other."""
    bound = 0.3
    with opened(url, bound) as journal, other_process(journal):
        lock = journal._database._process_lock
        granted: list[float] = []
        acquire = lock.acquire

        def recorded(timeout: float) -> str | None:
            granted.append(timeout)
            return acquire(timeout)

        monkeypatch.setattr(lock, "acquire", recorded)
        deadlines: list[float] = []
        wait = journal._database.group_commit._queue

        def queued(deadline: float) -> None:
            deadlines.append(deadline)
            wait(deadline)

        monkeypatch.setattr(journal._database.group_commit, "_queue", queued)
        for future in [pool.submit(post, journal, history, NO_HEAD) for _ in range(6)]:
            with pytest.raises(DBError, match=r"gave up after 0\.3 s") as caught:
                future.result(timeout=LONG)
            assert caught.value.definite
        assert len(deadlines) == 6
        assert 0 < sum(granted) <= bound + max(deadlines) - min(deadlines)


def test_the_wait_for_a_thread_counts(
    url: str, history: UUID, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited for another thread first has less time left to wait for another process."""
    monkeypatch.setattr(group_commit, "MOST_SECONDS", 0.0)  # a batch for each turn
    with opened(url, LONG) as journal:
        lock = journal._database._process_lock
        acquire, granted = lock.acquire, []
        monkeypatch.setattr(lock, "acquire", lambda t: (granted.append(t), acquire(t))[1])
        with journal.exclusive(history):
            queue(journal, pool, partial(post, journal, history, NO_HEAD))
            began = time.monotonic()
            time.sleep(0.01)
            waited = time.monotonic() - began
        wait_until(lambda: len(granted) == 2)
    assert granted[1] <= LONG - waited


def test_retries_do_not_multiply_the_wait(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(url, 0.05) as journal:
        workflows, workflow = Workflows(journal), uuid4()
        workflows.init(workflow, CmdInit(registry_id=uuid4()))
        with other_process(journal):
            lock = journal._database._process_lock
            acquire, calls = lock.acquire, []
            monkeypatch.setattr(lock, "acquire", lambda t: (calls.append(t), acquire(t))[1])
            with pytest.raises(JournalError, match="gave up") as caught:
                workflows.append_ping(workflow, RETRY_NO_VC, 0, "ping")
            assert caught.value.definite
            assert len(calls) == 1
        helper_has_left(lock)
        workflows.append_ping(workflow, RETRY_NO_VC, 0, "ping")


def test_a_thread_that_stays_in_its_turn(url: str, history: UUID, pool: ThreadPoolExecutor) -> None:
    with opened(url, 0.05) as journal:
        with journal.exclusive(history):
            waiting = pool.submit(post, journal, history, NO_HEAD)
            with pytest.raises(DBError, match="another thread of this process") as caught:
                waiting.result(timeout=LONG)
            assert caught.value.definite
            assert not journal._database.group_commit._waiting
        post(journal, history, NO_HEAD)


def queue(journal: SqliteJournal, pool: ThreadPoolExecutor, *uses: Callable[[], object]) -> None:
    """Start each in a thread of its own; return when all wait for their turn, in that order."""
    for number, use in enumerate(uses, 1):
        pool.submit(use)
        wait_until(lambda n=number: len(journal._database.group_commit._waiting) == n)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def helper_has_left(lock: ProcessLock) -> None:
    """Wait until it has left the queue: on a slow machine, for longer than a small bound."""
    wait_until(lambda: not lock._queueing)


def batch_of_two(
    journal: SqliteJournal, history: UUID, pool: ThreadPoolExecutor, last: Callable[[], None]
) -> Future[object]:
    """One thread posts, another is in its turn in the same batch."""
    journal._database.group_commit._timeout = LONG  # for the turn
    first: Future[object] = Future()

    def turn() -> None:
        with journal.exclusive(history):
            last()

    def wait() -> None:
        try:
            first.set_result(post(journal, history, NO_HEAD))
        except BaseException as error:
            first.set_exception(error)

    with journal.exclusive(history):
        queue(journal, pool, wait, turn)
        journal._database.group_commit._timeout = 0.05  # for the commit
    return first


def test_a_commit_waits_for_the_last_of_its_batch_no_longer(
    url: str, history: UUID, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written may still become durable, so that the error is not definite."""
    monkeypatch.setattr(group_commit, "MOST_SECONDS", LONG)
    leave = threading.Event()
    with opened(url, LONG) as journal:
        first = batch_of_two(journal, history, pool, last=partial(leave.wait, LONG))
        with pytest.raises(DBError, match="may still become durable") as caught:
            first.result(timeout=LONG)
        assert not caught.value.definite
        leave.set()
        wait_until(lambda: len(journal.read(history).entries) == 1)


def test_a_commit_waits_for_a_slow_disk(
    url: str, history: UUID, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "MOST_SECONDS", LONG)
    commit, wait = Batch.commit, Batch.wait
    flushing, flushed = threading.Event(), threading.Event()

    def slow(batch: Batch, guard: FileGuard) -> bool:
        flushing.set()
        assert flushed.wait(LONG)
        return commit(batch, guard)

    def wait_while_it_flushes(batch: Batch, timeout: float = -1) -> bool:
        assert flushing.wait(LONG)  # so that the bound is for the disk alone
        return wait(batch, timeout)

    monkeypatch.setattr(Batch, "commit", slow)
    monkeypatch.setattr(Batch, "wait", wait_while_it_flushes)
    with opened(url, LONG) as journal:
        first = batch_of_two(journal, history, pool, last=lambda: None)
        assert flushing.wait(LONG)
        with pytest.raises(TimeoutError):
            first.result(timeout=0.2)
        flushed.set()
        first.result(timeout=LONG)
        assert len(journal.read(history).entries) == 1


def test_making_a_journal_waits_no_longer(tmp_path: Path, url: str) -> None:
    other = sqlite3.connect(tmp_path / "pings.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JournalOpenError, match="another program holds"):
        open_journal(f"{url}?timeout=0.05")
    other.close()
    open_journal(url).close()


SCRIPT = """
import signal
import sys
from uuid import uuid4
from pingregistrywf.runtime.errors import DBError
from pingregistrywf.runtime.ids import EPOCH, UlidSource
from pingregistrywf.runtime.journal import NO_HEAD, ChartIdentity, Entry, open_journal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
journal = open_journal(sys.argv[1])
print("ready", flush=True)
try:
    entry = Entry(UlidSource().next(EPOCH), EPOCH, b"")
    journal.commit(uuid4(), NO_HEAD, [entry], chart=ChartIdentity("pings"))
except DBError as error:
    print("refused", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_a_process_ends_while_its_helper_queues(url: str) -> None:
    with opened(url, LONG) as journal, other_process(journal):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, f"{url}?timeout=0.05"],
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
    assert (done.stdout, done.stderr, done.returncode) == ("ready\nrefused\n", "", 0)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists who waits")
def test_interrupted_from_the_keyboard(url: str) -> None:
    with opened(url, LONG) as journal, other_process(journal):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, f"{url}?timeout={LONG}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        waits = f"-> FLOCK  ADVISORY  WRITE {process.pid} "
        wait_until(lambda: waits in Path("/proc/locks").read_text())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONG / 2)
    assert (out, err, process.returncode) == ("ready\ninterrupted\n", "", 0)
