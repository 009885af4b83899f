"""Runs the page's web service, and watches whether its event loop stands still.

    python serve.py page|hand_made

It expects the page's program as the module ``service``, and the URL of its journal in JOURNAL.  It
prints the port first, and in the end for how many seconds the loop stood still at most: in all, and
as far as its own work explains it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from socket import socket

import service  # type: ignore[import-not-found]
import uvicorn

TICK = 0.005
"""How often the loop is looked at, in seconds."""


class Standstill:
    """For how long an event loop stood still, at most."""

    def __init__(self) -> None:
        self.longest = self.explained = 0.0

    async def watch(self) -> None:
        while True:
            begin, before = time.monotonic(), time.thread_time()
            await asyncio.sleep(TICK)
            late = time.monotonic() - begin - TICK
            self.longest = max(self.longest, late)
            self.explained = max(self.explained, min(late, time.thread_time() - before))


class Watched(service.Server):  # type: ignore[misc]
    """The page's server, watched from the first request on."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.standstill = Standstill()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets is not None
        print(sockets[0].getsockname()[1], flush=True)
        self._watching = asyncio.create_task(self.standstill.watch())

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._watching.cancel()
        await super().shutdown(sockets)
        print(json.dumps(vars(self.standstill)), flush=True)


def main(way: str) -> None:
    if way == "hand_made":
        from hand_made import use_hand_made  # type: ignore[import-not-found]

        use_hand_made()
    config = uvicorn.Config(service.app, log_level="warning", access_log=False)
    with socket() as bound, suppress(KeyboardInterrupt):
        bound.bind(("127.0.0.1", 0))
        Watched(config).run(sockets=[bound])


if __name__ == "__main__":
    main(sys.argv[1])
