"""A journal in memory: the protocol at its simplest, for tests, tries and conformance runs.

Nothing outlives the process, and a forked child has a copy of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from pingregistrywf.runtime.errors import (
    DBError,
    HistoryDeletedError,
    HistoryExistsError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import Clock, Ulid
from pingregistrywf.runtime.journal.inspection import Scanned, Stored, Trim
from pingregistrywf.runtime.journal.notify import Notifier, NotifierSubscription
from pingregistrywf.runtime.journal.protocol import (
    NO_HEAD,
    Collected,
    Entry,
    Head,
    Reading,
    Retention,
)

URL: Final = "memory:"


@dataclass(slots=True, eq=False)
class _History:
    """One history; its identity tells it from a later one of the same id."""

    chart: str
    vid: Ulid = NO_HEAD.vid
    entries: list[Entry] = field(default_factory=list)
    offset: int = 0  # serial of entries[0]
    start: int = 0  # serial of the first visible entry
    restart: int = 0  # serial where a reader may start
    deleted_at: float | None = None
    last_trim: float | None = None
    trims: list[Trim] = field(default_factory=list)

    @property
    def head(self) -> Head:
        if self.deleted_at is not None:
            return NO_HEAD
        return Head(self.vid, (self, self.end))

    @property
    def end(self) -> int:
        return self.offset + len(self.entries)

    def append(self, entries: Sequence[Entry]) -> None:
        self.entries.extend(entries)
        self.vid = entries[-1].id

    def since(self, serial: int) -> tuple[Entry, ...]:
        return tuple(self.entries[serial - self.offset :])

    def remove_before(self, serial: int) -> int:
        removed = serial - self.offset
        del self.entries[:removed]
        self.offset = serial
        return removed

    def stored(self, id: UUID) -> Stored:
        return Stored(
            id,
            self.chart,
            self.vid,
            self.offset,
            self.start,
            self.restart,
            self.end,
            self.deleted_at,
            self.last_trim,
            tuple(self.trims),
            sum(len(entry.data) for entry in self.entries),
        )


class MemoryJournal:
    """Histories in a dictionary behind one lock.

    Args:
        clock: seconds since the Unix epoch; marks deletions and trims.
        retention: how long what is no longer needed is kept.
    """

    def __init__(self, *, clock: Clock = time.time, retention: Retention | None = None) -> None:
        self._clock = clock
        self._retention = retention or Retention()
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
        if not entries:
            raise ValueError("a commit has at least one entry")
        with self._opened():
            stored = self._histories.get(history)
            if stored is not None and stored.deleted_at is not None and not after.vid:
                raise HistoryDeletedError(history)
            self._check(stored, after)
            if stored is None:
                stored = self._histories[history] = _History(chart)
            if restart:
                stored.restart = stored.end
            stored.append(entries)
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
            self._check(stored, after)
            if stored is None or stored.deleted_at is not None:
                return
            stored.deleted_at = self._clock()
        self._notifier.notify(history)

    def subscribe(self, history: UUID | None = None) -> NotifierSubscription:
        with self._opened():
            return self._notifier.subscribe(history)

    def collect(self, now: float | None = None) -> Collected:
        keep = self._retention
        entries = 0
        freed = []
        with self._opened():
            moment = self._clock() if now is None else now
            for history, stored in list(self._histories.items()):
                if stored.deleted_at is not None:
                    age = moment - stored.deleted_at
                    if age >= min(keep.deleted_entries, keep.deleted_mark).total_seconds():
                        entries += stored.remove_before(stored.end)
                        stored.trims.clear()
                    if age >= keep.deleted_mark.total_seconds():
                        del self._histories[history]
                        freed.append(history)
                while (
                    stored.trims
                    and moment - stored.trims[0].at >= keep.trimmed_entries.total_seconds()
                ):
                    entries += stored.remove_before(stored.trims.pop(0).start)
        return Collected(entries, tuple(sorted(freed)))

    def trim(self, history: UUID, now: float | None = None) -> bool:
        with self._opened():
            stored = self._histories.get(history)
            if stored is None or stored.deleted_at is not None or stored.restart == stored.start:
                return False
            moment = self._clock() if now is None else now
            interval = self._retention.trim_interval.total_seconds()
            if stored.last_trim is not None and moment - stored.last_trim < interval:
                return False
            stored.start, stored.last_trim = stored.restart, moment
            stored.trims.append(Trim(moment, stored.start))
        self._notifier.notify(history)
        return True

    def histories(self) -> Iterator[Stored]:
        with self._opened():
            return iter([each.stored(name) for name, each in self._histories.items()])

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        with self._opened():
            return iter(
                [
                    Scanned(each.stored(name), tuple(enumerate(each.entries, each.offset)))
                    for name, each in self._histories.items()
                    if history in (None, name)
                ]
            )

    def backup(self, path: Path) -> None:
        from pingregistrywf.runtime.journal.sqlite import open_sqlite

        if path.exists():
            raise FileExistsError(f"there is a file {str(path)!r} already")
        scanned = self.scan()
        with open_sqlite(f"sqlite:{path}", str(path), create=True, clock=self._clock) as copy:
            for found in scanned:
                if found.stored is not None:
                    copy.adopt(found.stored, [entry for _, entry in found.entries])

    def adopt(self, stored: Stored, entries: Sequence[Entry]) -> None:
        if len(entries) != stored.entries:
            raise ValueError(f"a history of {stored.entries} entries has not {len(entries)}")
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
                list(stored.trims),
            )
        self._notifier.notify(stored.id)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._notifier.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _opened(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise DBError("use of a closed journal", ValueError("open it again"))
            yield

    @staticmethod
    def _check(stored: _History | None, after: Head) -> None:
        head = stored.head if stored is not None else NO_HEAD
        if head.vid != after.vid or (head.vid and head.token != after.token):
            raise VersionConflictError(head.vid, after.vid)
