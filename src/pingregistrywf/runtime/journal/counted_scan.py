"""Scans that tell how much of them is done, for whoever waits for the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

from pingregistrywf.runtime.journal.inspection import Scanned
from pingregistrywf.runtime.journal.protocol import OperatorJournal, ScansAhead


def counted_scan(
    journal: OperatorJournal, history: UUID | None, done: Callable[[float], object]
) -> Iterator[Scanned]:
    """Iterate over histories as ``scan`` does; call ``done`` with the entries that are done.

    The entries of a history are done when the caller asks for the next one.  If the journal scans
    ahead, half of an entry is done when the journal has read it, and the other half then.

    Raises:
        DBError: the database failed.
    """
    if not isinstance(journal, ScansAhead):
        for scanned in journal.scan(history):
            yield scanned
            done(len(scanned.entries))
        return
    for scanned in journal.scan_ahead(history, read=lambda entries: done(entries / 2)):
        yield scanned
        done(len(scanned.entries) / 2)
