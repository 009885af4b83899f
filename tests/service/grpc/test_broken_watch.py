"""A journal fails as it watches for changes: each call that waits is answered with the error."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from pingregistrywf import PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.runtime.errors import JournalUnusableError

from ...runtime.breaking import Breaking
from .serving import TIMEOUT, refused, serving

W = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
REGISTRY = b"\x0a\x03reg"
HISTORY = b"\x0a\x0dping_registry\x12\x10" + W.bytes
FAILURE = JournalUnusableError("watching", OSError("the network is gone"))


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("nogfso.PingRegistry/GetRegistryPings", b"\x0a\x10" + W.bytes + b"\x10\x01"),
        ("nogfso.EphemeralRegistry/RegistryWorkflowIndexEvents", REGISTRY + b"\x18\x01"),
        (
            "nogfso.EphemeralRegistry/RegistryWorkflowEvents",
            REGISTRY + b"\x12\x10" + W.bytes + b"\x20\x01",
        ),
        ("nogfso.LiveBroadcast/AggregateSignals", b""),
        ("pingregistrywf.v1.Workflows/Follow", HISTORY),
        ("pingregistrywf.v1.Workflows/Feed", b"\x10\x01"),
        ("pingregistrywf.v1.Workflows/Watch", b""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_call_that_waits(method: str, request_: bytes) -> None:
    async def session() -> None:
        with open_journal("memory:") as opened:
            PingRegistry(opened, "reg").begin(W)
            journal: Any = Breaking(opened)
            async with serving(SERVICE, journal) as (client, _):
                call = client.channel.unary_stream(f"/{method}")(request_, timeout=TIMEOUT)

                async def read() -> None:
                    async for _ in call:
                        pass

                answer = asyncio.ensure_future(refused(read()))
                assert await asyncio.to_thread(journal.waits.wait, TIMEOUT)
                journal.fail(FAILURE)
                assert (await answer).details["code"] == "JOURNAL_UNUSABLE"

    asyncio.run(session())
