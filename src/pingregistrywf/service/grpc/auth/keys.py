"""The public keys that tokens are checked with, from PEM files and JWKS files.

A key has exactly one algorithm: RS256 for RSA of 2048 bits or more, ES256 for the curve P-256,
EdDSA for Ed25519.  A token that names any other algorithm is never checked with it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
SMALLEST_RSA: Final = 2048
"""The bits of the smallest RSA key that is taken."""

_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)


class AuthFileError(Exception):
    """A file that says who may do what cannot be used; the text tells the cause and a remedy."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key.

    Attributes:
        algorithm: the one algorithm that signatures by it have.
        public: the key.
        kid: its id in a JWKS file; a token that names an id is checked with no key of another one.
    """

    algorithm: str
    public: PublicKey
    kid: str | None = None


def read_keys(file: Path) -> list[Key]:
    """Return the public keys in a PEM or JWKS file.

    Raises:
        AuthFileError: it holds none, or one that is not taken.
        OSError: it cannot be read.
    """
    data = file.read_bytes()
    try:
        keys = _from_jwks(data) if data.lstrip().startswith(b"{") else _from_pem(data)
    except (ValueError, KeyError, TypeError, PyJWTError) as error:
        raise AuthFileError(f"{file}: {error}") from None
    if not keys:
        raise AuthFileError(f"{file} holds no public key: give a PEM or JWKS file with one")
    return keys


def algorithm_of(key: object) -> str:
    """Return the one algorithm of a public key.

    Raises:
        ValueError: keys of this kind are not taken.
    """
    match key:
        case rsa.RSAPublicKey() if key.key_size >= SMALLEST_RSA:
            return "RS256"
        case rsa.RSAPublicKey():
            raise ValueError(f"an RSA key has {SMALLEST_RSA} bits or more: make a longer one")
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return "ES256"
        case ed25519.Ed25519PublicKey():
            return "EdDSA"
    raise ValueError("the key is neither RSA nor P-256 nor Ed25519: make one of these")


def _from_pem(data: bytes) -> list[Key]:
    keys = []
    for block in _BLOCK.finditer(data):
        if b"PRIVATE KEY" in block[1]:
            raise ValueError("it holds a private key: give the file with the public one")
        if block[1] == b"CERTIFICATE":
            public: Any = x509.load_pem_x509_certificate(block[0]).public_key()
        else:
            public = load_pem_public_key(block[0])
        keys.append(Key(algorithm_of(public), public))
    return keys


def _from_jwks(data: bytes) -> list[Key]:
    listed = json.loads(data)["keys"]
    return [_from_jwk(each) for each in listed if each.get("use", "sig") == "sig"]


def _from_jwk(jwk: dict[str, Any]) -> Key:
    if "d" in jwk or jwk.get("kty") == "oct":
        raise ValueError("it holds a secret key: give the file with the public ones")
    public: Any = PyJWK(jwk).key
    algorithm = algorithm_of(public)
    if jwk.get("alg", algorithm) != algorithm:
        raise ValueError(f"the algorithm {jwk['alg']} is not taken: its key would have {algorithm}")
    return Key(algorithm, public, jwk.get("kid"))
