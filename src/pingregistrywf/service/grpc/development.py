"""A directory with all that a server and its clients need to try TLS and roles out.

It holds a CA, a certificate and a token for each kind of caller, the server's certificate for this
machine, and the file of ``serve --auth``.  Keys lie beside them without a password: the directory
is for nobody else, and for no production.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pingregistrywf.service.grpc.auth.file import AUDIENCE
from pingregistrywf.service.grpc.auth.issuing import issue
from pingregistrywf.service.grpc.auth.keys import AuthFileError

DAYS: Final = 30
"""How long certificates and tokens are valid."""


@dataclass(frozen=True, slots=True)
class Development:
    """The files of such a directory.

    Attributes:
        directory: where they are.
    """

    directory: Path

    @property
    def ca(self) -> Path:
        """The CA's certificate."""
        return self.directory / "ca.pem"

    @property
    def server(self) -> Path:
        """The server's certificate and its key."""
        return self.directory / "serve.pem"

    @property
    def auth(self) -> Path:
        """The file of ``serve --auth``."""
        return self.directory / "auth.yaml"

    def certificate(self, caller: str) -> Path:
        """The certificate and the key of a caller."""
        return self.directory / f"{caller}.pem"

    def token(self, caller: str) -> Path:
        """The token of a caller."""
        return self.directory / f"{caller}.token"


def made(
    directory: Path,
    callers: Mapping[str, Iterable[str]],
    names: Iterable[str],
    now: float | None = None,
) -> Development:
    """Return the directory; make it, unless it is there already.

    Args:
        directory: the directory.
        callers: the callers, each with its roles.
        names: what the callers have these roles on.
        now: the time, in seconds since 1970; that of the clock unless given.

    Raises:
        AuthFileError: the directory is there, and is no such directory, or has expired.
        OSError: it cannot be made.
    """
    moment = datetime.fromtimestamp(time.time() if now is None else now, UTC)
    found = Development(directory)
    if directory.is_dir() and any(directory.iterdir()):
        _check(found, moment)
        return found
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    roles = {caller: dict.fromkeys(each, sorted(names)) for caller, each in callers.items()}
    issuer = ed25519.Ed25519PrivateKey.generate()
    authority = _Authority(moment)
    _write(found.ca, authority.certificate.public_bytes(Encoding.PEM))
    _write(found.server, authority.server())
    _write(directory / "issuer.key", _private(issuer))
    public = issuer.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write(directory / "issuer.pem", pem)
    for caller, each in roles.items():
        _write(found.certificate(caller), authority.client(_uri(caller)))
        token = issue(
            issuer,
            caller,
            each,
            audience=AUDIENCE,
            now=moment.timestamp(),
            seconds=DAYS * 86_400,
        )
        _write(found.token(caller), token.encode() + b"\n")
    document = {
        "tokens": {"keys": ["issuer.pem"]},
        "certificates": [{"uri": _uri(caller), "roles": each} for caller, each in roles.items()],
    }
    _write(found.auth, yaml.safe_dump(document, sort_keys=False).encode())
    return found


class _Authority:
    """A CA that signs for as long as everything in the directory is valid.

    Its certificates have the extensions that RFC 5280, sections 4.2.1.1 to 4.2.1.9, asks for.
    ``ssl.create_default_context`` refuses others from Python 3.13 on.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("pingregistrywf development CA")
        usage = _usage(signs=False)
        self.certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def server(self) -> bytes:
        """Return a certificate for this machine's loopback, and its key."""
        names = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.IPAddress(ipaddress.ip_address("::1")),
        ]
        return self._signed("localhost", names, ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, uri: str) -> bytes:
        """Return a certificate for a client with a name, and its key."""
        names = [x509.UniformResourceIdentifier(uri)]
        return self._signed(uri, names, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _signed(
        self, common: str, names: Iterable[x509.GeneralName], use: x509.ObjectIdentifier
    ) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(_name(common), key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM) + _private(key)

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(minutes=5))
            .not_valid_after(self._now + timedelta(days=DAYS))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )


def _check(found: Development, now: datetime) -> None:
    """Check that a directory is one of these, and has not expired."""
    remedy = "name another directory, or remove it"
    try:
        authority = x509.load_pem_x509_certificate(found.ca.read_bytes())
        found.auth.stat()
    except (OSError, ValueError):
        raise AuthFileError(f"{found.directory} holds other files: {remedy}") from None
    if now >= authority.not_valid_after_utc:
        raise AuthFileError(f"what is in {found.directory} has expired: {remedy}")


def _uri(caller: str) -> str:
    return f"urn:pingregistrywf:{caller}"


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    """The usage of a key that signs data, or certificates."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=not signs,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(file: Path, data: bytes) -> None:
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(data)
