"""The requests of the adapter protocol that ask for a daemon once, at a time that they name.

A request sets the clock for all that it reads and writes.  The clock stays there until the
system's has come so far, so that what is written later is not older (documentation: Adapter
protocol 1, "Daemons").
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from pingregistrywf._generated.ping_registry_operations import DAEMONS
from pingregistrywf.coordination.daemon import Gatherer, Server
from pingregistrywf.coordination.registry import OPEN, PingRegistry
from pingregistrywf.runtime.errors import InvalidCommandError, UninitializedError
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.service.requests import Reply, Request, read_uuid

LATEST: Final = (1 << 48) - 1
"""The last millisecond that a ULID can say."""


class SettableClock:
    """The system's clock, unless a request sets another time.  Seconds since the Unix epoch."""

    def __init__(self, system: Clock = time.time) -> None:
        self._system = system
        self._latest = 0
        self._set: float | None = None
        self._lock = threading.Lock()

    def __call__(self) -> float:
        if (now := self._set) is not None:
            return now
        return max(self._system(), self._latest / 1000)

    @contextmanager
    def at(self, milliseconds: int) -> Iterator[float]:
        """Stand still at a time.

        Raises:
            InvalidCommandError: an earlier request named a later time.
        """
        with self._lock:
            if milliseconds < self._latest:
                raise InvalidCommandError("now is earlier than that of an earlier request")
            self._latest = milliseconds
            self._set = milliseconds / 1000
            try:
                yield self._set
            finally:
                self._set = None


class DaemonRequests:
    """Answers requests for a ping, a gather and a collect.

    Args:
        journal: where the events rest; its clock is that clock.
        clock: the clock that requests set.
    """

    def __init__(self, journal: Journal, clock: SettableClock) -> None:
        self._journal = journal
        self._clock = clock
        self._registries: dict[tuple[str, str], PingRegistry] = {}
        self._daemons: Mapping[str, Callable[[PingRegistry, Request, float], Reply]] = {
            "ping": self._ping,
            "gather": self._gather,
            "collect": self._collect,
        }

    def answer(self, request: Request) -> Reply:
        """Return the result of a request.

        Raises:
            InvalidCommandError: it is malformed, or its time is past.
            WorkflowError: what the daemon met.
        """
        name = request.get("daemon")
        daemon = self._daemons.get(name) if isinstance(name, str) else None
        if daemon is None:
            raise InvalidCommandError(f"there is no daemon {name!r}: {', '.join(self._daemons)}")
        registry = self._registry(request)
        with self._clock.at(_number(request, "now", 0, LATEST)) as now:
            return daemon(registry, request, now)

    def _registry(self, request: Request) -> PingRegistry:
        """The registry of a request, as one instance of several sees it."""
        key = (str(request.get("registry")), str(request.get("server")))
        if key not in self._registries:
            self._registries[key] = PingRegistry(self._journal, request.get("registry", ""))
        return self._registries[key]

    def _ping(self, registry: PingRegistry, request: Request, _now: float) -> Reply:
        workflow_id = read_uuid("workflow", request.get("workflow"))
        count = _number(request, "count", 1, LATEST)
        server = Server(registry, _text(request, "name"), pings=count)
        before = {each.message for each in _pings(registry, workflow_id)}
        next(server.take_part(workflow_id), None)
        after = [each.message for each in _pings(registry, workflow_id)]
        posted = (DAEMONS.posting.posted_as(each) for each in after if each not in before)
        return {"posted": sum(number for _, number in filter(None, posted))}

    def _gather(self, registry: PingRegistry, request: Request, now: float) -> Reply:
        workflow_id = read_uuid("workflow", request.get("workflow"))
        duration = _number(request, "duration", 0, LATEST)
        gatherer = Gatherer(registry, _text(request, "name"))
        if registry.workflows.find_id(workflow_id).state_code not in OPEN:
            return {"waiting": False}
        began = registry.workflows.engine.checkpoint(workflow_id).origin.milliseconds
        if round(now * 1000) < began + duration:
            return {"waiting": True} | self._ping(registry, request, now)
        while not gatherer.post_summary(workflow_id):
            pass  # a ping came in between, and must be counted
        return {"waiting": False}

    def _collect(self, registry: PingRegistry, _request: Request, now: float) -> Reply:
        done = [each for each in registry.collector().run(now) if each.error is None]
        return {
            age.told: sorted(str(each.workflow) for each in done if each.name == name)
            for name, age in DAEMONS.ages.items()
        }


def _pings(registry: PingRegistry, workflow_id: Any) -> Any:
    try:
        return registry.workflows.find_id(workflow_id).pings
    except UninitializedError:
        return ()


def _number(request: Request, name: str, least: int, most: int) -> int:
    number = request.get(name)
    if type(number) is not int or not least <= number <= most:
        raise InvalidCommandError(f"{name} is a whole number, {least} at least")
    return number


def _text(request: Request, name: str) -> str:
    text = request.get(name)
    if not isinstance(text, str) or not text:
        raise InvalidCommandError(f"{name} is a text, and not empty")
    return text
