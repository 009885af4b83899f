"""Who may connect: with TLS, with a certificate of the right CA, and with nothing."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import jwt
import pytest
from cryptography import x509

from pingregistrywf import open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.auth.authenticator import Authenticator
from pingregistrywf.service.grpc.development import made
from pingregistrywf.service.grpc.server import Tls

from .certificates import Authority, check_strict
from .serving import Client, refused, serving
from .tokens import ISSUER, authenticator, claims

INFO = b"\x0a\x03reg"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ca")


def credentials(authority: Authority, client: Path | None = None) -> grpc.ChannelCredentials:
    pem = client.read_bytes() if client else None
    return grpc.ssl_channel_credentials(authority.certificate.read_bytes(), pem, pem)


def with_server(
    tls: Tls,
    test: Callable[[Callable[[grpc.aio.Channel], Awaitable[str]], int], Awaitable[None]],
    authenticator: Authenticator | None = None,
) -> None:
    """Run a test with a server; it is given what calls it by a channel, and the port."""

    async def session() -> None:
        with open_journal("memory:") as journal:
            async with serving(SERVICE, journal, tls=tls, authenticator=authenticator) as (
                client,
                server,
            ):

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


def test_a_directory_to_try_it_out_is_for_strict_clients(tmp_path: Path) -> None:
    place = made(tmp_path / "dev", {"boss": ["admin"], "ann": ["reader"]}, ["reg"])
    for caller in ("boss", "ann"):
        check_strict(place.ca, place.server, place.certificate(caller))
    strict = ssl.create_default_context(cafile=place.ca)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    strict.load_cert_chain(place.certificate("boss"))
    strict.set_alpn_protocols(["h2"])

    async def test(status: Callable[[grpc.aio.Channel], Awaitable[str]], port: int) -> None:
        for host in ("127.0.0.1", "localhost"):
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=strict, server_hostname=host
            )
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
            writer.transport.abort()
            await writer.wait_closed()

    pem = place.server.read_bytes()
    with_server(Tls(pem, pem, place.ca.read_bytes()), test)


def test_certificates_to_try_it_out_have_what_rfc_5280_asks(tmp_path: Path) -> None:
    place = made(tmp_path / "dev", {"boss": ["admin"]}, ["reg"])
    authority = x509.load_pem_x509_certificate(place.ca.read_bytes())
    issuing = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    for file, is_authority in (
        (place.ca, True),
        (place.server, False),
        (place.certificate("boss"), False),
    ):
        found = x509.load_pem_x509_certificate(file.read_bytes())
        own = x509.SubjectKeyIdentifier.from_public_key(found.public_key())
        extensions = found.extensions
        key = extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        assert (key.value, key.critical) == (own, False)
        signer = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        assert (signer.value.key_identifier, signer.critical) == (issuing.digest, False)
        constraints = extensions.get_extension_for_class(x509.BasicConstraints)
        assert (constraints.value.ca, constraints.critical) == (is_authority, True)
        usage = extensions.get_extension_for_class(x509.KeyUsage)
        assert (usage.value.key_cert_sign, usage.critical) == (is_authority, True)
        assert usage.value.digital_signature is not is_authority


ROLES = """
tokens: {keys: [issuer.pem]}
certificates:
  - {uri: "spiffe://reg/reader", roles: {reader: [reg]}}
  - {dns: storage, roles: {server: [other]}}
  - {dns: storage, roles: {server: [more]}}
"""


def test_roles_of_certificates(authority: Authority, tmp_path: Path) -> None:
    pem = authority.issue("server").read_bytes()
    reader = authority.issue("reader", "URI:spiffe://reg/reader")
    # A name of another kind is another name.
    masked = authority.issue("masked", "DNS:spiffe.reg.reader,email:storage")
    storage, foreign = authority.issue("storage", "DNS:storage"), Authority(tmp_path, "another")
    stranger = foreign.issue("stranger", "URI:spiffe://reg/reader")

    async def test(status: Callable[[grpc.aio.Channel], Awaitable[str]], port: int) -> None:
        for client, expected in (
            (reader, "OK"),
            (masked, "UNAUTHENTICATED"),
            (storage, "PERMISSION_DENIED"),
            (stranger, "UNAVAILABLE"),
            (None, "UNAVAILABLE"),
        ):
            shown = credentials(authority, client)
            assert await status(grpc.aio.secure_channel(f"127.0.0.1:{port}", shown)) == expected

    checked = authenticator(tmp_path, ROLES, now=time.time())
    with_server(Tls(pem, pem, authority.certificate.read_bytes()), test, checked)


def test_a_token_and_a_certificate_have_the_roles_of_both(
    authority: Authority, tmp_path: Path
) -> None:
    pem = authority.issue("server").read_bytes()
    storage = authority.issue("storage", "DNS:storage")
    names = ("reg", "other", "more", "third")
    now, days = int(time.time()), 86_400
    certified = authenticator(tmp_path, ROLES, now=now)
    # Certificates are valid for two days, and the token for four.
    checked = authenticator(tmp_path, ROLES, now=now + 3 * days)
    said = claims(roles={"reader": ["reg"]}, exp=now + 4 * days)
    token = jwt.encode(said, ISSUER, "EdDSA")

    async def session(shown: str | None, now: Authenticator) -> str:
        tls = Tls(pem, pem, authority.certificate.read_bytes())
        with open_journal("memory:") as journal:
            async with (
                serving(SERVICE, journal, names, tls=tls, authenticator=now) as (client, server),
                grpc.aio.secure_channel(
                    f"127.0.0.1:{server.port}", credentials(authority, storage)
                ) as channel,
            ):
                caller = Client(client.calls, channel, token=shown)
                if shown == "a.b.c":
                    return (await refused(caller("GetRegistries"))).code
                seen = await caller("GetRegistries")
                return " ".join(each.name for each in seen.registries)

    assert asyncio.run(session(token, certified)) == "more other reg"
    assert asyncio.run(session(None, certified)) == "more other"
    assert asyncio.run(session("a.b.c", certified)) == "UNAUTHENTICATED"
    # The certificate has expired while the connection stood.
    assert asyncio.run(session(token, checked)) == "reg"
