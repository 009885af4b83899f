"""The gatherers and collectors of registries beside something else, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Final

from pingregistrywf.coordination.daemon import Gatherer
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.log import logged

COLLECTION: Final = timedelta(hours=1)
"""From one run of a collector to the next."""

_LOGGER: Final = logging.getLogger("pingregistrywf.collector")


@contextmanager
def housekeeping(
    registries: Iterable[PingRegistry], stop: Stop, *, gather: bool, collect: bool
) -> Iterator[None]:
    """While inside, gather and collect for registries; on leaving, ask for a stop, and wait.

    A run of a collector stops after the action that it is at.  A gatherer or collector that fails
    asks for a stop, too, so that nothing goes on without it.

    Args:
        registries: the registries.
        stop: ends it early.
        gather: whether to summarize each new workflow at its deadline.
        collect: whether to collect at once, and then each hour.

    Raises:
        WorkflowError: what kept a gatherer or a collector from its work; on leaving.
    """
    work: list[Callable[[Stop], None]] = []
    for registry in registries:
        if gather:
            work.append(Gatherer(registry).serve)
        if collect:
            work.append(partial(_collect, registry))
    with ThreadPoolExecutor(max(len(work), 1), "housekeeping") as threads:
        running = [threads.submit(each, stop) for each in work]
        for each in running:
            each.add_done_callback(lambda _: stop.ask())
        try:
            yield
        finally:
            stop.ask()
    for each in running:
        each.result()


def _collect(registry: PingRegistry, stop: Stop) -> None:
    """Run the registry's collector again and again, until stopped."""
    woken = threading.Event()
    with stop.waking(woken.set):
        while not stop.asked:
            try:
                for _ in registry.collector().run():
                    if stop.asked:  # the next run does the rest
                        break
            except WorkflowError as error:
                logged(_LOGGER, "failed", logging.ERROR, registry=registry.name, error=error)
            woken.wait(COLLECTION.total_seconds())
