"""A client that waits for minutes, and pings the connection as the 2019 system's does, lives."""

from __future__ import annotations

import asyncio
from uuid import UUID

import grpc
import pytest

from pingregistrywf import PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE

from .serving import Client, serving

WORKFLOW = UUID(int=7)
IDLE = 4 * 60
"""Servers with gRPC's defaults end the connection after 200 seconds: too many pings."""
PINGS = (("grpc.keepalive_time_ms", 40_000), ("grpc.keepalive_permit_without_calls", 1))


@pytest.mark.soak(only=True)
def test_an_idle_get_that_waits() -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            registry = PingRegistry(journal, "reg")
            registry.begin(WORKFLOW)
            async with (
                serving(SERVICE, journal) as (client, server),
                grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options=PINGS) as channel,
            ):
                patient = Client(client.calls, channel, timeout=2 * IDLE)
                call = patient("GetRegistryPings", workflow=WORKFLOW.bytes, job_control=1)
                waiting = asyncio.ensure_future(call)
                await asyncio.sleep(IDLE)  # what is tested is that nothing happens for so long
                registry.gather(WORKFLOW, 0, "sum")
                assert (await waiting).summary.status_code == 100

    asyncio.run(session())
