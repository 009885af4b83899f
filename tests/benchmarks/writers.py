"""Processes that append pings to a workflow, as often as they can in windows that they are given.

A line of a process's standard input gives a window: two times of the monotonic clock, which all
processes of a machine share.  For each, the process prints what it wrote.

    python -m tests.benchmarks.writers URL WORKFLOW
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from pingregistrywf import RETRY_NO_VC, Workflows, open_journal

from .stock import MESSAGE

HEAD_START = 0.05
"""Seconds until a window begins, so that every writer is there in time."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer did in a window.

    Attributes:
        appends: how many appends it began inside.
        longest: the seconds that the longest took.
        ended: when the last one ended, on the monotonic clock.
    """

    appends: int
    longest: float
    ended: float


def append(workflows: Workflows, workflow: UUID, begin: float, end: float) -> Written:
    """Append pings from one time to another, one at least."""
    number, longest, now = 0, 0.0, begin
    time.sleep(max(begin - time.monotonic(), 0.0))
    while now < end or not number:
        before = time.monotonic()
        workflows.append_ping(workflow, RETRY_NO_VC, 0, MESSAGE)
        now = time.monotonic()
        number, longest = number + 1, max(longest, now - before)
    return Written(number, longest, now)


def each_append(begin: float, written: Iterable[Written]) -> float:
    """Return the seconds an append that writers took together, who all began at a time."""
    each = list(written)
    return (max(one.ended for one in each) - begin) / sum(one.appends for one in each)


class Writers:
    """Processes that append to one workflow, at the same time."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes
        self.fairness: list[float] = []
        """Of each round, how many appends the slowest made for each of the fastest."""
        self.waits: list[float] = []
        """Of each round, the longest time that an append took, in seconds."""

    @classmethod
    @contextmanager
    def started(cls, url: str, workflow: UUID, number: int) -> Iterator[Writers]:
        """Start so many processes, and end them."""
        command = [sys.executable, "-m", "tests.benchmarks.writers", url, str(workflow)]
        with ExitStack() as stack:
            processes = [
                stack.enter_context(
                    subprocess.Popen(
                        command,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                        cwd=Path(__file__).parents[2],
                    )
                )
                for _ in range(number)
            ]
            for each in processes:
                assert each.stdin is not None
                stack.callback(each.stdin.close)
            for each in processes:
                _answer(each)
            yield cls(processes)

    def write(self, window: float, number: int | None = None) -> float:
        """Let so many of them write for a while, all unless given; return seconds an append."""
        begin = time.monotonic() + HEAD_START
        writing = self._processes[:number]
        for each in writing:
            assert each.stdin is not None
            each.stdin.write(f"{begin} {begin + window}\n")
            each.stdin.flush()
        written = [Written(**json.loads(_answer(each))) for each in writing]
        appends = [each.appends for each in written]
        self.fairness.append(min(appends) / max(appends))
        self.waits.append(max(each.longest for each in written))
        return each_append(begin, written)


def _answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("a writer ended: its message is above")
    return line


def main(url: str, workflow: str) -> None:
    """Write in each window, until standard input ends."""
    with open_journal(url) as journal:
        workflows, named = Workflows(journal), UUID(workflow)
        workflows.find_id(named)
        print(flush=True)  # ready
        for line in sys.stdin:
            written = append(workflows, named, *map(float, line.split()))
            print(json.dumps(asdict(written)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
