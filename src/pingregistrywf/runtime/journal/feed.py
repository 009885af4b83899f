"""A feed for backends that can read changes and have subscriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from pingregistrywf.runtime.errors import JournalClosedError
from pingregistrywf.runtime.journal.changes import Change, Position
from pingregistrywf.runtime.journal.protocol import Closable, Subscription

READ_AT_ONCE: Final = 1000
"""How many changes a feed reads at once unless told otherwise."""

ReadChanges: TypeAlias = Callable[[Position | None, int], tuple[tuple[Change, ...], Position]]
"""Reads the changes after a position, at most so many, as they are at one moment.

It returns the position after them, too, and no change only if there is none at that moment.  It
raises a ``FeedPositionGoneError`` where it cannot go on from the position.
"""


class SubscribedFeed(Closable):
    """A ``protocol.Feed``.

    Args:
        subscription: to all histories; it is closed with the feed.
        read: reads changes.
        after: where to begin; None at the beginning.
    """

    def __init__(
        self, subscription: Subscription, read: ReadChanges, after: Position | None
    ) -> None:
        self.position = after
        self._subscription: Final = subscription
        self._read: Final = read
        self._closed = False

    def read(self, limit: int = READ_AT_ONCE) -> tuple[Change, ...]:
        if limit < 1:
            raise ValueError(f"the limit must be at least 1, and not {limit}")
        changes, self.position = self._read(self.position, limit)
        return changes

    def wait(self, timeout: float | None = None) -> bool:
        return self._subscription.wait(timeout)

    def __iter__(self) -> Iterator[Change]:
        while not self._closed:
            try:
                changes, end = self._read(self.position, READ_AT_ONCE)
            except JournalClosedError:
                return
            for change in changes:
                if self._closed:
                    return
                self.position = change.position
                yield change
            self.position = end
            if not changes and not self.wait():
                return

    def close(self) -> None:
        self._closed = True
        self._subscription.close()
