"""Certificates for tests, made by the openssl command, and a check of certificates."""

from __future__ import annotations

import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

from ...tools import require_tool


def check_strict(authority: Path, server: Path, client: Path) -> None:
    """Check that server and client take each other's certificates if both ask what RFC 5280 does.

    ``ssl.create_default_context`` asks so from Python 3.13 on.

    Args:
        authority: the CA's certificate.
        server: the server's certificate and key.
        client: the client's certificate and key.

    Raises:
        ssl.SSLError: one of them is refused.
    """
    ours = ssl.create_default_context(cafile=authority)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
    theirs.verify_mode = ssl.CERT_REQUIRED
    for context, shown in ((ours, client), (theirs, server)):
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(shown)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = ours.wrap_bio(back, there, server_hostname="localhost")
    far = theirs.wrap_bio(there, back, server_side=True)
    for _ in range(3):  # each waits for the other's next message
        for side in (near, far):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert near.getpeercert()
    assert far.getpeercert()


class Authority:
    """A CA in a directory, which signs certificates for the loopback."""

    def __init__(self, place: Path, name: str) -> None:
        self._openssl = require_tool("openssl")
        self._place = place
        self._name = name
        self.certificate = place / f"{name}.pem"
        self._make(self.certificate, place / f"{name}.key", "-subj", f"/CN={name}")

    def issue(self, name: str, also: str = "") -> Path:
        """Sign a certificate, perhaps for more names; the file has its key, too."""
        made, key = self._place / f"{name}.pem", self._place / f"{name}.key"
        signed = ("-CA", str(self.certificate), "-CAkey", str(self._place / f"{self._name}.key"))
        names = ("-addext", f"subjectAltName=IP:127.0.0.1,DNS:localhost{also and f',{also}'}")
        self._make(made, key, "-subj", f"/CN={name}", *names, *signed)
        made.write_bytes(made.read_bytes() + key.read_bytes())
        return made

    def _make(self, certificate: Path, key: Path, *words: str) -> None:
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
        files = ("-keyout", str(key), "-out", str(certificate), "-days", "2")
        subprocess.run(
            [self._openssl, "req", "-x509", *kind, *files, *words], check=True, capture_output=True
        )
