"""Who may connect: with TLS, with a certificate of the right CA, and with nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import pytest

from pingregistrywf import open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.server import Tls

from .certificates import Authority
from .serving import Client, serving

INFO = b"\x0a\x03reg"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ca")


def credentials(authority: Authority, client: Path | None = None) -> grpc.ChannelCredentials:
    pem = client.read_bytes() if client else None
    return grpc.ssl_channel_credentials(authority.certificate.read_bytes(), pem, pem)


def with_server(
    tls: Tls, test: Callable[[Callable[[grpc.aio.Channel], Awaitable[str]], int], Awaitable[None]]
) -> None:
    """Run a test with a server; it is given what calls it by a channel, and the port."""

    async def session() -> None:
        with open_journal("memory:") as journal:
            async with serving(SERVICE, journal, tls=tls) as (client, server):

                async def status(channel: grpc.aio.Channel) -> str:
                    async with channel:
                        try:
                            await Client(client.calls, channel)("Info", INFO)
                        except grpc.aio.AioRpcError as error:
                            return error.code().name
                        return "OK"

                await test(status, server.port)

    asyncio.run(session())


def test_a_certificate_of_the_server_alone(authority: Authority, tmp_path: Path) -> None:
    pem = authority.issue("server").read_bytes()

    async def test(status: Callable[[grpc.aio.Channel], Awaitable[str]], port: int) -> None:
        for host in ("127.0.0.1", "localhost"):
            secure = grpc.aio.secure_channel(f"{host}:{port}", credentials(authority))
            assert await status(secure) == "OK"
        assert await status(grpc.aio.insecure_channel(f"127.0.0.1:{port}")) == "UNAVAILABLE"
        stranger = credentials(Authority(tmp_path, "another"))
        secure = grpc.aio.secure_channel(f"127.0.0.1:{port}", stranger)
        assert await status(secure) == "UNAVAILABLE"

    with_server(Tls(pem, pem), test)


def test_certificates_of_clients(authority: Authority, tmp_path: Path) -> None:
    pem = authority.issue("server").read_bytes()
    theirs, foreign = authority.issue("client"), Authority(tmp_path, "another").issue("stranger")

    async def test(status: Callable[[grpc.aio.Channel], Awaitable[str]], port: int) -> None:
        address = f"127.0.0.1:{port}"
        for client, expected in ((theirs, "OK"), (None, "UNAVAILABLE"), (foreign, "UNAVAILABLE")):
            shown = credentials(authority, client)
            assert await status(grpc.aio.secure_channel(address, shown)) == expected
        # Bytes that are no HTTP/2 harm nobody.
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01garbage" * 100)
        writer.close()
        known = credentials(authority, theirs)
        assert await status(grpc.aio.secure_channel(address, known)) == "OK"

    with_server(Tls(pem, pem, authority.certificate.read_bytes()), test)
