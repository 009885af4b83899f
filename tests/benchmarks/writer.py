"""A process that appends pings to a workflow, as often as it can in the windows that it is given.

A line of standard input gives a window: two times of the monotonic clock, which all processes of a
machine share.  For each, it prints how many appends ended inside, and how long the longest took.

    python -m tests.benchmarks.writer URL WORKFLOW
"""

from __future__ import annotations

import sys
import time
from uuid import UUID

from pingregistrywf import RETRY_NO_VC, Workflows, open_journal

from .stock import MESSAGE


def append(workflows: Workflows, workflow: UUID, begin: float, end: float) -> tuple[int, float]:
    """Append pings from one time to another; return how many, and the longest time of one."""
    number, longest = 0, 0.0
    time.sleep(max(begin - time.monotonic(), 0.0))
    before = time.monotonic()
    while before < end:
        workflows.append_ping(workflow, RETRY_NO_VC, 0, MESSAGE)
        after = time.monotonic()
        longest = max(longest, after - before)
        number += after <= end
        before = after
    return number, longest


def main(url: str, workflow: str) -> None:
    """Write in each window, until standard input ends."""
    with open_journal(url) as journal:
        workflows, named = Workflows(journal), UUID(workflow)
        workflows.find_id(named)
        print(flush=True)  # ready
        for line in sys.stdin:
            number, longest = append(workflows, named, *map(float, line.split()))
            print(number, longest, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
