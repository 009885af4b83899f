"""The command ``serve``, as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serve(place: Path, *words: str, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``serve`` on a file, and yield the process and the address that it logs."""
    program = [sys.executable, "-m", "pingregistrywf", "serve", "--log-json"]
    program += ["--registry", "reg", "--journal", f"sqlite:{place / 'pings.db'}"]
    program += ["--listen", f"127.0.0.1:{port}", *words]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                record = json.loads(line)
                if record["action"] == "listening":
                    yield process, record["address"]
                    break
        finally:
            process.kill()
