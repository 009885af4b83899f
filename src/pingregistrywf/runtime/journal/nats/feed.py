"""A feed of all data streams, by one consumer each, from positions that are vectors.

A position names the journal, and for each data stream the sequence that the reader has reached and
how many marks of deletion had been removed from it when the reader began.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pingregistrywf.runtime.errors import FeedPositionGoneError
from pingregistrywf.runtime.journal.changes import Appended, Change, Cursor, Deleted, Position
from pingregistrywf.runtime.journal.nats.consumer import Consumer
from pingregistrywf.runtime.journal.nats.record import Raw, Record, decode
from pingregistrywf.runtime.journal.nats.store import Store

_BETWEEN = ":"


@dataclass(frozen=True, slots=True)
class Place:
    """What the text of a position says: a cursor for each data stream.

    Attributes:
        cursors: the cursors; ``number`` is a sequence.
        taken: how many events of the message after that were given, where a message has several.
    """

    cursors: tuple[Cursor, ...]
    taken: tuple[int, ...]

    @property
    def text(self) -> Position:
        journal = self.cursors[0].journal
        numbers = (
            f"{each.number}.{each.expired}" + (f".{taken}" if taken else "")
            for each, taken in zip(self.cursors, self.taken, strict=True)
        )
        return _BETWEEN.join((journal, *numbers))

    def at(self, stream: int, sequence: int, taken: int = 0) -> Place:
        """Return the place after a message of a data stream, or some events of the next one."""
        cursors, counts = list(self.cursors), list(self.taken)
        cursors[stream] = cursors[stream]._replace(number=sequence)
        counts[stream] = taken
        return Place(tuple(cursors), tuple(counts))

    @staticmethod
    def parse(position: Position, journal: UUID, streams: int) -> Place:
        """Read the text of a position.

        Raises:
            FeedPositionGoneError: it is none of this journal.
        """
        name, *numbers = position.split(_BETWEEN)
        try:
            parts = [[int(number) for number in each.split(".")] for each in numbers]
            cursors = tuple(Cursor(name, part[0], part[1]) for part in parts)
            taken = tuple(part[2] if part[2:] else 0 for part in parts)
        except (ValueError, IndexError):
            cursors, taken = (), ()
        if name != journal.hex or len(cursors) != streams:
            raise FeedPositionGoneError(position, "it is a position of another journal")
        return Place(cursors, taken)


class FeedReader:
    """Reads changes; see ``journal.feed.ReadChanges``.  It is used on the connection's loop alone.

    The consumers live from one reading to the next, as long as the reader goes on where it was.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._consumers: dict[int, _Source] = {}

    async def read(self, after: Position | None, limit: int) -> tuple[tuple[Change, ...], Position]:
        """Return the changes after a position, at most so many, and the position after them.

        Raises:
            FeedPositionGoneError: what came after the position cannot be told any more.
        """
        store, streams = self._store, self._store.streams
        ends = [await store.last_sequence(name) for name in streams.names]
        if after is None:
            expired = [(await store.expiries(each)).count for each in range(streams.count)]
            cursors = tuple(Cursor(streams.id.hex, 0, count) for count in expired)
            place = Place(cursors, (0,) * streams.count)
        else:
            place = Place.parse(after, streams.id, streams.count)
        changes: list[Change] = []
        for number, end in enumerate(ends):
            cursor = place.cursors[number]
            if cursor.number > end:
                cause = "the journal was replaced by an older copy of itself"
                raise FeedPositionGoneError(after or "", cause)
            if len(changes) < limit and cursor.number < end:
                place, gap = await self._read(number, end, place, limit, changes)
                if gap and (await store.expiries(number)).concern(cursor):
                    cause = "the mark of a history deleted after it has expired"
                    raise FeedPositionGoneError(after or place.text, cause)
        return tuple(changes), place.text

    async def stop(self) -> None:
        """End the consumers."""
        while self._consumers:
            await self._consumers.popitem()[1].consumer.stop()

    async def _read(
        self, number: int, end: int, place: Place, limit: int, changes: list[Change]
    ) -> tuple[Place, bool]:
        """Read on in one data stream; return the new place, and whether messages were missing."""
        source = await self._source(number, place)
        reached, taken, gap = place.cursors[number].number, place.taken[number], False
        while reached < end:
            record = await source.next(end)
            if record is None:
                return place.at(number, end), True
            gap = gap or record.sequence > reached + 1
            given, place = _changes(record, number, place, taken, limit - len(changes))
            changes += given
            if place.taken[number]:
                source.again(record)
                break
            reached, taken = record.sequence, 0
            if len(changes) == limit:
                break
        return place, gap

    async def _source(self, number: int, place: Place) -> _Source:
        reached = place.cursors[number].number
        source = self._consumers.get(number)
        if source is None or source.reached != reached:
            if source is not None:
                await source.consumer.stop()
            stream = self._store.streams.names[number]
            consumer = Consumer(self._store.connection, stream, reached)
            source = self._consumers[number] = _Source(self._store, stream, consumer)
        return source


class _Source:
    """The messages of one data stream, with the leader's word where a consumer has no more."""

    def __init__(self, store: Store, stream: str, consumer: Consumer) -> None:
        self._store = store
        self._stream = stream
        self.consumer = consumer
        self._next: Record | None = None
        self.reached = consumer.after

    async def next(self, end: int) -> Record | None:
        """Return the next message up to a sequence; None if it was the last one."""
        record, self._next = self._next, None
        if record is None:
            if not await self.consumer.started() and await self._is_over(end):
                self.reached = end
                self.consumer.after = max(self.consumer.after, end)
                return None
            record = decode(await self.consumer.next())
        if record.sequence > end:
            self._next, self.reached = record, end
            return None
        self.reached = record.sequence
        return record

    def again(self, record: Record) -> None:
        """Give a message once more."""
        self._next, self.reached = record, record.sequence - 1

    async def _is_over(self, end: int) -> bool:
        """Whether the leader has no message left up to a sequence, if the consumer has none."""
        if self.consumer.after >= end:
            return True
        found: Raw | None = await self._store.next_message(self._stream, self.consumer.after)
        return found is None or found.sequence > end


def _changes(
    record: Record, stream: int, place: Place, taken: int, limit: int
) -> tuple[list[Change], Place]:
    """The changes that a message is, after those taken and at most so many; the new place."""
    row, history = record.row, record.history
    after = place.at(stream, record.sequence)
    if row.deleted_at is not None:
        return [Deleted(history, after.text, row.vid, row.deleted_at)], after
    changes: list[Change] = []
    for number, (serial, entry) in enumerate(record.entries(), 1):
        if number <= taken:
            continue
        if len(changes) == limit:
            return changes, place.at(stream, record.sequence - 1, number - 1)
        last = number == len(record.ids)
        here = after if last else place.at(stream, record.sequence - 1, number)
        if row.restart.serial >= row.base:  # else what it follows was removed before it came here
            restart = serial == row.restart.serial
            changes.append(Appended(history, here.text, entry, record.chart, restart))
    return changes, after
