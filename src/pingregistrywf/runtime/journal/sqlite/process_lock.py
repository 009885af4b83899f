"""The queue of processes that want to write to one journal file.

SQLite's own busy handler sleeps and tries again, so that of eight busy processes some starve.  Here
a process that wants to write first takes *next* and, holding it, waits for *main*: so one process
waits for *main*, and the rest wait for *next*, where the kernel wakes them in the order they came
(Linux since 5.0; elsewhere in any order, yet a process that just left cannot overtake the one that
holds *next*).

The kernel's queue has no time limit: a process that is stopped in its turn would block all others
for as long as it is stopped.  So it is a helper thread that queues, and the thread that wants the
turn waits for the helper.  When that wait is given up, the helper keeps its place in the queue: it
serves the next request of this process, or hands the lock back at once when nobody wants it.  The
helper lives on for a moment, because a process that had to wait once is likely to wait again.

Correctness does not rest on this lock: SQLite's write lock ensures it.  The kernel frees both files
when a process dies.  One thread of a process at a time acquires it; ``group_commit`` sees to that.
"""

from __future__ import annotations

import _thread
import fcntl
import os
import threading
from pathlib import Path
from typing import Final

from pingregistrywf.runtime.journal.sqlite.lock_holder import describe_process, lock_holder
from pingregistrywf.runtime.log import await_noticed

WAITING: Final = "waiting for the turn to write"

IDLE_SECONDS: Final = 1.0
"""So long the helper lives on when nobody waits."""


class ProcessLock:
    """Two file locks beside the journal file ``path``; opened when first used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._paths = (Path(f"{path}-next"), Path(f"{path}-main"))
        self._files: tuple[int, int] | None = None
        # Re-entrant, because a finalizer may close a journal at any point of any thread.
        self._mutex = threading.RLock()
        self._queueing = False
        self._request: _Request | None = None
        self._helped = False
        self._wanted = _thread.allocate_lock()
        self._wanted.acquire()
        self._closed = False

    def open(self) -> tuple[int, int]:
        """Open the lock files, making them if they are missing.

        Raises:
            OSError: they cannot be opened.
        """
        if self._files is None:
            following, main = self._paths
            opened = open_lock_file(following)
            try:
                self._files = (opened, open_lock_file(main))
            except OSError:
                os.close(opened)
                raise
        return self._files

    def acquire(self, timeout: float) -> str | None:
        """Wait until it is this process's turn, or until ``timeout`` seconds are over.

        Return None when it is this process's turn, else the words for whoever has it.

        Raises:
            OSError: the file system cannot lock.
        """
        try:
            request = self._try_or_queue()
            if request is None:
                return None
            if not await_noticed(request.wait, timeout, WAITING, self.holder):
                holder = self.holder()
                with self._mutex:
                    if self._request is request:  # and was not answered at the last moment
                        self._request = None
                        return holder
            if request.error is not None:
                raise request.error
            return None
        except BaseException:  # the user interrupts, or the file system cannot lock
            with self._mutex:
                self._request = None
                if not self._queueing:
                    self._unlock()
            raise

    def try_acquire(self) -> bool:
        """Take the turn if nobody has it or waits for it; return whether this succeeded.

        Raises:
            OSError: the file system cannot lock.
        """
        following, main = self.open()
        if not (try_lock(following) and try_lock(main)):
            return False
        fcntl.flock(following, fcntl.LOCK_UN)
        return True

    def release(self) -> None:
        """Let the next process in."""
        _, main = self.open()
        fcntl.flock(main, fcntl.LOCK_UN)

    def holder(self) -> str:
        """Return the words for whoever has the turn, or is about to have it."""
        following, main = self._paths
        return describe_process(lock_holder(main) or lock_holder(following))

    def close(self) -> None:
        """Close the lock files, or let the helper close them when it has left the queue."""
        with self._mutex:
            self._closed = True
            if not self._queueing:
                self.forget()

    def forget(self) -> None:
        """Close the lock files without waiting for anybody.

        In a forked child, where no helper runs, this leaves the parent's locks alone, and keeps the
        child from holding on to them should the parent die.
        """
        if self._files is not None:
            for file in self._files:
                os.close(file)
            self._files = None

    def _try_or_queue(self) -> _Request | None:
        """Take the lock if it is free, else return a request for which the helper queues."""
        following, main = self.open()
        with self._mutex:
            # While the helper queues, no other thread may lock these files: through the same
            # descriptor a second lock always succeeds, and means nothing.
            if not self._queueing:
                if self.try_acquire():
                    return None
                self._send_helper(following, main)
            self._request = _Request()
            return self._request

    def _send_helper(self, following: int, main: int) -> None:
        """Let the helper queue, which is idle or not there yet."""
        if self._helped:
            self._wanted.release()
        else:
            try:
                _thread.start_new_thread(self._help, (following, main))
            except RuntimeError as error:
                raise OSError(str(error)) from error
            self._helped = True
        self._queueing = True

    def _help(self, following: int, main: int) -> None:
        """Queue once, and again whenever that is wanted soon; run by the helper thread."""
        wanted = True
        while wanted:
            self._queue(following, main)
            if not self._wanted.acquire(timeout=IDLE_SECONDS):
                with self._mutex:
                    wanted = self._helped = self._wanted.acquire(blocking=False)

    def _queue(self, following: int, main: int) -> None:
        """Take the lock for whoever requests it by then."""
        failed: OSError | None = None
        try:
            fcntl.flock(following, fcntl.LOCK_EX)
            try:
                fcntl.flock(main, fcntl.LOCK_EX)
            finally:
                fcntl.flock(following, fcntl.LOCK_UN)
        except OSError as error:
            failed = error
        with self._mutex:
            request, self._request = self._request, None
            if request is None:
                self._unlock()
            else:
                request.answer(failed)
            self._queueing = False
            if self._closed:
                self.forget()

    def _unlock(self) -> None:
        for file in self._files or ():
            fcntl.flock(file, fcntl.LOCK_UN)


class _Request:
    """One thread's wait for the helper.

    Attributes:
        error: what kept the helper from taking the lock.
    """

    def __init__(self) -> None:
        self.error: OSError | None = None
        self._answered = _thread.allocate_lock()
        self._answered.acquire()

    def answer(self, error: OSError | None) -> None:
        """Say that the helper has the lock, or failed."""
        self.error = error
        self._answered.release()

    def wait(self, timeout: float) -> bool:
        """Wait for the answer, for so many seconds; return whether it came."""
        return self._answered.acquire(timeout=timeout)


def try_lock(file: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file unless another has it; return whether this succeeded."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock_file(path: str | Path) -> int:
    """Open a lock file, making it if it is missing.

    Raises:
        OSError: it cannot be opened.
    """
    # A lock needs no more than a file that can be read, so that users may share a journal.  The
    # first attempt goes without O_CREAT, which the kernel refuses for other users' files in /tmp.
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
