"""The service for any chart: every command, history and operation, by its name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc_tools
import pytest
from google.protobuf import descriptor_pb2, json_format, struct_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc

from pingregistrywf import Journal, PingRegistry, ServerPinged, Workflows, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.chart.lower import read_model
from pingregistrywf.generate.imported import imported
from pingregistrywf.runtime import remote
from pingregistrywf.runtime.remote.messages import DESCRIPTOR

from .serving import TIMEOUT, refused, serving

HERE = Path(remote.__file__).parent
LOCK = Path(__file__).with_name("v1.lock.txt")
OTHER = sorted((Path(__file__).parents[2] / "other_workflow").glob("*.yaml"))
W = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")


class Client:
    """Calls the methods of ``pingregistrywf.v1``."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._pool = DescriptorPool()
        self._pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
        (file,) = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR).file
        self._pool.AddSerializedFile(file.SerializeToString())

    def message(self, name: str) -> Any:
        return GetMessageClass(self._pool.FindMessageTypeByName(f"pingregistrywf.v1.{name}"))

    async def __call__(self, name: str, arguments: Any = None, **fields: Any) -> Any:
        request = self.message(f"{name}Request")(**fields)
        field = "inputs" if name == "Run" else "arguments"
        if arguments is not None:
            json_format.ParseDict(arguments, getattr(request, field))
        call = self._channel.unary_unary(f"/pingregistrywf.v1.Workflows/{name}")
        reply = await call(request.SerializeToString(), timeout=TIMEOUT)
        return self.message(f"{name}Reply").FromString(reply)

    async def stream(self, name: str, **fields: Any) -> AsyncIterator[list[Any]]:
        request = self.message("EventsRequest")(**fields)
        call = self._channel.unary_stream(f"/pingregistrywf.v1.Workflows/{name}")
        async for each in call(request.SerializeToString(), timeout=TIMEOUT):
            yield list(self.message("EventsReply").FromString(each).events)

    async def events(self, **fields: Any) -> list[Any]:
        return [event async for events in self.stream("Events", **fields) for event in events]


@asynccontextmanager
async def client(journal: Journal) -> AsyncIterator[Client]:
    async with serving(SERVICE, journal, ("reg", "other")) as (served, _):
        yield Client(served.channel)


def session(test: Callable[[Client, Journal], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        async def served() -> None:
            with open_journal("memory:") as journal:
                async with client(journal) as each:
                    await test(each, journal)

        asyncio.run(served())

    return run


WORKFLOW = {"chart": "ping_registry", "history": W.bytes}


@session
async def test_commands_states_and_events(call: Client, journal: Journal) -> None:
    registry = PingRegistry(journal, "reg")
    begun = await call("Tell", {"registry_id": str(registry.id)}, command="Init", **WORKFLOW)
    assert [each.name for each in begun.events] == ["PingRegistryStarted"]
    assert begun.events[0].id == begun.vid
    pinged = await call(
        "Tell", {"code": 5, "message": "m"}, command="AppendPing", vid=begun.vid, **WORKFLOW
    )
    (event,) = pinged.events
    decoded = ServerPinged.unmarshal_proto(event.encoded)
    assert (decoded.status_code, decoded.status_message) == (5, "m")
    found = await call("Find", **WORKFLOW)
    assert found.vid == pinged.vid
    state = json_format.MessageToDict(found.state)
    assert (state["state"], state["pings"][0]["code"]) == ("Appending", 5)
    assert [each.id for each in await call.events(**WORKFLOW)] == [begun.vid, pinged.vid]
    assert [each.id for each in await call.events(after=begun.vid, **WORKFLOW)] == [pinged.vid]

    # What the 2019 services cannot carry.
    await call("Tell", command="AbortExpired", retry=True, **WORKFLOW)
    ended = await call("Tell", command="End", **WORKFLOW)
    assert ended.vid == Workflows(journal).find_id(W).vid.bytes
    deleted = await call("Tell", command="Delete", **WORKFLOW)
    assert deleted.vid == bytes(16)


@session
async def test_operations_and_the_index(call: Client, journal: Journal) -> None:
    registry = PingRegistry(journal, "reg")
    begun = await call("Run", {"registry": "reg", "workflow": str(W)}, operation="begin")
    assert set(begun.vids) == {"ping_registry", "ping_registry_index"}
    index = {"chart": "ping_registry_index", "history": registry.index_id.bytes}
    state = json_format.MessageToDict((await call("Find", **index)).state)
    assert state["active"] == [str(W)]
    await call("Run", {"workflow": str(W), "code": 0, "message": "s"}, operation="gather")
    at = registry.state_of(W).vid.bytes
    done = await call("Run", {"registry": "reg", "workflow": str(W)}, operation="commit", vid=at)
    assert done.vids["ping_registry"] == registry.state_of(W).vid.bytes


@session
async def test_follow_ends_with_the_history(call: Client, journal: Journal) -> None:
    registry = PingRegistry(journal, "reg")
    seen: list[str] = []
    async for events in call.stream("Follow", **WORKFLOW):
        seen += [each.name for each in events]
        if not seen and not events:
            registry.begin(W)
        if seen == ["PingRegistryStarted"] and not events:
            registry.gather(W, 0, "s")
            registry.commit(W)
    assert seen == [type(each).__name__ for each in Workflows(journal).events(W)]
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("name", "arguments", "fields", "code", "reason"),
    [
        ("Tell", {}, {"command": "Build"}, "INVALID_ARGUMENT", "INVALID_COMMAND"),
        ("Tell", {"code": "x", "message": ""}, {"command": "AppendPing"}, "INVALID_ARGUMENT",
         "INVALID_COMMAND"),
        ("Tell", {}, {"command": "Commit", "vid": b""}, "INVALID_ARGUMENT", "INVALID_COMMAND"),
        ("Tell", {}, {"command": "Commit", "vid": b"\x01" * 16}, "FAILED_PRECONDITION",
         "VERSION_CONFLICT"),
        ("Tell", {}, {"command": "Commit"}, "FAILED_PRECONDITION", "STATE_CONFLICT"),
        ("Tell", {}, {"command": "Commit", "chart": "x"}, "INVALID_ARGUMENT", "INVALID_COMMAND"),
        ("Tell", {}, {"command": "Commit", "history": b"x"}, "INVALID_ARGUMENT",
         "INVALID_COMMAND"),
        ("Find", None, {}, "NOT_FOUND", "UNINITIALIZED"),
        ("Run", {}, {"operation": "build"}, "INVALID_ARGUMENT", "INVALID_COMMAND"),
        ("Run", {"workflow": "x", "registry": "reg"}, {"operation": "begin"}, "INVALID_ARGUMENT",
         "INVALID_COMMAND"),
    ],
)  # fmt: skip
def test_what_is_refused(name: str, arguments: Any, fields: Any, code: str, reason: str) -> None:
    @session
    async def run(call: Client, journal: Journal) -> None:
        given = {**WORKFLOW, **fields} if name != "Run" else fields
        answer = await refused(call(name, arguments, **given))
        assert (answer.code, answer.details["code"]) == (code, reason)
        assert not Workflows(journal).events(W)

    run()


@session
async def test_registries_that_are_not_served(call: Client, journal: Journal) -> None:
    third = PingRegistry(journal, "third")
    third.begin(W)
    before = third.state_of(W)
    index = {"chart": "ping_registry_index", "history": third.index_id.bytes}
    new = {"chart": "ping_registry", "history": uuid4().bytes}
    calls = [
        call("Tell", {"code": 0, "message": ""}, command="AppendPing", **WORKFLOW),
        call("Tell", {"registry_id": str(third.id)}, command="Init", **new),
        call("Tell", {"if_storage_reduction": False}, command="Snapshot", **index),
        call("Find", **WORKFLOW),
        call("Find", **index),
        call.events(**WORKFLOW),
        call.events(**index),
        call("Run", {"registry": "third", "workflow": str(W)}, operation="commit"),
        call("Run", {"workflow": str(W), "code": 0, "message": ""}, operation="ping"),
    ]
    for each in calls:
        answer = await refused(each)
        assert (answer.code, answer.details["code"]) == ("NOT_FOUND", "NOT_SERVED")
    assert third.state_of(W) == before
    assert not Workflows(journal).events(UUID(bytes=new["history"]))


def test_another_teams_charts() -> None:
    packages = imported(read_model(OTHER))

    async def run() -> None:
        with open_journal("memory:") as journal:
            operations = packages["split_repo_operations"].Operations(journal)
            service = packages["split_repo_service"].SERVICE
            async with serving(service, journal, ("HERE/NOW",), operations) as (served, _):
                call, split = Client(served.channel), uuid4()
                inputs = {"site": "HERE/NOW", "workflow": str(split), "path": "/a", "depth": 3}
                await call("Run", {**inputs, "dry_run": True}, operation="ask")
                begin = {"repo_id": str(split), "path": "/a", "base_vid": "0" * 26, "max_depth": 3}
                begin |= {"registry_id": str(uuid4()), "dry_run": False}
                elsewhere = {"chart": "split_repo", "history": uuid4().bytes, "command": "Init"}
                answer = await refused(call("Tell", begin, **elsewhere))
                assert (answer.code, answer.details["code"]) == ("NOT_FOUND", "NOT_SERVED")
                where = {"chart": "split_repo", "history": split.bytes}
                await call("Tell", {"code": 1, "message": "odd"}, command="PostAnalysis", **where)
                state = json_format.MessageToDict((await call("Find", **where)).state)
                assert (state["dry_run"], state["max_depth"]) == (True, 3)
                assert state["findings"][0]["message"] == "odd"

    asyncio.run(run())


# --- The .proto file ------------------------------------------------------------------------------


def test_the_descriptor_is_that_of_the_file(tmp_path: Path) -> None:
    made = tmp_path / "made.binpb"
    places = [f"-I{HERE}", f"-I{Path(grpc_tools.__file__).with_name('_proto')}"]
    words = ["protoc", *places, f"--descriptor_set_out={made}", str(HERE / "workflows.proto")]
    assert protoc.main(words) == 0
    ours = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR)
    assert ours == descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes()), (
        f"compile it again: protoc -I{HERE} --descriptor_set_out=…/workflows.binpb"
    )


def promises() -> list[str]:
    """What clients rely on: a line for each field and method."""
    (file,) = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR).file
    fields = [
        f"{message.name}.{each.name} = {each.number}: {each.label} {each.type} {each.type_name}"
        for message in file.message_type
        for each in message.field
    ]
    methods = [
        f"{service.name}.{each.name}: {each.input_type} {each.output_type} {each.server_streaming}"
        for service in file.service
        for each in service.method
    ]
    return sorted(line.rstrip() for line in (*fields, *methods))


def test_what_was_promised_is_kept() -> None:
    """Names, numbers and types stay; what is new is added to the file of promises."""
    kept = LOCK.read_text(encoding="utf-8").splitlines()
    assert set(kept) <= set(promises()), "a field or method was changed or removed"
    assert kept == promises(), f"write what is new into {LOCK.name}"
