"""Asynchronous facades behind the blocking interface, so that tests of the one test the other.

An event loop runs in a thread of its own.  Each call from a test is a coroutine there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from inspect import iscoroutine
from typing import Any, Self, TypeVar

from pingregistrywf import Journal
from pingregistrywf.aio import AsyncEventStream, AsyncFeed, AsyncJournal

T = TypeVar("T")


class Loop:
    """An event loop in a thread, and one ``AsyncJournal`` for each journal."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._journals: dict[int, AsyncJournal] = {}
        self._thread.start()

    def run(self, awaited: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop."""
        return asyncio.run_coroutine_threadsafe(awaited, self._loop).result(60)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in the loop."""

        async def called() -> T:
            return function()

        return self.run(called())

    def bridged(self, kind: Callable[..., Any]) -> Callable[..., Any]:
        """Return what makes facades of a kind with the blocking interface."""

        def made(journal: Journal, **options: Any) -> Bridged:
            on = self._journals.get(id(journal))
            if on is None:
                on = self._journals[id(journal)] = AsyncJournal(journal)
            return Bridged(self, kind(on, **options))

        return made

    def close(self) -> None:
        """Close the journals, and end the thread."""
        for journal in self._journals.values():
            self.run(journal.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Bridged:
    """An asynchronous facade with the blocking interface."""

    def __init__(self, loop: Loop, facade: Any) -> None:
        self._loop = loop
        self._facade = facade

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._facade, name)
        if not callable(found):
            return found

        def call(*args: Any, **options: Any) -> Any:
            result = self._loop.call(lambda: found(*args, **options))
            if isinstance(result, AsyncEventStream):
                return BridgedStream(self._loop, result)
            if isinstance(result, AsyncFeed):
                return BridgedFeed(self._loop, result)
            if hasattr(result, "_blocking"):
                return Bridged(self._loop, result)
            return self._loop.run(result) if iscoroutine(result) else result

        return call


class _Iterated:
    """An asynchronous stream or feed with the blocking interface."""

    def __init__(self, loop: Loop, stream: Any) -> None:
        self._loop = loop
        self._stream = stream

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._loop.run(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        self._loop.call(self._stream.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BridgedStream(_Iterated):
    @property
    def restarted(self) -> Any:
        return self._stream.restarted


class BridgedFeed(_Iterated):
    @property
    def position(self) -> Any:
        return self._stream.position

    def read(self, *limit: int) -> Any:
        return self._loop.run(self._stream.read(*limit))

    def wait(self, timeout: float | None = None) -> Any:
        return self._loop.run(self._stream.wait(timeout))


class BridgedJournal:
    """A journal whose feed is that of an ``AsyncJournal``."""

    def __init__(self, loop: Loop, journal: Journal) -> None:
        self._bridged = loop.bridged(lambda on: on)(journal)
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bridged if name == "feed" else self._journal, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()
