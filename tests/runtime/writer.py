"""A process that runs workflows: run by tests as ``python writer.py URL``.

Begins one workflow after another, and lists each in an index that all writers share, until its
standard input ends.  Writes ``HISTORY VID`` as a line for each acknowledged event, in order.
"""

from __future__ import annotations

import select
import sys
from uuid import UUID, uuid4

from pingregistrywf import (
    RETRY_NO_VC,
    CmdInit,
    JournalError,
    WorkflowIndexes,
    Workflows,
    open_journal,
)

INDEX = UUID(int=1)


def main(url: str) -> None:
    with open_journal(url) as journal:
        workflows, indexes = Workflows(journal), WorkflowIndexes(journal)
        while not select.select([sys.stdin], [], [], 0)[0]:
            history = uuid4()
            vid = workflows.init(history, CmdInit(registry_id=uuid4()))
            print(history, vid, flush=True)
            try:
                listed = indexes.begin_ping_registry(INDEX, RETRY_NO_VC, history, vid)
            except JournalError:  # every attempt lost its race
                continue
            print(INDEX, listed, flush=True)
            for number in range(3):
                vid = workflows.append_ping(history, vid, 0, f"ping {number}")
                print(history, vid, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
