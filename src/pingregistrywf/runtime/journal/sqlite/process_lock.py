"""The queue of processes that want to write to one journal file.

SQLite's own busy handler sleeps and tries again, so that of eight busy processes some starve.  Here
a process that wants to write first takes *next* and, holding it, waits for *main*: so one process
waits for *main*, and the rest wait for *next*, where the kernel wakes them in the order they came
(Linux since 5.0; elsewhere in any order, yet a process that just left cannot overtake the one that
holds *next*).

Correctness does not rest on it: SQLite's write lock does that.  The kernel frees both locks when a
process dies.  One thread of a process at a time is in here; ``group_commit`` sees to that.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class ProcessLock:
    """Two file locks beside a journal file; opened when first used.

    Args:
        path: the journal file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: tuple[int, int] | None = None

    def open(self) -> tuple[int, int]:
        """Open the lock files, making them if they are missing.

        Raises:
            OSError: they cannot be opened.
        """
        if self._files is None:
            opened = _open(f"{self.path}-next")
            try:
                self._files = (opened, _open(f"{self.path}-main"))
            except OSError:
                os.close(opened)
                raise
        return self._files

    def acquire(self) -> None:
        """Wait until it is this process's turn.

        Raises:
            OSError: the file system cannot lock.
        """
        following, main = self.open()
        fcntl.flock(following, fcntl.LOCK_EX)
        try:
            fcntl.flock(main, fcntl.LOCK_EX)
        finally:
            fcntl.flock(following, fcntl.LOCK_UN)

    def release(self) -> None:
        """Let the next process in."""
        _, main = self.open()
        fcntl.flock(main, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the lock files.

        In a forked child this leaves the parent's locks alone, and keeps the child from holding on
        to them should the parent die.
        """
        if self._files is not None:
            for file in self._files:
                os.close(file)
            self._files = None


def _open(path: str) -> int:
    # A lock needs no more than a file that can be read, so that users may share a journal.  The
    # first attempt goes without O_CREAT, which the kernel refuses for other users' files in /tmp.
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
