"""The files with which ``serve`` secures its connections, checked before gRPC takes them.

gRPC reports a file that it cannot use as a failure to listen, and does not name the file.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pingregistrywf.cli.common import CannotRunError

if TYPE_CHECKING:
    from pingregistrywf.service.grpc.server import Tls

_NO_KEY: Final = "it holds no private key in PEM without a password"
_REASONS: Final = {
    "KEY_VALUES_MISMATCH": "it is the key of another certificate",
    "NO_START_LINE": _NO_KEY,
    "BAD_DECRYPT": _NO_KEY,
    "BAD_PASSWORD_READ": _NO_KEY,
}


def read_tls(certificate: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
    """Return what secures the connections, None if nothing is asked for.

    Raises:
        CannotRunError: a file holds something else than it must.
        OSError: a file cannot be read.
    """
    from pingregistrywf.service.grpc.server import Tls

    if certificate is None:
        if key is not None or client_ca is not None:
            raise CannotRunError("--tls-key and --client-ca need --tls-cert: give it, too")
        return None
    read = _certificates("--tls-cert", certificate)
    roots = None if client_ca is None else _certificates("--client-ca", client_ca)
    return Tls(read, _key(key or certificate, certificate), roots)


def _certificates(option: str, file: Path) -> bytes:
    from cryptography.x509 import load_pem_x509_certificates

    read = file.read_bytes()
    try:
        load_pem_x509_certificates(read)
    except ValueError:
        raise CannotRunError(f"{option}: {file} holds no certificate in PEM") from None
    return read


def _key(file: Path, certificate: Path) -> bytes:
    read = file.read_bytes()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, file, lambda: "")
    except ssl.SSLError as error:
        reason = error.reason or ""
        why = _REASONS.get(reason) or reason.lower().replace("_", " ") or _NO_KEY
        raise CannotRunError(f"--tls-key: {file} does not belong to {certificate}: {why}") from None
    return read
