"""A process that posts: run by tests as ``python poster.py URL HISTORY COUNT``.

Writes a line ``ready``, waits for a line, then posts COUNT entries to the history, one turn each,
writing each acknowledged id as a line at once; at last one JSON object with its times.
"""

from __future__ import annotations

import json
import sys
import time
from uuid import UUID

from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import Entry, open_journal


def main(url: str, name: str, count: str) -> None:
    history, ids = UUID(name), UlidSource()
    print("ready", flush=True)
    sys.stdin.readline()
    with open_journal(url) as journal:
        waits, turns = [], []
        head = journal.read(history).head
        began = time.monotonic()
        for _ in range(int(count)):
            asked = time.monotonic()
            with journal.exclusive(history):
                entered = time.monotonic()
                head = journal.read(history, head).head
                entry = Entry(ids.next(head.vid), head.vid, b"posted by one of several")
                head = journal.commit(history, head, [entry], chart="pings")
            left = time.monotonic()
            waits.append(left - asked)
            turns.append(left - entered)
            print(entry.id, flush=True)
        ended = time.monotonic()
    times = {"began": began, "ended": ended, "longest_wait": max(waits), "longest_turn": max(turns)}
    print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
