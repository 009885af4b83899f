"""A client that asks for too much is refused, and the others go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest

from pingregistrywf import Journal, PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.limits import LIMITS, Admission, Limits
from pingregistrywf.service.grpc.refusal import CallRefusedError

from .serving import TIMEOUT, Client, refused, serving
from .tokens import authenticator, token

WORKFLOW = UUID(int=7)
DOCS = Path(__file__).parents[3] / "docs"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def admit(admission: Admission, client: str, calls: int) -> int:
    """Let calls of a client come one after another; return how many were let in."""
    let_in = 0
    for _ in range(calls):
        try:
            with admission.admitted(client, streams=False):
                let_in += 1
        except CallRefusedError as error:
            if error.status != "RESOURCE_EXHAUSTED":
                raise
    return let_in


def test_a_client_may_burst_and_then_has_a_rate() -> None:
    clock = Clock()
    admission = Admission(Limits(rate=10, burst=30), clock)
    assert admit(admission, "one", 50) == 30
    assert admit(admission, "two", 50) == 30
    clock.now += 0.5
    assert admit(admission, "one", 50) == 5
    clock.now += 3600
    assert admit(admission, "one", 50) == 30


def test_clients_that_use_nothing_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pingregistrywf.service.grpc.limits._MANY_CLIENTS", 10)
    clock = Clock()
    admission = Admission(Limits(rate=10, burst=30), clock)
    with admission.admitted("busy", streams=True):
        for number in range(1000):
            assert admit(admission, str(number), 1) == 1
            clock.now += 1
        assert len(admission._clients) < 20
        assert "busy" in admission._clients


def test_calls_and_streams_at_the_same_time() -> None:
    admission = Admission(Limits(calls=1, streams=1))
    with admission.admitted("one", streams=True), admission.admitted("one", streams=False):
        for streams in (True, False):
            with (
                pytest.raises(CallRefusedError, match="try again later"),
                admission.admitted("one", streams=streams),
            ):
                pass
            with admission.admitted("two", streams=streams):
                pass
    assert admit(admission, "one", 5) == 5


def with_server(
    place: Path, limits: Limits, test: Callable[[Client, Journal], Awaitable[None]]
) -> None:
    """Run a test with a server that has roles."""

    async def session() -> None:
        with open_journal("memory:") as journal:
            PingRegistry(journal, "reg").begin(WORKFLOW)
            checked = authenticator(place)
            async with serving(SERVICE, journal, authenticator=checked, limits=limits) as (
                client,
                _,
            ):
                client.token = token(reader=["*"], server=["*"])
                await test(client, journal)

    asyncio.run(session())


def test_1000_streams_of_one_client(tmp_path: Path) -> None:
    async def test(client: Client, journal: Journal) -> None:
        client.timeout = 300  # the first streams stay open while a busy machine opens the others

        async def opened() -> Any:
            stream = client.stream("AggregateSignals")
            try:
                await stream.initial_metadata()
                if not stream.done():
                    return stream
                await stream.read()
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
            return None

        streams = [each for each in await asyncio.gather(*(opened() for _ in range(1000))) if each]

        def alive() -> int:
            return sum(not each.done() for each in streams)

        async with asyncio.timeout(TIMEOUT):
            while alive() > 20:  # a stream that is refused begins, and is over a moment later
                await asyncio.sleep(0.01)
        assert alive() == 20
        # Other calls of the client go on, and so does the stream of another.
        await client("ServerPing", workflow=WORKFLOW.bytes)
        for each in streams:
            each.cancel()
        while True:  # the server learns of the cancellations in its own time
            stream = await opened()
            if stream is not None and not stream.done():
                break
        stream.cancel()

    with_server(tmp_path, Limits(streams=20), test)


def test_more_waits_than_may_be(tmp_path: Path) -> None:
    async def test(client: Client, journal: Journal) -> None:
        asked = {"workflow": WORKFLOW.bytes, "job_control": 1}
        waits = [asyncio.ensure_future(client("GetRegistryPings", **asked)) for _ in range(5)]
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 2:
            more, _ = await asyncio.wait(set(waits) - done, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        for each in done:
            assert (await refused(each)).text == "3 calls wait already: try again later"
        assert (await client("GetRegistryPings", workflow=WORKFLOW.bytes)).summary
        PingRegistry(journal, "reg").gather(WORKFLOW, 0, "sum")
        for each in set(waits) - done:
            assert (await each).summary.status_code == 100

    with_server(tmp_path, Limits(waits=3), test)


def test_a_call_that_takes_too_long(tmp_path: Path) -> None:
    async def test(client: Client, journal: Journal) -> None:
        call = client("GetRegistryPings", workflow=WORKFLOW.bytes, job_control=1)
        answer = await refused(call)
        assert (answer.code, answer.details["code"]) == ("DEADLINE_EXCEEDED", "TOO_LONG")
        assert answer.details["definite"] == "false"  # a command may go on in its thread

    with_server(tmp_path, Limits(seconds=0.2), test)


def test_a_message_of_10_mebibytes(tmp_path: Path) -> None:
    async def test(client: Client, journal: Journal) -> None:
        before = list(journal.scan())
        for size in (10 * 1024 * 1024, 4 * 1024 * 1024):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await client("ServerPing", workflow=WORKFLOW.bytes, status_message="x" * size)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert list(journal.scan()) == before
        await client("ServerPing", workflow=WORKFLOW.bytes)

    with_server(tmp_path, Limits(), test)


def test_garbage_on_the_port(tmp_path: Path) -> None:
    garbage = (
        b"\x00" * 10_000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
        b"\x16\x03\x01" + bytes(range(256)) * 40,
    )

    async def session() -> None:
        with open_journal("memory:") as journal:
            async with serving(SERVICE, journal, authenticator=authenticator(tmp_path)) as (
                client,
                server,
            ):
                for each in garbage:
                    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                    with closing(writer), suppress(ConnectionError):
                        writer.write(each)
                        async with asyncio.timeout(TIMEOUT):
                            await reader.read()  # to the end: the server hangs up
                client.token = token(reader=["*"])
                assert (await client("Info", registry="reg")).registry == "reg"
                assert not list(journal.scan())

    asyncio.run(session())


STREAM = "nogfso.EphemeralRegistry/RegistryWorkflowEvents"


def codes(records: Iterable[logging.LogRecord]) -> dict[str, str]:
    """The codes of calls that are over, by the method."""
    calls = [each.__dict__["fields"] for each in records if each.getMessage() == "call"]
    return {each["method"]: each["code"] for each in calls}


async def drained(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass


def test_a_reader_that_does_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pingregistrywf.service")

    async def test(client: Client, journal: Journal) -> None:
        registry = PingRegistry(journal, "reg")
        for _ in range(300):
            registry.ping(WORKFLOW, 0, "x" * 60_000)
        asked = {"registry": "reg", "workflow": WORKFLOW.bytes}
        stream = client.stream("RegistryWorkflowEvents", watch=True, **asked)
        await stream.read()
        async with asyncio.timeout(TIMEOUT):
            while STREAM not in codes(caplog.records):
                # Another reader of the same events, and a writer, go on meanwhile.
                await client("ServerPing", workflow=WORKFLOW.bytes)
        # The call was cut, or the status comes behind what was sent.
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await drained(stream)
        assert caught.value.code().name in ("RESOURCE_EXHAUSTED", "CANCELLED", "UNKNOWN")

    limits = Limits(read=0.3)
    with_server(tmp_path, limits, test)
    assert codes(caplog.records)[STREAM] == "RESOURCE_EXHAUSTED"


def test_the_page_lists_the_limits() -> None:
    page = (DOCS / "how-to/serve.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    told = {row[1].strip(" `"): row[3].strip() for row in rows if row[1].strip(" `") in LIMITS}
    usual = Limits()
    assert told == {name: f"{getattr(usual, name):,.0f}" for name in LIMITS}
