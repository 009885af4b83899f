"""Processes that use a journal as they are told: tests fork them from one that has all imported.

``python user.py FD`` waits on a socket.  For each byte, and the socket that comes with it, it forks
a process that reads one JSON list a line, ``[METHOD, ARGUMENT, …]``, calls that method of ``User``,
and answers with one JSON object: ``{"result": …}``, or ``{"error": TEXT, "definite": BOOL}``.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import socket
import sqlite3
import subprocess  # noqa: F401 (another user may not read it later)
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pingregistrywf.runtime.journal.sqlite  # noqa: F401 (another user may not read it later)
from pingregistrywf import CmdInit, Workflows
from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import (
    ChartIdentity,
    Entry,
    Head,
    Journal,
    Subscription,
    open_journal,
)
from pingregistrywf.runtime.journal.sqlite import group_commit
from pingregistrywf.runtime.restore import restore

HISTORY = UUID(int=7)
DECLARATIONS = {
    each.DECLARATION.name: each.DECLARATION for each in (ping_registry, ping_registry_index)
}
STEPS = frozenset(
    {
        *("open", "sqlite3.connect", "os.mkdir", "os.rename", "os.remove", "os.rmdir"),
        *("os.chmod", "os.chown", "os.utime", "os.link", "os.truncate"),
    }
)
"""The audit events of what changes files."""
NOBODY = 65534


class User:
    """One process's use of journals, by their paths."""

    def __init__(self) -> None:
        self.journals: dict[str, Journal] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.ids = UlidSource()
        self.followed: Head | None = None
        self.iterators: list[Iterator[object]] = []
        self.connections: list[sqlite3.Connection] = []

    def take_out(self, guard: str) -> None:
        """Do without a guard of the journal's file from now on."""
        import_module("unguarded").take_out(guard)

    def rely_on_first_look(self) -> None:
        """Look at the files when a turn begins, and not again before it commits."""
        group_commit._TURN_SECONDS = math.inf  # type: ignore[misc]

    def open(self, path: str, options: str = "") -> None:
        self.journals[path] = open_journal(f"sqlite:{path}{options}")

    def close(self, path: str) -> None:
        self.journals.pop(path).close()

    def append(self, path: str, times: int = 1, moved: str = "") -> list[str]:
        """Append entries, a commit each; ``moved``: rename the file inside the last turn."""
        journal, written = self.journals[path], []
        for time in range(times):
            with journal.exclusive(HISTORY):
                head = journal.read(HISTORY).head
                entry = Entry(self.ids.next(head.vid), head.vid, b"x" * 100)
                journal.commit(HISTORY, head, [entry], chart=ChartIdentity("pings"), restart=True)
                if moved and time == times - 1:
                    Path(path).rename(moved)
            written.append(str(entry.id))
        return written

    def read(self, path: str) -> list[str]:
        reading = self.journals[path].read(HISTORY, whole=True)
        return [str(entry.id) for entry in reading.entries]

    def follow(self, path: str) -> list[str] | None:
        """Read what came after the last time; None if what was read then is not there any more."""
        reading = self.journals[path].read(HISTORY, self.followed, whole=True)
        if self.followed is not None and not reading.continues:
            return None
        if reading.entries:
            self.followed = reading.head
        return [str(entry.id) for entry in reading.entries]

    def begin(self, path: str, times: int = 1) -> list[str]:
        """Begin workflows, a commit each."""
        begun = [uuid4() for _ in range(times)]
        for workflow in begun:
            Workflows(self.journals[path]).init(workflow, CmdInit(registry_id=uuid4()))
        return sorted(map(str, begun))

    def histories(self, path: str) -> list[str]:
        return sorted(str(stored.id) for stored in self.journals[path].histories())

    def read_on(self, path: str) -> None:
        """Read again and again, until killed."""
        while True:
            self.read(path)

    def subscribe(self, path: str) -> None:
        self.subscriptions[path] = self.journals[path].subscribe(HISTORY)

    def wait_for(self, path: str, written: str) -> bool:
        """Wait as a program does, reading after each wake-up, until an entry is there."""
        while written not in self.read(path):
            if not self.subscriptions[path].wait(60):
                return False
        return True

    def become_nobody(self, temporary: str) -> None:
        """Give up the rights of root, and keep temporary files in a directory."""
        tempfile.tempdir = temporary
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    def write(self, path: str, how: str) -> None:
        """Write in a way that is not an append."""
        journal = self.journals[path]
        head = journal.read(HISTORY).head
        match how:
            case "commit":
                entry = Entry(self.ids.next(head.vid), head.vid, b"x")
                journal.commit(HISTORY, head, [entry], chart=ChartIdentity("pings"))
            case "delete":
                journal.delete(HISTORY, head)
            case "collect":
                journal.collect()
            case "trim":
                journal.trim(HISTORY)
            case _:
                with journal.exclusive(HISTORY):
                    pass

    def touch(self, path: str) -> None:
        """Drop the process's locks on a file, as any careless reader does."""
        with Path(path).open("rb") as file:
            file.read(1)

    def copy(self, path: str, to: str) -> None:
        """Copy a file, which drops the process's locks on it too."""
        shutil.copy(path, to)

    def iterate(self, path: str) -> None:
        """Begin to iterate, and do not go on."""
        iterator = iter(self.journals[path].scan())
        next(iterator)
        self.iterators.append(iterator)

    def finish_iterating(self) -> int:
        """Go on to the end; return how many more there are."""
        return len(list(self.iterators.pop()))

    def stop_iterating(self) -> None:
        self.iterators.clear()

    def sqlite(self, path: str, statement: str) -> list[Any]:
        """Execute a statement on a connection outside of the journal, and keep it open."""
        self.connections.append(sqlite3.connect(path, isolation_level=None))
        return self.connections[-1].execute(statement).fetchall()

    def close_sqlite(self) -> None:
        while self.connections:
            self.connections.pop().close()

    def restore(self, backup: str, path: str, fatal: int) -> int:
        """Put a backup in a journal's place; for ``fatal`` and the result see ``_Steps``."""
        steps = _Steps(path, fatal)
        restore(Path(backup), f"sqlite:{path}", DECLARATIONS)
        return steps.count

    def open_in_steps(self, path: str, fatal: int) -> int:
        """As ``open``; for ``fatal`` and the result see ``_Steps``."""
        steps = _Steps(path, fatal)
        self.open(path)
        return steps.count

    def end(self) -> None:
        """End as Python does, without closing anything first."""
        raise SystemExit


class _Steps:
    """Counts what this process does to files in the directory of a path, from 1.

    ``fatal`` is the number of the step before which SIGKILL comes; 0 for none.
    """

    def __init__(self, path: str, fatal: int) -> None:
        self.count = 0
        self._directory = str(Path(path).parent)
        self._fatal = fatal
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[object, ...]) -> None:
        opens = event in ("open", "sqlite3.connect")
        if event in STEPS and (not opens or self._directory in str(arguments[0])):
            self.count += 1
            if self.count == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)


def serve(channel: socket.socket) -> None:
    """Do what comes on a socket until it ends."""
    user = User()
    with channel, channel.makefile("rw") as lines:
        for line in lines:
            method, *arguments = json.loads(line)
            try:
                answer = {"result": getattr(user, method)(*arguments)}
            except WorkflowError as error:
                answer = {"error": str(error), "definite": getattr(error, "definite", True)}
            lines.write(json.dumps(answer) + "\n")
            lines.flush()


def main(number: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with open_journal("memory:") as journal:  # what a first use compiles is compiled once, for all
        Workflows(journal).init(uuid4(), CmdInit(registry_id=uuid4()))
    with socket.socket(fileno=int(number)) as server:
        while True:
            asked, files, _, _ = socket.recv_fds(server, 1, 1)
            if not asked:
                return
            channel = socket.socket(fileno=files[0])
            pid = os.fork()
            if pid == 0:
                server.close()
                serve(channel)
                return
            channel.close()
            server.sendall(pid.to_bytes(4, "big"))


if __name__ == "__main__":
    main(*sys.argv[1:])
