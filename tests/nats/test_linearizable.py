"""The journal on a cluster is linearizable, whatever happens to the nodes."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from pingregistrywf.testing.linearizability import NotLinearizableError, Recorder

from ..clients import Careless, run_clients
from ..tiers import EXHAUSTIVE, SOAK
from .cluster import Cluster
from .conftest import OpenMany
from .faults import Fault

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nats")]

SEEDS: Final = range(200) if SOAK else range(10) if EXHAUSTIVE else (3,)
"""Each is a run; the third kills the leader, for a short time."""
CLIENTS: Final = 6
LONGEST_FAULT: Final = 12.0
"""In seconds: a new leader is elected after four to eight, and a leader without followers takes ten
to notice."""


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_answers_are_linearizable(
    seed: int, nats_cluster: Cluster, stream: str, open_many: OpenMany
) -> None:
    chance = random.Random(seed)
    fault, lasting = Fault.drawn(chance), chance.uniform(0, LONGEST_FAULT)
    journals, recorder, over = open_many(CLIENTS), Recorder(), threading.Event()
    with ThreadPoolExecutor() as threads:
        at_work = threads.submit(
            run_clients, journals, recorder, stream, lambda calls: not over.is_set()
        )
        try:
            with fault.on(nats_cluster, stream):
                over.wait(lasting)
        finally:
            over.set()
        at_work.result()
    recorder.check()
    calls = [call for calls in recorder.calls.values() for call in calls]
    unknown = sum(call.ended is None for call in calls)
    print(f"{fault} for {lasting:.1f} s: {len(calls)} calls, {unknown} with unknown outcome")
    assert calls


@pytest.mark.exhaustive
def test_without_compare_and_set_it_is_caught_within_five_runs(open_many: OpenMany) -> None:
    journals = [Careless(journal) for journal in open_many(CLIENTS)]

    def is_caught(run: int) -> bool:
        recorder = Recorder()
        run_clients(journals, recorder, run)
        try:
            recorder.check()
        except NotLinearizableError:
            return True
        return False

    assert any(is_caught(run) for run in range(5))
