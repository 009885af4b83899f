"""A forked child goes on with the journal as if it had opened it.

Each test runs a script of its own: a test process with threads should not be forked.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

PRELUDE = """
import gc, os, signal, sys, threading, time, warnings
from uuid import UUID, uuid4
from pingregistrywf.runtime.errors import DBError, JournalOpenError, VersionConflictError
from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import ChartIdentity, NO_HEAD, Entry, open_journal

# Python warns of forks with threads since 3.12; that they work here is what is tested.
warnings.simplefilter("ignore", DeprecationWarning)
url, ids, history = sys.argv[1], UlidSource(), uuid4()
journal = open_journal(url)

def post(journal=journal, history=history):
    with journal.exclusive(history):
        head = journal.read(history).head
        entry = Entry(ids.next(head.vid), head.vid, b"data")
        return journal.commit(history, head, [entry], chart=ChartIdentity("pings"))

def fork(child):
    pid = os.fork()
    if pid == 0:
        try:
            child()
        except Exception:
            import traceback
            traceback.print_exc()
            os._exit(1)
        sys.exit(0)  # with all that the end of an interpreter does
    return pid

def join(*pids):
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        assert status == 0, status
"""

Run: TypeAlias = Callable[[str], str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(script: str) -> str:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                PRELUDE + textwrap.dedent(script),
                f"sqlite:{tmp_path}/pings.db",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.stderr, done.returncode) == ("", 0)
        return done.stdout

    return run


def test_parent_and_children_go_on(run: Run) -> None:
    run("""
        subscription = journal.subscribe(history)
        for _ in range(10): post()
        def child():
            assert subscription.wait(0) is False
            with journal.subscribe(history) as own:
                for _ in range(50): post()
                assert own.wait(0)
        children = [fork(child) for _ in range(3)]
        for _ in range(50): post()
        join(*children)
        assert subscription.wait(0)
        assert len(journal.read(history).entries) == 10 + 4 * 50
        journal.close()
    """)


def test_children_of_children(run: Run) -> None:
    run("""
        post()
        def grandchild(): post()
        def child():
            post()
            join(fork(grandchild))
            post()
        join(fork(child))
        assert len(journal.read(history).entries) == 4
    """)


@pytest.mark.slow
def test_forked_while_threads_are_in_their_turns(run: Run) -> None:
    run("""
        stop, posted = threading.Event(), []
        own = [uuid4() for _ in range(4)]
        def hammer(history):
            with journal.subscribe(history):
                while not stop.is_set():
                    post(history=history); journal.read(history)
                    posted.append(history)
        threads = [threading.Thread(target=hammer, args=(each,), daemon=True) for each in own]
        for thread in threads: thread.start()
        def child():
            if os.path.isdir("/proc/self/fd"):  # nothing of the parent's is open
                links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
                names = [os.readlink(link) for link in links if os.path.islink(link)]
                assert not [name for name in names if "pings.db" in name], names
            for _ in range(5): post()
        for _ in range(10):
            join(fork(child))
        stop.set()
        for thread in threads: thread.join()
        assert len(journal.read(history).entries) == 50
        assert sum(len(journal.read(each).entries) for each in own) == len(posted)
    """)


def test_a_fork_waits_for_another_threads_turn(run: Run) -> None:
    run("""
        inside = threading.Event()
        def turn():
            with journal.exclusive(history):
                post()
                inside.set()
                time.sleep(0.3)
        thread = threading.Thread(target=turn)
        thread.start()
        inside.wait()
        def child():
            assert len(journal.read(history).entries) == 1
            post()
        join(fork(child))
        thread.join()
        assert len(journal.read(history).entries) == 2
    """)


REFUSED = """
def child():
    for use in (post, lambda: journal.read(history), journal.collect, journal.subscribe):
        try:
            use()
        except DBError as error:
            assert "forked in the middle of a commit" in str(error), error
        else:
            raise AssertionError(use)
    try:
        open_journal(url)
    except JournalOpenError as error:
        assert "forked" in error.cause
    else:
        raise AssertionError("opened")
    journal.close()
    gc.collect()
"""


def test_forked_inside_a_turn(run: Run) -> None:
    """The turn stays with the parent; the child is told that it cannot use the file."""
    run(
        REFUSED
        + textwrap.dedent("""
        with journal.exclusive(history):
            post()
            pid = fork(child)
            join(pid)
            post()
        assert len(journal.read(history).entries) == 2
        post()
    """)
    )


def test_a_child_leaves_the_parents_turn_alone(run: Run) -> None:
    run("""
        with journal.exclusive(history):
            post()
            pid = os.fork()
            if pid:
                join(pid)
                assert os.listdir(os.path.dirname(url.partition(":")[2]))
        if pid == 0:
            sys.exit(0)
        assert len(journal.read(history).entries) == 1
    """)


def test_a_turn_that_lasts_too_long_for_a_fork(run: Run) -> None:
    run(
        REFUSED
        + textwrap.dedent("""
        from pingregistrywf.runtime.journal.sqlite import database
        database.FORK_PATIENCE = 0.1
        inside, leave = threading.Event(), threading.Event()
        def turn():
            with journal.exclusive(history):
                post()
                inside.set()
                leave.wait()
        thread = threading.Thread(target=turn)
        thread.start()
        inside.wait()
        join(fork(child))
        leave.set()
        thread.join()
        assert len(journal.read(history).entries) == 1
        post()
    """)
    )


def test_a_child_does_not_hold_the_locks_of_a_dead_parent(run: Run) -> None:
    out = run("""
        post()
        reader, writer = os.pipe()
        middle = os.fork()
        if middle == 0:
            def child():
                os.close(writer)
                os.read(reader, 1)  # lives until this script ends
                os._exit(0)
            pid = fork(child)
            with journal.exclusive(history):
                post()
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(middle, 0)
        post()  # within the time that a turn is waited for
        assert len(journal.read(history).entries) == 2
        os.close(writer)
        print("done")
    """)
    assert out == "done\n"


def test_closed_stays_closed(run: Run) -> None:
    run("""
        journal.close()
        other = open_journal(url)
        def child():
            try:
                journal.read(history)
            except DBError as error:
                assert "closed" in str(error)
            other.close()
            try:
                other.read(history)
            except DBError as error:
                assert "closed" in str(error)
        join(fork(child))
        post(other)
    """)


def test_a_subprocess_is_no_fork(run: Run) -> None:
    """Starting another program does not disturb the connections."""
    run("""
        import subprocess
        from pingregistrywf.runtime.journal.sqlite import database
        database.Database.before_fork = None
        with journal.exclusive(history):
            post()
            subprocess.run([sys.executable, "-c", ""], check=True)
            post()
        assert len(journal.read(history).entries) == 2
    """)


def test_forked_after_a_turn_that_did_not_come(run: Run) -> None:
    """The helper that still queues is the parent's; the child starts its own."""
    run("""
        from pingregistrywf.runtime.journal.sqlite.process_lock import ProcessLock
        other = ProcessLock(journal._database.address.path)  # locks as another process does
        assert other.acquire(10) is None
        impatient = open_journal(url + "?timeout=0.05")
        def refused():
            try:
                post(impatient)
            except DBError as error:
                assert "gave up" in str(error), error
            else:
                raise AssertionError("not refused")
        refused()
        reader, writer = os.pipe()
        def child():
            if os.path.isdir("/proc/self/fd"):
                links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
                names = [os.readlink(link) for link in links if os.path.islink(link)]
                assert sum(name.endswith("-main") for name in names) == 1, names  # other's
            refused()
            os.write(writer, b"!")
            post()
        pid = fork(child)
        os.read(reader, 1)
        other.release()
        join(pid)
        while impatient._database._process_lock._queueing:  # perhaps longer than it is patient
            time.sleep(0.001)
        post(impatient)
        assert len(journal.read(history).entries) == 2
    """)
