"""The requests of the 2019 system's client and daemon, as bytes, and their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest

from pingregistrywf import (
    EPOCH,
    NO_VC,
    CmdInit,
    Journal,
    PingRegistry,
    Workflows,
    open_journal,
)
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.auth.caller import ANYBODY
from pingregistrywf.service.grpc.limits import Limits

from .serving import Client, refused, serving

W = bytes.fromhex("0f0e0d0c0b0a49088706050403020100")
OTHER = bytes.fromhex("8a1f0e0d0c0b49088706050403020100")
REGISTRY = PingRegistry(open_journal("memory:"), "reg")
ELSEWHERE = bytes.fromhex("0158" + "00" * 14)
"""A version that no history is at."""

BEGIN = bytes.fromhex("0a03726567" + "1a10") + W
"""``begin reg --no-vid``"""
BEGIN_AT = bytes.fromhex("0a03726567" + "1210") + REGISTRY.id.bytes + b"\x1a\x10" + W
"""``begin reg --vid``, with the version that ``info reg`` gave"""
COMMIT = b"\x0a\x10" + W
GET = b"\x0a\x10" + W + b"\x10\x03"
GET_WAIT = b"\x0a\x10" + W + b"\x10\x01"
EVENTS = bytes.fromhex("0a03726567" + "1210") + W
EVENTS_WATCH = EVENTS + b"\x20\x01"
INDEX = bytes.fromhex("0a03726567")
PING = b"\x0a\x10" + W + bytes.fromhex("220e") + b"nogfsostad ping"[:14]
SUMMARY = b"\x0a\x10" + W + bytes.fromhex("1801" + "2203") + b"sum"


def session(test: Callable[[Client, Journal], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that is a session with a server of the registries reg and other."""

    def run() -> None:
        async def served() -> None:
            with open_journal("memory:") as journal:
                async with serving(SERVICE, journal, ("reg", "other")) as (client, _):
                    await test(client, journal)

        asyncio.run(served())

    return run


def empty(request: bytes, number: int) -> bytes:
    """A request with a field of bytes that is present and empty."""
    return request + bytes([number << 3 | 2, 0])


@session
async def test_a_whole_workflow(client: Client, journal: Journal) -> None:
    begun = await client("BeginPingRegistry", BEGIN)
    assert begun.registry_vid == REGISTRY.id.bytes
    registry = PingRegistry(journal, "reg")
    assert begun.workflow_index_vid == registry.index().vid.bytes
    assert begun.workflow_vid == registry.state_of(UUID(bytes=W)).vid.bytes

    pings = [await client("ServerPing", PING) for _ in range(3)]
    active = await client("GetRegistryPings", GET)
    assert active.workflow_vid == pings[-1].workflow_vid
    assert (active.summary.status_code, active.summary.status_message) == (101, "appending")
    assert not active.summary.HasField("event_id")
    assert [each.event_id for each in active.server_pings] == [each.workflow_vid for each in pings]
    assert active.server_pings[0].status_message == "nogfsostad pin"

    posted = await client("PostServerPingSummary", SUMMARY)
    summarized = await client("GetRegistryPings", GET_WAIT)
    assert (summarized.summary.status_code, summarized.summary.status_message) == (100, "sum")
    assert summarized.summary.event_id == posted.workflow_vid

    at = b"\x12\x10" + posted.workflow_vid
    committed = await client("CommitPingRegistry", COMMIT + at)
    assert committed.workflow_vid == registry.state_of(UUID(bytes=W)).vid.bytes
    assert committed.workflow_index_vid == registry.index().vid.bytes
    assert await client("CommitPingRegistry", COMMIT) == committed
    over = await client("GetRegistryPings", GET)
    assert (over.summary.status_code, over.summary.status_message) == (1, "sum")
    assert len(over.server_pings) == 3

    quits = await refused(client("ServerPing", PING))
    assert quits.code == "FAILED_PRECONDITION"
    assert quits.text == "ping-registry workflow: command conflicts with aggregate state"
    assert quits.details["code"] == "STATE_CONFLICT"


@session
async def test_begin_run_again(client: Client, journal: Journal) -> None:
    begun = await client("BeginPingRegistry", BEGIN)
    assert await client("BeginPingRegistry", BEGIN_AT) == begun
    for_other = b"\x0a\x05other\x1a\x10" + W
    answer = await refused(client("BeginPingRegistry", for_other))
    assert answer.code == "FAILED_PRECONDITION"
    assert answer.details["code"] == "ARGUMENT_NOT_IDEMPOTENT"
    assert answer.details["arg"] == "RegistryId"
    assert not PingRegistry(journal, "other").list()


@session
async def test_an_id_that_was_used_before(client: Client, journal: Journal) -> None:
    workflows, workflow = Workflows(journal), UUID(bytes=W)
    workflows.init(workflow, CmdInit(registry_id=REGISTRY.id))
    workflows.abort_expired(workflow, NO_VC)
    workflows.delete(workflow, NO_VC)
    answer = await refused(client("BeginPingRegistry", BEGIN))
    assert answer.code == "FAILED_PRECONDITION"
    assert answer.text == "rejected workflow ID: ID has been used before"


@session
async def test_versions_that_are_not_the_head(client: Client, journal: Journal) -> None:
    at = bytes.fromhex("0a03726567" + "1210") + ELSEWHERE + b"\x1a\x10" + W
    answer = await refused(client("BeginPingRegistry", at))
    assert (answer.code, answer.text) == ("FAILED_PRECONDITION", "version conflict")
    assert answer.details["definite"] == "true"
    assert {"stored", "expected"} <= set(answer.details)
    assert not PingRegistry(journal, "reg").index().vid, "nothing was written"

    begun = await client("BeginPingRegistry", BEGIN)
    for name, request in (("ServerPing", PING), ("PostServerPingSummary", SUMMARY)):
        answer = await refused(client(name, request + b"\x12\x10" + ELSEWHERE))
        assert (answer.code, answer.text) == ("FAILED_PRECONDITION", "version conflict")
    pinged = await client("ServerPing", PING + b"\x12\x10" + begun.workflow_vid)
    assert pinged.workflow_vid > begun.workflow_vid


@session
async def test_versions_that_are_empty(client: Client, journal: Journal) -> None:
    for name, request, number in (
        ("BeginPingRegistry", BEGIN, 2),
        ("ServerPing", PING, 2),
        ("CommitPingRegistry", COMMIT, 2),
        ("CommitPingRegistry", b"", 1),
        ("GetRegistryPings", b"", 1),
    ):
        answer = await refused(client(name, empty(request, number)))
        assert (answer.code, answer.details["code"]) == ("INVALID_ARGUMENT", "INVALID_COMMAND")
    for name, request, number in (
        ("RegistryWorkflowIndexEvents", INDEX, 2),
        ("RegistryWorkflowEvents", EVENTS, 3),
    ):
        answer = await refused(client.all(name, empty(request, number)))
        assert answer.code == "INVALID_ARGUMENT"
    assert not PingRegistry(journal, "reg").index().vid


@pytest.mark.parametrize(
    ("name", "request_bytes", "code"),
    [
        ("BeginPingRegistry", b"\xff\xff", "INVALID_ARGUMENT"),
        ("BeginPingRegistry", b"\x0a\x03REG\x1a\x10" + W, "INVALID_ARGUMENT"),
        ("BeginPingRegistry", b"\x0a\x03reg\x1a\x10" + bytes(16), "INVALID_ARGUMENT"),
        ("BeginPingRegistry", b"\x0a\x03reg", "INVALID_ARGUMENT"),
        ("BeginPingRegistry", b"\x0a\x07unknown\x1a\x10" + W, "NOT_FOUND"),
        ("ServerPing", b"", "INVALID_ARGUMENT"),
        ("ServerPing", PING, "FAILED_PRECONDITION"),
        ("CommitPingRegistry", COMMIT, "NOT_FOUND"),
        ("CommitPingRegistry", b"", "INVALID_ARGUMENT"),
        ("GetRegistryPings", GET, "NOT_FOUND"),
        ("GetRegistryPings", GET_WAIT, "NOT_FOUND"),
        ("Info", b"\x0a\x07unknown", "NOT_FOUND"),
    ],
)
def test_what_is_refused(name: str, request_bytes: bytes, code: str) -> None:
    @session
    async def run(client: Client, journal: Journal) -> None:
        assert (await refused(client(name, request_bytes))).code == code
        assert not PingRegistry(journal, "reg").index().vid

    run()


@session
async def test_registries_that_are_not_served(client: Client, journal: Journal) -> None:
    PingRegistry(journal, "third").begin(UUID(bytes=W))
    for name, request in (("ServerPing", PING), ("GetRegistryPings", GET)):
        answer = await refused(client(name, request))
        assert (answer.code, answer.details["code"]) == ("NOT_FOUND", "NOT_SERVED")
    assert PingRegistry(journal, "third").get(UUID(bytes=W)).state.num_pings == 0


@session
async def test_get_waits_for_the_summary(client: Client, journal: Journal) -> None:
    await client("BeginPingRegistry", BEGIN)
    waiting = asyncio.ensure_future(client("GetRegistryPings", GET_WAIT))
    await client("ServerPing", PING)
    assert not waiting.done()
    PingRegistry(journal, "reg").gather(UUID(bytes=W), 1, "sum")
    assert (await waiting).summary.status_code == 100


@session
async def test_get_waits_until_the_deadline(client: Client, journal: Journal) -> None:
    await client("BeginPingRegistry", BEGIN)
    call = client.channel.unary_unary("/nogfso.PingRegistry/GetRegistryPings")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(GET_WAIT, timeout=0.05)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@session
async def test_the_events_of_a_workflow(client: Client, journal: Journal) -> None:
    assert await client.all("RegistryWorkflowEvents", EVENTS) == []
    await client("BeginPingRegistry", BEGIN)
    pinged = await client("ServerPing", PING)
    (reply,) = await client.all("RegistryWorkflowEvents", EVENTS)
    stored = Workflows(journal).events(UUID(bytes=W))
    assert [each.SerializeToString() for each in reply.events] == [
        each.marshal_proto() for each in stored
    ]
    assert (reply.registry, reply.workflow, reply.will_block) == ("reg", W, False)
    after = EVENTS + b"\x1a\x10"
    (reply,) = await client.all("RegistryWorkflowEvents", after + stored[0].id.bytes)
    assert [each.id for each in reply.events] == [pinged.workflow_vid]
    assert await client.all("RegistryWorkflowEvents", after + pinged.workflow_vid) == []
    assert await client.all("RegistryWorkflowEvents", after + ELSEWHERE) == []
    (reply,) = await client.all("RegistryWorkflowEvents", after + EPOCH.bytes)
    assert len(reply.events) == 2

    foreign = b"\x0a\x05other\x12\x10" + W
    answer = await refused(client.all("RegistryWorkflowEvents", foreign))
    assert (answer.code, answer.text) == ("PERMISSION_DENIED", "registry does not own workflow")
    unknown = b"\x0a\x07unknown\x12\x10" + W
    assert (await refused(client.all("RegistryWorkflowEvents", unknown))).code == "NOT_FOUND"


@session
async def test_the_events_of_an_index(client: Client, journal: Journal) -> None:
    assert await client.all("RegistryWorkflowIndexEvents", INDEX) == []
    begun = await client("BeginPingRegistry", BEGIN)
    (reply,) = await client.all("RegistryWorkflowIndexEvents", INDEX)
    (event,) = reply.events
    assert (event.event, event.workflow_id) == (111, W)
    assert event.workflow_event_id == begun.workflow_vid
    tail = INDEX + b"\x12\x10" + event.id
    assert await client.all("RegistryWorkflowIndexEvents", tail) == []
    await client("BeginPingRegistry", b"\x0a\x03reg\x1a\x10" + OTHER)
    (reply,) = await client.all("RegistryWorkflowIndexEvents", tail)
    assert [each.workflow_id for each in reply.events] == [OTHER]
    answer = await refused(
        client.all("RegistryWorkflowIndexEvents", INDEX + b"\x12\x10" + ELSEWHERE)
    )
    assert (answer.code, answer.text) == ("UNKNOWN", "journal error")


@session
async def test_events_to_come(client: Client, journal: Journal) -> None:
    name = "RegistryWorkflowEvents"
    watched = client.stream(name, EVENTS_WATCH)
    assert (await client.read(watched, name)).will_block
    await client("BeginPingRegistry", BEGIN)
    reply = await client.read(watched, name)
    assert ([each.event for each in reply.events], reply.will_block) == ([111], False)
    reply = await client.read(watched, name)
    assert (len(reply.events), reply.will_block) == (0, True)
    PingRegistry(journal, "reg").ping(UUID(bytes=W), 0, "from elsewhere")
    reply = await client.read(watched, name)
    assert [each.status_message for each in reply.events] == ["from elsewhere"]

    foreign = client.stream(name, b"\x0a\x05other\x12\x10" + OTHER + b"\x20\x01")
    assert (await client.read(foreign, name)).will_block
    await client("BeginPingRegistry", b"\x0a\x03reg\x1a\x10" + OTHER)
    assert (await refused(client.read(foreign, name))).code == "PERMISSION_DENIED"


@session
async def test_signals(client: Client, journal: Journal) -> None:
    name = "AggregateSignals"
    all_of_them = client.stream(name, b"")
    selected = client.stream(name, b"\x0a\x04\x02\x03\x04\x05")
    others = client.stream(name, b"\x0a\x01\x02")
    for call in (all_of_them, selected, others):
        await call.initial_metadata()
    registry = PingRegistry(journal, "reg")
    await client("BeginPingRegistry", BEGIN)
    for call in (all_of_them, selected):
        seen: set[bytes] = set()
        while seen != {W, registry.index_id.bytes}:
            for each in (await client.read(call, name)).signals:
                assert (each.aggregate_type, each.signals) == (5, 1)
                seen.add(each.entity_id)
    others.cancel()


@session
async def test_signals_when_nobody_knows_what_changed(client: Client, journal: Journal) -> None:
    registry = PingRegistry(journal, "reg")
    registry.begin(UUID(bytes=W))
    (method,) = (each for each in SERVICE.methods if each.name == "AggregateSignals")
    replies = await client.calls.stream(method, b"", ANYBODY)
    client.calls._journal.watch._tell(None)
    told = {each.entity_id for each in (await anext(replies)).signals}
    other = PingRegistry(journal, "other").index_id.bytes
    assert told == {W, registry.index_id.bytes, other}


@session
async def test_events_share_messages_of_bounded_size(client: Client, journal: Journal) -> None:
    registry = PingRegistry(journal, "reg")
    registry.begin(UUID(bytes=W))
    for _ in range(5):
        registry.ping(UUID(bytes=W), 0, "x" * 40_000)
    replies = await client.all("RegistryWorkflowEvents", EVENTS)
    assert [len(each.events) for each in replies] == [3, 2, 1]


@session
async def test_what_a_daemon_asks_beside_it(client: Client, journal: Journal) -> None:
    assert (await client("Info", INDEX)).vid == REGISTRY.id.bytes
    assert await client.all("Events", INDEX) == []
    names = (await client("GetRegistries", b"")).registries
    assert [(each.name, each.confirmed) for each in names] == [("other", True), ("reg", True)]
    hello = client.channel.unary_unary("/nogfso.Statds/Hello")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await hello(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client("ServerPing", PING + b"\x2a" + bytes(int(Limits().message)))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_what_other_processes_write_is_told(tmp_path: Path) -> None:
    """A journal that is opened again stands for another process."""
    url, name = f"sqlite:{tmp_path / 'pings.db'}", "AggregateSignals"

    async def run() -> None:
        with open_journal(url) as served, open_journal(url) as others:
            async with serving(SERVICE, served) as (client, _):
                registry = PingRegistry(others, "reg")
                call = client.stream(name, b"")
                await call.initial_metadata()
                registry.begin(UUID(bytes=W))
                seen: set[bytes] = set()
                while not seen >= {W, registry.index_id.bytes}:
                    seen |= {each.entity_id for each in (await client.read(call, name)).signals}
                waiting = asyncio.ensure_future(client("GetRegistryPings", GET_WAIT))
                await client("GetRegistryPings", GET)
                registry.gather(UUID(bytes=W), 0, "sum")
                assert (await waiting).summary.status_code == 100

    asyncio.run(run())
