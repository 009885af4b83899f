"""Certificates for tests, made by the openssl command."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ...tools import require_tool


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
