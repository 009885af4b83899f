"""The server: it listens, says how it is, and stops.  ``handlers`` does what calls ask for.

It drains before it stops: its health becomes NOT_SERVING, streams and waits end, and calls that are
under way finish.  Clients may ping it each 30 seconds, also without a call, as the 2019 system's do
each 40 seconds.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from pingregistrywf.service.grpc.auth.authenticator import Authenticator
from pingregistrywf.service.grpc.calls import Calls
from pingregistrywf.service.grpc.handlers import Answering, Handlers
from pingregistrywf.service.grpc.limits import Admission, Limits, Room
from pingregistrywf.service.grpc.metrics import Metrics
from pingregistrywf.service.grpc.served import Served
from pingregistrywf.service.grpc.v1.calls import OwnCalls

GRACE: Final = 10.0
"""Calls that are under way may go on for so many seconds once the server stops."""
PING_INTERVAL: Final = 30.0
"""Clients may ping the server that often, in seconds."""
HANDSHAKE: Final = 20.0
"""A connection may take so many seconds to be set up."""
_OPTIONS: Final = (
    ("grpc.http2.min_ping_interval_without_data_ms", int(PING_INTERVAL * 1000)),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", int(PING_INTERVAL * 1000)),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.server_handshake_timeout_ms", int(HANDSHAKE * 1000)),
    ("grpc.so_reuseport", 0),
)
_LIMITS: Final = Limits()


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


def _limited(limits: Limits) -> tuple[tuple[str, int], ...]:
    """Return the options of gRPC that follow from limits."""
    # What is above the limits is refused by the server: the client would wait in silence.
    at_once = 2 * int(limits.calls + limits.streams)
    return (
        ("grpc.max_receive_message_length", int(limits.message)),
        ("grpc.max_concurrent_streams", at_once),
    )


def check_free(address: str) -> None:
    """Check that a server can listen on ``HOST:PORT``.

    gRPC and the server of the metrics report less, and gRPC also logs on standard error.

    Raises:
        OSError: it cannot; the text has the address, the reason and what to do.
    """
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, place = found[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gRPC does
            tried.bind(place)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise OSError(
            f"cannot listen on {address}: {why}; choose another address, or end what listens there"
        ) from error


class Server:
    """A declared service and ``pingregistrywf.v1`` on an address, for one event loop.

    Args:
        served: what it serves; the server closes its journal's threads when it stops.
        address: ``HOST:PORT``; port 0 for any that is free.
        tls: how the connections are secured; None for plain ones.
        authenticator: finds who calls; without one, anybody may do everything.
        limits: what one client may use.
        metrics: counts calls, if anything does.

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
        *,
        limits: Limits = _LIMITS,
        metrics: Metrics | None = None,
    ) -> None:
        self._journal: Final = served.journal
        self._health: Final = health.aio.HealthServicer()
        self._server: Final = grpc.aio.server(options=[*_OPTIONS, *_limited(limits)])
        declared = Calls(served, Room(limits.waits, "calls wait"))
        pool = declared.pool
        answering: tuple[Answering, ...] = (declared, OwnCalls(served, pool))
        admission = Admission(limits)
        for each in answering:
            handlers = Handlers(each, authenticator, limits, admission, metrics)
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
        check_free(address)
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
