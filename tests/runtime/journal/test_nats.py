"""The journal on a NATS server keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import pytest

from pingregistrywf.runtime.journal import Journal, Retention, open_journal
from pingregistrywf.testing.journal import JournalContract, TurnedClock

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
