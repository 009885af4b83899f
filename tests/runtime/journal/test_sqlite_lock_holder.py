"""Who holds a lock: from the system's list, or nobody where it does not say."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from pingregistrywf.runtime.journal.sqlite.lock_holder import describe_process, lock_holder

Locks: TypeAlias = Callable[..., Path]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "lock"
    file.touch()
    return file


@pytest.fixture
def locks(tmp_path: Path, file: Path) -> Locks:
    """Write a list of locks, in which PLACE stands for the file; return its directory."""

    def locks(*lines: str) -> Path:
        status = file.stat()
        major, minor = os.major(status.st_dev), os.minor(status.st_dev)
        place = f"{major:02x}:{minor:02x}:{status.st_ino}"
        text = "".join(f"{line}\n" for line in lines).replace("PLACE", place)
        (tmp_path / "locks").write_text(text)
        return tmp_path

    return locks


def test_the_holder_and_not_who_waits(file: Path, locks: Locks) -> None:
    proc = locks(
        "1: POSIX  ADVISORY  READ 11 PLACE 128 128",
        "2: FLOCK  ADVISORY  WRITE 12 fe:00:1 0 EOF",
        "3: -> FLOCK  ADVISORY  WRITE 13 PLACE 0 EOF",
        "3: FLOCK  ADVISORY  WRITE 14 PLACE 0 EOF",
    )
    assert lock_holder(file, proc=proc) == 14


@pytest.mark.parametrize("pid", ["0", "-1"])
def test_a_holder_in_another_container_has_no_number(file: Path, locks: Locks, pid: str) -> None:
    assert lock_holder(file, proc=locks(f"1: FLOCK  ADVISORY  WRITE {pid} PLACE 0 EOF")) is None


def test_a_system_without_a_list(file: Path, tmp_path: Path) -> None:
    assert lock_holder(file, proc=tmp_path / "none") is None
    assert lock_holder(tmp_path / "missing", proc=Path("/proc")) is None
    assert describe_process(None) == "another process"
    assert describe_process(4711, proc=tmp_path / "none") == "process 4711"


def described(proc: Path, command: bytes, state: str = "S") -> str:
    process = proc / "4711"
    process.mkdir(exist_ok=True)
    (process / "cmdline").write_bytes(command)
    (process / "stat").write_text(f"4711 (a) b) {state} 1 4711 4711")
    return describe_process(4711, proc=proc)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (b"python3\0worker.py\0", "process 4711 (python3 worker.py)"),
        (b"sh\0-c\0\x1b[2J\n\xff\xe2\x80\xae\0", r"process 4711 (sh -c \x1b[2J\n\xff\u202e)"),
        (b"x" * 1000, f"process 4711 ({'x' * 200}…)"),
        (b"", "process 4711"),
    ],
)
def test_a_command_line_is_text(tmp_path: Path, command: bytes, shown: str) -> None:
    assert described(tmp_path, command) == shown


@pytest.mark.parametrize("state", ["T", "t"])
def test_a_stopped_process_is_called_so(tmp_path: Path, state: str) -> None:
    shown = described(tmp_path, b"worker\0", state)
    assert shown == "process 4711 (worker), which is stopped,"


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists locks")
def test_the_systems_own_list(file: Path) -> None:
    assert lock_holder(file) is None
    with file.open() as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        assert lock_holder(file) == os.getpid()
        assert describe_process(os.getpid()) == "another thread of this process"
    script = (
        "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX);"
        "print(flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, file], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        assert lock_holder(file) == process.pid
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        shown = describe_process(process.pid)
        assert shown.startswith(f"process {process.pid} ({sys.executable} -c import fcntl")
        assert shown.endswith(", which is stopped,")
    finally:
        process.kill()
        process.communicate()
