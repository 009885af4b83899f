"""Wake-ups inside one process: who waits for which history.

A subscription is level-triggered: a change made between two waits is found by the second, so that a
reader who reads after every True never misses one.  How a backend learns of other processes'
changes is its own business; it reports them here.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.journal.protocol import Closable

MOST_NAMED: Final = 1000
"""How many histories a subscription names; where more have changed, it names none."""


class Notifier:
    """The subscriptions of one journal in this process."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.subscriptions: set[NotifierSubscription] = set()

    def subscribe(self, history: UUID | None) -> NotifierSubscription:
        """Make a subscription, which changes wake from now on."""
        subscription = NotifierSubscription(self, history)
        with self.condition:
            self.subscriptions.add(subscription)
        return subscription

    def notify(self, *histories: UUID, everyone: bool = False) -> None:
        """Report a change.  Whoever watches any history is always woken.

        Args:
            histories: those that are known to have changed; others may have changed as well.
            everyone: wake all who wait, because nobody knows what changed.
        """
        if not self.subscriptions:
            return
        with self.condition:
            for each in self.subscriptions:
                each.note(histories, everyone=everyone)
            self.condition.notify_all()

    def forget(self) -> None:
        """In a forked child: end the subscriptions, whatever the parent's threads were doing."""
        self.condition = threading.Condition()
        self.close()

    def close(self) -> None:
        """End every subscription; those who wait wake."""
        with self.condition:
            self.subscriptions.clear()
            self.condition.notify_all()

    @property
    def watched(self) -> frozenset[UUID | None]:
        """What is subscribed to now."""
        with self.condition:
            return frozenset(each.history for each in self.subscriptions)


class NotifierSubscription(Closable):
    """One waiting reader, for as long as the notifier knows it; a ``protocol.Subscription``."""

    def __init__(self, notifier: Notifier, history: UUID | None) -> None:
        self._notifier = notifier
        self.history = history
        self.changed = False
        self.histories: frozenset[UUID] | None = frozenset()
        self._named: set[UUID] | None = set()

    def note(self, histories: Collection[UUID], *, everyone: bool) -> None:
        """Take note of a change, inside the notifier's condition; see ``Notifier.notify``."""
        if self.history is not None and not everyone:
            histories = {self.history}.intersection(histories)
            if not histories:
                return
        self.changed = True
        if everyone or self._named is None or len(self._named) + len(histories) > MOST_NAMED:
            self._named = None
        else:
            self._named.update(histories)

    @property
    def closed(self) -> bool:
        return self not in self._notifier.subscriptions

    def wait(self, timeout: float | None = None) -> bool:
        condition = self._notifier.condition
        with condition:
            condition.wait_for(lambda: self.changed or self.closed, timeout)
            changed, self.changed = self.changed and not self.closed, False
            if changed:
                self.histories = None if self._named is None else frozenset(self._named)
                self._named = set()
            return changed

    def close(self) -> None:
        with self._notifier.condition:
            self._notifier.subscriptions.discard(self)
            self._notifier.condition.notify_all()
