"""What a server does beside its methods: health, reflection, pings of clients, and how it stops."""

from __future__ import annotations

import asyncio
from uuid import UUID

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from pingregistrywf import PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.coordination.outside import OutsideOperations
from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.service.grpc import server as server_module
from pingregistrywf.service.grpc.served import Served
from pingregistrywf.service.grpc.server import Server

from .serving import TIMEOUT, refused, serving

WORKFLOW = UUID(int=7)
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def test_health_and_reflection() -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            async with serving(SERVICE, journal) as (client, _):
                health = health_pb2_grpc.HealthStub(client.channel)
                for name in ("", "nogfso.PingRegistry"):
                    request = health_pb2.HealthCheckRequest(service=name)
                    assert (await health.Check(request)).status == SERVING
                stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
                asked = [
                    reflection_pb2.ServerReflectionRequest(list_services=""),
                    reflection_pb2.ServerReflectionRequest(
                        file_containing_symbol="nogfso.PingRegistry"
                    ),
                ]
                answers = [each async for each in stub.ServerReflectionInfo(iter(asked))]
                names = {each.name for each in answers[0].list_services_response.service}
                assert {"nogfso.PingRegistry", "grpc.health.v1.Health"} <= names
                (file,) = answers[1].file_descriptor_response.file_descriptor_proto
                described = FileDescriptorProto.FromString(file)
                assert described.package == "nogfso"

    asyncio.run(session())


def test_it_drains_before_it_stops() -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            registry = PingRegistry(journal, "reg")
            registry.begin(WORKFLOW)
            async with serving(SERVICE, journal) as (client, server):
                health = health_pb2_grpc.HealthStub(client.channel)
                watched = health.Watch(health_pb2.HealthCheckRequest())
                assert (await watched.read()).status == SERVING
                signals = client.stream("AggregateSignals")
                await signals.initial_metadata()
                events = client.stream(
                    "RegistryWorkflowEvents", registry="reg", workflow=WORKFLOW.bytes, watch=True
                )
                while not (await client.read(events, "RegistryWorkflowEvents")).will_block:
                    pass
                waiting = asyncio.ensure_future(
                    refused(client("GetRegistryPings", workflow=WORKFLOW.bytes, job_control=1))
                )
                topic = client.calls._served.topics["ping_registry"][WORKFLOW]
                async with asyncio.timeout(TIMEOUT):
                    while len(topic._waiters) < 2:  # those of the events, and of the call
                        await asyncio.sleep(0.01)
                stopped = asyncio.ensure_future(server.stop(5))
                assert (await watched.read()).status == NOT_SERVING
                assert (await waiting).code == "UNAVAILABLE"
                assert await signals.code() is grpc.StatusCode.OK
                assert await events.code() is grpc.StatusCode.OK
                watched.cancel()
                await stopped

    asyncio.run(session())


def test_clients_may_ping_it_while_they_wait() -> None:
    options = dict(server_module._OPTIONS)
    # A client of the 2019 system pings each 40 seconds, with or without a call.
    assert options["grpc.http2.min_ping_interval_without_data_ms"] <= 40_000
    assert options["grpc.http2.min_recv_ping_interval_without_data_ms"] <= 40_000
    assert options["grpc.keepalive_permit_without_calls"] == 1
    assert options["grpc.http2.max_ping_strikes"] == 0


def test_an_address_that_is_taken() -> None:
    async def session() -> None:
        with open_journal("memory:") as journal:
            async with serving(SERVICE, journal) as (_, server):
                again = AsyncJournal(journal)
                served = Served(SERVICE, again, OutsideOperations(journal), ["reg"])
                with pytest.raises(
                    OSError, match=r"cannot listen on 127.*: address already in use; choose"
                ):
                    Server(served, f"127.0.0.1:{server.port}")
                await again.close()

    asyncio.run(session())


def test_a_mistake_of_the_server_is_logged_and_not_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    async def session() -> None:
        with open_journal("memory:") as journal:
            async with serving(SERVICE, journal) as (client, _):
                monkeypatch.setattr(Served, "ids_of", fail)
                for call in (client("Info"), client.all("RegistryWorkflowIndexEvents")):
                    answer = await refused(call)
                    assert (answer.code, answer.text) == ("UNKNOWN", "internal error")
                monkeypatch.undo()
                assert (await client("Info", registry="reg")).registry == "reg"

    asyncio.run(session())
    records = [each for each in caplog.records if each.name == "pingregistrywf.service"]
    fields = [getattr(each, "fields", {}) for each in records]
    assert [each["method"] for each in fields] == ["Info", "RegistryWorkflowIndexEvents"]
    assert {each["error"] for each in fields} == {"ZeroDivisionError: secret"}
