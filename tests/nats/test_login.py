"""Signing in with TLS, an nkey and a file of credentials, to servers that want them."""

from __future__ import annotations

import base64
import ipaddress
import json
import secrets
import socket
import ssl
import struct
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import nkeys
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal import NO_HEAD, open_journal
from pingregistrywf.testing.journal import post

from .cluster import Cluster

pytestmark = pytest.mark.slow


def check_use(url: str) -> None:
    """A journal of this URL can be written and read."""
    with open_journal(url) as journal:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
        assert journal.read(history).head == head


def refusal(url: str) -> str:
    with pytest.raises(JournalOpenError) as caught:
        open_journal(url)
    assert "\n" not in str(caught.value)
    return caught.value.cause


USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
"""What the key of a certificate may be used for, as ``x509.KeyUsage`` names it."""


class Authority:
    """One that signs certificates for 127.0.0.1; its own is in the file ``ca``.

    Args:
        place: a directory for the files.
    """

    def __init__(self, place: Path) -> None:
        self._place, self._key = place, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, place.name)])
        self.ca = place / "ca.pem"
        place.mkdir()
        own = self._certificate(self._name, self._key.public_key(), ca=True)
        self.ca.write_bytes(own.public_bytes(Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        files = self._place / f"{name}.pem", self._place / f"{name}-key.pem"
        certificate = self._certificate(subject, key.public_key(), ca=False)
        files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        usage = dict.fromkeys(USAGES, False) | {"key_cert_sign": ca, "digital_signature": not ca}
        host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([host]), critical=False)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            # Python 3.13 asks for these.
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(own, critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def test_tls(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "own"), Authority(tmp_path / "other")
    certificate, key = authority.issue("server")
    settings = (
        f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{authority.ca}", '
        "verify: true }"
    )
    with Cluster(tmp_path / "node", 1, settings) as server:
        own, its_key = authority.issue("client")
        check_use(server.url("pings", tls_ca=authority.ca, tls_cert=own, tls_key=its_key))
        assert "no secure connection to 127.0.0.1:" in refusal(
            server.url("pings", tls_ca=other.ca, tls_cert=own, tls_key=its_key)
        )
        stranger, its_key = other.issue("client")
        cause = refusal(
            server.url("pings", tls_ca=authority.ca, tls_cert=stranger, tls_key=its_key)
        )
        assert "no secure connection to 127.0.0.1:" in cause
        assert "the certificates cannot be used" in refusal(
            server.url("pings", tls_ca=tmp_path / "missing")
        )


def test_a_server_that_ends_a_connection_with_tls(tmp_path: Path) -> None:
    """So it does with TLS 1.3 if it refuses the client's certificate: it tells the client late."""
    authority = Authority(tmp_path / "own")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):  # when it listens no more
            while True:
                plain, _ = listening.accept()
                with suppress(OSError), plain:  # the client may give up before, and try again
                    plain.sendall(b'INFO {"tls_required":true,"max_payload":1048576}\r\n')
                    with context.wrap_socket(plain, server_side=True) as secure:
                        # Closed so, it resets the connection.
                        reset = struct.pack("ii", 1, 0)
                        secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=serve, args=(listening,), daemon=True).start()
        own, its_key = authority.issue("client")
        where = f"127.0.0.1:{listening.getsockname()[1]}"
        files = f"tls_ca={authority.ca}&tls_cert={own}&tls_key={its_key}"
        with pytest.raises(JournalOpenError) as caught:
            open_journal(f"nats://{where}/pings?{files}")
        listening.shutdown(socket.SHUT_RDWR)
    assert f"no secure connection to {where}: the server ended it: " in str(caught.value)
    assert "name a certificate that it accepts with tls_cert=PATH" in str(caught.value)


def seed(prefix: int) -> tuple[nkeys.KeyPair, bytes]:
    """A new pair of keys, and its seed."""
    text = nkeys.encode_seed(secrets.token_bytes(32), prefix)
    return nkeys.from_seed(bytearray(text)), text


def test_nkey(tmp_path: Path) -> None:
    user, text = seed(nkeys.PREFIX_BYTE_USER)
    _, unknown = seed(nkeys.PREFIX_BYTE_USER)
    _, account = seed(nkeys.PREFIX_BYTE_ACCOUNT)
    key, wrong, foreign = (tmp_path / name for name in ("key", "wrong", "foreign"))
    key.write_bytes(text + b"\n")
    wrong.write_bytes(unknown)
    foreign.write_bytes(account)
    settings = f"authorization {{ users: [ {{ nkey: {user.public_key.decode()} }} ] }}"
    with Cluster(tmp_path / "node", 1, settings) as server:
        check_use(server.url("pings", nkey=key))
        assert "does not let this user in" in refusal(server.url("pings", nkey=wrong))
        assert "does not let this user in" in refusal(server.url("pings"))
        assert refusal(server.url("pings", nkey=foreign)).endswith("does not hold a user's seed")
        missing = refusal(server.url("pings", nkey=tmp_path / "missing"))
        assert missing.startswith("the file of nkey cannot be read: ")


def jwt(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, claims: dict[str, Any]) -> str:
    """A claim of NATS, signed by its issuer."""

    def encoded(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    body = {
        "iss": issuer.public_key.decode(),
        "sub": subject.public_key.decode(),
        "iat": int(time.time()),
        "jti": secrets.token_hex(8),
        "nats": {"version": 2, **claims},
    }
    header = {"typ": "JWT", "alg": "ed25519-nkey"}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, body))
    return f"{text}.{encoded(issuer.sign(text.encode()))}"


def credentials(account: nkeys.KeyPair) -> str:
    """The credentials of a new user of an account."""
    user, text = seed(nkeys.PREFIX_BYTE_USER)
    limits = dict.fromkeys(("subs", "data", "payload"), -1)
    claim = jwt(account, user, {"type": "user", "pub": {}, "sub": {}, **limits})
    return (
        f"-----BEGIN NATS USER JWT-----\n{claim}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{text.decode()}\n------END USER NKEY SEED------\n"
    )


def test_credentials(tmp_path: Path) -> None:
    operator, _ = seed(nkeys.PREFIX_BYTE_OPERATOR)
    account, _ = seed(nkeys.PREFIX_BYTE_ACCOUNT)
    system, _ = seed(nkeys.PREFIX_BYTE_ACCOUNT)
    unknown, _ = seed(nkeys.PREFIX_BYTE_ACCOUNT)
    plain = {
        **dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1),
        "wildcards": True,
    }
    storing = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
    claims = {
        each.public_key.decode(): jwt(operator, each, {"type": "account", "limits": limits})
        for each, limits in ((account, {**plain, **storing}), (system, plain))
    }
    file, wrong, foreign = (tmp_path / name for name in ("user", "wrong", "foreign"))
    file.write_text(credentials(account))
    wrong.write_text(credentials(unknown))
    foreign.write_text("no credentials")
    preload = ", ".join(f"{key}: {claim}" for key, claim in claims.items())
    settings = (
        f"operator: {jwt(operator, operator, {'type': 'operator'})}\nresolver: MEMORY\n"
        f"system_account: {system.public_key.decode()}\nresolver_preload: {{ {preload} }}"
    )
    with Cluster(tmp_path / "node", 1, settings) as server:
        check_use(server.url("pings", credentials=file))
        assert "does not let this user in" in refusal(server.url("pings", credentials=wrong))
        cause = refusal(server.url("pings", credentials=foreign))
        assert cause.endswith("does not hold a user's JWT and seed")
        missing = refusal(server.url("pings", credentials=tmp_path / "missing"))
        assert missing.startswith("the file of credentials cannot be read: ")
