"""A process that appends while its system calls fail: run by tests with ``faults.c`` preloaded.

``python failing.py PATH each COUNT`` lets the first call of each kind fail that an append makes,
then the second, up to the COUNT-th.  ``python failing.py PATH storm COUNT`` tries to append COUNT
entries while one call in twelve fails.  Both write one JSON object: the ids that were acknowledged,
those whose refusal was definite, those that are in doubt, and which calls failed in ``each``, or
how many in ``storm``.  ``python failing.py PATH calmly COUNT`` lets nothing fail, and writes each
id on a line as soon as it is acknowledged.  ``python failing.py PATH turns COUNT`` lets nothing
fail either, and writes how often the file was written in the turn to write, and out of it: after
COUNT entries that fill the log, and after the last close.  ``python failing.py PATH leave COUNT``
appends COUNT entries, writes their ids as ``calmly`` does, and ends without closing anything.
``python failing.py PATH CALL TIMES`` opens the journal, and reads, while the first so many of a
call fail.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.ids import EPOCH, UlidSource
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Journal, open_journal

HISTORY = UUID(int=7)
ONE_IN = 12
CALLS = [f"{call} log" for call in ("read", "write", "sync", "stat")]
CALLS += [f"{call} index" for call in ("lock", "stat")]
CALLS += [f"{call} file" for call in ("write", "sync", "truncate", "stat")]
CALLS += ["flock other", "flock turn"]
"""What an append calls that may fail; it copies the log into the file when the log is full."""
FILLING = 5_000_000
"""The size of an entry that fills the log."""


class Appender:
    """Appends entries, and notes the outcome of each."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:{path}?timeout=0.2"
        self.stirred = path.parent / "stirred"
        self.shim = ctypes.CDLL(None)
        self.ids = UlidSource()
        self.newest = EPOCH
        self.outcomes: dict[str, list[str]] = {"acknowledged": [], "refused": [], "doubtful": []}

    def append(self, journal: Journal, size: int = 100) -> bool:
        """Append an entry; return whether it came to that."""
        # In a directory that changes, each look asks for all names.
        self.stirred.unlink() if self.stirred.exists() else self.stirred.touch()
        entry = None
        try:
            head = journal.read(HISTORY).head
            # Growing over all attempts: two after one head, in one millisecond, could be equal.
            self.newest = self.ids.next(max(self.newest, head.vid))
            entry = Entry(self.newest, head.vid, b"x" * size)
            journal.commit(HISTORY, head, [entry], chart=ChartIdentity("pings"), restart=True)
            outcome = "acknowledged"
        except WorkflowError as error:
            outcome = "refused" if getattr(error, "definite", True) else "doubtful"
        if entry is not None:
            self.outcomes[outcome].append(str(entry.id))
        return entry is not None

    def each(self, count: int) -> list[str]:
        """Let the calls of each kind fail, one by one; return those that did."""
        failed = []
        with open_journal(self.url) as journal:
            self.append(journal)  # so that there is a log to read
            for call in CALLS:
                for number in range(1, count + 1):
                    hits = self.shim.fail_hits()
                    self.shim.fail_nth(call.encode(), number)
                    self.append(journal, FILLING if call.endswith(" file") else 100)
                    self.shim.fail_nth(b"", 0)
                    if self.shim.fail_hits() == hits:
                        break
                    failed.append(f"{call} {number}")
                    self.append(journal)
        return failed

    def leave(self, count: int) -> None:
        journal = open_journal(self.url)
        for _ in range(count):
            self.append(journal)
            print(self.outcomes["acknowledged"][-1], flush=True)
        os._exit(0)

    def open(self, call: str, times: int) -> None:
        """Open the journal, read, and close it, while the first so many of a call fail."""
        self.shim.fail_some(call.encode(), 1, times)
        with suppress(WorkflowError), open_journal(self.url) as journal:
            journal.read(HISTORY)

    def calmly(self, count: int) -> None:
        with open_journal(self.url) as journal:
            for _ in range(count):
                self.append(journal)
                print(self.outcomes["acknowledged"][-1], flush=True)

    def turns(self, count: int) -> list[list[int]]:
        """Fill the log, and close the journal; return how often the file was written by then."""
        written = []
        with open_journal(self.url) as journal:
            made = self._written()
            for _ in range(count):
                self.append(journal, FILLING)
            self.append(journal)
            written.append(self._written())
        written.append(self._written())
        return [[after - before for before, after in zip(made, w, strict=True)] for w in written]

    def _written(self) -> list[int]:
        """How often the file was written in the turn, and out of it."""
        return [self.shim.writes_in_turn(), self.shim.writes_out_of_turn()]

    def storm(self, count: int) -> int:
        """Append entries while one call in twelve fails; open the journal anew now and then."""
        while count > 0:
            with open_journal(self.url) as journal:
                self.shim.fail_one_in(ONE_IN)
                for _ in range(min(count, 100)):
                    count -= self.append(journal)
            self.shim.fail_one_in(0)
        return int(self.shim.fail_hits())


def main(path: str, mode: str, count: str) -> None:
    appender = Appender(Path(path))
    if mode == "calmly":
        appender.calmly(int(count))
        return
    if mode == "turns":
        print(json.dumps(appender.turns(int(count))))
        return
    if mode == "leave":
        appender.leave(int(count))
    if mode not in ("each", "storm"):
        appender.open(mode, int(count))
        return
    failed = appender.each(int(count)) if mode == "each" else appender.storm(int(count))
    print(json.dumps({**appender.outcomes, "failed": failed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
