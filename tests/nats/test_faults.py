"""Nothing is lost, doubled or split while nodes of a cluster die, stand still or forget all."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from pingregistrywf import ServerPinged
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.runtime.errors import VersionConflictError
from pingregistrywf.runtime.journal import NO_HEAD, Head, Journal, open_journal
from pingregistrywf.testing.journal import CHART, chain, post

from ..tiers import SOAK
from .cluster import Cluster, wait_until
from .conftest import OpenMany
from .faults import Fault

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.xdist_group("nats")]

WRITERS: Final = 18
ROUNDS: Final = 400 if SOAK else 40
SERVERS: Final = 8
FAULTS: Final = 20 if SOAK else 2
REGISTRY: Final = "reg"
GOES_ON_WITHIN: Final = 180.0
"""Seconds until every server must have had a ping acknowledged after a fault began.  A busy machine
takes half of it."""


@pytest.mark.soak
def test_of_writers_at_one_version_one_wins(open_many: OpenMany) -> None:
    journals, history = open_many(WRITERS), uuid4()
    ready = threading.Barrier(WRITERS)
    chance = random.Random(0)

    def write(journal: Journal, head: Head, count: int) -> Head | None:
        entries = chain(head.vid, count)
        ready.wait()
        try:
            return journal.commit(history, head, entries, chart=CHART)
        except VersionConflictError:
            return None

    head = NO_HEAD
    with ThreadPoolExecutor(WRITERS) as threads:
        for _ in range(ROUNDS):
            counts = [chance.choice((1, 1, 3)) for _ in journals]
            answers = list(threads.map(write, journals, [head] * WRITERS, counts))
            won = [(answer, count) for answer, count in zip(answers, counts, strict=True) if answer]
            assert len(won) == 1
            ((newest, count),) = won
            read = journals[0].read(history, head)
            assert (read.head, len(read.entries)) == (newest, count)
            assert read.entries[0].parent == head.vid
            head = newest


class Server:
    """A server daemon in a process of its own, which posts pings without end.

    Attributes:
        name: its name, which its pings carry.
        pinged: what it was told of each ping that was acknowledged: its log's records.
    """

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.pinged: list[dict[str, Any]] = []
        command = [sys.executable, "-m", "pingregistrywf", "server", REGISTRY, "--log-json"]
        self._process = subprocess.Popen(
            [*command, "--name", name, "--pings", "1000000", "--interval", "0.2"],
            env={**os.environ, "PINGREGISTRYWF_JOURNAL": url},
            stderr=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            record = json.loads(line)
            if record["action"] == "pinged":
                self.pinged.append(record)

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """End it as an operator does; it was running until now."""
        ended = self._process.poll()
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        assert ended is None, f"{self.name} ended with {ended}"


@contextmanager
def servers(cluster: Cluster, stream: str) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        started = []
        for number in range(SERVERS):
            started.append(Server(cluster.url(stream, first=number), f"server{number}"))
            stack.callback(started[-1].end)
        yield started


def wait_for_pings(posting: list[Server]) -> None:
    """Wait until each server was told of another ping, which it began after now."""
    # The first of them may have been acknowledged before now, and read after it.
    before = {server.name: len(server.pinged) for server in posting}
    wait_until(
        lambda: all(len(server.pinged) >= before[server.name] + 2 for server in posting),
        GOES_ON_WITHIN,
        lambda: f"no pings by {[s.name for s in posting if len(s.pinged) < before[s.name] + 2]}",
        ended=lambda: not all(server.runs for server in posting),
    )


def longest_stall(posting: list[Server]) -> float:
    """The longest time in which no ping of any server was acknowledged, in seconds."""
    times = [datetime.fromisoformat(each["time"]) for server in posting for each in server.pinged]
    return max((b - a).total_seconds() for a, b in pairwise(sorted(times)))


@pytest.mark.soak
def test_servers_go_on_and_lose_nothing(nats_cluster: Cluster, stream: str) -> None:
    with open_journal(nats_cluster.url(stream)) as journal:
        registry = PingRegistry(journal, REGISTRY)
        shared = [uuid4() for _ in range(3)]
        for workflow in shared:
            registry.begin(workflow)
    with servers(nats_cluster, stream) as posting:
        wait_for_pings(posting)
        for number in range(FAULTS):
            fault = Fault(("kill", "stop")[number % 2], leader=number % 4 < 3)
            with fault.on(nats_cluster, stream):
                wait_for_pings(posting)
            wait_for_pings(posting)
    print(f"{FAULTS} faults: the longest stall was {longest_stall(posting):.1f} s")
    for url in (nats_cluster.url(stream, first=number) for number in range(3)):
        with open_journal(url) as journal:
            check_pings(PingRegistry(journal, REGISTRY), shared, posting)


def check_pings(registry: PingRegistry, workflows: list[UUID], posting: list[Server]) -> None:
    """Each ping is there once, and each that was acknowledged under the id that was told."""
    acknowledged = Counter(
        (UUID(each["workflow"]), f"{server.name} ping {each['number']}", each["vid"])
        for server in posting
        for each in server.pinged
    )
    held: Counter[tuple[UUID, str, str]] = Counter()
    for workflow in workflows:
        for event in registry.workflows.events(workflow):  # raises unless they are one chain
            if isinstance(event, ServerPinged):
                held[workflow, event.status_message, str(event.id)] += 1
    assert acknowledged <= held
    doubled = Counter((workflow, message) for workflow, message, _ in held)
    assert max(doubled.values()) == 1


@pytest.mark.soak
def test_a_node_that_lost_its_data_catches_up(
    nats_cluster: Cluster, stream: str, open_many: OpenMany
) -> None:
    journals, history, over = open_many(3), uuid4(), threading.Event()
    lengths: list[int] = []

    def read(journal: Journal) -> None:
        longest = 0
        while not over.is_set():
            begun_at = lengths[-1]
            length = len(journal.read(history).entries)
            assert length >= max(longest, begun_at)
            longest = length

    head, entries = post(journals[0], history, NO_HEAD, 50)
    lengths.append(len(entries))
    with ThreadPoolExecutor() as threads:
        reading = [threads.submit(read, journal) for journal in journals]
        try:
            for leads in (True, False) if SOAK else (True,):
                leader = nats_cluster.leader(stream)
                node = next(each for each in nats_cluster.nodes if (each is leader) == leads)
                node.kill()
                head = append(journals[0], history, head, entries, lengths)
                node.wipe()
                nats_cluster.restore()
                head = append(journals[0], history, head, entries, lengths)
                # Now the wiped node has to serve: without it, there is no majority.
                other = next(each for each in nats_cluster.nodes if each is not node)
                other.kill()
                head = append(journals[0], history, head, entries, lengths)
                nats_cluster.restore()
        finally:
            over.set()
        for each in reading:
            each.result()
    assert all(list(journal.read(history).entries) == entries for journal in journals)


def append(
    journal: Journal, history: UUID, head: Head, entries: list[Any], lengths: list[int]
) -> Head:
    for _ in range(5):
        head, more = post(journal, history, head)
        entries += more
        lengths.append(len(entries))
    return head
