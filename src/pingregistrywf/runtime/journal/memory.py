"""A journal in memory: the protocol at its simplest, for tests, tries and conformance runs.

Nothing outlives the process, and a forked child has a copy of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.errors import DBError, HistoryExistsError, JournalOpenError
from pingregistrywf.runtime.ids import EPOCH, Clock, Ulid
from pingregistrywf.runtime.journal.backup_file import write_backup
from pingregistrywf.runtime.journal.compare import check_commit, check_delete
from pingregistrywf.runtime.journal.history import NO_HEAD, Entry, Head, Reading
from pingregistrywf.runtime.journal.inspection import Scanned, Stored, Trim
from pingregistrywf.runtime.journal.notify import Notifier, NotifierSubscription
from pingregistrywf.runtime.journal.protocol import Closable
from pingregistrywf.runtime.journal.retention import Collected, Retention, garbage, trim_is_due

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
    """One history; its identity tells it from a later one of the same id.

    Attributes:
        base: what it says of itself, but for its newest entry's id and its end.
        vid: the id of the newest entry.
        entries: those that are stored.
    """

    base: Stored
    vid: Ulid
    entries: list[Entry]

    @property
    def end(self) -> int:
        return self.base.first + len(self.entries)

    @property
    def head(self) -> Head:
        return NO_HEAD if self.base.deleted_at is not None else Head(self.vid, (self, self.end))

    @property
    def stored(self) -> Stored:
        return replace(self.base, vid=self.vid, end=self.end)

    def described(self) -> Stored:
        return replace(self.stored, size=sum(len(entry.data) for entry in self.entries))

    def since(self, serial: int) -> tuple[Entry, ...]:
        return tuple(self.entries[serial - self.base.first :])


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
            found = self._histories.get(history)
            if found is None or found.base.deleted_at is not None:
                return Reading((), NO_HEAD, continues=after is not None and not after.vid)
            match after and after.token:
                case (_History() as known, int(serial)) if (
                    known is found and serial >= found.base.start
                ):
                    return Reading(found.since(serial), found.head, continues=True)
            first = found.base.start if whole else found.base.restart
            return Reading(found.since(first), found.head, rooted=first == 0)

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
            found = self._histories.get(history)
            head = NO_HEAD if found is None else found.head
            deleted = found is not None and found.base.deleted_at is not None
            check_commit(history, head, after, entries, deleted=deleted)
            if found is None:
                begun = Stored(history, chart, EPOCH, 0, 0, 0, 0)
                found = self._histories[history] = _History(begun, EPOCH, [])
            if restart:
                found.base = replace(found.base, restart=found.end)
            found.entries.extend(entries)
            found.vid = entries[-1].id
            head = found.head
        self._notifier.notify(history)
        return head

    @contextmanager
    def exclusive(self, history: UUID) -> Iterator[None]:  # noqa: ARG002 (one lock for all)
        with self._lock:
            yield

    def delete(self, history: UUID, after: Head) -> None:
        with self._opened():
            found = self._histories.get(history)
            if found is None or not check_delete(found.head, after):
                return
            found.base = replace(found.base, deleted_at=self._clock())
        self._notifier.notify(history)

    def subscribe(self, history: UUID | None = None) -> NotifierSubscription:
        with self._opened():
            return self._notifier.subscribe(history)

    def collect(self, now: float | None = None) -> Collected:
        removed, freed = 0, []
        with self._opened():
            moment = self._clock() if now is None else now
            for history, found in list(self._histories.items()):
                due, base = garbage(found.stored, self._retention, moment), found.base
                first = max(base.first, due.before)
                del found.entries[: first - base.first]
                found.base = replace(base, first=first, trims=base.trims[len(due.trims) :])
                removed += first - base.first
                if due.mark:
                    del self._histories[history]
                    freed.append(history)
        return Collected(removed, tuple(sorted(freed)))

    def trim(self, history: UUID, now: float | None = None) -> bool:
        with self._opened():
            found = self._histories.get(history)
            moment = self._clock() if now is None else now
            if found is None or not trim_is_due(found.base, self._retention, moment):
                return False
            start = found.base.restart
            trims = (*found.base.trims, Trim(moment, start))
            found.base = replace(found.base, start=start, trimmed_at=moment, trims=trims)
        self._notifier.notify(history)
        return True

    def histories(self) -> Iterator[Stored]:
        with self._opened():
            return iter([each.described() for each in self._histories.values()])

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        with self._opened():
            return iter(
                [
                    Scanned(each.described(), tuple(enumerate(each.entries, each.base.first)))
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
            self._histories[stored.id] = _History(stored, stored.vid, list(entries))
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
