"""What uses a journal behaves on NATS as on every other: commands, whole systems, the suite."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import count

import pytest

from pingregistrywf import Workflows
from pingregistrywf._generated.ping_registry_index import WorkflowIndexes
from pingregistrywf.chart.locate import load_model
from pingregistrywf.runtime.journal import Journal, open_journal
from pingregistrywf.testing.clock import TurnedClock
from pingregistrywf.testing.generated import FacadeClass

from ..coordination.simulation import PASSES, Ask, Go, Kill, Move, Pass, run
from ..properties.driven import drive
from ..tiers import SOAK
from .cluster import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

SCHEDULES = 10
MOVES = 60


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[str]]:
    """The URLs of new journals on one server."""
    place = tmp_path_factory.mktemp("nats")
    with Cluster(place, 1, "max_payload: 8MB") as server:
        yield (server.url(f"journal{number}") for number in count())


@pytest.mark.parametrize("facade", [Workflows, WorkflowIndexes], ids=["workflow", "index"])
def test_random_commands(facade: FacadeClass, urls: Iterator[str]) -> None:
    def opened(clock: TurnedClock) -> Sequence[Journal]:
        url = next(urls)
        return [open_journal(url, clock=clock), open_journal(url, clock=clock)]

    drive(facade, load_model(), opened)


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_whole_systems(seed: int, urls: Iterator[str]) -> None:
    chance = random.Random(seed)
    kinds: Sequence[Move] = [
        *(Go(which) for which in range(7)),
        Kill(chance.randrange(7)),
        Pass(chance.choice(PASSES)),
        Ask("begin", 1),
        Ask("commit", 1),
    ]
    weights = [8] * 7 + [2, 3, 1, 1]
    assert run(chance.choices(kinds, weights, k=MOVES), journal=next(urls)).accepted


@pytest.mark.soak
def test_the_conformance_suite(urls: Iterator[str]) -> None:
    program = [sys.executable, "-m", "pingregistrywf"]
    adapter = " ".join([*program, "adapter", "--journal", f"'{next(urls)}'"])
    levels = "1-6" if SOAK else "3,6"  # data of every size, and several servers
    run = subprocess.run(
        [*program, "conform", "--level", levels, "--adapter", adapter],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
