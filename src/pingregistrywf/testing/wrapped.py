"""A journal that passes everything on to another one: the base of journals that do one thing else.

A subclass redefines what it does otherwise, and reaches the other journal as ``wrapped``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal import (
    ChartIdentity,
    Collected,
    Entry,
    Feed,
    Head,
    Journal,
    Position,
    Reading,
    Retention,
    Scanned,
    Stored,
    Subscription,
)


class WrappedJournal:
    """A journal that stands for another one; the protocol says what each method promises.

    Args:
        wrapped: the other journal.  Closing this one closes it.
    """

    def __init__(self, wrapped: Journal) -> None:
        self.wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        """What a backend has beyond the protocol."""
        return getattr(self.wrapped, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.wrapped.close()

    @property
    def url(self) -> str:
        return self.wrapped.url

    @property
    def clock(self) -> Clock:
        return self.wrapped.clock

    @property
    def id(self) -> UUID:
        return self.wrapped.id

    @property
    def retention(self) -> Retention:
        return self.wrapped.retention

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        return self.wrapped.read(history, after, whole=whole)

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        return self.wrapped.commit(history, after, entries, chart=chart, restart=restart)

    def exclusive(self, history: UUID) -> AbstractContextManager[object]:
        return self.wrapped.exclusive(history)

    def delete(self, history: UUID, after: Head) -> None:
        self.wrapped.delete(history, after)

    def subscribe(self, history: UUID | None = None) -> Subscription:
        return self.wrapped.subscribe(history)

    def histories(self) -> Iterator[Stored]:
        return self.wrapped.histories()

    def scan(self, history: UUID | None = None) -> Iterator[Scanned]:
        return self.wrapped.scan(history)

    def collect(self, now: float | None = None) -> Collected:
        return self.wrapped.collect(now)

    def trim(self, history: UUID, now: float | None = None) -> bool:
        return self.wrapped.trim(history, now)

    def backup(self, path: Path) -> str:
        return self.wrapped.backup(path)

    def adopt(
        self, stored: Stored, entries: Sequence[Entry], charts: Sequence[ChartIdentity]
    ) -> None:
        self.wrapped.adopt(stored, entries, charts)

    def feed(self, after: Position | None = None) -> Feed:
        return self.wrapped.feed(after)
