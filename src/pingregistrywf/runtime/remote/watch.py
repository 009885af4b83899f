"""Noticing changes of the journal behind a service, while anybody waits for one.

One stream serves all subscriptions.  It begins with the first one.  Whenever it begins, or begins
again after the service was gone, everybody is woken: what changed before is not known.
"""

from __future__ import annotations

import threading
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.errors import JournalClosedError
from pingregistrywf.runtime.journal.notify import Notifier, NotifierSubscription
from pingregistrywf.runtime.remote.connection import Connection

_PAUSE: Final = 0.2
"""Seconds before a stream that ended is begun again."""


class Watch:
    """The subscriptions of one journal in this process."""

    def __init__(self, connection: Connection) -> None:
        self._notifier: Final = Notifier()
        self._connection: Final = connection
        self._subscribing: Final = threading.Lock()
        self._thread: threading.Thread | None = None

    def subscribe(self, history: UUID | None) -> NotifierSubscription:
        """Begin to watch; a change that is made before the stream has begun wakes, too.

        Raises:
            JournalClosedError: the connection is closed: nothing would end the subscription.
        """
        with self._subscribing:
            if self._connection.closed:
                raise JournalClosedError
            subscription = self._notifier.subscribe(history)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="service watch", daemon=True)
                self._thread.start()
        return subscription

    def close(self) -> None:
        """End every subscription; those who wait wake.  The connection must be closed before."""
        with self._subscribing:
            self._notifier.close()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        connection = self._connection
        while not connection.closed:
            try:
                with connection.stream("Watch", connection.messages["WatchRequest"]()) as replies:
                    for each in replies:
                        histories = [UUID(bytes=history) for history in each.histories]
                        self._notifier.notify(*histories, everyone=each.any)
            except ValueError:  # the channel was closed meanwhile
                return
            connection.pause(_PAUSE)
