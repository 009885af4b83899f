"""What it costs a process to watch a journal, while nobody writes and while somebody does."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

from pingregistrywf import CmdInit, Workflows, open_journal
from pingregistrywf.coordination.waiting import Stop, wake_ups

from .figures import Row, Side, Unit
from .measuring import Scale
from .writers import Writers


def rows(scale: Scale, directory: Path) -> list[Row]:
    """Measure what a process that waits for a registry's next workflow takes of a core."""
    url, workflow, stop = f"sqlite:{directory / 'watched.db'}", uuid4(), Stop()
    with ExitStack() as stack:
        journal = stack.enter_context(open_journal(url))
        Workflows(journal).init(workflow, CmdInit(registry_id=uuid4()))
        writers = stack.enter_context(Writers.started(url, workflow, 1))
        watch = threading.Thread(target=lambda: list(wake_ups(journal, uuid4(), stop)))
        watch.start()
        time.sleep(scale.window)  # for the look at the beginning
        idle = _share(lambda: time.sleep(scale.window), scale.few)
        busy = _share(lambda: writers.write(scale.window), scale.few)
        stop.ask()
        watch.join()
    does = "waits for a change of one history, as a daemon does between two workflows, while"
    return [
        Row(
            "watch.idle",
            "a watching process, nobody writes",
            Side("ours, part of a core", f"{does} nobody writes", idle, Unit.SHARE),
        ),
        Row(
            "watch.busy",
            "a watching process, another writes",
            Side(
                "ours, part of a core",
                f"{does} another process appends to another history as fast as it can",
                busy,
                Unit.SHARE,
            ),
        ),
    ]


def _share(pass_time: Callable[[], object], rounds: int) -> float:
    """Return the processor time that this process takes, in seconds a second."""
    found = []
    for _ in range(rounds):
        begin, before = time.perf_counter(), time.process_time()
        pass_time()
        found.append((time.process_time() - before) / (time.perf_counter() - begin))
    return statistics.median(found)
