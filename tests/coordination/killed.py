"""A participant in a process of its own, killed at a gap between declared steps.

    python killed.py '{"journal": URL, "now": SECONDS, "act": ACT, "workflow": UUID,
                       "gap": [OPERATION, STEP, RUN]}'

ACT is begin, commit, expire, collect, server or gatherer; the last two go on for ever.  The process
gets SIGKILL in the RUN-th run of OPERATION, after STEP (0: before the first).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from uuid import UUID

from pingregistrywf import open_journal
from pingregistrywf.coordination.daemon import Gatherer, Server
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime.operations import Operation


class Gap:
    """An observer that kills this process at a gap."""

    def __init__(self, operation: str, step: int, run: int) -> None:
        self.operation = operation
        self.step = step
        self.runs_left = run

    def before(self, operation: Operation, number: int) -> None:
        if operation.name == self.operation and number == 1:
            self.runs_left -= 1
            self.die_after(operation, 0)

    def after(self, operation: Operation, number: int) -> None:
        self.die_after(operation, number)

    def die_after(self, operation: Operation, step: int) -> None:
        if (operation.name, step, self.runs_left) == (self.operation, self.step, 0):
            os.kill(os.getpid(), signal.SIGKILL)


def main(job: dict[str, object]) -> None:
    now = float(str(job["now"]))
    gap = job.get("gap")
    observers = (Gap(*gap),) if isinstance(gap, list) else ()
    workflow = UUID(str(job["workflow"]))
    with open_journal(str(job["journal"]), clock=lambda: now) as journal:
        registry = PingRegistry(journal, "reg", observers=observers)
        match job["act"]:
            case "begin":
                print(registry.begin(workflow), flush=True)
            case "commit":
                print(registry.commit(workflow), flush=True)
            case "expire":
                print(registry.operations.expire(workflow, registry.index_id), flush=True)
            case "collect":
                for action in registry.collector().run():
                    print(action, flush=True)
                    if action.error is not None:
                        raise action.error
            case "server":
                Server(registry, "alpha", interval=0).serve(Stop())
            case "gatherer":
                Gatherer(registry, pings=1, interval=0).serve(Stop())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
