"""What a daemon costs: next to nothing while idle, no more memory or reading as time goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import linear_regression
from uuid import UUID

import pytest

from pingregistrywf import open_journal
from pingregistrywf.coordination.registry import PingRegistry

from .many_lives import BATCH, BATCHES, REGISTRY

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

ROOT = Path(__file__).parents[2]
MEASURED = 2.0
"""For how long an idle daemon is watched, in seconds."""
WARM = BATCHES // 4
"""After so many batches, no more memory is needed."""

REMEMBERED = 0.5
"""Fewer of Python's blocks of memory a workflow than it takes to remember its id: that is one."""


def processor_time(pid: int) -> float:
    """What a process's threads have used so far, in seconds, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


@contextmanager
def daemon(journal: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A daemon that watches by now."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pingregistrywf", *words],
        env={**os.environ, "PINGREGISTRYWF_JOURNAL": journal},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert "watching" in process.stderr.readline()
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.xdist_group("timing")
@pytest.mark.parametrize("words", [("server", "--name", "alpha"), ("gather",)], ids=lambda w: w[0])
def test_an_idle_daemon_stays_under_one_percent_of_a_core(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    url = f"sqlite:{tmp_path / 'pings.db'}"
    with open_journal(url) as journal:
        registry = PingRegistry(journal, REGISTRY)
        for number in range(20):  # it is idle, not without anything listed
            workflow = UUID(int=0x1001 + number)
            registry.begin(workflow)
            registry.operations.gather(workflow, 0, "")
    shares = []
    with daemon(url, words[0], REGISTRY, *words[1:]) as process:
        for _ in range(3):
            time.sleep(1)  # let it come to rest after its start
            before, begun = processor_time(process.pid), time.monotonic()
            time.sleep(MEASURED)
            used = processor_time(process.pid) - before
            shares.append(used / (time.monotonic() - begun))
            if shares[-1] < 0.01:
                break
    print(f"{min(shares):.2%} of a core")
    assert min(shares) < 0.01, shares


def test_memory_and_reading_are_flat_over_many_workflows() -> None:
    """Batches begin, are taken part in, committed, deleted, and collected: 10,000 workflows."""
    # In a process of its own: what other tests left behind would be counted, too.
    command = [sys.executable, "-m", "tests.coordination.many_lives"]
    said = subprocess.run(command, cwd=ROOT, check=True, timeout=300, stdout=subprocess.PIPE)
    sizes, read = json.loads(said.stdout)
    # A line through the sizes: how much of a batch is under way when it is measured varies.
    growth = linear_regression(range(WARM, BATCHES), sizes[WARM:]).slope / BATCH
    print(f"{growth:.2f} blocks and {max(read[1:]) / BATCH:.1f} entries read a workflow")
    assert growth < REMEMBERED, sizes
    # Each event at most once by each daemon, 6 of a workflow and 3 of the index; and the workflow
    # once more by the gatherer, which looks up its start.
    assert max(read[1:]) / BATCH <= 2 * (6 + 3) + 6, read
