"""The command ``serve``, in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

RUN = [sys.executable, "-m", "pingregistrywf"]
KEPT = 100
"""So many records of a log are kept, the last ones."""
PATIENCE = 60.0
"""A record is there within so many seconds, unless something is wrong."""


class ServerProcess:
    """``pingregistrywf serve`` on a journal; started again, it listens where it did before.

    Args:
        journal: the URL of the journal.
        options: further options.
        registry: the registry to serve.
        port: where to listen; 0 for any port that is free.  One that is started again needs one of
            ``free_ports``: others take the ports that systems give while it is away.
        program: what to run in place of ``pingregistrywf``.

    Attributes:
        address: where it listens.
        process: the process that runs now, or ran last.
        reading: the thread that reads the log.
        log: the last records of its log; complete once the server was stopped or killed.
    """

    def __init__(
        self,
        journal: str,
        *options: str,
        registry: str = "reg",
        port: int = 0,
        program: Sequence[str] = (),
    ) -> None:
        self._words = [
            *(program or RUN),
            "serve",
            "--registry",
            registry,
            "--journal",
            journal,
            *options,
        ]
        self.address = f"127.0.0.1:{port}"
        self.log: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        words = [*self._words, "--log-json", "--listen", self.address]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        # gRPC's own warnings, such as one of a failed handshake, are among the lines.
        lines = (json.loads(each) for each in self.process.stderr if each.startswith("{"))
        self.address = next(each["address"] for each in lines if each["action"] == "listening")
        # Each call is logged, and a pipe that nobody reads would stop the server in the end.
        self.reading = threading.Thread(target=self.log.extend, args=(lines,), daemon=True)
        self.reading.start()

    def stop(self) -> int:
        """Ask it to stop, and return its exit code."""
        self.process.terminate()
        return self._over()

    def kill(self) -> None:
        """Kill it without warning."""
        self.process.kill()
        self._over()

    def logged(self, **fields: Any) -> dict[str, Any]:
        """Wait for the last record that has these fields, and return it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for each in reversed(list(self.log)):
                if fields.items() <= each.items():
                    return each
            time.sleep(0.01)
        raise AssertionError(f"no record has {fields}")

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _over(self) -> int:
        """Wait for its end."""
        code = self.process.wait()
        self.reading.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code
