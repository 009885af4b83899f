"""Fairness among processes that append to one history.

Whoever reads before it appends needs two round trips, and loses every race to a process that
appends one event after another, each in one.  So a loser tells the others, in a message that no
stream stores.  While a history is known to have losers, each process pauses before it reads or
appends there, for a random time that grows with their number, and shrinks with each race that it
lost itself: so each of them finds the history idle at times.  Nothing rests on it: messages may be
lost, and users may lack the permission to subscribe.
"""

from __future__ import annotations

import random
import secrets
import time
from contextlib import suppress
from typing import Final
from uuid import UUID

from nats.aio.msg import Msg
from nats.errors import Error

from pingregistrywf.runtime.journal.nats.connection import Connection
from pingregistrywf.runtime.journal.nats.failures import ApiError, DeniedError, NoAnswerError
from pingregistrywf.runtime.journal.nats.record import history_of

_REMEMBERED: Final = 3.0
"""Seconds for which a lost race counts."""
_SPREAD: Final = 3.0
"""The longest pause, in times that the commits of all rivals take: they meet seldom then."""
_USUAL: Final = 0.005
_SLOWEST: Final = 0.04
"""Seconds that a commit takes, at first and at most: an election of a leader does not count."""
_LONGEST: Final = 1.0
"""Seconds that a process pauses, at most."""


class Rivals:
    """Who lost races of late, at which history of a journal.

    Args:
        connection: the journal's.
        name: the name of its first data stream.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._subjects = f"{name}.races"
        self._took = _USUAL
        self._forget()
        connection.on_fork(self._forget)

    def _forget(self) -> None:
        self._own = secrets.token_bytes(8)
        self._listens = False
        # For each history, when each rival lost; the history of the newest loss last.
        self._lost: dict[UUID, dict[bytes, float]] = {}
        # How many races this process has lost since it won one, where it lost the last one.
        self._losses: dict[UUID, int] = {}

    def pause(self, history: UUID) -> float:
        """Return how long to wait before a history is read or appended to, in seconds."""
        if not self._listens:
            self._listens = True
            self._connection.soon(lambda: self._connection.begin(self._listen()))
        lost = self._lost.get(history)
        if lost is None:
            return 0.0
        since = time.monotonic() - _REMEMBERED
        rivals = {rival for rival, at in tuple(lost.items()) if at > since}
        if not rivals:
            return 0.0
        longest = min(_SPREAD * len(rivals | {self._own}) * self._took, _LONGEST)
        return random.random() * longest / (1 + self._losses.get(history, 0))  # noqa: S311 (a pause)

    def won(self, history: UUID, took: float) -> None:
        """Note that a commit succeeded, and how many seconds it took; on the loop."""
        self._losses.pop(history, None)
        self._took += (min(took, _SLOWEST) - self._took) / 8

    async def lose(self, history: UUID) -> None:
        """Tell all rivals, this one included, that a race is lost; on the loop."""
        self._losses[history] = self._losses.pop(history, 0) + 1
        with suppress(NoAnswerError):
            await self._connection.tell(f"{self._subjects}.{history.hex}", self._own)

    async def _listen(self) -> None:
        with suppress(ApiError, NoAnswerError, DeniedError, Error, OSError):
            await self._connection.listen(self._hear, f"{self._subjects}.*")

    async def _hear(self, message: Msg) -> None:
        now = time.monotonic()
        with suppress(ValueError):  # a message of somebody else
            history = history_of(message.subject)
            self._lost[history] = {**self._lost.pop(history, {}), message.data[:8]: now}
        for each in list(self._lost):
            if max(self._lost[each].values()) > now - _REMEMBERED:
                break
            del self._lost[each]
            self._losses.pop(each, None)
