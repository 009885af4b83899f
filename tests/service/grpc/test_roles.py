"""Every role on every method, on a registry that it is for and on another: the rest is denied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import grpc
import pytest
from google.protobuf import descriptor_pb2, struct_pb2
from google.protobuf.descriptor_pool import DescriptorPool

from pingregistrywf import Journal, PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.coordination.outside import OutsideOperations
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.remote.messages import DESCRIPTOR
from pingregistrywf.service.grpc.messages import message_class

from .serving import Client, refused, serving
from .tokens import NOW, authenticator, token

OWN, OTHER, UNKNOWN = (UUID(int=each) for each in (7, 8, 9))
REGISTRIES: Final = {"reg": OWN, "other": OTHER}

POOL = DescriptorPool()
POOL.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
(FILE,) = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR).file
POOL.AddSerializedFile(FILE.SerializeToString())

ALLOWED: Final[Mapping[str, str]] = {
    "BeginPingRegistry": "admin",
    "ServerPing": "server",
    "PostServerPingSummary": "gatherer",
    "CommitPingRegistry": "admin",
    "GetRegistryPings": "admin server reader",
    "RegistryWorkflowIndexEvents": "server reader",
    "RegistryWorkflowEvents": "server reader",
    "Info": "admin server gatherer reader",
    "Events": "server reader",
    "Run begin": "admin",
    "Run ping": "server",
    "Run gather": "gatherer",
    "Run commit": "admin",
    "Run expire": "admin",
    "Run delete": "admin",
    "Run snapshot": "admin",
    "Tell Init": "admin",
    "Tell AppendPing": "server",
    "Tell PostSummary": "gatherer",
    "Tell Commit": "admin",
    "Tell AbortExpired": "admin",
    "Tell End": "admin",
    "Tell Delete": "admin",
    "Tell BeginPingRegistry": "admin",
    "Tell CommitPingRegistry": "admin",
    "Tell DeletePingRegistry": "admin",
    "Tell Snapshot": "admin",
    "Find": "admin server reader",
    "Events v1": "server reader",
    "Follow": "server reader",
    "Read": "admin server reader",
    "Happened": "admin server reader",
}
"""The roles that may make each call, in the order in which the calls make sense."""
BEGIN: Final = OutsideOperations.declared["begin"]
ENTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "BeginPingRegistry": ("workflow_id", "workflow_event_id"),
    "CommitPingRegistry": ("workflow_id", "workflow_event_id"),
    "DeletePingRegistry": ("workflow_id",),
}
"""The commands of the index about an entry, and their arguments."""
ROLES: Final = ("admin", "server", "gatherer", "reader", "listener")
STATUS: Final = {"status_code": 1, "status_message": "x"}


def call_of(client: Client, call: str, name: str, workflow: UUID) -> Any:
    """Make a call about a registry or one of its workflows."""
    method, _, about = call.partition(" ")
    if call in ("Find", "Events v1", "Follow", "Read", "Happened") or method in ("Tell", "Run"):
        return own_call(client, method, about, name, workflow)
    about_name = {"registry": name}
    about_workflow = {"workflow": workflow.bytes}
    fields: Mapping[str, Any] = {
        "BeginPingRegistry": about_name | about_workflow,
        "ServerPing": about_workflow | STATUS,
        "PostServerPingSummary": about_workflow | STATUS,
        "RegistryWorkflowEvents": about_name | about_workflow,
        "CommitPingRegistry": about_workflow,
        "GetRegistryPings": about_workflow,
    }.get(method, about_name)
    streams = method in ("RegistryWorkflowIndexEvents", "RegistryWorkflowEvents", "Events")
    return client.all(method, **fields) if streams else client(method, **fields)


def own_call(client: Client, method: str, about: str, name: str, workflow: UUID) -> Any:
    """Make a call of ``pingregistrywf.v1``."""
    request: Any
    if method == "Run":
        request = message_class(POOL, "pingregistrywf.v1.RunRequest")(operation=about)
        needed = {
            "begin": {"workflow", "registry"},
            "commit": {"workflow", "registry"},
            "expire": {"workflow", "registry"},
            "delete": {"workflow", "registry"},
            "snapshot": {"registry"},
        }.get(about, {"workflow", "code", "message"})
        inputs = {"workflow": str(workflow), "registry": name, "code": 1, "message": "x"}
        request.inputs.update({key: each for key, each in inputs.items() if key in needed})
    elif method == "Tell":
        request = message_class(POOL, "pingregistrywf.v1.TellRequest")(command=about)
        request.arguments.update(arguments_of(about, name, workflow))
    elif method == "Find":
        request = message_class(POOL, "pingregistrywf.v1.FindRequest")()
    elif method == "Happened":
        kind = message_class(POOL, "pingregistrywf.v1.HappenedRequest")
        request = kind(events=[bytes(15) + b"\x01"])
    elif method == "Read":
        request = message_class(POOL, "pingregistrywf.v1.ReadRequest")()
    else:
        request = message_class(POOL, "pingregistrywf.v1.EventsRequest")()
    of_index = about in ENTRIES or about == "Snapshot"
    if method != "Run":
        request.history = (index_of(name) if of_index and method == "Tell" else workflow).bytes
    if method not in ("Run", "Read"):
        request.chart = "ping_registry_index" if of_index else "ping_registry"
    path, options = f"/pingregistrywf.v1.Workflows/{method}", client._options
    if method not in ("Events", "Follow", "Read"):
        return client.channel.unary_unary(path)(request.SerializeToString(), **options)

    async def first() -> None:
        replies = client.channel.unary_stream(path)(request.SerializeToString(), **options)
        async for _ in replies:
            replies.cancel()
            return

    return first()


def arguments_of(command: str, name: str, workflow: UUID) -> dict[str, Any]:
    """The arguments of a command, as JSON."""
    if command == "Init":
        return {"registry_id": str(BEGIN.derive("registry_id", name))}
    if command in ENTRIES:
        entry = {"workflow_id": str(workflow), "workflow_event_id": str(Ulid(bytes(15) + b"\x01"))}
        return {key: entry[key] for key in ENTRIES[command]}
    if command == "Snapshot":
        return {"if_storage_reduction": False}
    return {"code": 1, "message": "x"} if command in ("AppendPing", "PostSummary") else {}


def index_of(name: str) -> UUID:
    return BEGIN.derive("index_id", name)


async def status(call: Any) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


def stored(journal: Journal) -> list[Any]:
    return list(journal.scan())


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_is_its_own_and_no_more(role: str, tmp_path: Path) -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            for name, workflow in REGISTRIES.items():
                PingRegistry(journal, name).begin(workflow)
            checked = authenticator(tmp_path)
            async with serving(SERVICE, journal, REGISTRIES, authenticator=checked) as (client, _):
                client.token = token(**{role: ["reg"]})
                for call, allowed in ALLOWED.items():
                    before = stored(journal)
                    theirs = call_of(client, call, "other", OTHER)
                    assert await status(theirs) == "PERMISSION_DENIED", call
                    assert stored(journal) == before
                    mine = await status(call_of(client, call, "reg", OWN))
                    if role in allowed.split():
                        assert mine in ("OK", "FAILED_PRECONDITION", "NOT_FOUND"), call
                    else:
                        assert mine == "PERMISSION_DENIED", call
                        assert stored(journal) == before

    asyncio.run(session())


def test_the_table_names_every_method() -> None:
    asked = {each.partition(" ")[0] for each in ALLOWED}
    declared = {each.name for each in SERVICE.methods}
    own = {each.name for service in FILE.service for each in service.method}
    assert declared | own == asked | {"AggregateSignals", "GetRegistries", "Watch", "Feed"}
    assert set(SERVICE.roles) == set(ROLES)
    asked_of = {kind: set[str]() for kind in ("Tell", "Run")}
    for call in ALLOWED:
        kind, _, about = call.partition(" ")
        asked_of.get(kind, set()).add(about)
    roles = SERVICE.roles.values()
    assert asked_of["Run"] == {each for role in roles for each in role.runs}
    told = {each for role in roles for commands in role.tells.values() for each in commands}
    assert asked_of["Tell"] == told


@pytest.mark.parametrize("role", ROLES)
def test_methods_about_no_registry_show_what_the_role_is_for(role: str, tmp_path: Path) -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            checked = authenticator(tmp_path)
            async with serving(SERVICE, journal, REGISTRIES, authenticator=checked) as (client, _):
                client.token = token(**{role: ["reg"]})
                if role == "listener":
                    assert (await refused(client("GetRegistries"))).code == "PERMISSION_DENIED"
                else:
                    (shown,) = (await client("GetRegistries")).registries
                    assert shown.name == "reg"
                signals = client.stream("AggregateSignals")
                if role in ("admin", "gatherer"):
                    assert (await refused(signals.read())).code == "PERMISSION_DENIED"
                    return
                await signals.initial_metadata()
                for name, workflow in reversed(REGISTRIES.items()):
                    PingRegistry(journal, name).begin(workflow)
                seen: set[bytes] = set()
                while OWN.bytes not in seen:
                    reply = await client.read(signals, "AggregateSignals")
                    seen |= {each.entity_id for each in reply.signals}
                registry = PingRegistry(journal, "reg")
                assert seen <= {OWN.bytes, registry.index_id.bytes}
                signals.cancel()

    asyncio.run(session())


@pytest.mark.parametrize("role", ROLES)
def test_the_feed_and_the_watch_show_what_the_role_is_for(role: str, tmp_path: Path) -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            for name, workflow in REGISTRIES.items():
                PingRegistry(journal, name).begin(workflow)
            checked = authenticator(tmp_path)
            async with serving(SERVICE, journal, REGISTRIES, authenticator=checked) as (client, _):
                client.token = token(**{role: ["reg"]})
                registry = PingRegistry(journal, "reg")
                mine = {OWN.bytes, registry.index_id.bytes}
                if role in ("server", "reader"):
                    changes = [each async for each in own_stream(client, "Feed")]
                    assert {each.history for reply in changes for each in reply.changes} == mine
                else:
                    denied = anext(own_stream(client, "Feed"))
                    assert await status(denied) == "PERMISSION_DENIED"
                watch = own_stream(client, "Watch")
                if role in ("gatherer", "listener"):
                    assert await status(anext(watch)) == "PERMISSION_DENIED"
                    return
                assert (await anext(watch)).any
                for name, workflow in reversed(REGISTRIES.items()):
                    PingRegistry(journal, name).ping(workflow, 0, "x")
                assert set((await anext(watch)).histories) <= mine

    asyncio.run(session())


async def own_stream(client: Client, method: str) -> AsyncIterator[Any]:
    """Yield the replies to a call of ``pingregistrywf.v1`` that is about all histories."""
    path = f"/pingregistrywf.v1.Workflows/{method}"
    kind = message_class(POOL, f"pingregistrywf.v1.{method}Reply")
    replies = client.channel.unary_stream(path)(b"", **client._options)
    async for each in replies:
        yield kind.FromString(each)


def test_a_history_without_events_is_for_nobody_who_is_limited(tmp_path: Path) -> None:
    """Whoever begins it may be between the check and the command."""

    async def session() -> None:
        with open_journal("memory:") as journal:
            checked = authenticator(tmp_path)
            async with serving(SERVICE, journal, REGISTRIES, authenticator=checked) as (client, _):
                client.token = token(server=["reg"], gatherer=["reg"])
                for call in ("ServerPing", "Run ping", "Run gather", "Tell AppendPing"):
                    assert await status(call_of(client, call, "reg", UNKNOWN)) == "NOT_FOUND"
                assert not stored(journal)

    asyncio.run(session())


def test_names_that_are_not_served_are_not_told_from_others(tmp_path: Path) -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            checked = authenticator(tmp_path)
            async with serving(SERVICE, journal, REGISTRIES, authenticator=checked) as (client, _):
                client.token = token(reader=["reg", "x.*"])
                for name, expected in {
                    "other": "PERMISSION_DENIED",
                    "nowhere": "PERMISSION_DENIED",
                    "reg.x": "PERMISSION_DENIED",
                    "x.y": "NOT_FOUND",
                    "reg": "OK",
                }.items():
                    assert await status(client("Info", registry=name)) == expected

    asyncio.run(session())


def test_a_stream_ends_when_the_token_expires(tmp_path: Path) -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            checked = authenticator(tmp_path, now=NOW + 60 + 30 - 0.2)
            async with serving(SERVICE, journal, REGISTRIES, authenticator=checked) as (client, _):
                client.token = token(reader=["reg"])
                for name in ("RegistryWorkflowEvents", "AggregateSignals"):
                    asked = {"registry": "reg", "workflow": OWN.bytes, "watch": True}
                    fields = asked if name == "RegistryWorkflowEvents" else {}
                    answer = await refused(client.all(name, **fields))
                    assert answer.code == "UNAUTHENTICATED"
                    assert answer.text == "what the caller has shown has expired"
                    assert answer.details["definite"] == "true"

    asyncio.run(session())


def test_several_roles_together(tmp_path: Path) -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            checked = authenticator(tmp_path)
            async with serving(SERVICE, journal, REGISTRIES, authenticator=checked) as (client, _):
                client.token = token(admin=["other"], server=["*"])
                begun = client("BeginPingRegistry", registry="other", workflow=OTHER.bytes)
                assert await status(begun) == "OK"
                assert await status(client("ServerPing", workflow=OTHER.bytes)) == "OK"
                begun = client("BeginPingRegistry", registry="reg", workflow=OWN.bytes)
                answer = await refused(begun)
                assert answer.text == "default deny: the role needed on reg is admin"
                assert answer.details["code"] == "DENIED"

    asyncio.run(session())
