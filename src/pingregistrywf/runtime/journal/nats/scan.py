"""Every history at one moment: what its newest message says of it, or all that is stored.

The servers find the newest message of each history without reading the others.  So listing reads
one message a history, and one more of those of which something may have been removed.  A scan
begins in the same way, which tells it where each history ends.  It then reads each data stream
once, and gives a history when its last message has come.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final
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

_STEP: Final = 500
"""How many messages a scan reads before it gives those histories that are complete."""
_AT_ONCE: Final = 64
"""How many questions to the servers may be open at once."""


@dataclass(slots=True)
class Found:
    """A history as a pass found it; several messages that are none's count as one history."""

    records: list[Record] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def newest(self) -> Record | None:
        """Its newest message."""
        return self.records[-1] if self.records else None

    @property
    def has_gap(self) -> bool:
        """Whether messages between those found are missing: damaged, or removed meanwhile."""
        return any(one.row.end != other.first for one, other in pairwise(self.records))

    def stored(self) -> Stored | None:
        """Return what the history says of itself; None if there is no message to believe."""
        newest = self.newest
        if newest is None:
            return None
        first, size = self.records[0].first, sum(each.size for each in self.records)
        return newest.row.stored(newest.history, first, size)

    def take(self, history: UUID | None, raw: Raw) -> int:
        """Take a message, and return how many entries it has."""
        try:
            record = decode(raw)
        except DamagedError as error:
            self.faults.append(Fault(str(error), history))
            return 0
        self.records.append(record)
        return len(record.ids)


@dataclass(frozen=True, slots=True)
class Step:
    """How far a scan went: how many entries it read, and the histories that are complete."""

    entries: int
    complete: list[Found]


@dataclass(frozen=True, slots=True)
class _Moment:
    """A data stream at one moment, or one history of it.

    Attributes:
        number: that of the data stream.
        end: the sequence up to which it belongs to the moment.
        subject: which messages are looked at.
        newest: the newest message of each history; None stands for messages that are none's.
    """

    number: int
    end: int
    subject: str
    newest: dict[UUID | None, Raw] = field(default_factory=dict)

    def end_of(self, history: UUID | None) -> int | None:
        """Return the sequence of a history's newest message; None if it has none, or is none."""
        newest = None if history is None else self.newest.get(history)
        return None if newest is None else newest.sequence


# --- What the newest messages say ----------------------------------------------------------------


async def newest_records(store: Store) -> list[Record]:
    """Return the newest message of each history, as they are at one moment."""
    found: list[Record] = []
    for moment in await _moments(store):
        for history, raw in moment.newest.items():
            if history is None:
                continue
            try:
                found.append(decode(raw))
            except DamagedError:  # then the newest one that can be read
                newest = (await _whole(store, history)).newest
                found += [] if newest is None else [newest]
    return found


async def histories(store: Store) -> list[Stored]:
    """Return what every history says of itself, as they are at one moment."""
    records = await newest_records(store)
    found: list[Stored | None] = []
    for begin in range(0, len(records), _AT_ONCE):
        some = records[begin : begin + _AT_ONCE]
        found += await asyncio.gather(*(stored(store, each) for each in some))
    return [each for each in found if each is not None]


async def stored(store: Store, newest: Record) -> Stored | None:
    """Return what a history says of itself in its newest message; None if it was freed since."""
    row = newest.row
    if row.trimmed_at is None and row.deleted_at is None:  # nothing of it was ever removed
        return row.stored(newest.history, row.base, row.size)
    try:
        oldest = await store.following(newest.history, 0)
    except DamagedError:
        return (await _whole(store, newest.history)).stored()
    if oldest is None or oldest.sequence > newest.sequence:
        return None
    # Each message has the size of all entries up to its own.
    size = row.size - oldest.row.size + oldest.size
    return row.stored(newest.history, oldest.first, size)


async def first_beyond(store: Store, newest: Record, serial: int) -> Record:
    """Return a history's first message that has an entry from a serial on, or comes after it.

    Args:
        store: the streams.
        newest: the history's newest message.
        serial: the start of one of its trims, or its end.
    """
    history, row = newest.history, newest.row
    stream, subject = store.streams.stream(history), store.streams.subject(history)
    starts = [each.start for each in row.trims if each.start.serial <= serial]
    after = max((start.after for start in starts), default=0)
    while row.end > serial:
        raw = await store.next_message(stream, after, subject)
        if raw is None or raw.sequence >= newest.sequence:
            break
        after = raw.sequence
        try:
            record = decode(raw._replace(payload=None))
        except DamagedError:
            continue
        if record.row.end > serial:
            return record
    return newest


async def _whole(store: Store, history: UUID) -> Found:
    """Return a history with all its messages that can be read, without their payloads."""
    found = Found()
    async for step in scan(store, history, headers_only=True):
        for each in step.complete:
            found = each
    return found


# --- All messages --------------------------------------------------------------------------------


async def scan(
    store: Store, history: UUID | None = None, *, headers_only: bool = False
) -> AsyncGenerator[Step]:
    """Iterate over all histories, or the one that is given, as they are when the scan begins.

    Args:
        store: the streams.
        history: the history; None for all.
        headers_only: whether to leave the events' bytes out.
    """
    for moment in await (_moments(store) if history is None else _moment_of(store, history)):
        stream = store.streams.names[moment.number]
        begun: dict[UUID | None, Found] = {}
        complete: list[Found] = []
        messages = entries = 0
        async with Consumer(
            store.connection, stream, 0, subject=moment.subject, headers_only=headers_only
        ) as consumer:
            async for raw in _messages(store, consumer, moment):
                own = _history(raw)
                entries += begun.setdefault(own, Found()).take(own, raw)
                messages += 1
                if raw.sequence == moment.end_of(own):
                    complete.append(await _without_removed(store, begun.pop(own)))
                if messages == _STEP:
                    yield Step(entries, complete)
                    complete, messages, entries = [], 0, 0
        # Of these histories the last message did not come, since it was removed during the pass.
        complete += [await _without_removed(store, each, ended=False) for each in begun.values()]
        yield Step(entries, [each for each in complete if each.records or each.faults])


async def _moments(store: Store) -> list[_Moment]:
    """Return each data stream as it is now."""
    return [await _moment(store, number) for number in range(store.streams.count)]


async def _moment(store: Store, number: int) -> _Moment:
    stream, subject = store.streams.names[number], store.streams.every_subject(number)
    async with Consumer(
        store.connection, stream, 0, subject=subject, headers_only=True, newest_only=True
    ) as consumer:
        await consumer.started()
        # Asked after the consumer has begun, so that the end does not lie before the newest
        # messages that the consumer's server found.  Reading on to the end gives those at the end.
        moment = _Moment(number, await store.last_sequence(stream), subject)
        async for raw in _messages(store, consumer, moment):
            moment.newest[_history(raw)] = raw
    return moment


async def _moment_of(store: Store, history: UUID) -> list[_Moment]:
    raw = await store.newest_message(history)
    if raw is None:
        return []
    number, subject = store.streams.number(history), store.streams.subject(history)
    return [_Moment(number, raw.sequence, subject, {history: raw})]


async def _messages(store: Store, consumer: Consumer, moment: _Moment) -> AsyncGenerator[Raw]:
    """The messages that a new consumer gives, up to the end of the moment."""
    stream = store.streams.names[moment.number]
    left = await consumer.started()
    while consumer.after < moment.end:
        if not left:
            rest = await store.next_message(stream, consumer.after, moment.subject)
            if rest is None or rest.sequence > moment.end:
                return
        raw = await consumer.next()
        if raw is not None and raw.sequence > moment.end:
            return
        if raw is not None:
            yield raw
        left = 0 if raw is None else consumer.pending or 0


async def _without_removed(store: Store, found: Found, *, ended: bool = True) -> Found:
    """Leave out what was removed during the pass, if the pass saw only a part of it.

    Args:
        store: the streams.
        found: the history.
        ended: whether its last message has come.
    """
    if found.records and (found.has_gap or not ended):
        history = found.records[0].history
        stream, subject = store.streams.stream(history), store.streams.subject(history)
        oldest = await store.next_message(stream, 0, subject)
        since = oldest.sequence if oldest is not None else math.inf
        found.records = [each for each in found.records if each.sequence >= since]
    return found


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
