"""The journal protocol on NATS JetStream.

A history is a subject.  A commit is one round trip: its head says which message must be the
history's newest one, and the server compares.  Marks of deletion and trims are messages of the
history as well, so that everything that happens to it has one order.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar
from uuid import UUID

from pingregistrywf.runtime.errors import (
    HistoryExistsError,
    VersionConflictError,
    WorkflowError,
)
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.backup_file import write_backup
from pingregistrywf.runtime.journal.changes import Change, Position
from pingregistrywf.runtime.journal.compare import check_commit, check_delete
from pingregistrywf.runtime.journal.feed import SubscribedFeed
from pingregistrywf.runtime.journal.history import NO_HEAD, ChartIdentity, Entry, Head, Reading
from pingregistrywf.runtime.journal.inspection import Scanned, Stored
from pingregistrywf.runtime.journal.nats import scan
from pingregistrywf.runtime.journal.nats.adoption import adopted
from pingregistrywf.runtime.journal.nats.failures import (
    ApiError,
    DeniedError,
    NoAnswerError,
    TooLargeError,
    damage,
    failure,
)
from pingregistrywf.runtime.journal.nats.feed import FeedReader
from pingregistrywf.runtime.journal.nats.record import (
    MOST_MESSAGES,
    DamagedError,
    Point,
    Record,
    Row,
    Token,
    mark,
    messages,
)
from pingregistrywf.runtime.journal.nats.rivals import Rivals
from pingregistrywf.runtime.journal.nats.store import RefusedError, Store
from pingregistrywf.runtime.journal.nats.turns import Turns
from pingregistrywf.runtime.journal.nats.watch import Watch
from pingregistrywf.runtime.journal.notify import NotifierSubscription
from pingregistrywf.runtime.journal.protocol import Closable
from pingregistrywf.runtime.journal.retention import (
    Collected,
    Retention,
    garbage,
    reported,
    trim_is_due,
)

T = TypeVar("T")


class NatsJournal(Closable):
    """A journal on NATS servers.  Threads share an instance; closing it closes the connection."""

    def __init__(self, store: Store, clock: Clock, retention: Retention) -> None:
        self.url: Final = store.connection.address.url
        self.id: Final = store.streams.id
        self.clock: Final = clock
        self.retention: Final = retention
        self._store = store
        self._watch = Watch(store)
        self._rivals = Rivals(store.connection, store.streams.name)
        self._turns = Turns(self._rivals.pause)
        store.connection.on_fork(self._turns.forget)
        # Also closes a journal that is dropped, or still open when the interpreter ends.
        self._close = weakref.finalize(self, _close, store, self._watch)

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        op = f"reading history {history}"
        return self._run(op, self._read(op, history, after, whole=whole))

    async def _read(self, op: str, history: UUID, after: Head | None, *, whole: bool) -> Reading:
        looked_at = 0
        while True:
            newest = await self._store.newest(history)
            if newest is None or newest.row.deleted_at is not None:
                return Reading((), NO_HEAD, continues=after is not None and not after.vid)
            row = newest.row
            begin = _following(history, row, after)
            continues = begin is not None
            begin = begin or (row.start if whole else row.restart)
            entries = await self._entries(history, begin, newest)
            complete = len(entries) == row.end - begin.serial
            if continues and entries and after is not None and entries[0].parent != after.vid:
                after = None  # a copy that was restored may have grown along another chain
                continue
            if complete and all(one.id == other.parent for one, other in pairwise(entries)):
                return Reading(entries, newest.head, continues, continues or begin.serial == 0)
            if newest.sequence == looked_at:
                raise damage(op, "its entries are no chain, or some are missing")
            looked_at = newest.sequence  # else entries were removed while they were read

    async def _entries(self, history: UUID, begin: Point, newest: Record) -> tuple[Entry, ...]:
        if begin.serial == newest.row.end:
            return ()
        count = newest.row.end - begin.serial
        found = await self._store.between(history, begin.after, newest, count)
        return tuple(
            entry
            for record in found
            for serial, entry in record.entries()
            if serial >= begin.serial
        )

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        check_commit(history, after, after, entries, deleted=False)  # there must be entries
        work = self._commit(history, after, entries, chart, restart=restart)
        head = self._run(f"appending to history {history}", work, writing=True)
        self._watch.notifier.notify(history)
        return head

    async def _commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        chart: ChartIdentity,
        *,
        restart: bool,
    ) -> Head:
        store, token = self._store, after.token
        if not after.vid:
            sequence, row = 0, Row.begun(chart.name)
        elif isinstance(token, Token) and token.history == history:
            sequence, row = token.sequence, token.row
        else:
            sequence, row = await self._compared(history, after, entries)
        subject = store.streams.subject(history)
        while True:
            if restart:
                row = replace(row, restart=Point(row.end, sequence))
            made, reached = messages(subject, row, entries, chart, MOST_MESSAGES)
            began = monotonic()
            try:
                last = await store.publish(history, sequence, made)
            except RefusedError:
                try:
                    sequence, row = await self._compared(history, after, entries)
                except VersionConflictError:
                    await self._rivals.lose(history)
                    raise
            else:
                self._rivals.won(history, monotonic() - began)
                return Head(reached.vid, Token(history, reached.birth, reached.end, last, reached))

    async def _compared(
        self, history: UUID, after: Head, entries: Sequence[Entry]
    ) -> tuple[int, Row]:
        """Where a head is, if it is still the head.

        Raises:
            HistoryDeletedError, VersionConflictError: it is not.
        """
        newest = await self._store.newest(history)
        head = NO_HEAD if newest is None else newest.head
        deleted = newest is not None and newest.row.deleted_at is not None
        check_commit(history, head, after, entries, deleted=deleted)
        if newest is None:
            return 0, Row.begun("")
        return newest.sequence, newest.row

    def exclusive(self, history: UUID) -> AbstractContextManager[object]:
        self._store.connection.check_open()
        return self._turns.of(history)

    def delete(self, history: UUID, after: Head) -> None:
        work = self._delete(history, after)
        if self._run(f"deleting history {history}", work, writing=True):
            self._watch.notifier.notify(history)

    async def _delete(self, history: UUID, after: Head) -> bool:
        while True:
            newest = await self._store.newest(history)
            if newest is None or not check_delete(newest.head, after):
                return False
            row = replace(newest.row, deleted_at=self.clock())
            if await self._mark(newest, row):
                return True

    async def _mark(self, newest: Record, row: Row) -> bool:
        """Append a message without an event; False if another one was faster."""
        message = mark(self._store.streams.subject(newest.history), row)
        try:
            await self._store.publish(newest.history, newest.sequence, [message])
        except RefusedError:
            return False
        return True

    def subscribe(self, history: UUID | None = None) -> NotifierSubscription:
        return self._run("watching the journal", self._watch.subscribe(history))

    def collect(self, now: float | None = None) -> Collected:
        moment = self.clock() if now is None else now
        return reported(self._run("collecting garbage", self._collect(moment), writing=True))

    async def _collect(self, moment: float) -> Collected:
        store, removed, freed = self._store, 0, []
        for newest in await scan.newest_records(store):
            history, row = newest.history, newest.row
            due = garbage(row.stored(history, row.base), self.retention, moment)
            stored = await scan.stored(store, newest) if due.before or due.mark else None
            if stored is None:
                continue
            due = garbage(stored, self.retention, moment)
            first = max(stored.first, due.before)
            if first > stored.first:
                keep = await scan.first_beyond(store, newest, first)
                if await store.purge(history, keep.sequence):
                    removed += first - stored.first
            if due.mark:
                await store.expire(store.streams.number(history), newest.sequence)
                if await store.purge(history, newest.sequence + 1):
                    freed.append(history)
        return Collected(removed, tuple(sorted(freed)))

    def trim(self, history: UUID, now: float | None = None) -> bool:
        moment = self.clock() if now is None else now
        work = self._trim(history, moment)
        trimmed = self._run(f"trimming history {history}", work, writing=True)
        if trimmed:
            self._watch.notifier.notify(history)
        return trimmed

    async def _trim(self, history: UUID, moment: float) -> bool:
        while True:
            newest = await self._store.newest(history)
            oldest = await self._store.following(history, 0)
            if newest is None or oldest is None:
                return False
            first = oldest.first
            if not trim_is_due(newest.row.stored(history, first), self.retention, moment):
                return False
            left = tuple(each for each in newest.row.trims if each.start.serial > first)
            if await self._mark(newest, replace(newest.row, trims=left).trimmed(moment)):
                return True

    def histories(self) -> Iterator[Stored]:
        return iter(self._run("listing the histories", scan.histories(self._store)))

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        return self.scan_ahead(history, read=lambda _entries: None)

    def scan_ahead(
        self, history: UUID | None = None, *, read: Callable[[int], object]
    ) -> Iterator[Scanned]:
        connection, steps = self._store.connection, scan.scan(self._store, history)
        try:
            while (step := self._run("scanning the journal", _next(steps))) is not None:
                read(step.entries)
                for each in step.complete:
                    yield scan.scanned(self._store, each)
        finally:
            # Not waited for: the garbage collector may end a scan, and in any thread.
            connection.soon(lambda: connection.begin(_end(steps)))

    def backup(self, path: Path) -> str:
        self._store.connection.check_open()
        return write_backup(self, path)

    def adopt(
        self, stored: Stored, entries: Sequence[Entry], charts: Sequence[ChartIdentity]
    ) -> None:
        self._store.connection.check_open()
        stored.check_entries(entries, charts)
        work = self._adopt(stored, entries, charts)
        self._run(f"taking in history {stored.id}", work, writing=True)
        self._watch.notifier.notify(stored.id)

    async def _adopt(
        self, stored: Stored, entries: Sequence[Entry], charts: Sequence[ChartIdentity]
    ) -> None:
        subject = self._store.streams.subject(stored.id)
        try:
            await self._store.publish(stored.id, 0, adopted(subject, stored, entries, charts))
        except RefusedError:
            raise HistoryExistsError(stored.id) from None

    def feed(self, after: Position | None = None) -> SubscribedFeed:
        return NatsFeed(self, self.subscribe(), after)

    def close(self) -> None:
        self._close()

    def _run(self, op: str, work: Coroutine[Any, Any, T], *, writing: bool = False) -> T:
        try:
            return self._store.connection.run(work)
        except WorkflowError:
            raise
        except DamagedError as error:
            raise damage(op, str(error)) from None
        except (ApiError, NoAnswerError, DeniedError, TooLargeError) as error:
            raise failure(op, error, writing=writing) from error


class NatsFeed(SubscribedFeed):
    """A feed whose consumers end with it."""

    def __init__(
        self, journal: NatsJournal, subscription: NotifierSubscription, after: Position | None
    ) -> None:
        self._reader: Final = FeedReader(journal._store)
        self._journal: Final = journal
        super().__init__(subscription, self._changes, after)

    def _changes(self, after: Position | None, limit: int) -> tuple[tuple[Change, ...], Position]:
        work = self._reader.read(after, limit)
        return self._journal._run("reading the feed", work)

    def close(self) -> None:
        super().close()
        connection = self._journal._store.connection
        connection.soon(lambda: connection.begin(self._reader.stop()))


def _close(store: Store, watch: Watch) -> None:
    watch.notifier.close()
    store.connection.close()


async def _next(steps: AsyncGenerator[T]) -> T | None:
    return await anext(steps, None)


async def _end(steps: AsyncGenerator[object]) -> None:
    await steps.aclose()


def _following(history: UUID, row: Row, after: Head | None) -> Point | None:
    """Where the entries after a head begin, if it is on the visible chain."""
    token = None if after is None else after.token
    if after is None or not isinstance(token, Token):
        return None
    if token.history != history or token.birth != row.birth:
        return None
    if not row.start.serial <= token.serial <= row.end:
        return None
    if token.serial == row.end and after.vid != row.vid:
        return None
    return Point(token.serial, token.sequence)
