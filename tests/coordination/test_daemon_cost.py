"""What a daemon costs: next to nothing while idle, no more memory or reading as time goes on."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from pingregistrywf import NO_VC, Journal, StateCode, open_journal
from pingregistrywf.coordination.daemon import Daemon, Gatherer, Server
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.registry_ids import RegistryIds
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime.journal import Head, Reading

from .simulation import Wrapped

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

DAY = 86_400.0
REGISTRY = RegistryIds("reg")
MEASURED = 2.0
"""For how long an idle daemon is watched, in seconds."""
BATCH = 50
"""Workflows that are listed at the same time."""
BATCHES = 100
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
        registry = PingRegistry(journal, REGISTRY.name)
        for number in range(20):  # it is idle, not without anything listed
            workflow = UUID(int=0x1001 + number)
            registry.begin(workflow)
            registry.operations.gather(workflow, 0, "")
    shares = []
    with daemon(url, words[0], REGISTRY.name, *words[1:]) as process:
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


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Counted(Wrapped):
    """The journal, with what is read from it counted."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.entries = 0

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        reading: Reading = self._journal.read(history, after, whole=whole)
        self.entries += len(reading.entries)
        return reading


@contextmanager
def serving(*daemons: Daemon) -> Iterator[None]:
    """Daemons in threads of their own."""
    stop = Stop()
    threads = [threading.Thread(target=each.serve, args=(stop,)) for each in daemons]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.ask()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def summarized(registry: PingRegistry, workflow: UUID) -> None:
    """Wait until the workflow is summarized."""
    with registry.journal.subscribe(workflow) as news:
        while registry.workflows.find_id(workflow).state_code is not StateCode.SUMMARIZED:
            assert news.wait(60)


def test_memory_and_reading_are_flat_over_many_workflows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches begin, are taken part in, committed, deleted, and collected: 5,000 workflows."""
    # pytest keeps what is logged, and the days that pass here are logged as jumps of the clock.
    monkeypatch.setattr(logging.root.manager, "disable", logging.WARNING)
    clock = Clock()
    journal = open_journal("memory:", clock=clock)
    counted = Counted(journal)
    registry, theirs = (
        PingRegistry(journal, REGISTRY.name),
        [PingRegistry(counted, REGISTRY.name) for _ in range(2)],
    )  # type: ignore[arg-type]
    server = Server(theirs[0], "alpha", pings=2, interval=0)
    gatherer = Gatherer(theirs[1], pings=1, interval=0, duration=0)
    sizes, read = [], []
    with serving(server, gatherer):
        for batch in range(BATCHES):
            read.append(-counted.entries)
            _whole_lives(registry, clock, batch)
            read[-1] += counted.entries
            gc.collect()
            sizes.append(sys.getallocatedblocks())
    # Least sizes: what is under way comes and goes.
    growth = min(sizes[-5:]) - min(sizes[WARM : WARM + 5])
    many = BATCH * (BATCHES - WARM)
    print(f"{growth / many:.2f} blocks and {max(read[1:]) / BATCH:.1f} entries read a workflow")
    assert growth / many < REMEMBERED, sizes
    # Each event at most once by each daemon, 6 of a workflow and 3 of the index; and the workflow
    # once more by the gatherer, which looks up its start.
    assert max(read[1:]) / BATCH <= 2 * (6 + 3) + 6, read


def _whole_lives(registry: PingRegistry, clock: Clock, batch: int) -> None:
    workflows = [UUID(int=0x10000 + batch * BATCH + number) for number in range(BATCH)]
    for workflow in workflows:
        registry.begin(workflow)
    for workflow in workflows:
        summarized(registry, workflow)
        registry.commit(workflow)
    # The journal too must forget them, and the index's beginning.
    registry.indexes.snapshot(registry.index_id, NO_VC, False)
    for days in (5.1, 31):
        clock.now += days * DAY
        assert [action for action in registry.collector().run() if action.error] == []
