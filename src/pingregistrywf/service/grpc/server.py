"""The server: it listens, hands calls to a service, and answers errors with statuses.

It drains before it stops: its health becomes NOT_SERVING, streams and waits end, and calls that are
under way finish.  Clients may ping it each 30 seconds, also without a call, as the 2019 system's do
each 40 seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from pingregistrywf.runtime.log import logged
from pingregistrywf.runtime.remote.details import DETAILS
from pingregistrywf.runtime.remote.messages import Protobuf
from pingregistrywf.runtime.services import ErrorStatus, Method
from pingregistrywf.service.grpc.auth.authenticator import Authenticator
from pingregistrywf.service.grpc.auth.caller import ANYBODY, Caller
from pingregistrywf.service.grpc.auth.tokens import unauthenticated
from pingregistrywf.service.grpc.calls import Calls
from pingregistrywf.service.grpc.refusal import CallRefusedError
from pingregistrywf.service.grpc.served import Served
from pingregistrywf.service.grpc.statuses import answered
from pingregistrywf.service.grpc.v1.calls import OwnCalls

GRACE: Final = 10.0
"""Calls that are under way may go on for so many seconds once the server stops."""
PING_INTERVAL: Final = 30.0
"""Clients may ping the server that often, in seconds."""
MESSAGE_SIZE: Final = 4 * 1024 * 1024
"""The largest message that the server takes, in bytes."""
_OPTIONS: Final = (
    ("grpc.http2.min_ping_interval_without_data_ms", int(PING_INTERVAL * 1000)),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", int(PING_INTERVAL * 1000)),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.max_receive_message_length", MESSAGE_SIZE),
    ("grpc.so_reuseport", 0),
)

_LOGGER: Final = logging.getLogger("pingregistrywf.service")


@dataclass(frozen=True, slots=True)
class Tls:
    """What a server shows and asks for: PEM texts.

    Attributes:
        certificate: the server's certificate, and those between it and the root.
        key: its private key.
        client_ca: the roots of the certificates that clients must show; None if they need none.
    """

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None


class Answering(Protocol):
    """The methods of some services.

    Attributes:
        methods: the methods.
        errors: how errors are answered that are not answered like others of their kind.
    """

    @property
    def methods(self) -> Sequence[Method]: ...

    @property
    def errors(self) -> Mapping[str, ErrorStatus]: ...

    async def answer(self, method: Method, data: bytes, caller: Caller) -> Protobuf:
        """Return the reply to a call of a method that does not stream."""

    async def stream(self, method: Method, data: bytes, caller: Caller) -> AsyncIterator[Protobuf]:
        """Return the replies to a call of a method that streams."""


class Server:
    """A declared service and ``pingregistrywf.v1`` on an address, for one event loop.

    Args:
        served: what it serves; the server closes its journal's threads when it stops.
        address: ``HOST:PORT``; port 0 for any that is free.
        tls: how the connections are secured; None for plain ones.
        authenticator: finds who calls; without one, anybody may do everything.

    Attributes:
        port: where it listens.

    Raises:
        OSError: it cannot listen there.
    """

    def __init__(
        self,
        served: Served,
        address: str,
        tls: Tls | None = None,
        authenticator: Authenticator | None = None,
    ) -> None:
        self._journal: Final = served.journal
        self._health: Final = health.aio.HealthServicer()
        self._server: Final = grpc.aio.server(options=_OPTIONS)
        declared = Calls(served)
        pool = declared.pool
        answering: tuple[Answering, ...] = (declared, OwnCalls(served, pool))
        for each in answering:
            handlers = _Handlers(each, authenticator)
            self._server.add_generic_rpc_handlers(tuple(handlers.generic()))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._services: Final = sorted(
            {method.service for each in answering for method in each.methods}
        )
        if authenticator is None:  # reflection has no roles, so that nobody may call it
            pool.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
            shown = [*self._services, health.SERVICE_NAME, reflection.SERVICE_NAME]
            reflection.enable_server_reflection(shown, self._server, pool=pool)
        self.port: Final = self._listen(address, tls)

    def _listen(self, address: str, tls: Tls | None) -> int:
        try:
            if tls is None:
                return int(self._server.add_insecure_port(address))
            credentials = grpc.ssl_server_credentials(
                [(tls.key, tls.certificate)],
                root_certificates=tls.client_ca,
                require_client_auth=tls.client_ca is not None,
            )
            return int(self._server.add_secure_port(address, credentials))
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: {error}") from error

    async def start(self) -> None:
        """Begin to answer calls."""
        await self._server.start()
        await self._tell_health(health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float = GRACE) -> None:
        """Drain: end streams and waits, let other calls finish, then close the journal.

        Args:
            grace: after so many seconds, calls that have not finished are cancelled.
        """
        await self._tell_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._journal.watch.close()
        await self._server.stop(grace)
        await self._journal.close()

    async def _tell_health(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for name in (health.OVERALL_HEALTH, *self._services):
            await self._health.set(name, status)


class _Handlers:
    """Hands calls to the methods of a service; requests are decoded there."""

    def __init__(self, calls: Answering, authenticator: Authenticator | None) -> None:
        self._calls = calls
        self._authenticator = authenticator

    def generic(self) -> Iterator[grpc.GenericRpcHandler]:
        """Yield the handlers of each service."""
        handlers: dict[str, dict[str, grpc.RpcMethodHandler]] = {}
        for each in self._calls.methods:
            handlers.setdefault(each.service, {})[each.name] = self._handler(each)
        for name, methods in handlers.items():
            yield grpc.method_handlers_generic_handler(name, methods)

    def _handler(self, method: Method) -> grpc.RpcMethodHandler:
        calls = self._calls

        async def answer(data: bytes, context: grpc.aio.ServicerContext) -> bytes:
            try:
                caller = self._caller(method, context)
                reply = await calls.answer(method, data, caller)
            except Exception as error:
                await self._refuse(method, data, error, context)
            return bytes(reply.SerializeToString())

        async def stream(data: bytes, context: grpc.aio.ServicerContext) -> None:
            try:
                caller = self._caller(method, context)
                async with self._known(caller):
                    replies = await calls.stream(method, data, caller)
                    await context.send_initial_metadata(())
                    async for reply in replies:
                        await context.write(reply.SerializeToString())
            except Exception as error:
                await self._refuse(method, data, error, context)

        if method.streams:
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(answer)

    def _caller(self, method: Method, context: grpc.aio.ServicerContext) -> Caller:
        """Return who makes a call of a method, and may make it about some name."""
        if self._authenticator is None:
            return ANYBODY
        caller = self._authenticator.caller(context)
        caller.check(method.roles)
        return caller

    @asynccontextmanager
    async def _known(self, caller: Caller) -> AsyncIterator[None]:
        """End what is done inside when it is no longer known who the caller is.

        Raises:
            CallRefusedError: what the caller has shown has expired.
        """
        left = None
        if self._authenticator is not None and caller.until is not None:
            left = caller.until - self._authenticator.clock()
        try:
            async with asyncio.timeout(left) as limit:
                yield
        except TimeoutError:
            if limit.expired():
                raise unauthenticated("what the caller has shown has expired") from None
            raise

    async def _refuse(
        self,
        method: Method,
        data: bytes,
        error: Exception,
        context: grpc.aio.ServicerContext,
    ) -> NoReturn:
        scope = None
        is_unknown = isinstance(error, CallRefusedError) and error.status == "UNAUTHENTICATED"
        if is_unknown and isinstance(self._calls, Calls):
            scope = self._calls.required_scope(method, data)
        told = answered(error, self._calls.errors, scope)
        is_failure = told.code in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS)
        if is_failure and not isinstance(error, CallRefusedError):
            cause = f"{type(error).__name__}: {error}"
            logged(_LOGGER, "failed", logging.ERROR, method=method.name, error=cause)
        await context.abort(told.code, told.text, ((DETAILS, told.details),))
        raise AssertionError("unreachable")
