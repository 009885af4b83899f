"""Reading every history at one moment: one pass over each data stream, up to its end then."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from pingregistrywf.runtime.errors import Fault
from pingregistrywf.runtime.journal.history import Entry
from pingregistrywf.runtime.journal.inspection import Scanned, Stored, Written
from pingregistrywf.runtime.journal.nats.consumer import Consumer
from pingregistrywf.runtime.journal.nats.record import (
    DamagedError,
    Raw,
    Record,
    decode,
    history_of,
)
from pingregistrywf.runtime.journal.nats.store import Store


@dataclass(slots=True)
class Found:
    """A history as a pass found it."""

    records: list[Record] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def newest(self) -> Record | None:
        """Its newest message."""
        return self.records[-1] if self.records else None

    def stored(self) -> Stored | None:
        """Return what the history says of itself; None if there is no message to believe."""
        newest = self.newest
        if newest is None:
            return None
        first, size = self.records[0].first, sum(each.size for each in self.records)
        return newest.row.stored(newest.history, first, size)


async def histories(
    store: Store, history: UUID | None = None, *, headers_only: bool
) -> dict[UUID | None, Found]:
    """Return all histories, or the one that is given, as they are now, and what is none's as None.

    Args:
        store: the streams.
        history: the history; None for all.
        headers_only: whether to leave the events' bytes out.
    """
    found: dict[UUID | None, Found] = {}
    numbers = range(store.streams.count) if history is None else (store.streams.number(history),)
    for number in numbers:
        async for raw in _messages(store, number, history, headers_only=headers_only):
            _take(found, raw)
    for each in found.values():
        await _leave_out_removed(store, each)
    return {history: each for history, each in found.items() if each.records or each.faults}


async def _leave_out_removed(store: Store, found: Found) -> None:
    """Leave out what was removed during the pass, if the pass had seen only a part of it."""
    if any(one.row.end != other.first for one, other in pairwise(found.records)):
        oldest = await store.following(found.records[0].history, 0)
        since = oldest.sequence if oldest is not None else math.inf
        found.records = [each for each in found.records if each.sequence >= since]


async def _messages(
    store: Store, number: int, history: UUID | None, *, headers_only: bool
) -> AsyncIterator[Raw]:
    stream = store.streams.names[number]
    subject = None if history is None else store.streams.subject(history)
    end = await store.last_sequence(stream)
    async with Consumer(
        store.connection, stream, 0, subject=subject, headers_only=headers_only
    ) as consumer:
        left = await consumer.started()
        while consumer.after < end:
            if not left:
                rest = await store.next_message(stream, consumer.after, subject or ">")
                if rest is None or rest.sequence > end:
                    return
            raw = await consumer.next()
            if raw is not None and raw.sequence > end:
                return
            if raw is not None:
                yield raw
            left = 0 if raw is None else consumer.pending or 0


def _take(found: dict[UUID | None, Found], raw: Raw) -> None:
    history = _history(raw)
    of_history = found.setdefault(history, Found())
    try:
        of_history.records.append(decode(raw))
    except DamagedError as error:
        of_history.faults.append(Fault(str(error), history))


def _history(raw: Raw) -> UUID | None:
    try:
        return history_of(raw.subject)
    except ValueError:
        return None  # the message is none of this journal


def scanned(store: Store, found: Found) -> Scanned:
    """Return a history as an operator sees it."""
    entries: list[tuple[int, Entry]] = []
    written: list[Written] = []
    for record in found.records:
        number = store.streams.number(record.history)
        position = store.streams.position(number, record.sequence)
        new: Sequence[tuple[int, Entry]] = tuple(record.entries())
        entries += new
        written += [Written(position, record.chart)] * len(new)
    return Scanned(found.stored(), tuple(entries), tuple(written), tuple(found.faults))
