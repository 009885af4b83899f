"""Noticing changes that other processes make, while anybody waits for one.

One consumer a data stream, of headers alone, serves all subscriptions of a journal.  It begins with
the first subscription, after what was stored then, and ends with the last one.  A consumer on a
server that was cut off shows signs of life, and no change.  So the stream's leader is asked now and
then whether there is more than the consumer has given.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.journal.nats.consumer import Consumer
from pingregistrywf.runtime.journal.nats.failures import ApiError, DeniedError, NoAnswerError
from pingregistrywf.runtime.journal.nats.record import history_of
from pingregistrywf.runtime.journal.nats.store import Store
from pingregistrywf.runtime.journal.notify import Notifier, NotifierSubscription

_LOOK: Final = 5.0
"""Seconds between two questions to the leader, and after one that failed."""


class Watch:
    """The subscriptions of one journal in this process."""

    def __init__(self, store: Store) -> None:
        self.notifier = Notifier()
        self._store = store
        self._lock: asyncio.Lock | None = None
        self._tasks: list[asyncio.Task[object]] = []
        store.connection.on_fork(self._forget)

    async def subscribe(self, history: UUID | None) -> NotifierSubscription:
        """Begin to watch; on the loop.

        Raises:
            ApiError, NoAnswerError, DeniedError: that is not possible.
        """
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            if not self._tasks:
                await self._begin()
            return _Watching(self, history)

    def _forget(self) -> None:
        self.notifier.forget()
        self._lock, self._tasks = None, []

    async def _begin(self) -> None:
        store, consumers = self._store, []
        for name in store.streams.names:
            last = await store.last_sequence(name)
            consumers.append(Consumer(store.connection, name, last, headers_only=True))
        for each in consumers:
            await each.started()
        works = [self._follow(each) for each in consumers]
        works += map(self._look_after, store.streams.names, consumers)
        self._tasks = [store.connection.begin(work) for work in works]

    async def _look_after(self, name: str, consumer: Consumer) -> None:
        seen = -1
        while True:
            await asyncio.sleep(_LOOK)
            with suppress(ApiError, NoAnswerError, DeniedError):
                late = await self._store.next_message(name, consumer.after) is not None
                if late and consumer.after == seen:
                    consumer.restart()
                seen = consumer.after

    async def _follow(self, consumer: Consumer) -> None:
        try:
            while True:
                try:
                    raw = await consumer.next()
                except (ApiError, NoAnswerError, DeniedError):
                    await asyncio.sleep(_LOOK)
                    continue
                if raw is not None:
                    with suppress(ValueError):  # a message that is none of the journal's
                        self.notifier.notify(history_of(raw.subject))
        finally:
            await consumer.stop()

    def rest(self) -> None:
        """End the consumers if nobody waits any more; on the loop."""
        if not self.notifier.subscriptions:
            for task in self._tasks:
                task.cancel()
            self._tasks = []


class _Watching(NotifierSubscription):
    """A subscription that lets the consumers end with the last one."""

    def __init__(self, watch: Watch, history: UUID | None) -> None:
        super().__init__(watch.notifier, history)
        self._watch = watch
        with watch.notifier.condition:
            watch.notifier.subscriptions.add(self)

    def close(self) -> None:
        super().close()
        self._watch._store.connection.soon(self._watch.rest)
