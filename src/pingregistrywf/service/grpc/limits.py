"""What one client may use of a server, so that the others can go on.

A client is a caller's name, or, on a server without roles, the address that it connects from.  A
call over a limit is refused with RESOURCE_EXHAUSTED before anything is done (documentation: Serve
registries to other machines).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Final

from pingregistrywf.service.grpc.refusal import CallRefusedError

_MANY_CLIENTS: Final = 10_000
"""Above so many clients, those that use nothing are forgotten."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server.

    Attributes:
        message: the largest message that is taken, in bytes.
        calls: how many calls of a client may be under way, streams left out.
        streams: how many streams a client may have open.
        rate: how many calls a client may make each second, on the whole.
        burst: how many of them may come at once after a rest.
        waits: how many calls of all clients may wait for a state.
        seconds: the longest that a call may take, streams left out.
        read: how many seconds a client may take to read a message of a stream.
    """

    message: float = 4 * 1024 * 1024
    calls: float = 1000
    streams: float = 100
    rate: float = 5000
    burst: float = 10_000
    waits: float = 1000
    seconds: float = 900
    read: float = 30


LIMITS: Final = tuple(each.name for each in fields(Limits))
"""The names of the limits."""


class Room:
    """Room for so many at the same time.

    Args:
        most: how many.
        what: what they are, for whoever is refused.
    """

    def __init__(self, most: float, what: str) -> None:
        self._most: Final = most
        self._what: Final = what
        self.used = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Take room.

        Raises:
            CallRefusedError: there is none.
        """
        if self.used >= self._most:
            raise over_limit(f"{self._most:g} {self._what} already: try again later")
        self.used += 1
        try:
            yield
        finally:
            self.used -= 1


class Admission:
    """Lets calls of clients in.  Only the event loop's thread calls it.

    Args:
        limits: the limits.
        clock: gives seconds that only grow.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits: Final = limits
        self._clock: Final = clock
        self._clients: Final[dict[str, _Client]] = {}

    @contextmanager
    def admitted(self, client: str, *, streams: bool) -> Iterator[None]:
        """Let a call of a client in, and count it until it is over.

        Raises:
            CallRefusedError: the client is over a limit.
        """
        now = self._clock()
        found = self._clients.get(client)
        if found is None:
            self._forget(now)
            found = self._clients[client] = _Client(self._limits, now)
        found.bucket.take(now)
        with (found.streams if streams else found.calls).entered():
            yield

    def _forget(self, now: float) -> None:
        """Forget the clients that use nothing, if there are many."""
        if len(self._clients) >= _MANY_CLIENTS:
            idle = [name for name, each in self._clients.items() if each.is_idle(now)]
            for name in idle:
                del self._clients[name]


class _Bucket:
    """A token bucket: each call takes one, and they come back at a rate."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate: Final = rate
        self._burst: Final = burst
        self._left = burst
        self._at = now

    def take(self, now: float) -> None:
        self._refill(now)
        if self._left < 1:
            raise over_limit(f"a client may make {self._rate:g} calls a second: try again later")
        self._left -= 1

    def is_full(self, now: float) -> bool:
        self._refill(now)
        return self._left >= self._burst

    def _refill(self, now: float) -> None:
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now


class _Client:
    """What a client uses."""

    def __init__(self, limits: Limits, now: float) -> None:
        self.bucket: Final = _Bucket(limits.rate, limits.burst, now)
        self.calls: Final = Room(limits.calls, "calls of this client are under way")
        self.streams: Final = Room(limits.streams, "streams of this client are open")

    def is_idle(self, now: float) -> bool:
        return not (self.calls.used or self.streams.used) and self.bucket.is_full(now)


def over_limit(text: str) -> CallRefusedError:
    """Return the refusal of a call that is over a limit."""
    return CallRefusedError("RESOURCE_EXHAUSTED", "OverLimit", text)
