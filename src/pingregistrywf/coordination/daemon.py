"""The daemons of a registry find workflows through the index and pace themselves.

A daemon takes part in a workflow step by step: ``take_part`` is an iterator that does one thing and
then yields the time at which it wants to go on.  ``serve`` runs many of these side by side in one
thread, woken by the journal; a test runs them in any order, on a clock of its own.  A daemon keeps
no state outside the journal: killed and started again, it goes on where the histories are.
"""

from __future__ import annotations

import heapq
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Final, TypeAlias
from uuid import UUID

from pingregistrywf._generated.ping_registry import Status
from pingregistrywf._generated.ping_registry_index import AnyEvent, PingRegistryStarted, State
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf._generated.ping_registry_operations import DAEMONS
from pingregistrywf.coordination import DURATION, GATHERER, INTERVAL, PINGS
from pingregistrywf.coordination.registry import OPEN, PingRegistry
from pingregistrywf.coordination.waiting import JumpingClock, Stop, wake_ups
from pingregistrywf.runtime.engine import Changes, Checkpoint
from pingregistrywf.runtime.errors import (
    StateConflictError,
    UninitializedError,
    VersionConflictError,
    WorkflowError,
)
from pingregistrywf.runtime.log import logged
from pingregistrywf.runtime.waiting import seconds_until

POSTING: Final = DAEMONS.posting
RETRY: Final = 5.0
"""How long after a failure a daemon tries a workflow again, in seconds."""
Agenda: TypeAlias = list[tuple[float, UUID, Iterator[float]]]
"""A heap: when each workflow goes on, and with what."""


@dataclass(eq=False)
class Daemon(ABC):
    """A daemon of a registry, which posts pings to each workflow.

    Attributes:
        registry: the registry on its journal; its journal's clock is the daemon's.
        name: the daemon's name, which its pings carry.
        pings: how many pings it posts to each workflow.
        interval: the pause between two of these, in seconds.
        code: the status code of each ping; the declared one, 0, if the daemon is well.
    """

    registry: PingRegistry
    name: str
    _: KW_ONLY
    pings: int = PINGS
    interval: float = INTERVAL
    code: int = POSTING.code
    _logger: ClassVar[logging.Logger]

    @abstractmethod
    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        """Take part in one workflow, step by step.

        Yields:
            After each step, when to go on: seconds since the Unix epoch, on the journal's clock.

        Raises:
            JournalError: whatever the journal raised.
        """

    def _log(self, action: str, level: int = logging.INFO, **fields: Any) -> None:
        """Log an action with the name of the daemon, since several may share a log."""
        logged(self._logger, action, level, name=self.name, **fields)

    def serve(self, stop: Stop) -> None:
        """Take part in every workflow that the registry's index lists as active, until stopped.

        A failure in one workflow is logged, and that workflow tried again after a pause.
        """
        registry, journal = self.registry, self.registry.journal
        agenda: Agenda = []
        seen: Checkpoint[State] | None = None
        look = math.inf  # when to look at the index although nothing changed
        clock = JumpingClock(journal.clock)

        def pause() -> float | None:
            if jump := clock.jump():
                self._log("clock jumped", logging.WARNING, seconds=round(jump))
            due = min(look, agenda[0][0]) if agenda else look
            return None if due == math.inf else seconds_until(due, journal.clock)

        self._log("watching", registry=registry.name)
        for changed in wake_ups(journal, registry.index_id, stop, pause):
            if changed or look <= journal.clock():
                try:
                    changes = self.registry.indexes.engine.read_on(registry.index_id, seen)
                except WorkflowError as error:
                    self._log("failed", logging.ERROR, error=error)
                    look = journal.clock() + RETRY
                else:
                    seen, look = changes.checkpoint, math.inf
                    self._take_up(_listed(changes), agenda)
            while agenda and agenda[0][0] <= journal.clock() and not stop.asked:
                self._go_on(agenda)
        self._log("stopped", registry=registry.name)

    def _take_up(self, listed: Iterable[UUID], agenda: Agenda) -> None:
        """Put the workflows on the agenda that are not on it yet."""
        taken_up = {workflow_id for _, workflow_id, _ in agenda}
        for workflow_id in listed:
            if workflow_id not in taken_up:
                taken_up.add(workflow_id)
                now = self.registry.journal.clock()
                heapq.heappush(agenda, (now, workflow_id, self.take_part(workflow_id)))

    def _go_on(self, agenda: Agenda) -> None:
        """Do one step of the workflow that is due."""
        _, workflow_id, part = heapq.heappop(agenda)
        try:
            due = next(part, None)
        except WorkflowError as error:
            self._log("failed", logging.ERROR, workflow=workflow_id, error=error)
            due = self.registry.journal.clock() + RETRY
            part = self.take_part(workflow_id)
        if due is not None:
            heapq.heappush(agenda, (due, workflow_id, part))

    def _post_pings(self, workflow_id: UUID) -> Iterator[float]:
        """Post the pings that the workflow does not hold yet.

        Their messages follow the declaration: ``NAME ping K``, K from 1.  Pings that are in the
        history already are not posted again, so a restarted daemon posts only what is missing.
        If the workflow has advanced past appending, the daemon quits quietly.
        """
        try:
            state = self.registry.workflows.find_id(workflow_id)
        except UninitializedError:
            return
        held = {ping.message for ping in getattr(state, POSTING.held)}
        messages = {number: POSTING.text(self.name, number) for number in range(1, self.pings + 1)}
        missing = {number: each for number, each in messages.items() if each not in held}
        for place, (number, message) in enumerate(missing.items()):
            if place:
                yield self.registry.journal.clock() + self.interval
            try:
                vid = self.registry.ping(workflow_id, self.code, message)
            except StateConflictError:
                unposted = len(missing) - place
                self._log("advanced", workflow=workflow_id, unposted=unposted)
                return
            self._log("pinged", workflow=workflow_id, number=number, vid=vid)


class Server(Daemon):
    """A server, which posts its pings and does nothing else."""

    _logger = logging.getLogger("pingregistrywf.server")

    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        return self._post_pings(workflow_id)


def summary(pings: Sequence[Status]) -> tuple[int, str]:
    """Return the code and message that summarize pings."""
    return DAEMONS.summing.summary(ping.code for ping in pings)


@dataclass(eq=False)
class Gatherer(Daemon):
    """A gatherer, which also summarizes a workflow's pings at its deadline.

    Attributes:
        duration: from a workflow's start to its deadline, in seconds.
    """

    name: str = GATHERER
    _: KW_ONLY
    duration: float = DURATION
    _logger = logging.getLogger("pingregistrywf.gatherer")

    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        yield from self._post_pings(workflow_id)
        began = self.registry.workflows.engine.checkpoint(workflow_id).origin
        if not began:
            return
        yield began.milliseconds / 1000 + self.duration
        while not self.post_summary(workflow_id):
            # A ping was posted after the state was read.  It must be counted: read again.
            yield self.registry.journal.clock()

    def post_summary(self, workflow_id: UUID) -> bool:
        """Post a summary of the pings; return False if the workflow changed in the meantime.

        A workflow that has advanced is left as it is.

        Raises:
            JournalError: whatever the journal raised.
        """
        try:
            state = self.registry.workflows.find_id(workflow_id)
            if state.state_code in OPEN:
                code, message = summary(state.pings)
                vid = self.registry.gather(workflow_id, code, message, vid=state.vid)
                self._log("summarized", workflow=workflow_id, message=message, vid=vid)
                return True
        except (StateConflictError, UninitializedError):
            pass
        except VersionConflictError:
            return False
        self._log("advanced", workflow=workflow_id)
        return True


def _listed(changes: Changes[State, AnyEvent]) -> Iterable[UUID]:
    """Return the workflows that have begun since the index was read last."""
    if not changes.continues:
        return changes.checkpoint.state.in_state(ListedCode.ACTIVE)
    begun = (event for event in changes.events if isinstance(event, PingRegistryStarted))
    return [event.workflow_id for event in begun]
