"""What a journal says, event by event, in the order of the commits."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import Entry, OperatorJournal
from pingregistrywf.runtime.values import Event
from pingregistrywf.runtime.verify import Declarations, faults_of
from pingregistrywf.runtime.wire import codec_of


class TraceError(Exception):
    """A journal cannot be compared with the model; the text says why."""


@dataclass(frozen=True, slots=True)
class Committed:
    """An event of a journal.

    Attributes:
        declaration: the chart of its history.
        history: the id of its history.
        event: the event.
    """

    declaration: Declaration
    history: UUID
    event: Event


@dataclass(frozen=True, slots=True)
class JournalTrace:
    """What a journal says.

    Attributes:
        events: the events in the order of their commits.
        deleted: the ids of the last events of histories that were deleted.
    """

    events: tuple[Committed, ...]
    deleted: frozenset[Ulid] = frozenset()


def committed(declaration: Declaration, history: UUID, entry: Entry) -> Committed:
    """Return the event that an entry of a history holds."""
    return Committed(declaration, history, codec_of(declaration).decode(entry.data))


def read_trace(journal: OperatorJournal, declarations: Declarations) -> JournalTrace:
    """Return what a whole journal says.

    Args:
        journal: the journal.  One with imported histories has lost the order of their commits.
        declarations: the charts of its histories, by name.

    Raises:
        TraceError: the journal has a fault or a history of an unknown chart, or garbage collection
            has removed some of it.
        DBError: the database failed.
    """
    now = journal.clock()
    events: dict[tuple[int, int], Committed] = {}
    deleted: set[Ulid] = set()
    for scanned in journal.scan():
        if faults := faults_of(scanned, declarations, journal.retention, now):
            raise TraceError(f"the journal is not sound: {faults[0]}")
        assert scanned.stored is not None  # noqa: S101 (else there is a fault)
        if scanned.stored.deleted_at is not None:
            deleted.add(scanned.stored.vid)
        declaration = declarations.get(scanned.stored.chart)
        if declaration is None:
            raise TraceError(f"the chart {scanned.stored.chart!r} of a history is not known here")
        for (serial, entry), written in zip(scanned.entries, scanned.written, strict=True):
            events[written.position, serial] = committed(declaration, scanned.stored.id, entry)
    # Marks of deletion take positions, too.
    if max((position for position, _ in events), default=0) > len(events) + len(deleted):
        raise TraceError("the journal is not whole: garbage collection has removed some of it")
    return JournalTrace(tuple(events[place] for place in sorted(events)), frozenset(deleted))
