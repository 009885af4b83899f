"""The gatherers and collectors of registries beside something else, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
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

    Args:
        registries: the registries.
        stop: ends it early.
        gather: whether to summarize each new workflow at its deadline.
        collect: whether to collect at once, and then each hour.
    """
    work: list[Callable[[], None]] = []
    for registry in registries:
        if gather:
            work.append(partial(Gatherer(registry).serve, stop))
        if collect:
            work.append(partial(_collect, registry, stop))
    with ExitStack() as ending:
        for each in work:
            thread = threading.Thread(target=each)
            thread.start()
            ending.callback(thread.join)
        ending.callback(stop.ask)
        yield


def _collect(registry: PingRegistry, stop: Stop) -> None:
    """Run the registry's collector again and again, until stopped."""
    woken = threading.Event()
    with stop.waking(woken.set):
        while not stop.asked:
            try:
                registry.collect()
            except WorkflowError as error:
                logged(_LOGGER, "failed", logging.ERROR, registry=registry.name, error=error)
            woken.wait(COLLECTION.total_seconds())
