"""System calls fail, or the process dies in the middle: what was said about a commit stays true."""

from __future__ import annotations

import json
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf.runtime.journal import open_journal

from ...faults import Faults
from ...tiers import EXHAUSTIVE, SOAK
from .failing import CALLS, HISTORY

OPENING = ("open index", "open log", "lock index", "lock file", "read log", "stat log", "stat file")
PROGRAM = Path(__file__).with_name("failing.py")


def stored(path: Path) -> list[str]:
    """The ids of the history's entries, in a journal without faults."""
    with open_journal(f"sqlite:{path}") as journal:
        assert all(not scanned.faults for scanned in journal.scan())
        return [str(entry.id) for entry in journal.read(HISTORY, whole=True).entries]


def run(faults: Faults, path: Path, *arguments: object) -> dict[str, Any]:
    """Run ``failing.py``; every outcome that it noted must be true."""
    noted: dict[str, Any] = json.loads(faults.run([PROGRAM, path, *arguments]).stdout)
    found = set(stored(path))
    assert set(noted["acknowledged"]) <= found
    assert not set(noted["refused"]) & found
    assert found <= {*noted["acknowledged"], *noted["doubtful"]}
    return noted


def test_each_call_of_an_append(faults: Faults, tmp_path: Path) -> None:
    most = 20 if EXHAUSTIVE else 2
    noted = run(faults, tmp_path / "j.db", "each", most)
    assert {f"{call} 1" for call in CALLS} <= set(noted["failed"])


@pytest.mark.exhaustive
@pytest.mark.slow
def test_the_first_calls_of_an_opening_beside_a_log(faults: Faults, tmp_path: Path) -> None:
    """SQLite removes the log if it can open the index for reading only, when it closes alone."""
    left = tmp_path / "left"
    left.mkdir()
    vids = faults.run([PROGRAM, left / "j.db", "leave", 3]).stdout.split()
    assert (left / "j.db-wal").stat().st_size > 0
    for call in OPENING:
        for times in range(1, 6):
            path = tmp_path / f"{call} {times}" / "j.db"
            shutil.copytree(left, path.parent)
            faults.run([PROGRAM, path, call, times])
            assert stored(path) == vids, f"{call} {times}"


@pytest.mark.soak
def test_one_call_in_twelve(faults: Faults, tmp_path: Path) -> None:
    appends = 10_000 if SOAK else 1_000 if EXHAUSTIVE else 100
    noted = run(faults, tmp_path / "j.db", "storm", appends)
    outcomes = [len(noted[outcome]) for outcome in ("acknowledged", "refused", "doubtful")]
    assert sum(outcomes) == appends
    assert noted["failed"] > appends / 2
    assert min(outcomes) > 0


def test_a_process_that_is_killed_at_any_change(faults: Faults, tmp_path: Path) -> None:
    """It makes a journal, appends, and copies the log into the file when it closes."""
    appends, acknowledged = 3, [0]
    changes = count(1) if EXHAUSTIVE else count(1, 5)
    for change in changes:
        path = tmp_path / str(change) / "j.db"
        path.parent.mkdir()
        done = faults.run([PROGRAM, path, "calmly", appends], kill_at=change)
        vids = done.stdout.split()
        assert stored(path)[: len(vids)] == vids
        acknowledged.append(len(vids))
        if done.returncode == 0:
            break
    assert acknowledged == sorted(acknowledged)
    assert set(acknowledged) == set(range(appends + 1))


def test_the_log_is_copied_into_the_file_in_the_turn_alone(faults: Faults, tmp_path: Path) -> None:
    """So processes that write never copy it at one instant, at the last close neither."""
    done = faults.run([PROGRAM, tmp_path / "j.db", "turns", 3])
    (filled, out_of_turn), (closed, out_of_turn_closed) = json.loads(done.stdout)
    assert 0 < filled < closed
    assert out_of_turn == out_of_turn_closed == 0
