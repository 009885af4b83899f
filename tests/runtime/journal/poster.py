"""A process that posts: run by tests as ``python poster.py URL HISTORY COUNT [STOPPING]``.

Writes a line ``ready``, waits for a line, then posts COUNT entries to the history, one turn each,
writing each acknowledged id as a line at once; at last one JSON object with its times.  When a turn
does not come in time, it writes ``refused`` with a JSON object, and tries again.  Inside its turn
number STOPPING it stops itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from uuid import UUID

from pingregistrywf.runtime.errors import DBError
from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import ChartIdentity, Entry, open_journal


def main(url: str, name: str, count: str, stopping: str = "0") -> None:
    history, ids = UUID(name), UlidSource()
    print("ready", flush=True)
    sys.stdin.readline()
    with open_journal(url) as journal:
        waits, turns = [], []
        head = journal.read(history).head
        posted = 0
        began = time.monotonic()
        while posted < int(count):
            asked = time.monotonic()
            try:
                with journal.exclusive(history):
                    entered = time.monotonic()
                    head = journal.read(history, head).head
                    entry = Entry(ids.next(head.vid), head.vid, b"posted by one of several")
                    head = journal.commit(history, head, [entry], chart=ChartIdentity("pings"))
                    if posted + 1 == int(stopping):
                        os.kill(os.getpid(), signal.SIGSTOP)
            except DBError as error:
                if not error.definite:
                    raise
                refusal = {"asked": asked, "at": time.monotonic(), "saying": str(error)}
                print(f"refused {json.dumps(refusal)}", flush=True)
                continue
            left = time.monotonic()
            posted += 1
            waits.append(left - asked)
            turns.append(left - entered)
            print(entry.id, flush=True)
        ended = time.monotonic()
    times = {"began": began, "ended": ended, "longest_wait": max(waits), "longest_turn": max(turns)}
    print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
