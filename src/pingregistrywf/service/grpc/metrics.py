"""Metrics of a server for Prometheus: calls, streams, waits for the journal, and workflows.

They live in a registry of their own, so that a program may have others.  The reference of the
service lists them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, ParamSpec, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.journal.protocol import Journal
from pingregistrywf.service.grpc.served import Served

P = ParamSpec("P")
R = TypeVar("R")

_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60)


class Metrics:
    """The metrics of one server.

    Attributes:
        registry: holds them.
    """

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        self._calls: Final = Counter(
            "pingregistrywf_calls",
            "Calls that are over.",
            ("method", "code"),
            registry=self.registry,
        )
        self._seconds: Final = Histogram(
            "pingregistrywf_call_seconds",
            "How long calls took, streams left out.",
            ("method",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._streams: Final = Gauge(
            "pingregistrywf_streams", "Streams that are open.", ("method",), registry=self.registry
        )
        self._waits: Final = Histogram(
            "pingregistrywf_journal_wait_seconds",
            "How long commands and reads waited for a thread of the journal.",
            ("kind",),
            buckets=_SECONDS,
            registry=self.registry,
        )

    def show_workflows(self, served: Served) -> None:
        """Also tell in which states the histories are that the indexes list."""
        self.registry.register(_Workflows(served))

    def stream_begins(self, method: str) -> None:
        """Count a stream that opens."""
        self._streams.labels(method).inc()

    def call_over(self, method: str, code: str, seconds: float, *, streams: bool) -> None:
        """Count a call that is over."""
        self._calls.labels(method, code).inc()
        if streams:
            self._streams.labels(method).dec()
        else:
            self._seconds.labels(method).observe(seconds)

    def waited(self, kind: str, seconds: float) -> None:
        """Count a wait for a thread of the journal."""
        self._waits.labels(kind).observe(seconds)

    def listen(self, host: str, port: int) -> tuple[int, Callable[[], None]]:
        """Answer Prometheus over HTTP.

        Returns:
            The port, and what stops it.

        Raises:
            OSError: it cannot listen there.
        """
        server, thread = start_http_server(port, host, self.registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return server.server_port, stop


class MeasuredJournal(AsyncJournal):
    """A journal on asyncio that tells how long calls wait for a thread."""

    def __init__(self, journal: Journal, metrics: Metrics) -> None:
        super().__init__(journal)
        self._metrics: Final = metrics

    async def command(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await super().command(self._measured("command", call), *args, **kwargs)

    async def read(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await super().read(self._measured("read", call), *args, **kwargs)

    def _measured(self, kind: str, call: Callable[P, R]) -> Callable[P, R]:
        asked = time.perf_counter()

        def begun(*args: P.args, **kwargs: P.kwargs) -> R:
            self._metrics.waited(kind, time.perf_counter() - asked)
            return call(*args, **kwargs)

        return begun


class _Workflows(Collector):
    """Counts histories by their state, when Prometheus asks."""

    def __init__(self, served: Served) -> None:
        self._served: Final = served

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield self._family({})

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            yield self._family(self._served.states())
        except WorkflowError:
            return  # the journal fails, which other metrics tell

    def _family(self, states: Mapping[tuple[str, str], int]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "pingregistrywf_workflows",
            "Workflows that the indexes list, by state.",
            labels=(self._served.service.name, "state"),
        )
        for labels, count in sorted(states.items()):
            family.add_metric(labels, count)
        return family
