"""A server in the test's own event loop, and a client that sends and gets bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from pingregistrywf import Journal
from pingregistrywf.coordination.outside import OutsideOperations
from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.operations import Interpreter
from pingregistrywf.runtime.services import Service
from pingregistrywf.service.grpc.auth.authenticator import Authenticator
from pingregistrywf.service.grpc.calls import Calls
from pingregistrywf.service.grpc.limits import Limits
from pingregistrywf.service.grpc.messages import Protobuf
from pingregistrywf.service.grpc.metrics import MeasuredJournal, Metrics
from pingregistrywf.service.grpc.served import Served
from pingregistrywf.service.grpc.server import Server, Tls

TIMEOUT = 60.0
"""No call of a test takes so many seconds, unless something is wrong."""


@dataclass
class Client:
    """Calls methods by their short names, with fields or with bytes."""

    calls: Calls
    channel: grpc.aio.Channel
    timeout: float = TIMEOUT
    token: str | None = None

    async def __call__(self, name: str, data: bytes | None = None, **fields: Any) -> Protobuf:
        call = self.channel.unary_unary(self._path(name))
        reply = await call(self._request(name, data, fields), **self._options)
        return self._message(f"{name}O").FromString(reply)

    def stream(
        self, name: str, data: bytes | None = None, **fields: Any
    ) -> grpc.aio.UnaryStreamCall[bytes, bytes]:
        call = self.channel.unary_stream(self._path(name))
        return call(self._request(name, data, fields), **self._options)

    async def all(self, name: str, data: bytes | None = None, **fields: Any) -> list[Protobuf]:
        kind = self._message(f"{name}O")
        return [kind.FromString(each) async for each in self.stream(name, data, **fields)]

    async def read(self, call: Any, name: str) -> Protobuf:
        """Return the next reply of a stream."""
        return self._message(f"{name}O").FromString(await call.read())

    @property
    def _options(self) -> dict[str, Any]:
        shown = {} if self.token is None else {"metadata": (("authorization", self.token),)}
        return {"timeout": self.timeout} | shown

    def _request(self, name: str, data: bytes | None, fields: Any) -> bytes:
        if data is not None:
            return data
        request: bytes = self._message(f"{name}I")(**fields).SerializeToString()
        return request

    def _path(self, name: str) -> str:
        (method,) = (each for each in self.calls.methods if each.name == name)
        return f"/{method.service}/{name}"

    def _message(self, name: str) -> Any:
        return self.calls.messages._class(name)


@asynccontextmanager
async def serving(
    service: Service,
    journal: Journal,
    names: Iterable[str] = ("reg",),
    operations: Interpreter | None = None,
    tls: Tls | None = None,
    authenticator: Authenticator | None = None,
    *,
    limits: Limits | None = None,
    metrics: Metrics | None = None,
) -> AsyncIterator[tuple[Client, Server]]:
    """Serve names on a journal, on the loopback."""
    opened = AsyncJournal(journal) if metrics is None else MeasuredJournal(journal, metrics)
    served = Served(service, opened, operations or OutsideOperations(journal), names)
    calls = Calls(served)
    server = Server(
        served, "127.0.0.1:0", tls, authenticator, limits=limits or Limits(), metrics=metrics
    )
    if metrics is not None:
        metrics.show_workflows(served)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        try:
            yield Client(calls, channel), server
        finally:
            await server.stop(0)


@dataclass
class Refused:
    """A call that was refused: its status, its text, and its details."""

    code: str
    text: str
    details: dict[str, str]


async def refused(call: Any) -> Refused:
    """Await a call that is to be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    (info,) = (
        value for key, value in error.trailing_metadata() or () if key.endswith("details-bin")
    )
    status, told = status_pb2.Status.FromString(info), error_details_pb2.ErrorInfo()
    assert (status.code, status.message) == (error.code().value[0], error.details())
    assert status.details[0].Unpack(told)
    assert told.domain == "pingregistrywf"
    return Refused(error.code().name, status.message, {"code": told.reason, **told.metadata})
