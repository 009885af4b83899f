"""Keys, tokens and what checks them, for tests; the time is the tests' own."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.auth.authenticator import RoleAuthenticator
from pingregistrywf.service.grpc.auth.file import read_auth_file

NOW: Final = 1_800_000_000
ISSUER: Final = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))


def pem(private: Any) -> bytes:
    """The public key of a private one."""
    public = private.public_key()
    return bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def claims(**further: Any) -> dict[str, Any]:
    """The claims of a plain token of a reader of everything."""
    usual = {"sub": "me", "aud": "pingregistrywf", "exp": NOW + 60, "roles": {"reader": ["*"]}}
    return {name: each for name, each in (usual | further).items() if each is not None}


def token(**roles: list[str]) -> str:
    """A token with roles."""
    return jwt.encode(claims(roles=roles), ISSUER, "EdDSA")


def authenticator(place: Path, text: str = "", now: float = NOW) -> RoleAuthenticator:
    """What checks tokens of the tests' issuer, or what the text of a file says."""
    (place / "issuer.pem").write_bytes(pem(ISSUER))
    (place / "auth.yaml").write_text(text or "tokens: {keys: [issuer.pem]}")
    return read_auth_file(place / "auth.yaml", SERVICE.roles, lambda: now)


class Signer2019:
    """A CA and a certificate that signs tokens as the 2019 system does."""

    key: Final = rsa.generate_private_key(65537, 2048)

    def __init__(self) -> None:
        self.ca_key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jwt ca")])
        self.ca = (
            _builder(name, name, self.ca_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.ca_key, hashes.SHA256())
        )
        self.certificate = self.certified("nogfsoiam")

    def certified(
        self, *units: str, signs: bool = True, until: int = NOW + 3600
    ) -> x509.Certificate:
        """A certificate with these organizational units."""
        name = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, each) for each in units]
        usage = dict.fromkeys(_USAGES, False) | {"digital_signature": signs}
        return (
            _builder(x509.Name(name), self.ca.subject, self.key, until)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .sign(self.ca_key, hashes.SHA256())
        )

    def token(
        self,
        scopes: object,
        certificate: x509.Certificate | None = None,
        key: Any = None,
        algorithm: str = "RS256",
        **further: Any,
    ) -> str:
        """A token with scopes."""
        shown = (certificate or self.certificate).public_bytes(Encoding.DER)
        said = {"sub": "nog", "iss": "nogapp", "aud": ["fso"], "exp": NOW + 60, "sc": scopes}
        header = {"x5c": base64.b64encode(shown).decode()}
        return jwt.encode(said | further, key or self.key, algorithm, header)


_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, until: int = NOW + 3600
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.fromtimestamp(NOW, UTC) - timedelta(hours=1))
        .not_valid_after(datetime.fromtimestamp(until, UTC))
    )
