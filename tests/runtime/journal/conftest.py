"""Processes that use journals as a test tells them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


class RefusedError(Exception):
    """What a user's command raised; ``definite``: whether certainly nothing was written."""

    def __init__(self, text: str, definite: bool) -> None:
        super().__init__(text)
        self.definite = definite


class User:
    """A process of ``user.py``; a method of its ``User`` is called as ``user("method", …)``."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self._channel = channel
        self._lines = channel.makefile("rw")

    def __call__(self, method: str, *arguments: object) -> Any:
        self.send(method, *arguments)
        answer = json.loads(self._lines.readline())
        if "error" in answer:
            raise RefusedError(answer["error"], answer["definite"])
        return answer["result"]

    def send(self, method: str, *arguments: object) -> None:
        self._lines.write(json.dumps([method, *map(_plain, arguments)]) + "\n")
        self._lines.flush()

    def dies(self, method: str, *arguments: object) -> bool:
        """Call a method that may kill its process; return whether it did."""
        self.send(method, *arguments)
        return self._lines.readline() == ""

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def end(self) -> None:
        """Let it end as Python does, without closing anything first."""
        self.send("end")
        self.wait()

    def wait(self) -> None:
        assert self._lines.readline() == ""
        self.leave()

    def leave(self) -> None:
        self._lines.close()
        self._channel.close()


def _plain(argument: object) -> object:
    return str(argument) if isinstance(argument, Path) else argument


@pytest.fixture(scope="session")
def fork_user() -> Iterator[Callable[[], User]]:
    ours, theirs = socket.socketpair()
    program = [sys.executable, Path(__file__).with_name("user.py"), str(theirs.fileno())]
    with ours, subprocess.Popen(program, pass_fds=[theirs.fileno()]) as server:
        theirs.close()

        def fork() -> User:
            mine, its = socket.socketpair()
            with its:
                socket.send_fds(ours, [b"+"], [its.fileno()])
            return User(int.from_bytes(ours.recv(4), "big"), mine)

        yield fork
        ours.close()
        server.wait()


@pytest.fixture
def new_user(fork_user: Callable[[], User]) -> Iterator[Callable[[], User]]:
    """Starts a process; all end with the test."""
    users: list[User] = []

    def start() -> User:
        users.append(fork_user())
        return users[-1]

    yield start
    for user in users:
        user.leave()
