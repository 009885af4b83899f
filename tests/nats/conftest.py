"""Journals on a cluster that tests take down; each worker has a cluster of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest

from pingregistrywf.runtime.journal import Journal, open_journal

from .cluster import Cluster

OpenMany = Callable[[int], list[Journal]]


@pytest.fixture
def stream() -> str:
    """The stream of this test's journal."""
    return f"pings-{uuid4().hex[:8]}"


@pytest.fixture
def open_many(nats_cluster: Cluster, stream: str) -> Iterator[OpenMany]:
    """Open the test's journal so many times, at first on one node after another."""
    with ExitStack() as opened:

        def open_many(count: int) -> list[Journal]:
            return [
                opened.enter_context(open_journal(nats_cluster.url(stream, first=number)))
                for number in range(count)
            ]

        yield open_many
