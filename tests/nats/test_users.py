"""What uses a journal behaves on NATS as on every other: random commands, and the whole system."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import count
from types import ModuleType

import pytest

from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf.chart.locate import load_model
from pingregistrywf.runtime.journal import Journal, open_journal

from ..coordination.simulation import PASSES, Ask, Go, Kill, Move, Pass, run
from ..properties.driven import Clock, Subject, drive
from .cluster import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

SCHEDULES = 10
MOVES = 60


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[str]]:
    """The URLs of new journals on one server."""
    with Cluster(tmp_path_factory.mktemp("nats"), 1) as server:
        yield (server.url(f"journal{number}") for number in count())


@pytest.mark.parametrize("package", [ping_registry, ping_registry_index], ids=["workflow", "index"])
def test_random_commands(package: ModuleType, urls: Iterator[str]) -> None:
    def opened(clock: Clock) -> Sequence[Journal]:
        url = next(urls)
        return [open_journal(url, clock=clock), open_journal(url, clock=clock)]

    drive(Subject(load_model().source[package.DECLARATION.name], package, opened))


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
