"""A journal on a cluster of three NATS servers, beside what their client does without a journal."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
from nats.js import JetStreamContext

from pingregistrywf import RETRY_NO_VC, Workflows, open_journal
from pingregistrywf.runtime.journal import Journal

from ..nats.cluster import Cluster, ServerMissingError
from .appends import begun, threads
from .figures import Row, Side, at_least, at_most
from .measuring import Scale, counted, interleaved
from .stock import MESSAGE

AT_ONCE = 32
"""So many workflows, or subjects, are written to at once."""
PATIENCE = 60
"""After so many seconds without an answer the client gives up: a busy machine needs some."""
EXPECTED = "Nats-Expected-Last-Subject-Sequence"
BARE = "publishes as many bytes with the client's `publish` and the expected sequence"


def rows(scale: Scale, directory: Path) -> list[Row]:
    """Measure appends and wake-ups; nothing is measured if there is no ``nats-server``."""
    try:
        cluster = Cluster(directory / "cluster")
    except ServerMissingError:
        return []
    with (
        cluster,
        open_journal(cluster.url("pings")) as journal,
        open_journal(cluster.url("pings")) as watching,
        Bare.opened(cluster.url("bare")) as bare,
    ):
        workflows = Workflows(journal)
        append = partial(workflows.append_ping, begun(workflows), RETRY_NO_VC, 0, MESSAGE)
        append()
        found = interleaved(
            {
                "one": partial(counted, append, scale.appends),
                "bare": partial(bare.one_by_one, scale.appends),
                "many": partial(threads, journal, AT_ONCE, scale.window),
                "bare many": partial(bare.at_once, scale.appends),
                "woken": partial(_woken, journal, watching, scale.appends),
            },
            scale.few,
        )
    return [
        Row(
            "nats.append",
            "an append on three NATS servers",
            Side("ours", "calls `append_ping` with RETRY_NO_VC, one after another", found["one"]),
            Side("nats-py, bare", f"{BARE}, one after another", found["bare"]),
            at_least(0.5),
        ),
        Row(
            "nats.at-once",
            f"the same, {AT_ONCE} workflows at once",
            Side("ours", f"does so in {AT_ONCE} threads, each on its workflow", found["many"]),
            Side("nats-py, bare", f"{BARE} on {AT_ONCE} subjects at once", found["bare many"]),
            at_least(0.3),
        ),
        Row(
            "nats.woken",
            "a wake-up on three NATS servers",
            Side(
                "ours",
                "waits in another connection for a change, from the return of the append on",
                found["woken"],
            ),
            goal=at_most(0.01),
        ),
    ]


def _woken(journal: Journal, watching: Journal, number: int) -> float:
    """Return the median of the seconds from an append's return to a wake-up."""
    workflows, found, woken = Workflows(journal), list[float](), threading.Event()
    workflow, times = begun(workflows), list[float]()
    with watching.subscribe(workflow) as news:
        while news.wait(0.2):
            pass  # the news of the beginning may still be on its way

        def watch() -> None:
            while news.wait():
                times.append(time.perf_counter())
                woken.set()

        thread = threading.Thread(target=watch)
        thread.start()
        for _ in range(number):
            woken.clear()
            workflows.append_ping(workflow, RETRY_NO_VC, 0, MESSAGE)
            appended = time.perf_counter()
            woken.wait(60)
            found.append(max(times[-1] - appended, 1e-6))  # it may be woken before the return
    thread.join()
    return statistics.median(found)


class Bare:
    """The client of NATS by itself, with a stream of its own."""

    def __init__(self, stream: JetStreamContext, loop: asyncio.AbstractEventLoop) -> None:
        self._stream, self._loop = stream, loop

    @classmethod
    @contextmanager
    def opened(cls, url: str) -> Iterator[Bare]:
        """Connect to the servers of a journal's URL."""
        servers = [f"nats://{each}" for each in url.split("/")[2].split(",")]
        loop = asyncio.new_event_loop()
        client = loop.run_until_complete(nats.connect(servers, connect_timeout=PATIENCE))
        try:
            stream = client.jetstream(timeout=PATIENCE)
            made = stream.add_stream(name="bare", subjects=["bare.*"], num_replicas=3)
            loop.run_until_complete(made)
            yield cls(stream, loop)
        finally:
            loop.run_until_complete(client.close())
            loop.close()

    def one_by_one(self, number: int) -> float:
        """Return the seconds of a publish."""
        return self._timed([self._publish(number)]) / number

    def at_once(self, number: int) -> float:
        """Return the seconds a publish, on many subjects at once."""
        return self._timed([self._publish(number) for _ in range(AT_ONCE)]) / number / AT_ONCE

    def _timed(self, works: list[Coroutine[Any, Any, None]]) -> float:
        async def all_of_them() -> None:
            await asyncio.gather(*works)

        begin = time.perf_counter()
        self._loop.run_until_complete(all_of_them())
        return time.perf_counter() - begin

    async def _publish(self, number: int) -> None:
        subject, last = f"bare.{uuid4().hex}", 0
        for _ in range(number):
            headers = {EXPECTED: str(last)}
            last = (await self._stream.publish(subject, bytes(64), headers=headers)).seq
