"""The tests of the blocking run time run here, too, on the journal behind a service."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from pingregistrywf import Journal, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.coordination.outside import OutsideOperations
from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.remote.address import Address
from pingregistrywf.runtime.remote.connection import Connection
from pingregistrywf.runtime.remote.journal import RemoteJournal
from pingregistrywf.service.grpc.every import ServedEvery
from pingregistrywf.service.grpc.server import Server
from pingregistrywf.testing.clock import TurnedClock

from ..conftest import Open


class Prepared(RemoteJournal):
    """A journal behind a service, into which a test writes behind the service's back."""

    def behind(self, journal: Journal) -> None:
        """Write into the journal that the service has."""
        for name in ("commit", "delete", "collect", "trim", "scan", "histories"):
            setattr(self, name, getattr(journal, name))


class Serving:
    """A server in a thread of its own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(60)
        self.url = f"grpc://127.0.0.1:{self._server.port}"

    async def _start(self) -> Server:
        operations = OutsideOperations(self._journal)
        served = ServedEvery(SERVICE, AsyncJournal(self._journal), operations, [])
        server = Server(served, "127.0.0.1:0")
        await server.start()
        return server

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(0), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def opened(clock: TurnedClock) -> Iterator[Open]:
    """Opens the journal behind the test's service, again and again as other processes would."""
    with open_journal("memory:", clock=clock) as journal:
        serving = Serving(journal)
        journals: list[Journal] = []

        def open_it() -> Journal:
            opened = Prepared(Connection(Address.parse(serving.url)), clock)
            opened.behind(journal)
            journals.append(opened)
            return journals[-1]

        yield open_it
        for each in journals:
            each.close()
        serving.close()
