"""Other systems, as far as they can be shown on this one (documentation: Pythons and platforms)."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from pingregistrywf import StateCode, Workflows, open_journal
from pingregistrywf.runtime.journal.sqlite.lock_holder import describe_process, lock_holder

ROOT = Path(__file__).parents[1]
LEASES = str(ROOT / "tests" / "other_workflow" / "leases.yaml")


def windows(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line, or a program after ``-c``, with no more than Windows has."""
    return subprocess.run(
        [sys.executable, "-P", str(ROOT / "tests" / "windows.py"), *words],
        cwd=place,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def test_journals_in_files_say_that_they_need_posix(tmp_path: Path) -> None:
    run = windows(tmp_path, "list", "reg", "--journal", "sqlite:pings.db")
    assert run.returncode == 2
    assert "journals in SQLite files need a POSIX system: processes queue with flock" in run.stderr
    assert run.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_journals_in_memory_work(tmp_path: Path) -> None:
    program = (
        "from uuid import uuid4\n"
        "from pingregistrywf import CmdInit, Workflows, open_journal\n"
        "with open_journal('memory:') as journal:\n"
        "    id = uuid4()\n"
        "    Workflows(journal).init(id, CmdInit(registry_id=uuid4()))\n"
        "    print(Workflows(journal).find_id(id).state_code)\n"
    )
    run = windows(tmp_path, "-c", program)
    assert (run.stdout, run.returncode) == ("Initialized\n", 0), run.stderr


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["chart"], "AppendPing"),
        (["doctor"], "they need a POSIX system"),
        (["generate", "--model", LEASES, "--package", "ours"], "wrote"),
    ],
    ids=["chart", "doctor", "generate"],
)
def test_what_works_without_posix(tmp_path: Path, words: list[str], shown: str) -> None:
    run = windows(tmp_path, *words)
    assert run.returncode == 0, run.stderr
    assert shown in run.stdout


@pytest.mark.parametrize("url", ["nats://127.0.0.1:1/S", "grpc://127.0.0.1:1"])
def test_journals_elsewhere_are_looked_for_without_posix(tmp_path: Path, url: str) -> None:
    run = windows(tmp_path, "list", "reg", "--journal", url)
    assert run.returncode == 2
    assert "answers at 127.0.0.1:1" in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.slow
def test_an_implementation_is_checked_without_posix(tmp_path: Path) -> None:
    made = windows(tmp_path, "conform", "init", "--language", "python", "mine")
    assert made.returncode == 0, made.stderr
    adapter = f"{sys.executable} mine/adapter.py"
    words = ["conform", "--adapter", adapter, "--level", "1", "--bound", "n"]
    run = windows(tmp_path, *words)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "conforms: level 1 at bound n" in run.stdout


def test_an_adapter_that_dies_is_told_without_posix(tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text("import sys\nsys.exit('about to die')\n", encoding="utf-8")
    adapter = f"{sys.executable} dies.py"
    run = windows(tmp_path, "conform", "--adapter", adapter, "--level", "1", "--bound", "n")
    assert run.returncode == 2
    assert "the adapter ended with exit code 1; its log ends: about to die" in run.stderr


# --- macOS ----------------------------------------------------------------------------------------


def test_without_proc_the_holder_of_a_lock_is_not_known(tmp_path: Path) -> None:
    assert lock_holder(tmp_path, proc=tmp_path / "no proc") is None
    assert describe_process(1, proc=tmp_path / "no proc")


@pytest.mark.slow
def test_a_process_that_was_spawned_shares_the_journal(tmp_path: Path) -> None:
    url, workflow = f"sqlite:{tmp_path}/pings.db", uuid4()
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "import multiprocessing, work\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=work.begin)\n"
        "    child.start()\n"
        "    child.join()\n"
        "    sys.exit(child.exitcode)\n"
    )
    (tmp_path / "work.py").write_text(
        "from uuid import UUID, uuid4\n"
        "from pingregistrywf import CmdInit, Workflows, open_journal\n"
        "def begin():\n"
        f"    with open_journal({url!r}) as journal:\n"
        f"        Workflows(journal).init(UUID({str(workflow)!r}), CmdInit(registry_id=uuid4()))\n"
    )
    (tmp_path / "start.py").write_text(program)
    with open_journal(url) as journal:
        run = subprocess.run([sys.executable, "start.py"], cwd=tmp_path, capture_output=True)
        assert run.returncode == 0, run.stderr
        assert Workflows(journal).find_id(workflow).state_code is StateCode.INITIALIZED


def test_no_two_files_have_names_that_differ_by_case_alone() -> None:
    for directory in ("src", "model", "docs", "tests"):
        names = Counter(
            file.relative_to(ROOT).as_posix().casefold()
            for file in (ROOT / directory).rglob("*")
            if "__pycache__" not in file.parts
        )
        assert [name for name, count in names.items() if count > 1] == []
