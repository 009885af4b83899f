"""A server that is killed while clients post: they resume, and no ping is lost or doubled."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf import JournalError, PingRegistry, Ulid, open_journal

from ...ports import free_ports
from ...tiers import SOAK
from .processes import ServerProcess

KILLS = 20 if SOAK else 2
POSTERS = 4
BETWEEN = 40
"""So many pings are posted between two kills."""


class Poster(threading.Thread):
    """Posts pings to a workflow, each until it certainly took effect."""

    def __init__(self, name: str, url: str, workflow: UUID, posted: threading.Semaphore) -> None:
        super().__init__(name=name)
        self.acknowledged: list[str] = []
        self.stopping = False
        # It is open before the server is killed: to open a journal is not tried again for long.
        self._journal, self._workflow, self._posted = open_journal(url), workflow, posted

    def run(self) -> None:
        with self._journal as journal:
            registry = PingRegistry(journal, "reg")
            while not self.stopping:
                message = f"{self.name} ping {len(self.acknowledged)}"
                while not self._post(registry, message):
                    pass
                self.acknowledged.append(message)
                self._posted.release()

    def _post(self, registry: PingRegistry, message: str) -> bool:
        try:
            registry.ping(self._workflow, 0, message)
        except JournalError as error:
            if error.definite and error.retry == "safe":
                return False
            if error.definite:
                raise
            return self._happened(registry, error.attempted)
        return True

    def _happened(self, registry: PingRegistry, attempted: Sequence[Ulid]) -> bool:
        """Ask until the server answers: it takes long to start on a busy machine."""
        while True:
            try:
                return registry.workflows.happened(self._workflow, attempted)
            except JournalError as error:
                if error.retry != "safe":
                    raise


@pytest.mark.soak
@pytest.mark.exhaustive
def test_no_ping_is_lost_or_doubled(tmp_path: Path) -> None:
    url, workflow, posted = f"sqlite:{tmp_path / 'pings.db'}", uuid4(), threading.Semaphore(0)
    with ServerProcess(url, port=free_ports(1)[0]) as server:
        service = f"grpc://{server.address}"
        with open_journal(service) as journal:
            PingRegistry(journal, "reg").begin(workflow)
            feed = PingRegistry(journal, "reg").workflows.feed()
            posters = [Poster(f"fs{n}", service, workflow, posted) for n in range(POSTERS)]
            for each in posters:
                each.start()
            for _ in range(KILLS):
                for _ in range(BETWEEN):
                    assert posted.acquire(timeout=60)  # unless something is wrong
                server.kill()
                server.start()
            for _ in range(BETWEEN):
                assert posted.acquire(timeout=60)
            for each in posters:
                each.stopping = True
            for each in posters:
                each.join()
            told = [each.event for each in feed.read(100_000)]
    with open_journal(url) as journal:
        state = PingRegistry(journal, "reg").state_of(workflow)
    stored = Counter(ping.message for ping in state.pings)
    expected = Counter(message for each in posters for message in each.acknowledged)
    assert stored == expected
    assert set(stored.values()) == {1}
    assert [each.id for each in told[1:]] == [ping.event_id for ping in state.pings]
