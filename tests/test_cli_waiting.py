"""A command that waits for its turn to write: what it says to a person, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pingregistrywf.runtime.journal import open_journal
from pingregistrywf.runtime.journal.sqlite.process_lock import ProcessLock

pytestmark = pytest.mark.slow
COMMAND = (sys.executable, "-m", "pingregistrywf", "begin", "alpha", "--journal")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "pings.db"
    open_journal(f"sqlite:{file}").close()
    return file


@pytest.fixture
def holder(file: Path) -> Iterator[ProcessLock]:
    """This process is in its turn."""
    holder = ProcessLock(file)
    assert holder.acquire(60) is None
    yield holder
    holder.close()


def test_a_person_is_told_for_whom(file: Path, holder: ProcessLock) -> None:
    terminal, stderr = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, f"sqlite:{file}?timeout=60"], stdout=subprocess.PIPE, stderr=stderr, text=True
    )
    os.close(stderr)
    said = os.read(terminal, 10_000).decode()
    assert said.startswith("pingregistrywf: waiting for the turn to write holder=")
    assert f"process {os.getpid()} (" in said
    holder.release()
    out, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert process.returncode == 0
    assert out.startswith("workflow ")


def test_a_program_is_told_once(file: Path, holder: ProcessLock) -> None:
    """Where standard error is no terminal, it is the one line that says why it failed."""
    done = subprocess.run(
        [*COMMAND, f"sqlite:{file}?timeout=1.1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("pingregistrywf: journal error: waiting for the turn to write: ")
    assert f"gave up after 1.1 s, while process {os.getpid()} (" in done.stderr
    assert done.stderr.count("\n") == 1
