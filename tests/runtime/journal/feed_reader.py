"""A process that keeps the read model of the page: run as ``python feed_reader.py URL MODEL``.

It expects the page's program as the module ``read_model``, and writes a line after each
transaction.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from read_model import ReadModel, keep  # type: ignore[import-not-found]

from pingregistrywf import open_journal
from pingregistrywf.runtime.journal import Change, Position


class Reported(ReadModel):  # type: ignore[misc]
    """The read model, which applies a few changes at a time, so that there is more to interrupt."""

    def apply(self, changes: Sequence[Change], position: Position) -> None:
        for change in changes:
            super().apply([change], change.position)
            print("applied", flush=True)
        super().apply([], position)


if __name__ == "__main__":
    with open_journal(sys.argv[1]) as journal:
        keep(journal, Reported(sys.argv[2]))
