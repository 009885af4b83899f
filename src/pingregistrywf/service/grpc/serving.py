"""Serve until a stop is asked for: the life of a server, from listening to draining."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.journal.protocol import Journal
from pingregistrywf.runtime.log import logged
from pingregistrywf.runtime.operations import Interpreter
from pingregistrywf.runtime.services import Service
from pingregistrywf.service.grpc.auth.authenticator import Authenticator
from pingregistrywf.service.grpc.every import names_served
from pingregistrywf.service.grpc.limits import Limits
from pingregistrywf.service.grpc.metrics import MeasuredJournal, Metrics
from pingregistrywf.service.grpc.server import Server, Tls

_LOGGER: Final = logging.getLogger("pingregistrywf.service")


async def serve_until(
    stop: Stop,
    service: Service,
    journal: Journal,
    operations: Interpreter,
    names: Iterable[str],
    address: str,
    tls: Tls | None = None,
    authenticator: Authenticator | None = None,
    *,
    listening: Callable[[int], None] | None = None,
    limits: Limits | None = None,
    metrics: Metrics | None = None,
) -> None:
    """Serve until a stop is asked for, then drain.

    Args:
        stop: ends it.
        service: what each method is about.
        journal: where the events rest; it stays open.
        operations: run the service's operations on that journal.
        names: the names that are served; all of them if ``*`` is among these.
        address: ``HOST:PORT``; port 0 for any that is free.
        tls: how the connections are secured; None for plain ones.
        authenticator: finds who calls; without one, anybody may do everything.
        listening: is called with the port once the server answers calls.
        limits: what one client may use; the usual limits unless given.
        metrics: counts calls, and tells of workflows, if it is given.

    Raises:
        OSError: it cannot listen there.
        InvalidCommandError: one of the names breaks its rule.
    """
    opened = AsyncJournal(journal) if metrics is None else MeasuredJournal(journal, metrics)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    served = names_served(service, opened, operations, names)
    server = Server(served, address, tls, authenticator, limits=limits or Limits(), metrics=metrics)
    if metrics is not None:
        metrics.show_workflows(served)
    await server.start()
    host = address.rpartition(":")[0]
    logged(
        _LOGGER,
        "listening",
        address=f"{host}:{server.port}",
        tls=tls is not None,
        roles=authenticator is not None,
    )

    if listening is not None:
        listening(server.port)

    def wake() -> None:
        loop.call_soon_threadsafe(stopped.set)

    with stop.waking(wake):
        await stopped.wait()
    logged(_LOGGER, "draining")
    await server.stop()
    logged(_LOGGER, "stopped")
