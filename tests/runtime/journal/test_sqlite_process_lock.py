"""The queue of processes: waiting ends in time, and what was given up is handed back.

Two ``ProcessLock`` objects lock as two processes do: the system looks at open files.
"""

from __future__ import annotations

import _thread
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pingregistrywf.runtime import log
from pingregistrywf.runtime.journal.sqlite import process_lock
from pingregistrywf.runtime.journal.sqlite.process_lock import ProcessLock

LONG = 60.0
"""Seconds that no test waits for."""


@pytest.fixture
def open_lock(tmp_path: Path) -> Iterator[Callable[[], ProcessLock]]:
    opened = []

    def open_lock() -> ProcessLock:
        opened.append(ProcessLock(tmp_path / "pings.db"))
        return opened[-1]

    yield open_lock
    for lock in opened:
        lock.close()


@pytest.fixture
def other(open_lock: Callable[[], ProcessLock]) -> ProcessLock:
    """Another process, in its turn."""
    other = open_lock()
    assert other.acquire(LONG) is None
    return other


@pytest.fixture
def lock(open_lock: Callable[[], ProcessLock]) -> ProcessLock:
    return open_lock()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_wait_is_given_up(lock: ProcessLock, other: ProcessLock) -> None:
    assert lock.acquire(0.05) == "another thread of this process"


def test_what_was_given_up_is_handed_back(
    lock: ProcessLock, other: ProcessLock, open_lock: Callable[[], ProcessLock]
) -> None:
    third = open_lock()
    assert lock.acquire(0.01) is not None
    other.release()
    assert third.acquire(LONG) is None
    third.release()
    wait_until(lambda: not lock._queueing)
    assert lock.acquire(0.0) is None


def test_the_next_request_has_the_place_of_one_given_up(
    lock: ProcessLock,
    other: ProcessLock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = []
    start = _thread.start_new_thread
    monkeypatch.setattr(
        _thread, "start_new_thread", lambda *args: (started.append(args), start(*args))
    )
    for _ in range(3):
        assert lock.acquire(0.01) is not None
    waiting = threading.Thread(target=lambda: results.append(lock.acquire(LONG)))
    results: list[str | None] = []
    waiting.start()
    wait_until(lambda: lock._request is not None)
    other.release()
    waiting.join(30)
    assert results == [None]
    assert [args for args in started if args[0] == lock._help] == started[:1]
    assert other.acquire(0.01) is not None  # the turn is this process's, and only one's
    lock.release()
    assert other.acquire(LONG) is None


def test_the_helper_leaves_when_nobody_waits(
    lock: ProcessLock, other: ProcessLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_lock, "IDLE_SECONDS", 0.01)
    for _ in range(2):
        assert lock.acquire(0.01) is not None
        other.release()
        wait_until(lambda: not lock._helped)
        assert other.acquire(LONG) is None


def test_granted_at_the_last_moment(
    lock: ProcessLock, other: ProcessLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn comes just when the wait is over: it is this process's."""
    wait = process_lock._Request.wait

    def too_late(request: process_lock._Request, timeout: float) -> bool:
        other.release()
        assert wait(request, LONG)
        return False

    monkeypatch.setattr(process_lock._Request, "wait", too_late)
    assert lock.acquire(0.01) is None
    monkeypatch.undo()
    assert other.acquire(0.01) is not None


class Interrupted(BaseException):
    """What Ctrl-C is, but nothing that pytest listens to."""


@pytest.mark.parametrize("granted", [False, True])
def test_interrupted_while_waiting(
    lock: ProcessLock, other: ProcessLock, monkeypatch: pytest.MonkeyPatch, granted: bool
) -> None:
    wait = process_lock._Request.wait

    def interrupted(request: process_lock._Request, timeout: float) -> bool:
        if granted:
            other.release()
            assert wait(request, LONG)
        raise Interrupted

    monkeypatch.setattr(process_lock._Request, "wait", interrupted)
    with pytest.raises(Interrupted):
        lock.acquire(LONG)
    monkeypatch.undo()
    other.release()
    assert other.acquire(LONG) is None
    other.release()
    assert lock.acquire(LONG) is None


def test_closed_while_the_helper_queues(lock: ProcessLock, other: ProcessLock) -> None:
    """The files stay open for the helper, so that it never locks a stranger's file."""
    assert lock.acquire(0.01) is not None
    lock.close()
    assert lock._files is not None
    other.release()
    wait_until(lambda: lock._files is None)
    assert other.acquire(LONG) is None


def test_no_helper_can_be_started(
    lock: ProcessLock, other: ProcessLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    with pytest.raises(OSError, match="start new thread"):
        lock.acquire(LONG)
    monkeypatch.undo()
    other.release()
    assert lock.acquire(0.0) is None


def test_a_long_wait_is_logged(
    lock: ProcessLock,
    other: ProcessLock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(log, "NOTICE_SECONDS", 0.01)
    caplog.set_level(logging.INFO, "pingregistrywf")
    assert lock.acquire(0.0) is not None
    assert not caplog.messages
    assert lock.acquire(0.02) is not None
    assert caplog.messages == [
        "waiting for the turn to write",
        "waiting for the turn to write: gave up",
    ]
    asked, over = (record.fields for record in caplog.records)  # type: ignore[attr-defined]
    assert asked == {"holder": "another thread of this process"}
    assert 0.02 <= over["seconds"] < 30


def test_who_is_about_to_have_the_turn(
    lock: ProcessLock, other: ProcessLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that stands first in the queue and does not go on holds up the others, too."""
    holders = {Path(f"{lock.path}-next"): 4711}
    monkeypatch.setattr(process_lock, "lock_holder", holders.get)
    monkeypatch.setattr(process_lock, "describe_process", str)
    assert lock.holder() == "4711"
    holders[Path(f"{lock.path}-main")] = 4712
    assert lock.holder() == "4712"
