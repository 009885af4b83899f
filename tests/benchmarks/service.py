"""A ping through the service, beside an empty call of the service and an append in process."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from uuid import uuid4

import grpc

from pingregistrywf import RETRY_NO_VC, PingRegistry, Workflows, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.development import made
from pingregistrywf.service.grpc.messages import Messages

from ..service.grpc.processes import ServerProcess
from .appends import begun
from .figures import Ratio, Row, Side, at_most
from .measuring import Scale, counted, interleaved
from .stock import MESSAGE

ROLES = {"server": ("server",)}


def rows(scale: Scale, directory: Path) -> list[Row]:
    """Measure a ping through a server with TLS, client certificates and tokens."""
    place = directory / "service"
    place.mkdir()
    files = made(place / "dev", ROLES, ["reg"])
    workflow = uuid4()
    with open_journal(f"sqlite:{place / 'pings.db'}") as journal:
        PingRegistry(journal, "reg").begin(workflow)
    pem = files.certificate("server").read_bytes()
    secure = grpc.ssl_channel_credentials(files.ca.read_bytes(), pem, pem)
    metadata = (("authorization", f"Bearer {files.token('server').read_text().strip()}"),)
    tls = ("--tls-cert", str(files.server), "--client-ca", str(files.ca))
    # The client is one, and as fast as it can be.
    options = (
        *tls,
        "--auth",
        str(files.auth),
        "--limit",
        "rate=1000000",
        "--limit",
        "burst=1000000",
    )
    with (
        ServerProcess(f"sqlite:{place / 'pings.db'}", *options) as server,
        grpc.secure_channel(server.address, secure) as channel,
        open_journal(f"sqlite:{place / 'alone.db'}") as alone,
    ):
        workflows, message = Workflows(alone), Messages(SERVICE)._class
        ping = message("ServerPingI")(workflow=workflow.bytes, status_message=MESSAGE)
        info = message("InfoI")(registry="reg")
        call = partial(_call, channel, metadata)
        append = partial(workflows.append_ping, begun(workflows), RETRY_NO_VC, 0, MESSAGE)
        samples = {
            "ping": call("/nogfso.PingRegistry/ServerPing", ping.SerializeToString()),
            "empty": call("/nogfso.Registry/Info", info.SerializeToString()),
            "append": append,
        }
        for act in samples.values():
            act()  # connections and caches
        found = interleaved(
            {name: partial(counted, act, scale.appends) for name, act in samples.items()},
            scale.rounds,
        )
    return [
        Row(
            "service.ping",
            "a ping through the service",
            Side(
                "ours",
                "calls `ServerPing` of a server in another process over TLS, with a certificate"
                " and a token that are checked, and waits for the durable answer",
                found["ping"],
            ),
            Side(
                "an empty call, and an append",
                "calls `Registry/Info` on the same connection with the same token, and calls"
                " `append_ping` with RETRY_NO_VC in this process",
                found["empty"] + found["append"],
            ),
            at_most(1.5),
            Ratio.COST,
        )
    ]


def _call(
    channel: grpc.Channel, metadata: tuple[tuple[str, str], ...], path: str, request: bytes
) -> partial[bytes]:
    return partial(channel.unary_unary(path), request, timeout=20, metadata=metadata)
