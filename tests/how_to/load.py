"""Clients that append pings to workflows of the web service, and readers of the events.

The clients speak HTTP over bare streams, so that they take little of the machine themselves.
"""

from __future__ import annotations

import asyncio
import json
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

PING = {"command": {"command": "AppendPing", "args": {"code": 0, "message": "the server is well"}}}

PAUSE = 0.003
"""How many seconds pass between two clients' or readers' arrivals."""


class Client:
    """A connection that sends one request after another."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def connected(cls, port: int) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def tell(self, id: UUID, asked: dict[str, Any]) -> str:
        """Send a command; return the vid after it."""
        body = json.dumps(asked)
        self._writer.write(
            f"POST /workflows/{id} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        (length,) = (
            int(line.split(b":")[1])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length:")
        )
        answer = json.loads(await self._reader.readexactly(length))
        assert head.startswith(b"HTTP/1.1 200"), answer
        vid: str = answer["vid"]
        return vid

    async def follow(self, id: UUID, after: str | None) -> AsyncIterator[str]:
        """Read the events after one; yield the id of each."""
        resume = f"Last-Event-ID: {after}\r\n" if after else ""
        self._writer.write(
            f"GET /workflows/{id}/events HTTP/1.1\r\nHost: here\r\n{resume}\r\n".encode()
        )
        assert (await self._reader.readline()).startswith(b"HTTP/1.1 200")
        async for line in self._reader:
            if line.startswith(b"id: "):
                yield line[4:].decode().strip()


class Workload:
    """Clients with a workflow each, and readers of the first workflows, on one service.

    Attributes:
        appended: the vids that each client was given.
        read: the ids of the events that each reader was given.
    """

    def __init__(self, port: int, clients: int, readers: int) -> None:
        self._port = port
        self._ids = [uuid4() for _ in range(clients)]
        self.appended: list[list[str]] = [[] for _ in range(clients)]
        self.read: list[list[str]] = [[] for _ in range(readers)]
        self.seconds = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return sum(map(len, self.appended)) / self.seconds

    async def begin(self) -> None:
        """Begin the workflows."""
        async with Client.connected(self._port) as client:
            for workflow, vids in zip(self._ids, self.appended, strict=True):
                begin = {"command": "Init", "args": {"registry_id": str(uuid4())}}
                vids.append(await client.tell(workflow, {"command": begin}))

    async def run(self, seconds: float) -> None:
        """Let all append for so long, while the readers read on from where they were."""
        readers = [asyncio.create_task(self._follow(number)) for number in range(len(self.read))]
        begin = time.monotonic()
        await asyncio.gather(
            *(self._append(number, begin + seconds) for number in range(len(self._ids)))
        )
        self.seconds += time.monotonic() - begin
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while not self._all_read():
                    await asyncio.sleep(0.01)
        for each in readers:
            each.cancel()
        await asyncio.wait(readers)

    def followed(self, reader: int) -> list[str]:
        """The vids of the workflow that a reader follows; two readers follow one."""
        return self.appended[reader // 2]

    def _all_read(self) -> bool:
        numbers = range(len(self.read))
        return all(self.read[each][-1:] == self.followed(each)[-1:] for each in numbers)

    async def _append(self, number: int, until: float) -> None:
        await asyncio.sleep(number * PAUSE)
        async with Client.connected(self._port) as client:
            while True:  # once at least, however slow the machine is
                vid = await client.tell(self._ids[number], PING)
                self.appended[number].append(vid)
                if time.monotonic() >= until:
                    break

    async def _follow(self, number: int) -> None:
        read = self.read[number]
        await asyncio.sleep(number * PAUSE)
        async with Client.connected(self._port) as client:
            async for vid in client.follow(self._ids[number // 2], read[-1] if read else None):
                read.append(vid)
