"""A journal in memory: the protocol at its simplest, for tests, tries and conformance runs.

Nothing outlives the process, and a forked child has a copy of its own.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from pingregistrywf.runtime.errors import HistoryExistsError, JournalClosedError, JournalOpenError
from pingregistrywf.runtime.ids import EPOCH, Clock
from pingregistrywf.runtime.journal.backup_file import write_backup
from pingregistrywf.runtime.journal.changes import Change, Cursor, Expiries, Position, resumed
from pingregistrywf.runtime.journal.compare import check_commit, check_delete
from pingregistrywf.runtime.journal.feed import SubscribedFeed
from pingregistrywf.runtime.journal.history import NO_HEAD, ChartIdentity, Entry, Head, Reading
from pingregistrywf.runtime.journal.inspection import Scanned, Stored, Written
from pingregistrywf.runtime.journal.notify import Notifier, NotifierSubscription
from pingregistrywf.runtime.journal.protocol import Closable
from pingregistrywf.runtime.journal.retention import (
    Collected,
    Retention,
    garbage,
    reported,
    trim_is_due,
)


@dataclass(slots=True, eq=False)
class _History:
    """One history; its identity tells it from a later one of the same id.

    Attributes:
        restarts: the serials of the entries where a reader may start, in order.
        mark: the position of the mark of its deletion, if it is deleted.
    """

    stored: Stored
    entries: list[Entry] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    restarts: list[int] = field(default_factory=lambda: [0])
    mark: int = 0

    @property
    def head(self) -> Head:
        if self.stored.deleted_at is not None:
            return NO_HEAD
        return Head(self.stored.vid, (self, self.stored.end))

    def described(self) -> Stored:
        return replace(self.stored, size=sum(len(entry.data) for entry in self.entries))

    def since(self, serial: int) -> tuple[Entry, ...]:
        return tuple(self.entries[serial - self.stored.first :])


class MemoryJournal(Closable):
    """Histories in a dictionary behind one lock; the class is an ``Opener`` of new, empty journals.

    Raises:
        JournalOpenError: the URL is not ``memory:``.
    """

    def __init__(
        self,
        url: str,
        *,
        create: bool,  # noqa: ARG002 (it is always a new one)
        clock: Clock,
        retention: Retention | None,
    ) -> None:
        if url != "memory:":
            raise JournalOpenError(url, "a memory journal has no name", "use memory:")
        self.url: Final = url
        self.id: Final = uuid4()
        self.clock: Final = clock
        self.retention: Final = retention or Retention()
        self._lock = threading.RLock()
        self._histories: dict[UUID, _History] = {}
        # The histories by the positions of their changes, from 1; None where one was removed.
        self._log: list[_History | None] = []
        self._expiries = Expiries()
        self._notifier = Notifier()
        self._closed = False

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        with self._lock:
            self._check_open()
            found = self._histories.get(history)
            if found is None or found.stored.deleted_at is not None:
                return Reading((), NO_HEAD, continues=after is not None and not after.vid)
            match after and after.token:
                case (_History() as known, int(serial)) if (
                    known is found and serial >= found.stored.start
                ):
                    return Reading(found.since(serial), found.head, continues=True)
            first = found.stored.start if whole else found.stored.restart
            return Reading(found.since(first), found.head, rooted=first == 0)

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        with self._lock:
            self._check_open()
            found = self._histories.get(history)
            head = NO_HEAD if found is None else found.head
            deleted = found is not None and found.stored.deleted_at is not None
            check_commit(history, head, after, entries, deleted=deleted)
            if found is None:
                begun = Stored(history, chart.name, EPOCH, 0, 0, 0, 0)
                found = self._histories[history] = _History(begun)
            self._extend(found, entries, [chart] * len(entries))
            found.stored = found.stored.extended(entries, restart=restart)
            if restart:
                found.restarts.append(found.stored.restart)
            head = found.head
        self._notifier.notify(history)
        return head

    def exclusive(self, history: UUID) -> AbstractContextManager[object]:  # noqa: ARG002
        return self._lock  # one for all histories

    def delete(self, history: UUID, after: Head) -> None:
        with self._lock:
            self._check_open()
            found = self._histories.get(history)
            if found is None or not check_delete(found.head, after):
                return
            found.stored = replace(found.stored, deleted_at=self.clock())
            self._mark(found)
        self._notifier.notify(history)

    def subscribe(self, history: UUID | None = None) -> NotifierSubscription:
        with self._lock:
            self._check_open()
            return self._notifier.subscribe(history)

    def collect(self, now: float | None = None) -> Collected:
        removed, freed = 0, []
        with self._lock:
            self._check_open()
            moment = self.clock() if now is None else now
            for history, found in list(self._histories.items()):
                stored, due = found.stored, garbage(found.stored, self.retention, moment)
                first = max(stored.first, due.before)
                for written in found.written[: first - stored.first]:
                    self._log[written.position - 1] = None
                del found.entries[: first - stored.first]
                del found.written[: first - stored.first]
                found.stored = replace(stored, first=first, trims=stored.trims[len(due.trims) :])
                removed += first - stored.first
                if due.mark:
                    self._log[found.mark - 1] = None
                    self._expiries = self._expiries.extended(found.mark)
                    del self._histories[history]
                    freed.append(history)
        return reported(Collected(removed, tuple(sorted(freed))))

    def trim(self, history: UUID, now: float | None = None) -> bool:
        with self._lock:
            self._check_open()
            found = self._histories.get(history)
            moment = self.clock() if now is None else now
            if found is None or not trim_is_due(found.stored, self.retention, moment):
                return False
            found.stored = found.stored.trimmed(moment)
        self._notifier.notify(history)
        return True

    def histories(self) -> Iterator[Stored]:
        with self._lock:
            self._check_open()
            return iter([each.described() for each in self._histories.values()])

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        with self._lock:
            self._check_open()
            return iter(
                [
                    Scanned(
                        each.described(),
                        tuple(enumerate(each.entries, each.stored.first)),
                        tuple(each.written),
                    )
                    for name, each in self._histories.items()
                    if history in (None, name)
                ]
            )

    def backup(self, path: Path) -> str:
        return write_backup(self, path)

    def adopt(
        self, stored: Stored, entries: Sequence[Entry], charts: Sequence[ChartIdentity]
    ) -> None:
        stored.check_entries(entries, charts)
        with self._lock:
            self._check_open()
            if stored.id in self._histories:
                raise HistoryExistsError(stored.id)
            taken = self._histories[stored.id] = _History(stored)
            taken.restarts.append(stored.restart)
            self._extend(taken, entries, charts)
            if stored.deleted_at is not None:
                self._mark(taken)
        self._notifier.notify(stored.id)

    def feed(self, after: Position | None = None) -> SubscribedFeed:
        return SubscribedFeed(self.subscribe(), self._changes, after)

    def close(self) -> None:
        from logging import DEBUG

        from pingregistrywf.runtime.log import JOURNAL, logged

        with self._lock:
            closed, self._closed = self._closed, True
        if not closed:
            logged(JOURNAL, "closed", DEBUG, url=self.url)
        self._notifier.close()

    def _extend(
        self, history: _History, entries: Sequence[Entry], charts: Sequence[ChartIdentity]
    ) -> None:
        history.entries.extend(entries)
        history.written.extend(map(Written, count(len(self._log) + 1), charts))
        self._log += [history] * len(entries)

    def _mark(self, history: _History) -> None:
        self._log.append(history)
        history.mark = len(self._log)

    def _changes(self, after: Position | None, limit: int) -> tuple[tuple[Change, ...], Position]:
        with self._lock:
            self._check_open()
            end = len(self._log)
            cursor = resumed(after, self.id, end, self._expiries)
            changes: list[Change] = []
            for number in range(cursor.number + 1, end + 1):
                found = self._log[number - 1]
                change = None if found is None else _change(cursor, number, found)
                if change is not None:
                    changes.append(change)
                    if len(changes) == limit:
                        return tuple(changes), change.position
        return tuple(changes), cursor.at(end)

    def _check_open(self) -> None:
        if self._closed:
            raise JournalClosedError


def _change(cursor: Cursor, number: int, history: _History) -> Change | None:
    stored = history.stored
    if number == history.mark:
        assert stored.deleted_at is not None  # noqa: S101 (it is marked)
        return cursor.deleted(number, stored.id, stored.vid, stored.deleted_at)
    place = bisect_left(history.written, number, key=attrgetter("position"))
    serial = stored.first + place
    return cursor.appended(
        number,
        stored.id,
        history.entries[place],
        history.written[place].chart,
        serial=serial,
        restart=history.restarts[bisect_right(history.restarts, serial) - 1],
        first=stored.first,
        start=stored.start,
    )
