"""Wake-ups inside one process: who waits for which history.

A ``Notifier`` is level-triggered: a change told between two waits is found by the second, so a
reader that reads after every True never misses one.  How a backend learns of other processes'
changes is its own business; it tells them here.
"""

from __future__ import annotations

import threading
from uuid import UUID

from pingregistrywf.runtime.journal.protocol import Closable


class Notifier:
    """The subscriptions of one journal in this process."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._subscriptions: set[NotifierSubscription] = set()

    def subscribe(self, history: UUID | None) -> NotifierSubscription:
        """A new subscription; changes count from now on."""
        subscription = NotifierSubscription(self, history)
        with self._condition:
            self._subscriptions.add(subscription)
        return subscription

    def notify(self, *histories: UUID) -> None:
        """Tell a change: to these histories, to others that nobody waits for by name, or both."""
        with self._condition:
            for subscription in self._subscriptions:
                if subscription.history is None or subscription.history in histories:
                    subscription.changed = True
            self._condition.notify_all()

    def notify_everyone(self) -> None:
        """Wake all who wait: it is not known whether anything changed, or what."""
        with self._condition:
            for subscription in self._subscriptions:
                subscription.changed = True
            self._condition.notify_all()

    def forget(self) -> None:
        """In a forked child: end the subscriptions, whatever the parent's threads were doing."""
        self._condition = threading.Condition()
        self.close()

    def close(self) -> None:
        """End every subscription; those who wait wake."""
        with self._condition:
            for subscription in self._subscriptions:
                subscription.closed = True
            self._subscriptions.clear()
            self._condition.notify_all()

    @property
    def watched(self) -> frozenset[UUID | None]:
        """What is subscribed to now."""
        with self._condition:
            return frozenset(each.history for each in self._subscriptions)

    def wait(self, subscription: NotifierSubscription, timeout: float | None) -> bool:
        """``Subscription.wait``."""
        with self._condition:
            self._condition.wait_for(lambda: subscription.changed or subscription.closed, timeout)
            if subscription.closed:
                return False
            changed, subscription.changed = subscription.changed, False
            return changed

    def end(self, subscription: NotifierSubscription) -> None:
        """``Subscription.close``."""
        with self._condition:
            subscription.closed = True
            self._subscriptions.discard(subscription)
            self._condition.notify_all()


class NotifierSubscription(Closable):
    """One waiting reader; satisfies ``protocol.Subscription``."""

    def __init__(self, notifier: Notifier, history: UUID | None) -> None:
        self._notifier = notifier
        self.history = history
        self.changed = False
        self.closed = False

    def wait(self, timeout: float | None = None) -> bool:
        return self._notifier.wait(self, timeout)

    def close(self) -> None:
        self._notifier.end(self)
