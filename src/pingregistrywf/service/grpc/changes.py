"""Which histories have changed, for a task that streams it."""

from __future__ import annotations

import asyncio
from uuid import UUID


class Changes:
    """The histories that have changed since somebody asked last."""

    def __init__(self) -> None:
        self._histories: set[UUID] = set()
        self._is_known = True
        self._event = asyncio.Event()

    async def next(self) -> tuple[set[UUID], bool]:
        """Wait for a change; return the histories, and whether those are all."""
        await self._event.wait()
        self._event.clear()
        changed, self._histories = (self._histories, self._is_known), set()
        self._is_known = True
        return changed

    def changed(self, histories: frozenset[UUID] | None) -> None:
        self._histories |= histories or frozenset()
        self._is_known = self._is_known and histories is not None
        self._event.set()

    def ended(self) -> None:
        self._event.set()
