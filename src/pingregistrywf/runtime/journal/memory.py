"""A journal in memory: the protocol at its simplest, for tests, tries and conformance runs.

Nothing outlives the process, and a forked child has a copy of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.errors import DBError, HistoryExistsError, JournalOpenError
from pingregistrywf.runtime.ids import Clock, Ulid
from pingregistrywf.runtime.journal.backup_file import write_backup
from pingregistrywf.runtime.journal.compare import check_commit, check_delete
from pingregistrywf.runtime.journal.history import NO_HEAD, Entry, Head, Reading
from pingregistrywf.runtime.journal.inspection import Scanned, Stored, Trim
from pingregistrywf.runtime.journal.notify import Notifier, NotifierSubscription
from pingregistrywf.runtime.journal.protocol import Closable
from pingregistrywf.runtime.journal.retention import (
    Collected,
    Retention,
    garbage,
    trim_is_due,
)

URL: Final = "memory:"


def open_memory(
    url: str,
    *,
    create: bool,  # noqa: ARG001 (it is always a new one)
    clock: Clock,
    retention: Retention | None,
) -> MemoryJournal:
    """Open a new, empty journal.

    Raises:
        JournalOpenError: the URL is not ``memory:``.
    """
    if url != URL:
        raise JournalOpenError(url, "a memory journal has no name", "use memory:")
    return MemoryJournal(clock, retention or Retention())


@dataclass(slots=True, eq=False)
class _History:
    """One history; its identity tells it from a later one of the same id.  See ``Stored``."""

    chart: str
    vid: Ulid = NO_HEAD.vid
    entries: list[Entry] = field(default_factory=list)
    first: int = 0
    start: int = 0
    restart: int = 0
    deleted_at: float | None = None
    trimmed_at: float | None = None
    trims: tuple[Trim, ...] = ()

    @property
    def head(self) -> Head:
        return NO_HEAD if self.deleted_at is not None else Head(self.vid, (self, self.end))

    @property
    def end(self) -> int:
        return self.first + len(self.entries)

    def since(self, serial: int) -> tuple[Entry, ...]:
        return tuple(self.entries[serial - self.first :])

    def remove_before(self, serial: int) -> int:
        removed = max(0, serial - self.first)
        del self.entries[:removed]
        self.first += removed
        return removed

    def stored(self, id: UUID, *, size: int = 0) -> Stored:
        return Stored(
            id,
            self.chart,
            self.vid,
            self.first,
            self.start,
            self.restart,
            self.end,
            self.deleted_at,
            self.trimmed_at,
            self.trims,
            size,
        )

    def measured(self, id: UUID) -> Stored:
        return self.stored(id, size=sum(len(entry.data) for entry in self.entries))


class MemoryJournal(Closable):
    """Histories in a dictionary behind one lock.

    Args:
        clock: seconds since the Unix epoch; marks deletions and trims.
        retention: how long what is no longer needed is kept.
    """

    def __init__(self, clock: Clock, retention: Retention) -> None:
        self._clock = clock
        self._retention = retention
        self._lock = threading.RLock()
        self._histories: dict[UUID, _History] = {}
        self._notifier = Notifier()
        self._closed = False

    @property
    def url(self) -> str:
        return URL

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def retention(self) -> Retention:
        return self._retention

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        with self._opened():
            stored = self._histories.get(history)
            if stored is None or stored.deleted_at is not None:
                return Reading((), NO_HEAD, continues=after is not None and not after.vid)
            match after and after.token:
                case (_History() as known, int(serial)) if (
                    known is stored and serial >= stored.start
                ):
                    return Reading(stored.since(serial), stored.head, continues=True)
            first = stored.start if whole else stored.restart
            return Reading(stored.since(first), stored.head, rooted=first == 0)

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: str,
        restart: bool = False,
    ) -> Head:
        with self._opened():
            stored = self._histories.get(history)
            head = NO_HEAD if stored is None else stored.head
            deleted = stored is not None and stored.deleted_at is not None
            check_commit(history, head, after, entries, deleted=deleted)
            if stored is None:
                stored = self._histories[history] = _History(chart)
            if restart:
                stored.restart = stored.end
            stored.entries.extend(entries)
            stored.vid = entries[-1].id
            head = stored.head
        self._notifier.notify(history)
        return head

    @contextmanager
    def exclusive(self, history: UUID) -> Iterator[None]:  # noqa: ARG002 (one lock for all)
        with self._lock:
            yield

    def delete(self, history: UUID, after: Head) -> None:
        with self._opened():
            stored = self._histories.get(history)
            if stored is None or not check_delete(stored.head, after):
                return
            stored.deleted_at = self._clock()
        self._notifier.notify(history)

    def subscribe(self, history: UUID | None = None) -> NotifierSubscription:
        with self._opened():
            return self._notifier.subscribe(history)

    def collect(self, now: float | None = None) -> Collected:
        entries, freed = 0, []
        with self._opened():
            moment = self._clock() if now is None else now
            for history, stored in list(self._histories.items()):
                found = garbage(stored.stored(history), self._retention, moment)
                entries += stored.remove_before(found.before)
                stored.trims = stored.trims[len(found.trims) :]
                if found.mark:
                    del self._histories[history]
                    freed.append(history)
        return Collected(entries, tuple(sorted(freed)))

    def trim(self, history: UUID, now: float | None = None) -> bool:
        with self._opened():
            stored = self._histories.get(history)
            moment = self._clock() if now is None else now
            if stored is None or not trim_is_due(stored.stored(history), self._retention, moment):
                return False
            stored.start, stored.trimmed_at = stored.restart, moment
            stored.trims += (Trim(moment, stored.start),)
        self._notifier.notify(history)
        return True

    def histories(self) -> Iterator[Stored]:
        with self._opened():
            return iter([each.measured(name) for name, each in self._histories.items()])

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        with self._opened():
            return iter(
                [
                    Scanned(each.measured(name), tuple(enumerate(each.entries, each.first)))
                    for name, each in self._histories.items()
                    if history in (None, name)
                ]
            )

    def backup(self, path: Path) -> str:
        return write_backup(self, path)

    def adopt(self, stored: Stored, entries: Sequence[Entry]) -> None:
        stored.check_entries(entries)
        with self._opened():
            if stored.id in self._histories:
                raise HistoryExistsError(stored.id)
            self._histories[stored.id] = _History(
                stored.chart,
                stored.vid,
                list(entries),
                stored.first,
                stored.start,
                stored.restart,
                stored.deleted_at,
                stored.trimmed_at,
                stored.trims,
            )
        self._notifier.notify(stored.id)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._notifier.close()

    @contextmanager
    def _opened(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise DBError("use of a closed journal", ValueError("open it again"))
            yield
