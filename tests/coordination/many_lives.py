"""Daemons that serve 10,000 workflows, one batch after the other, and what that takes.

    python -m tests.coordination.many_lives

It prints two lists as JSON: Python's blocks of memory after each batch, and the entries that the
daemons read in it.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from pingregistrywf import NO_VC, StateCode, open_journal
from pingregistrywf.coordination.daemon import Daemon, Gatherer, Server
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.testing.journal import TurnedClock

from .simulation import Counted

REGISTRY: Final = "reg"
DAY: Final = 86_400.0
BATCH: Final = 50
"""Workflows that are listed at the same time."""
BATCHES: Final = 200


@contextmanager
def serving(*daemons: Daemon) -> Iterator[None]:
    """Daemons in threads of their own."""
    stop = Stop()
    threads = [threading.Thread(target=each.serve, args=(stop,)) for each in daemons]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.ask()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def summarized(registry: PingRegistry, workflow: UUID) -> None:
    """Wait until the workflow is summarized."""
    with registry.journal.subscribe(workflow) as news:
        while registry.workflows.find_id(workflow).state_code is not StateCode.SUMMARIZED:
            assert news.wait(60)


def many_lives() -> tuple[list[int], list[int]]:
    """Python's blocks of memory after each batch of workflows, and the entries read in it."""
    clock = TurnedClock()
    journal = open_journal("memory:", clock=clock)
    counted = Counted(journal)
    registry, theirs = (
        PingRegistry(journal, REGISTRY),
        [PingRegistry(counted, REGISTRY) for _ in range(2)],
    )  # type: ignore[arg-type]
    server = Server(theirs[0], "alpha", pings=2, interval=0)
    gatherer = Gatherer(theirs[1], pings=1, interval=0, duration=0)
    sizes, read = [], []
    with serving(server, gatherer):
        for batch in range(BATCHES):
            before = counted.entries
            _of_a_batch(registry, clock, batch)
            read.append(counted.entries - before)
            gc.collect()
            sizes.append(sys.getallocatedblocks())
    return sizes, read


def _of_a_batch(registry: PingRegistry, clock: TurnedClock, batch: int) -> None:
    workflows = [UUID(int=0x10000 + batch * BATCH + number) for number in range(BATCH)]
    for workflow in workflows:
        registry.begin(workflow)
    for workflow in workflows:
        summarized(registry, workflow)
        registry.commit(workflow)
    # The journal too must forget them, and the index's beginning.
    registry.indexes.snapshot(registry.index_id, NO_VC, False)
    for days in (5.1, 31):
        clock.now += days * DAY
        assert [action for action in registry.collector().run() if action.error] == []


if __name__ == "__main__":
    # The days that pass here are logged as jumps of the clock.
    logging.disable(logging.WARNING)
    print(json.dumps(many_lives()))
