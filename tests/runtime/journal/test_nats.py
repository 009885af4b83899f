"""The journal on a NATS server keeps the contract."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

import pytest

from pingregistrywf.runtime.journal import NO_HEAD, Journal, Retention, open_journal
from pingregistrywf.testing.journal import CHART, JournalContract, TurnedClock, post

from ...nats.cluster import Cluster


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A NATS server of this module's own."""
    with Cluster(tmp_path_factory.mktemp("nats"), 1) as server:
        yield server


class TestNatsJournal(JournalContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: Cluster) -> None:
        self.server = server

    def open(self, place: Path, clock: TurnedClock, retention: Retention | None = None) -> Journal:
        stream = blake2b(bytes(place), digest_size=8).hexdigest()
        return open_journal(self.server.url(stream), clock=clock, retention=retention)


@pytest.mark.exhaustive
class TestNatsJournalOfSeveralStreams(TestNatsJournal):
    def open(self, place: Path, clock: TurnedClock, retention: Retention | None = None) -> Journal:
        stream = blake2b(bytes(place), digest_size=8).hexdigest()
        return open_journal(self.server.url(stream, streams=3), clock=clock, retention=retention)

    def test_each_entry_names_its_chart_and_its_position(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        # The streams have no order together: positions order the entries of each history.
        histories = [uuid4() for _ in range(4)]
        written = {history: post(journal, history, NO_HEAD, 3)[1] for history in histories}
        scans = {each.stored.id: each for each in journal.scan() if each.stored is not None}
        positions = {}
        for history, entries in written.items():
            assert [entry for _, entry in scans[history].entries] == entries
            assert {each.chart for each in scans[history].written} == {CHART}
            positions[history] = [each.position for each in scans[history].written]
            assert positions[history] == sorted(positions[history])
        assert len({each for some in positions.values() for each in some}) == 12


FORKED = """
import os, sys, uuid
from pingregistrywf.runtime.journal import NO_HEAD, open_journal
from pingregistrywf.testing.journal import post

with open_journal(sys.argv[1]) as journal:
    history = uuid.uuid4()
    head, _ = post(journal, history, NO_HEAD)
    watching, feed = journal.subscribe(history), journal.feed()
    child = os.fork()
    if not child:
        assert watching.closed and not watching.wait()
        head, _ = post(journal, history, journal.read(history, head).head)
        with journal.subscribe(history) as own:
            post(journal, history, head)
            assert own.wait(60)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert len(journal.read(history).entries) == 3
    assert watching.wait(60)
    assert len(feed.read()) == 3
"""


def test_both_sides_of_a_fork_go_on(server: Cluster) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKED, server.url("forked")],
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (run.returncode, run.stderr) == (0, "")
