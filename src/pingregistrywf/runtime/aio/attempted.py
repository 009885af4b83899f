"""Which events a cancelled command may have appended.

A cancelled task gets a bare ``CancelledError``, although a thread may be running its command.  So
the ids of events are noted where they are drawn, for the block of code that asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextvars import ContextVar, Token
from typing import Any, Final, Self

from pingregistrywf.runtime.aio.workers import all_over
from pingregistrywf.runtime.ids import IdSource, Ulid

_NOTING: Final[ContextVar[Attempted | None]] = ContextVar("noting", default=None)


class Attempted:
    """The ids of the events that commands may have appended, as far as they ran in its block.

    After a command that was cancelled, ``happened`` takes it in the place of ids, waits until the
    command is over, and tells whether it took effect::

        attempted = Attempted()
        try:
            with attempted:
                async with asyncio.timeout(1):
                    await workflows.append_ping(id, NO_VC, 0, "well")
        except TimeoutError:
            took_effect = await workflows.happened(id, attempted)
    """

    def __init__(self) -> None:
        self._ids: list[Ulid] = []
        self._calls: list[Future[Any]] = []
        self._before: list[Token[Attempted | None]] = []

    def __enter__(self) -> Self:
        self._before.append(_NOTING.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        _NOTING.reset(self._before.pop())

    def __iter__(self) -> Iterator[Ulid]:
        return iter(tuple(self._ids))

    async def settled(self) -> bool:
        """Wait until the commands are over; return whether any of them drew an event."""
        await all_over(self._calls)
        return bool(self._ids)


def note_call(call: Future[Any]) -> None:
    """Note a command that was given to a thread, if the block that runs asked for it."""
    noting = _NOTING.get()
    if noting is not None:
        noting._calls.append(call)


class NotedIds:
    """An ``IdSource`` that notes the ids that it gives, in the context of the command."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def next(self, after: Ulid) -> Ulid:
        """Return the next id, as the source that is noted does."""
        drawn = self._ids.next(after)
        noting = _NOTING.get()
        if noting is not None:
            noting._ids.append(drawn)
        return drawn
