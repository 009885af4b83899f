"""Processes come and go, are killed, and copy the journal's files: no acknowledged event is lost.

A careless copy drops all locks that SQLite has on the file for that process.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pingregistrywf import open_journal

from ...tiers import EXHAUSTIVE, SOAK
from .user import HISTORY

if TYPE_CHECKING:
    from .conftest import User

NewUser = Callable[[], "User"]

WRITERS: Final = 8
READERS: Final = 2
SESSIONS: Final = 250 if SOAK else 25 if EXHAUSTIVE else 4
"""How often each process opens the journal; a session of all takes about 0.3 s."""
FILES: Final = ("", "-wal")
"""What is copied.  Not the log's index: where no process has its locks any more, SQLite cuts it to
make it anew, and a process that looks into it at that moment ends by SIGBUS."""


class Storm:
    """Processes on one journal; a thread of the test drives each.

    Attributes:
        acknowledged: the ids of entries that the processes were promised to be stored.
        killed: how many processes were killed.
    """

    def __init__(self, path: Path, fork_user: NewUser) -> None:
        self.path = path
        self.acknowledged: list[str] = []
        self.killed = 0
        self._fork = fork_user
        self._forking = threading.Lock()
        self._calm = threading.Event()

    def blow(self) -> list[list[str]]:
        """Return what each reader has read."""
        with ThreadPoolExecutor(WRITERS + READERS) as threads:
            writers = [threads.submit(self._write, random.Random(i)) for i in range(WRITERS)]
            readers = [threads.submit(self._read, random.Random(~i)) for i in range(READERS)]
            try:
                for writer in writers:
                    writer.result()
            finally:
                self._calm.set()
            return [reader.result() for reader in readers]

    def _new_user(self) -> User:
        with self._forking:
            return self._fork()

    def _write(self, chance: random.Random) -> None:
        user = self._new_user()
        for _ in range(SESSIONS):
            user("open", self.path)
            for _ in range(chance.randrange(8)):
                self.acknowledged += user("append", self.path)
                self._be_careless(user, chance)
            match chance.randrange(4):
                case 0:
                    user = self._kill(user, chance)
                case 1:
                    user.end()
                    user = self._new_user()
                case _:
                    user("close", self.path)
        user.leave()

    def _be_careless(self, user: User, chance: random.Random) -> None:
        file = f"{self.path}{chance.choice(FILES)}"
        match chance.randrange(8):
            case 0:
                user("touch", file)
            case 1:
                user("copy", file, f"{self.path}.{user.pid}")

    def _kill(self, user: User, chance: random.Random) -> User:
        """Kill a process in the middle of appending, at a random moment; return another."""
        user.send("append", self.path, 100)
        time.sleep(chance.uniform(0, 0.02))
        os.kill(user.pid, signal.SIGKILL)
        user.leave()
        self.killed += 1
        return self._new_user()

    def _read(self, chance: random.Random) -> list[str]:
        """Follow the history until the writers are done."""
        user, read = self._new_user(), []
        last = False
        while not last:
            last = self._calm.is_set()
            user("open", self.path)
            for _ in range(chance.randrange(1, 20)):
                following = user("follow", self.path)
                assert following is not None, f"the history shrank after {len(read)} entries"
                read += following
                self._be_careless(user, chance)
            user("close", self.path)
        user.leave()
        return read


@pytest.mark.slow
@pytest.mark.soak
def test_a_storm_loses_nothing(tmp_path: Path, fork_user: NewUser) -> None:
    path = tmp_path / "j.db"
    storm = Storm(path, fork_user)
    read = storm.blow()
    with open_journal(f"sqlite:{path}") as journal:
        assert all(not scanned.faults for scanned in journal.scan())
        stored = [str(entry.id) for entry in journal.read(HISTORY, whole=True).entries]
    assert set(storm.acknowledged) <= set(stored)
    assert all(seen == stored[: len(seen)] for seen in read)
    assert storm.acknowledged
    assert storm.killed
