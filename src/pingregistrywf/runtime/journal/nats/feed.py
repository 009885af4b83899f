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
from pingregistrywf.runtime.journal.nats.record import Record, decode
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
        self._sources: dict[int, _Source] = {}

    async def read(self, after: Position | None, limit: int) -> tuple[tuple[Change, ...], Position]:
        """Return the changes after a position, at most so many, and the position after them.

        Changes of several streams are in the order of the times at which the servers stored them.

        Raises:
            FeedPositionGoneError: what came after the position cannot be told any more.
            DamagedError: the next change is not what was written.
        """
        try:
            return await self._read(after, limit)
        except BaseException:
            await self.stop()  # the next reading begins anew
            raise

    async def _read(
        self, after: Position | None, limit: int
    ) -> tuple[tuple[Change, ...], Position]:
        store, names = self._store, self._store.streams.names
        ends = [await store.last_sequence(name) for name in names]
        begun = place = await self._place(after)
        unread = []
        for number, (cursor, end) in enumerate(zip(place.cursors, ends, strict=True)):
            if cursor.number > end:
                cause = "the journal was replaced by an older copy of itself"
                raise FeedPositionGoneError(place.text, cause)
            if cursor.number < end:
                unread.append(await self._source(number, cursor.number, end))
        changes: list[Change] = []
        while unread and len(changes) < limit:
            source = min(unread, key=lambda each: each.time)
            taken = place.taken[source.number]
            given, place = source.changes(place, taken, limit - len(changes))
            changes += given
            if not place.taken[source.number] and not await source.advance():
                unread.remove(source)
        for number, cursor in enumerate(begun.cursors):
            found = self._sources.get(number)
            if found is not None and found.missed:
                found.missed = False
                if (await store.expiries(number)).concern(cursor):
                    cause = "the mark of a history deleted after it has expired"
                    raise FeedPositionGoneError(begun.text, cause)
        return tuple(changes), place.text

    async def stop(self) -> None:
        """End the consumers."""
        while self._sources:
            await self._sources.popitem()[1].consumer.stop()

    async def _place(self, after: Position | None) -> Place:
        store, streams = self._store, self._store.streams
        if after is not None:
            return Place.parse(after, streams.id, streams.count)
        expired = [(await store.expiries(each)).count for each in range(streams.count)]
        cursors = tuple(Cursor(streams.id.hex, 0, count) for count in expired)
        return Place(cursors, (0,) * streams.count)

    async def _source(self, number: int, reached: int, end: int) -> _Source:
        """The unread messages of a data stream up to a sequence, of which there is one at least."""
        source = self._sources.get(number)
        if source is None or source.reached != reached:
            if source is not None:
                await source.consumer.stop()
            source = self._sources[number] = _Source(self._store, number, reached)
        source.end = end
        if source.record is None:
            await source.advance()
        return source


class _Source:
    """The messages of one data stream, with the leader's word where a consumer has no more.

    Attributes:
        reached: the sequence up to which all was given.
        end: the sequence up to which to read.
        record: the next message; None if there is none up to the end.
        missed: whether messages were missing between those given.
    """

    def __init__(self, store: Store, number: int, reached: int) -> None:
        self._store = store
        self._stream = store.streams.names[number]
        self.number = number
        self.consumer = Consumer(store.connection, self._stream, reached)
        self.reached = self.end = reached
        self.record: Record | None = None
        self.missed = False

    @property
    def time(self) -> int:
        """When the next message was stored; that of the end is before all others."""
        return 0 if self.record is None or self.record.sequence > self.end else self.record.time

    def changes(self, place: Place, taken: int, limit: int) -> tuple[list[Change], Place]:
        """Give the next message, or some of its events; return the new place, too."""
        record = self.record
        if record is None or record.sequence > self.end:
            self.missed = self.missed or self.reached < self.end
            self.reached = self.end
            return [], place.at(self.number, self.end)
        self.missed = self.missed or record.sequence > self.reached + 1
        changes, place = _changes(record, self.number, place, taken, limit)
        self.reached = place.cursors[self.number].number
        return changes, place

    async def advance(self) -> bool:
        """Go to the next message; False if all was given."""
        if self.reached >= self.end:
            if self.record is not None and self.record.sequence <= self.end:
                self.record = None
            return False
        self.record = raw = None
        over = not await self.consumer.started() and await self._is_over()
        while raw is None and not over:
            raw = await self.consumer.next()
            over = raw is None and await self._is_over()
        if raw is not None:
            self.record = decode(raw)
        return True

    async def _is_over(self) -> bool:
        """Whether the leader has no message left up to the end, if the consumer has none."""
        found = await self._store.next_message(self._stream, self.reached)
        return found is None or found.sequence > self.end


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
