"""Many clients post at the same time, also while the server is killed: nothing is lost or doubled.

Each ping's message is told once, so that the journal tells what became of every call.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import grpc
import pytest

from pingregistrywf import PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.auth.file import AUDIENCE
from pingregistrywf.service.grpc.auth.issuing import issue
from pingregistrywf.service.grpc.messages import Messages

from ...ports import free_ports
from ...tiers import SOAK
from .processes import ServerProcess
from .tokens import ISSUER, pem

CLIENTS: Final = 200 if SOAK else 20
SECONDS: Final = 60.0 if SOAK else 6.0
KILLS: Final = 20 if SOAK else 2
WORKFLOWS: Final = [UUID(int=each) for each in range(1, 11)]
LATE: Final = 60.0
"""A call that takes so many seconds has failed."""
PING: Final = Messages(SERVICE)._class("ServerPingI")


@dataclass
class Posted:
    """What clients know of the pings that they posted.

    Attributes:
        acknowledged: the messages of those that the server acknowledged.
        unknown: the messages of those whose answers were lost.
        seconds: how long acknowledged calls took.
    """

    acknowledged: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


async def client(number: int, address: str, posted: Posted, stopped: asyncio.Event) -> None:
    """Post pings one after another, on a connection of its own, until stopped."""
    roles = {"server": ["reg"]}
    token = issue(ISSUER, f"c{number}", roles, audience=AUDIENCE, now=time.time(), seconds=3600)
    metadata = (("authorization", f"Bearer {token}"),)
    own = (("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100))
    workflow, count = WORKFLOWS[number % len(WORKFLOWS)], 0
    async with grpc.aio.insecure_channel(address, options=own) as channel:
        call: Any = channel.unary_unary("/nogfso.PingRegistry/ServerPing")
        while not stopped.is_set():
            message, count = f"{number}:{count}", count + 1
            request = PING(workflow=workflow.bytes, status_message=message).SerializeToString()
            begun = time.perf_counter()
            try:
                await call(request, timeout=LATE, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                if error.code() not in LOST:
                    raise
                posted.unknown.append(message)
                await asyncio.sleep(0.01)  # the server is away
            else:
                posted.acknowledged.append(message)
                posted.seconds.append(time.perf_counter() - begun)


LOST: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED)
"""What a client is told while a server is killed."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with workflows that are begun, and the file of ``--auth``."""
    with open_journal(f"sqlite:{tmp_path / 'pings.db'}") as journal:
        registry = PingRegistry(journal, "reg")
        for workflow in WORKFLOWS:
            registry.begin(workflow)
    (tmp_path / "issuer.pem").write_bytes(pem(ISSUER))
    (tmp_path / "auth.yaml").write_text("tokens: {keys: [issuer.pem]}")
    return tmp_path


def check(place: Path, posted: Posted) -> None:
    """Compare what clients know with what is stored."""
    with open_journal(f"sqlite:{place / 'pings.db'}") as journal:
        registry = PingRegistry(journal, "reg")
        stored = Counter(
            ping.message for workflow in WORKFLOWS for ping in registry.get(workflow).state.pings
        )
    assert [message for message, times in stored.items() if times > 1] == []
    assert set(posted.acknowledged) - set(stored) == set()
    assert set(stored) - set(posted.acknowledged) <= set(posted.unknown)


def memory(process: int) -> int:
    """The bytes of memory that a process has."""
    status = Path(f"/proc/{process}/statm").read_text(encoding="ascii")
    return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serving(place: Path) -> ServerProcess:
    """Serve the journal in a directory to the callers that its file of roles names."""
    auth = str(place / "auth.yaml")
    (port,) = free_ports(1)
    return ServerProcess(f"sqlite:{place / 'pings.db'}", "--auth", auth, port=port)


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.soak
def test_many_clients_post_for_a_while(
    place: Path, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    posted = Posted()

    async def session(address: str, process: int) -> tuple[int, int, int, int]:
        stopped = asyncio.Event()
        clients = [
            asyncio.ensure_future(client(number, address, posted, stopped))
            for number in range(CLIENTS)
        ]
        await asyncio.sleep(SECONDS / 2)  # what is measured is the second half
        pings, before = len(posted.acknowledged), memory(process)
        await asyncio.sleep(SECONDS / 2)
        told = len(posted.acknowledged) - pings, memory(process) - before
        stopped.set()
        await asyncio.gather(*clients)
        return pings, before, *told

    with serving(place) as server:
        _, before, pings, grown = asyncio.run(session(server.address, server.process.pid))
    check(place, posted)
    assert posted.unknown == []
    p99 = statistics.quantiles(posted.seconds, n=100)[98]
    told = {
        "clients": CLIENTS,
        "pings a second": round(len(posted.acknowledged) / SECONDS),
        "p50 ms": round(statistics.median(posted.seconds) * 1000, 1),
        "p99 ms": round(p99 * 1000, 1),
        "memory MiB": round(before / 2**20),
        "grown MiB": round(grown / 2**20, 1),
        "grown bytes a ping": round(grown / max(pings, 1)),
    }
    for name, value in told.items():
        record_property(name, value)
    with capsys.disabled():
        print(f"\n{told}")
    # The state of each workflow grows by its pings, and nothing else may.
    assert grown <= 2048 * pings + 16 * 2**20


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.soak
def test_the_server_is_killed_while_they_post(place: Path) -> None:
    posted = Posted()
    server = serving(place)
    killed = threading.Event()

    def killing() -> None:
        try:
            for kills in range(KILLS + 1):
                if kills:
                    server.start()
                count = len(posted.acknowledged)
                while len(posted.acknowledged) < count + 20 * CLIENTS:  # the clients have resumed
                    assert server.process.poll() is None
                    time.sleep(0.01)
                server.kill()
            killed.set()
        finally:
            if not killed.is_set():
                server.kill()

    async def session() -> None:
        stopped = asyncio.Event()
        clients = [client(number, server.address, posted, stopped) for number in range(CLIENTS)]
        posting = asyncio.gather(*clients)
        while not killed.is_set() and thread.is_alive():
            await asyncio.sleep(0.01)
        stopped.set()
        await posting

    thread = threading.Thread(target=killing)
    thread.start()
    asyncio.run(session())
    thread.join()
    assert killed.is_set()
    check(place, posted)
    assert posted.unknown
