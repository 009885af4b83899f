"""What the daemons of a registry share: they find workflows through the index and pace themselves.

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
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias
from uuid import UUID

from pingregistrywf._generated.ping_registry_index import Event, PingRegistryStarted, State
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf.coordination.defaults import INTERVAL, PINGS
from pingregistrywf.coordination.log import logged
from pingregistrywf.coordination.registry import RegistryContext
from pingregistrywf.coordination.waiting import Stop, wake_ups
from pingregistrywf.runtime.engine import Changes, Checkpoint
from pingregistrywf.runtime.errors import StateConflictError, UninitializedError, WorkflowError

RETRY: Final = 5.0
"""How long after a failure a daemon tries a workflow again, in seconds."""
Agenda: TypeAlias = list[tuple[float, UUID, Iterator[float]]]
"""A heap: when each workflow goes on, and with what."""


class Daemon(ABC):
    """A daemon of a registry, which posts pings to each workflow.

    Args:
        context: the registry on its journal; its journal's clock is the daemon's.
        name: the daemon's name, which its pings carry.
        pings: how many pings it posts to each workflow.
        interval: the pause between two of these, in seconds.
        code: the status code of each ping; 0 if the daemon is well.
    """

    _logger: logging.Logger

    def __init__(
        self,
        context: RegistryContext,
        name: str,
        *,
        pings: int = PINGS,
        interval: float = INTERVAL,
        code: int = 0,
    ) -> None:
        self._context = context
        self._name = name
        self._pings = pings
        self._interval = interval
        self._code = code

    @abstractmethod
    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        """Take part in one workflow, step by step.

        Yields:
            After each step, when to go on: seconds since the Unix epoch, on the journal's clock.

        Raises:
            JournalError: whatever the journal raised.
        """

    def serve(self, stop: Stop) -> None:
        """Take part in every workflow that the registry's index lists as active, until stopped.

        A failure in one workflow is logged, and that workflow tried again after a pause.
        """
        journal, registry = self._context.journal, self._context.registry
        agenda: Agenda = []
        seen: Checkpoint[State] | None = None
        look = math.inf  # when to look at the index although nothing changed

        def pause() -> float | None:
            due = min(look, agenda[0][0]) if agenda else look
            return None if due == math.inf else max(due - journal.clock(), 0.0)

        logged(self._logger, "watching", registry=registry.name)
        for changed in wake_ups(journal, registry.index_id, stop, pause):
            if changed or look <= journal.clock():
                try:
                    changes = self._context.indexes.engine.follow(registry.index_id, seen)
                except WorkflowError as error:
                    logged(self._logger, "failed", logging.ERROR, error=error)
                    look = journal.clock() + RETRY
                else:
                    seen, look = changes.checkpoint, math.inf
                    self._take_up(_listed(changes), agenda)
            while agenda and agenda[0][0] <= journal.clock() and not stop.asked:
                self._go_on(agenda)
        logged(self._logger, "stopped", registry=registry.name)

    def _take_up(self, listed: Iterable[UUID], agenda: Agenda) -> None:
        """Put the workflows on the agenda that are not on it yet."""
        taken_up = {workflow_id for _, workflow_id, _ in agenda}
        for workflow_id in listed:
            if workflow_id not in taken_up:
                taken_up.add(workflow_id)
                now = self._context.journal.clock()
                heapq.heappush(agenda, (now, workflow_id, self.take_part(workflow_id)))

    def _go_on(self, agenda: Agenda) -> None:
        """Do one step of the workflow that is due."""
        _, workflow_id, part = heapq.heappop(agenda)
        try:
            due = next(part, None)
        except WorkflowError as error:
            logged(self._logger, "failed", logging.ERROR, workflow=workflow_id, error=error)
            due = self._context.journal.clock() + RETRY
            part = self.take_part(workflow_id)
        if due is not None:
            heapq.heappush(agenda, (due, workflow_id, part))

    def _post_pings(self, workflow_id: UUID) -> Iterator[float]:
        """Post the pings that the workflow does not hold yet.

        The messages are ``NAME ping K``, K from 1.  Pings that are in the history already are
        not posted again, so a restarted daemon posts only what is missing.  If the workflow has
        advanced past appending, the daemon quits quietly.
        """
        try:
            state = self._context.workflows.find_id(workflow_id)
        except UninitializedError:
            return
        held = {ping.message for ping in state.pings}
        messages = (f"{self._name} ping {number}" for number in range(1, self._pings + 1))
        missing = [message for message in messages if message not in held]
        for number, message in enumerate(missing):
            if number:
                yield self._context.journal.clock() + self._interval
            try:
                ran = self._context.operations.ping(workflow_id, self._code, message)
            except StateConflictError:
                logged(self._logger, "advanced", workflow=workflow_id, unposted=message)
                return
            vid = ran.by_chart["ping_registry"]
            logged(self._logger, "pinged", workflow=workflow_id, message=message, vid=vid)


def _listed(changes: Changes[State, Event]) -> Iterable[UUID]:
    """Return the workflows that have begun since the index was read last."""
    if not changes.continues:
        return changes.checkpoint.state.in_state(ListedCode.ACTIVE)
    begun = (event for event in changes.events if isinstance(event, PingRegistryStarted))
    return [event.workflow_id for event in begun]
