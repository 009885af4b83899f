"""That a command costs the same in a short history and in a long one.

The two are measured in turn in one run, since a machine is faster or slower from minute to minute;
``make bench`` prints the ratio of the medians.
"""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf import (
    EPOCH,
    NO_VC,
    CmdInit,
    Journal,
    Ulid,
    UlidSource,
    WorkflowIndexes,
    Workflows,
    open_journal,
)

LENGTHS = (10, 10_000)
JOURNALS = ("memory", "sqlite")
Ratio = Callable[..., None]


@pytest.fixture(params=JOURNALS)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    urls = {"memory": "memory:", "sqlite": f"sqlite:{tmp_path / 'bench.db'}"}
    return open_journal(urls[request.param])


def workflow(journal: Journal, pings: int) -> tuple[Workflows, uuid.UUID]:
    """A workflow that holds that many pings."""
    workflows, workflow_id = Workflows(journal), uuid.uuid4()
    workflows.init(workflow_id, CmdInit(registry_id=uuid.uuid4()))
    with journal.exclusive(workflow_id):  # one flush for all
        for _ in range(pings):
            workflows.append_ping(workflow_id, NO_VC, 0, "alpha ping 1")
    return workflows, workflow_id


@pytest.fixture
def ratio(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> Ratio:
    """Measures two acts in turn, tells the ratio, and takes the second as the benchmark's own."""

    def measure(what: str, short: Callable[[], object], long: Callable[[], object]) -> None:
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(100 if benchmark.enabled else 1):
            for each, act in zip(times, (short, long), strict=True):
                begin = time.perf_counter()
                act()
                each.append(time.perf_counter() - begin)
        first, second = (statistics.median(each) * 1e6 for each in times)
        if benchmark.enabled:
            with capsys.disabled():
                low, high = LENGTHS
                print(f"\n{what}: {first:.0f} us at {low}, {second:.0f} us at {high},", end=" ")
                print(f"ratio {second / first:.2f}", end=" ")
        benchmark(long)

    return measure


def test_append_to_a_long_history(benchmark: Any, journal: Journal, ratio: Ratio) -> None:
    """AppendPing at 10 pings and at 10,000: the ratio should be about 1."""
    acts = []
    for length in LENGTHS if benchmark.enabled else (1, 2):
        workflows, workflow_id = workflow(journal, length)
        acts.append(partial(workflows.append_ping, workflow_id, NO_VC, 0, "x"))
    ratio(f"append to {journal.url}", *acts)


def test_begin_in_a_long_index(benchmark: Any, journal: Journal, ratio: Ratio) -> None:
    """BeginPingRegistry with 10 listed and with 10,000: the ratio should be about 1."""
    vid = UlidSource().next(EPOCH)
    acts = []
    for length in LENGTHS if benchmark.enabled else (1, 2):
        indexes, index_id = WorkflowIndexes(journal), uuid.uuid4()
        with journal.exclusive(index_id):
            for _ in range(length):
                begin(indexes, index_id, vid)
        acts.append(partial(begin, indexes, index_id, vid))
    ratio(f"begin in {journal.url}", *acts)


def begin(indexes: WorkflowIndexes, index_id: uuid.UUID, vid: Ulid) -> None:
    indexes.begin_ping_registry(index_id, NO_VC, uuid.uuid4(), vid)
