"""A journal on which races are lost when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from pingregistrywf import Journal
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Head, Reading


class Raced:
    """A journal on which somebody else is always quicker.

    Before each commit and delete, the next of ``others`` is done.  ``exclusive``, which is but a
    hint, is nothing.
    """

    def __init__(self, journal: Journal, others: Sequence[Callable[[], Any]] = ()) -> None:
        self.journal = journal
        self.others = list(others)
        self.reads = 0
        self.committed = 0
        self.watch: Callable[[Reading], None] = lambda reading: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.journal, name)

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        self.reads += 1
        reading = self.journal.read(history, after, whole=whole)
        self.watch(reading)
        return reading

    def exclusive(self, history: UUID) -> AbstractContextManager[None]:
        return nullcontext()

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        if self.others:
            self.others.pop(0)()
        self.committed += len(entries)
        return self.journal.commit(history, after, entries, chart=chart, restart=restart)

    def delete(self, history: UUID, after: Head) -> None:
        if self.others:
            self.others.pop(0)()
        self.journal.delete(history, after)
