"""A journal whose subscriptions to all histories fail when a test says so."""

from __future__ import annotations

import threading
from typing import Self
from uuid import UUID

from pingregistrywf import Journal
from pingregistrywf.runtime.journal.protocol import Subscription
from pingregistrywf.testing.wrapped import WrappedJournal


class Breaking(WrappedJournal):
    """A journal whose subscriptions to all histories tell no change, and fail after ``fail``.

    Attributes:
        refusal: what ``subscribe`` raises, if it is set.
        waits: is set once a thread waits for a change.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self._failed = threading.Event()
        self._error: Exception | None = None
        self.refusal: Exception | None = None
        self.waits = threading.Event()

    def fail(self, error: Exception) -> None:
        """Let the wait for a change end with an error."""
        self._error = error
        self._failed.set()

    def subscribe(self, history: UUID | None = None) -> Subscription:
        if history is not None:
            return super().subscribe(history)
        if self.refusal is not None:
            raise self.refusal
        return _Subscription(self)

    def wait(self, timeout: float | None) -> bool:
        """Wait until the subscriptions fail; false after so many seconds."""
        self.waits.set()
        self._failed.wait(timeout)
        if self._error is not None:
            raise self._error
        return False

    def close(self) -> None:
        self.end()
        super().close()

    def end(self) -> None:
        """Let those that wait go on."""
        self._failed.set()


class _Subscription:
    """A subscription to all histories of a journal that breaks."""

    def __init__(self, journal: Breaking) -> None:
        self._journal = journal
        self.histories: frozenset[UUID] | None = None
        self.closed = False

    def wait(self, timeout: float | None = None) -> bool:
        return self._journal.wait(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._journal.end()
