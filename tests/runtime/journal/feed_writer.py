"""A process that works on workflows of its own: run as ``python feed_writer.py URL SEED``.

It begins, pings, expires and deletes workflows until it is killed, a few hundred times a second.
"""

from __future__ import annotations

import random
import sys
import time
from uuid import UUID, uuid4

from pingregistrywf import NO_VC, CmdInit, Workflows, open_journal

PAUSE = 0.005
"""Seconds between two commands, so that several writers leave a reader something of the machine."""


def main(url: str, seed: str) -> None:
    drawn = random.Random(int(seed))
    workflows = Workflows(open_journal(url))
    alive: list[UUID] = []
    while True:
        time.sleep(PAUSE)
        chance = drawn.random()
        if not alive or chance < 0.1:
            alive.append(uuid4())
            workflows.init(alive[-1], CmdInit(registry_id=uuid4()))
        elif chance < 0.18:
            over = alive.pop(drawn.randrange(len(alive)))
            workflows.abort_expired(over, NO_VC)
            if chance < 0.14:
                workflows.delete(over, NO_VC)
        else:
            workflows.append_ping(drawn.choice(alive), NO_VC, 0, "well")


if __name__ == "__main__":
    main(*sys.argv[1:])
