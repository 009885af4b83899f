"""Commands of a user who may read a journal and not write it: those that only read work."""

from __future__ import annotations

import json
import os
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from uuid import UUID

import pytest

from pingregistrywf import open_journal
from pingregistrywf.coordination.registry import PingRegistry

from .command_line import environment, run

WORKFLOW = UUID(int=1)
NOBODY = 65534

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")


@pytest.fixture
def file() -> Iterator[Path]:
    """A journal that another user can reach, and may not write."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        file = Path(name, "pings.db")
        with open_journal(f"sqlite:{file}") as journal:
            PingRegistry(journal, "r").begin(WORKFLOW)
        yield file


def run_as_nobody(*words: str, file: Path) -> CompletedProcess[str]:
    """Run a command in a child that gives up the rights of root."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            done = run(*words, env=environment(PINGREGISTRYWF_JOURNAL=f"sqlite:{file}"))
            answer = [done.returncode, done.stdout, done.stderr]
        except BaseException:
            answer = [-1, "", traceback.format_exc()]
        finally:  # the child never goes on as a second run of the tests
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123
        code, out, err = json.loads(pipe.read())
    os.waitpid(pid, 0)
    return CompletedProcess(words, code, out, err)


@needs_root
@pytest.mark.parametrize(
    "words",
    [
        ("list", "r"),
        ("get", "r", "--workflow", str(WORKFLOW)),
        ("events", "r"),
        ("events", "r", "--workflow", str(WORKFLOW)),
        ("collect", "r", "--dry-run"),
        ("journal", "verify"),
        ("journal", "export"),
    ],
)
def test_what_only_reads_answers_as_for_the_owner(file: Path, words: tuple[str, ...]) -> None:
    env = environment(PINGREGISTRYWF_JOURNAL=f"sqlite:{file}")
    expected = run(*words, env=env)
    assert expected.returncode == 0
    found = run_as_nobody(*words, file=file)
    assert (found.returncode, found.stdout, found.stderr) == (0, expected.stdout, expected.stderr)


@needs_root
def test_a_directory_that_takes_no_copy_is_named(file: Path) -> None:
    found = run_as_nobody("journal", "export", str(file.parent / "copy.jsonl"), file=file)
    assert found.returncode == 2
    assert found.stderr.startswith(f"pingregistrywf: '{file.parent}': permission denied; check its")


@needs_root
@pytest.mark.parametrize(
    "words",
    [
        ("begin", "r"),
        ("commit", "r", "--workflow", str(WORKFLOW)),
        ("collect", "r"),
        ("server", "r", "--name", "s"),
        ("gather", "r"),
    ],
)
def test_what_writes_is_refused_at_once(file: Path, words: tuple[str, ...]) -> None:
    env = environment(PINGREGISTRYWF_JOURNAL=f"sqlite:{file}?mode=ro")
    expected = run(*words, env=env)
    assert expected.returncode == 2
    assert "leave out mode=ro" in expected.stderr
    found = run_as_nobody(*words, file=file)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "may read but not write" in found.stderr
    assert "run as a user who may" in found.stderr


def test_a_journal_is_not_replaced_by_who_wants_to_read_only(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    url, copy = f"sqlite:{file}?mode=ro", str(tmp_path / "copy.db")
    assert run("journal", "backup", copy, "--journal", url).returncode == 0
    found = run("journal", "restore", copy, "--journal", url)
    assert found.returncode == 2
    assert "leave out mode=ro" in found.stderr
    assert file.read_bytes() == before


@needs_root
def test_a_backup(file: Path) -> None:
    """The copy belongs to the user who made it, in a directory of theirs."""
    theirs = file.parent / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    run("journal", "backup", str(theirs / "one.db"), "--journal", f"sqlite:{file}")
    found = run_as_nobody("journal", "backup", str(theirs / "two.db"), file=file)
    assert (found.returncode, found.stderr) == (0, "")
    with open_journal(f"sqlite:{file}") as journal, open_journal(f"sqlite:{theirs}/two.db") as copy:
        assert list(copy.scan()) == list(journal.scan())


@needs_root
def test_info_and_doctor_say_so(file: Path) -> None:
    said = f"for reading only: this user may read but not write {str(file)!r}"
    run("journal", "info", "--journal", f"sqlite:{file}")
    assert said in run_as_nobody("journal", "info", file=file).stdout.splitlines()
    run("doctor", "--journal", f"sqlite:{file}")
    found = run_as_nobody("doctor", file=file)
    assert found.returncode == 0
    (line,) = (each for each in found.stdout.splitlines() if " access " in each)
    assert line.startswith("note")
    assert f"{said}: run as a user who may" in line


def test_info_and_doctor_name_the_mode(file: Path) -> None:
    url = f"sqlite:{file}?mode=ro"
    *_, totals = run("journal", "info", "--json", "--journal", url).stdout.splitlines()
    assert json.loads(totals)["read_only"] == "its URL says to read only"
    checks = run("doctor", "--json", "--journal", url).stdout.splitlines()
    (access,) = (each for each in map(json.loads, checks) if each["check"] == "access")
    assert (access["verdict"], access["remedy"]) == ("note", "leave out mode=ro")
