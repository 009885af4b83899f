"""Ports of loopback for servers that a test starts, and perhaps starts again at the same place.

A port is free when it is given, and nobody of these tests takes it from whoever it was given to.
Only the standard library is needed.
"""

from __future__ import annotations

import os
import random
import socket
from typing import Final

# Systems give ports from 32768 up to clients: a server that starts again must find its own free.
_PORTS: Final = range(15_000, 32_768)
_WORKERS: Final = 8
_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
_given: Final[set[int]] = set()
"""The ports that were given before: a server may not yet listen there, or not at the moment."""


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on, each of them for the first time.

    Each worker of pytest-xdist has ports of its own.
    """
    left = [port for port in _PORTS[_WORKER::_WORKERS] if port not in _given]
    random.SystemRandom().shuffle(left)
    found: list[int] = []
    while len(found) < count:
        port = left.pop()
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        _given.add(port)
    return found
