"""A link between two nodes, which can be cut: a proxy on loopback.

A cut link passes nothing on and says so to nobody, as when a cable is pulled: connections stay
open, and what is sent waits.  When the link is mended, what waited arrives.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

_CHUNK: Final = 65_536


class Links:
    """Proxies that run in a thread of their own.

    ``cut`` and ``mend`` may be called from any thread.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._whole: dict[int, asyncio.Event] = {}
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._thread.start()

    def add(self, target: int) -> int:
        """Begin a link to a port, and return the port that leads there."""
        port: int = self._run(self._add(target))
        return port

    def cut(self, port: int) -> None:
        """Pass nothing on that comes to this port, or back from where it leads."""
        self._run(self._set(port, whole=False))

    def mend(self, port: int) -> None:
        """Pass on again what comes, and what came meanwhile."""
        self._run(self._set(port, whole=True))

    def close(self) -> None:
        """Close all connections.  May be called twice."""
        if self._thread.is_alive():
            self._run(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _add(self, target: int) -> int:
        whole = asyncio.Event()
        whole.set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await whole.wait()
            try:
                there, back = await asyncio.open_connection("127.0.0.1", target)
            except OSError:
                writer.close()
                return
            self._open |= {writer, back}
            await asyncio.gather(_pass(reader, back, whole), _pass(there, writer, whole))
            self._open -= {writer, back}

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        self._whole[port] = whole
        return port

    async def _set(self, port: int, *, whole: bool) -> None:
        if whole:
            self._whole[port].set()
        else:
            self._whole[port].clear()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for writer in self._open:
            writer.transport.abort()
        for whole in self._whole.values():
            whole.set()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, whole: asyncio.Event
) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            await whole.wait()
            writer.write(data)
            await writer.drain()
    writer.close()
