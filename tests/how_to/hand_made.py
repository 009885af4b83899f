"""The web service as one would write it by hand on the blocking facade: what it is compared with.

One thread subscribes to all histories and wakes the event loop.  Each reader then reads on from
the last head that it has seen.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict, deque
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import UUID

import service  # type: ignore[import-not-found]

from pingregistrywf import AnyCommand, AnyEvent, Journal, State, Ulid, Vid, Workflows, open_journal
from pingregistrywf.runtime.engine import Checkpoint


class HandMade:
    """What the page's service needs of ``AsyncWorkflows``."""

    def __init__(self, journal: Journal) -> None:
        self.workflows = Workflows(journal)
        self.waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._subscription = journal.subscribe()
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._watch, args=(loop,))
        self._thread.start()

    async def tell(self, id: UUID, vid: Vid, command: AnyCommand) -> Ulid:
        return await asyncio.to_thread(self.workflows.tell, id, vid, command)

    async def find_id(self, id: UUID) -> State:
        return await asyncio.to_thread(self.workflows.find_id, id)

    def follow(self, id: UUID, *, after: Ulid | None = None) -> Stream:
        return Stream(self, id, after)

    def close(self) -> None:
        self._subscription.close()
        self._thread.join()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._subscription.wait():
            loop.call_soon_threadsafe(self._wake, self._subscription.histories)
        loop.call_soon_threadsafe(self._wake, None)

    def _wake(self, histories: frozenset[UUID] | None) -> None:
        for history in self.waiting if histories is None else histories & self.waiting.keys():
            for changed in self.waiting[history]:
                changed.set()

    @property
    def closed(self) -> bool:
        return self._subscription.closed


class Stream:
    """The events of a workflow as they come."""

    def __init__(self, on: HandMade, id: UUID, after: Ulid | None) -> None:
        self._on = on
        self._id = id
        self._after = after
        self._last: Checkpoint[State] | None = None
        self._events: deque[AnyEvent] = deque()
        self._changed = asyncio.Event()
        self._changed.set()

    async def __anext__(self) -> AnyEvent:
        while not self._events:
            await self._changed.wait()
            if self._on.closed:
                raise StopAsyncIteration
            self._changed.clear()
            read_on = self._on.workflows.engine.read_on
            changes = await asyncio.to_thread(read_on, self._id, self._last, whole=True)
            self._last = changes.checkpoint
            new = (each for each in changes.events if not self._after or each.id > self._after)
            self._events.extend(new)
        return self._events.popleft()

    async def __aenter__(self) -> Self:
        self._on.waiting[self._id].add(self._changed)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._on.waiting[self._id].discard(self._changed)


class Ending:
    """What the page's server needs of ``AsyncJournal``."""

    def __init__(self, on: HandMade) -> None:
        self._on = on

    async def end_streams(self) -> None:
        self._on.close()


def use_hand_made() -> None:
    """Let the page's service run on this instead of ``pingregistrywf.aio``."""

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        with open_journal(service.os.environ["JOURNAL"]) as journal:
            made = HandMade(journal)
            app.state.journal, app.state.workflows = Ending(made), made
            yield

    service.app.router.lifespan_context = lifespan
