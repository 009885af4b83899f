"""Issue plain tokens, for set-ups that are too small for an issuer of their own.

The key is a private one in a PEM file; its kind says which algorithm signs (``keys``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pingregistrywf.service.grpc.auth.keys import AuthFileError, algorithm_of

_CREATE: Final = "openssl genpkey -algorithm ed25519 makes one"


def read_private_key(file: Path) -> Any:
    """Return the private key in a PEM file.

    Raises:
        AuthFileError: it holds none, or one that is not taken.
        OSError: it cannot be read.
    """
    try:
        key: Any = load_pem_private_key(file.read_bytes(), None)
        algorithm_of(key.public_key())
    except TypeError:
        raise AuthFileError(f"{file}: the key has a password: give one without") from None
    except (UnsupportedAlgorithm, ValueError):
        raise AuthFileError(
            f"{file} holds no private key of RSA, P-256 or Ed25519: {_CREATE}"
        ) from None
    return key


def issue(
    key: Any,
    subject: str,
    roles: Mapping[str, Collection[str]],
    *,
    audience: str,
    now: float,
    seconds: float,
    issuer: str | None = None,
) -> str:
    """Return a signed token.

    Args:
        key: the private key that signs.
        subject: the caller.
        roles: the roles, each with the names that it is for.
        audience: what the token is for.
        now: the time, in seconds since 1970.
        seconds: how long the token is valid.
        issuer: who issues it, if that is told.
    """
    claims = {
        "sub": subject,
        "aud": audience,
        "iat": int(now),
        "exp": int(now + seconds),
        "roles": {role: sorted(names) for role, names in roles.items()},
    }
    if issuer is not None:
        claims["iss"] = issuer
    return jwt.encode(claims, key, algorithm_of(key.public_key()))
