"""The one thread that waits for the changes of a journal, and wakes an event loop at each.

It begins with the first listener and ends with the journal, when it is closed, or with an error of
the backend, which ``check`` then raises to whoever waited for a change.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol
from uuid import UUID
from weakref import WeakSet

from pingregistrywf.runtime.errors import JournalClosedError, JournalError, JournalLevelError
from pingregistrywf.runtime.journal.protocol import Subscription, WorkflowJournal


class Listener(Protocol):
    """What is told of changes, in the event loop."""

    def changed(self, histories: frozenset[UUID] | None) -> None:
        """Some histories have changed; None if nobody knows which."""

    def ended(self) -> None:
        """No change will be told any more: see ``Watch.closed``."""


class Watch:
    """Watches a journal for one event loop.  A listener that nobody holds any more is forgotten."""

    def __init__(self, journal: WorkflowJournal) -> None:
        self.is_on = False
        """Whether changes are told; ``begin`` makes it so."""
        self.closed = False
        """Whether it has ended: no change will be told any more."""
        self._error: Exception | None = None
        self._journal: Final = journal
        self._listeners: WeakSet[Listener] = WeakSet()
        self._thread: threading.Thread | None = None
        self._begun: asyncio.Future[None] | None = None
        self._subscription: Subscription | None = None

    def add(self, listener: Listener) -> None:
        """Tell a listener of changes from the time when the watch is on."""
        self._listeners.add(listener)

    async def begin(self) -> None:
        """Wait until the watch is on: what is committed from then on is told.

        Raises:
            JournalError: the journal cannot be watched; the next call tries again.
            Exception: what else the backend raised: as the watch began, or see ``check``.
        """
        self.check()
        if self.is_on or self.closed:
            return
        if self._begun is None:
            loop = asyncio.get_running_loop()
            self._begun = loop.create_future()
            self._thread = threading.Thread(
                target=self._run, args=(loop,), name="journal watch", daemon=True
            )
            self._thread.start()
        await asyncio.shield(self._begun)

    def check(self) -> None:
        """Raise the error with which the watch ended, if it was one.

        Raises:
            JournalError: the backend raised an error of journals as it waited for a change.
            Exception: the backend raised that one.
        """
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """Tell no more changes, and end the thread."""
        if self._begun is not None and not self._begun.done():
            await asyncio.wait([self._begun])
        if not self.closed:
            self._end()
        if self._subscription is not None:
            self._subscription.close()
        if self._thread is not None:
            self._thread.join()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch, in the thread, as long as the loop is there to be told."""
        try:
            subscription = self._journal.subscribe()
        except Exception as error:  # the tasks that wait raise it
            _call(loop, self._fail, error)
            return
        try:
            with subscription:
                goes_on = _call(loop, self._start, subscription)
                while goes_on and subscription.wait():
                    goes_on = _call(loop, self._tell, subscription.histories)
        except Exception as error:  # the tasks that wait raise it
            _call(loop, self._break, error)
        else:
            _call(loop, self._end)

    def _start(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self.is_on = not self.closed
        self._settle().set_result(None)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, JournalClosedError):
            self._end()
            self._settle().set_result(None)
            return
        begun, self._begun = self._settle(), None
        begun.set_exception(_as_raised(error))
        begun.exception()  # whoever waits raises it; nobody may wait any more

    def _break(self, error: Exception) -> None:
        if not self.closed:
            self._error = _as_raised(error)
            self._end()

    def _settle(self) -> asyncio.Future[Any]:
        assert self._begun is not None  # noqa: S101 (the thread was started with it)
        return self._begun

    def _tell(self, histories: frozenset[UUID] | None) -> None:
        for listener in tuple(self._listeners):
            listener.changed(histories)

    def _end(self) -> None:
        self.is_on, self.closed = False, True
        for listener in tuple(self._listeners):
            listener.ended()


def _as_raised(error: Exception) -> Exception:
    return JournalError(error) if isinstance(error, JournalLevelError) else error


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *values: object) -> bool:
    """Call back in the event loop; return False if it is closed."""
    try:
        loop.call_soon_threadsafe(callback, *values)
    except RuntimeError:
        return False
    return True
