"""Several processes on one file: each gets its share, and a killed one loses nothing it told."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf.runtime.journal import NO_HEAD, open_journal
from pingregistrywf.testing.journal import post

from ...tiers import EXHAUSTIVE, SOAK

POSTER = Path(__file__).with_name("poster.py")
PATIENCE = 30.0
"""Seconds by which a busy machine may be late."""


class Poster:
    """A running ``poster.py``."""

    def __init__(self, url: str, history: UUID, count: int, stopping: int = 0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, POSTER, url, str(history), str(count), str(stopping)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def wait_until_stopped(self) -> None:
        state = os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert state is not None
        assert state.si_code == os.CLD_STOPPED, self.finish()

    def lines_until(self, word: str) -> list[str]:
        """The lines that it writes next, the last of them the first that begins with the word."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line[:-1])
            if line.startswith(word):
                return lines
        raise AssertionError(f"it ended without {word!r}: {lines}")

    def finish(self) -> tuple[list[str], str]:
        """The complete lines that it wrote, and its standard error."""
        # Not with ``communicate``, which does not see what ``readline`` has read ahead.
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        hung = threading.Timer(120, self.process.kill)
        hung.start()
        out = self.process.stdout.read()
        err = self.process.stderr.read()
        hung.cancel()
        self.process.communicate()
        return [line[:-1] for line in out.splitlines(keepends=True) if line.endswith("\n")], err


def run(posters: list[Poster]) -> list[list[str]]:
    for poster in posters:
        poster.go()
    finished = [poster.finish() for poster in posters]
    assert [err for _, err in finished] == [""] * len(posters)
    return [lines for lines, _ in finished]


@dataclass
class Shares:
    """How several processes got on with each other.

    Attributes:
        slowest_to_fastest: the least of their rates, as a part of the greatest.
        longest_wait: seconds that one post took, from asking for the turn to being acknowledged.
        longest_turn: seconds of that in the turn itself.
    """

    processes: int
    slowest_to_fastest: float
    longest_wait: float
    longest_turn: float

    @property
    def fair(self) -> bool:
        # A turn is as long as the disk takes.  Where another program keeps it busy for a while,
        # all that can be asked is that nobody waits for more than one turn of each.
        patience = max(0.25, self.processes * self.longest_turn)
        return self.slowest_to_fastest >= 0.5 and self.longest_wait <= patience


def post_together(place: Path, processes: int, each: int) -> Shares:
    """Post from several processes at once, and check that every entry is there exactly once."""
    url, history = f"sqlite:{place}/pings.db", uuid4()
    lines = run([Poster(url, history, each) for _ in range(processes)])
    acknowledged = [vid for told in lines for vid in told[:-1]]
    with open_journal(url) as journal:
        stored = [str(entry.id) for entry in journal.read(history).entries]
    assert len(stored) == processes * each
    assert sorted(acknowledged) == sorted(stored)
    times = [json.loads(told[-1]) for told in lines]
    rates = [each / (t["ended"] - t["began"]) for t in times]
    return Shares(
        processes,
        min(rates) / max(rates),
        max(t["longest_wait"] for t in times),
        max(t["longest_turn"] for t in times),
    )


def eventually(place: Path, measure: Callable[[Path], Shares]) -> None:
    """Times depend on what else the machine does: the best of three counts."""
    measured = []
    for attempt in range(3):
        (place / str(attempt)).mkdir()
        measured.append(measure(place / str(attempt)))
        if measured[-1].fair:
            return
    pytest.fail(f"never fair: {measured}")


@pytest.mark.slow
@pytest.mark.xdist_group("timing")
def test_eight_processes_get_their_share(tmp_path: Path) -> None:
    eventually(tmp_path, lambda place: post_together(place, 8, 500 if EXHAUSTIVE else 100))


@pytest.mark.slow
def test_processes_make_a_new_file_at_once(tmp_path: Path) -> None:
    for round_ in range(10 if EXHAUSTIVE else 3):
        (tmp_path / str(round_)).mkdir()
        post_together(tmp_path / str(round_), 6, 2)


@pytest.mark.slow
def test_killed_while_posting(tmp_path: Path) -> None:
    """Every acknowledged entry is there, the chain is whole, and the others go on."""
    drawn = random.Random(2)
    url, history = f"sqlite:{tmp_path}/pings.db", uuid4()
    acknowledged: set[str] = set()
    for _ in range(50 if EXHAUSTIVE else 5):
        victim, survivor = Poster(url, history, 1_000_000), Poster(url, history, 20)
        victim.go()
        assert victim.process.stdout is not None
        acknowledged.add(victim.process.stdout.readline().strip())  # it is posting now
        survivor.go()
        time.sleep(drawn.random() * 0.1)
        victim.process.kill()
        told, _ = victim.finish()
        acknowledged.update(told)
        told, err = survivor.finish()
        assert err == ""
        acknowledged.update(told[:-1])
        with open_journal(url) as journal:
            reading = journal.read(history)
            assert acknowledged <= {str(entry.id) for entry in reading.entries}
            head, _ = post(journal, history, reading.head)
            acknowledged.add(str(head.vid))


@pytest.mark.slow
def test_killed_while_making_the_file(tmp_path: Path) -> None:
    drawn = random.Random(3)
    for round_ in range(50 if EXHAUSTIVE else 5):
        url, history = f"sqlite:{tmp_path}/{round_}.db", uuid4()
        victim = Poster(url, history, 1_000_000)
        victim.go()
        time.sleep(drawn.random() * 0.03)
        victim.process.kill()
        told, _ = victim.finish()
        with open_journal(url) as journal:
            reading = journal.read(history)
            assert set(told) <= {str(entry.id) for entry in reading.entries}
            post(journal, history, reading.head)


def test_a_turn_ends_with_its_process(tmp_path: Path) -> None:
    """Killed inside of a turn: what it wrote there is gone, and the turn is free."""
    url, history = f"sqlite:{tmp_path}/pings.db?timeout=20", uuid4()
    with open_journal(url) as journal:
        head, _ = post(journal, history, NO_HEAD)
        script = f"""if True:
            import os, signal
            from uuid import UUID
            from pingregistrywf.runtime.ids import UlidSource
            from pingregistrywf.runtime.journal import ChartIdentity, Entry, open_journal
            journal, history = open_journal({url!r}), UUID({str(history)!r})
            with journal.exclusive(history):
                head = journal.read(history).head
                entry = Entry(UlidSource().next(head.vid), head.vid, b"never acknowledged")
                journal.commit(history, head, [entry], chart=ChartIdentity("pings"))
                os.kill(os.getpid(), signal.SIGKILL)
        """
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
        assert journal.read(history).head == head
        post(journal, history, head)


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("ending", [signal.SIGCONT, signal.SIGKILL])
def test_a_process_that_is_stopped_in_its_turn(tmp_path: Path, ending: signal.Signals) -> None:
    """The others get an error that names it, in time, and go on when it continues or dies."""
    long = SOAK or (EXHAUSTIVE and ending is signal.SIGCONT)
    bound, pause, count = (10.0, 30.0, 200) if long else (0.3, 0.0, 30)
    url, history = f"sqlite:{tmp_path}/pings.db", uuid4()
    bounded = f"{url}?timeout={bound}"
    victim = Poster(bounded, history, count, stopping=count // 10)
    others = [Poster(bounded, history, count) for _ in range(7)]
    victim.go()
    victim.wait_until_stopped()
    stopped = time.monotonic()
    for poster in others:
        poster.go()
    time.sleep(pause)
    lines = [poster.lines_until("refused") for poster in others]
    continued = time.monotonic()
    victim.process.send_signal(ending)
    results = [poster.finish() for poster in (victim, *others)]
    took = time.monotonic() - continued
    assert [err for _, err in results] == [""] * 8
    lines = [before + after for before, (after, _) in zip([[], *lines], results, strict=True)]
    for each in lines if ending is signal.SIGCONT else lines[1:]:
        assert each.pop().startswith("{")  # it went on to the end
    said = [line for each in lines for line in each]
    acknowledged = [line for line in said if not line.startswith("refused")]
    refusals = [json.loads(line[8:]) for line in said if line.startswith("refused")]
    assert ending is signal.SIGKILL or len(acknowledged) == 8 * count
    with open_journal(url) as journal:
        stored = [str(entry.id) for entry in journal.read(history).entries]
    assert sorted(stored) == sorted(acknowledged)
    # While it was stopped, nobody waited for longer than the bound.
    refusals = [each for each in refusals if stopped < each["at"] < continued]
    waits = [refusal["at"] - refusal["asked"] for refusal in refusals]
    assert bound <= min(waits)
    assert max(waits) < bound + PATIENCE
    for refusal in refusals:
        assert f"process {victim.process.pid} ({sys.executable} {POSTER}" in refusal["saying"]
        assert "which is stopped" in refusal["saying"]
    print(
        f"stopped for {continued - stopped:.1f} s, then {ending.name}: {len(waits)} errors after"
        f" {min(waits):.2f} to {max(waits):.2f} s; all done {took:.1f} s later; all of"
        f" {len(acknowledged)} acknowledged entries stored"
    )
