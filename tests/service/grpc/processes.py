"""Servers in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

RUN = [sys.executable, "-m", "pingregistrywf"]


class ServerProcess:
    """``pingregistrywf serve`` on a journal; started again, it listens where it did before.

    Attributes:
        address: where it listens.
    """

    def __init__(self, journal: str, *options: str, registry: str = "reg") -> None:
        self._words = [
            "serve",
            "--registry",
            registry,
            "--journal",
            journal,
            *options,
            "--log-json",
        ]
        self.address = "127.0.0.1:0"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        words = [*RUN, *self._words, "--listen", self.address]
        self._process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        lines = map(json.loads, self._process.stderr)
        self.address = next(each["address"] for each in lines if "address" in each)
        # Each call is logged, and a pipe that nobody reads would stop the server in the end.
        self._reading = threading.Thread(target=lambda: [None for _ in lines], daemon=True)
        self._reading.start()

    def kill(self) -> None:
        """Kill it without warning."""
        self._process.kill()
        self._over()

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._over()

    def _over(self) -> None:
        """Wait for its end."""
        self._process.wait()
        self._reading.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
