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
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry import StateCode
from pingregistrywf._generated.ping_registry_index import PingRegistryStarted, State
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf.coordination.defaults import INTERVAL, PINGS
from pingregistrywf.coordination.log import logged
from pingregistrywf.coordination.registry import RegistryContext
from pingregistrywf.coordination.waiting import Stop, wake_ups
from pingregistrywf.runtime.engine import Checkpoint
from pingregistrywf.runtime.errors import StateConflictError, UninitializedError, WorkflowError

OPEN: Final = frozenset({StateCode.INITIALIZED, StateCode.APPENDING})
"""The states in which a workflow takes pings and a summary."""
RETRY: Final = 5.0
"""How long after a failure a daemon tries a workflow again, in seconds."""


class _Agenda:
    """When each workflow goes on, and with what; ``seen`` is how far the index was read."""

    def __init__(self) -> None:
        self.seen: Checkpoint[State] | None = None
        self._heap: list[tuple[float, UUID, Iterator[float]]] = []
        self._workflows: set[UUID] = set()

    def __contains__(self, workflow_id: UUID) -> bool:
        return workflow_id in self._workflows

    @property
    def due(self) -> float:
        """When the first workflow goes on."""
        return self._heap[0][0] if self._heap else math.inf

    def add(self, due: float, workflow_id: UUID, part: Iterator[float]) -> None:
        """Add a workflow that is not on the agenda."""
        heapq.heappush(self._heap, (due, workflow_id, part))
        self._workflows.add(workflow_id)

    def take(self) -> tuple[UUID, Iterator[float]]:
        """Take the first workflow off the agenda."""
        _, workflow_id, part = heapq.heappop(self._heap)
        self._workflows.discard(workflow_id)
        return workflow_id, part


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
        agenda = _Agenda()
        look = math.inf  # when to look at the index although nothing changed

        def pause() -> float | None:
            due = min(look, agenda.due)
            return None if due == math.inf else max(due - journal.clock(), 0.0)

        logged(self._logger, "watching", registry=registry.name)
        for changed in wake_ups(journal, registry.index_id, stop, pause):
            if changed or look <= journal.clock():
                look = self._look(agenda)
            while agenda.due <= journal.clock() and not stop.asked:
                self._go_on(agenda)
        logged(self._logger, "stopped", registry=registry.name)

    def _look(self, agenda: _Agenda) -> float:
        """Take up what is new in the index, and return when to look again without a change."""
        clock = self._context.journal.clock
        try:
            changes = self._context.indexes.engine.follow(
                self._context.registry.index_id, agenda.seen
            )
        except WorkflowError as error:
            logged(self._logger, "failed", logging.ERROR, error=error)
            return clock() + RETRY
        agenda.seen = changes.checkpoint
        if changes.continues:
            begun = [event for event in changes.events if isinstance(event, PingRegistryStarted)]
            new = [event.workflow_id for event in begun]
        else:
            new = list(changes.checkpoint.state.in_state(ListedCode.ACTIVE))
        for workflow_id in new:
            if workflow_id not in agenda:
                agenda.add(clock(), workflow_id, self.take_part(workflow_id))
        return math.inf

    def _go_on(self, agenda: _Agenda) -> None:
        """Do one step of the workflow that is due."""
        workflow_id, part = agenda.take()
        try:
            due = next(part, None)
        except WorkflowError as error:
            logged(self._logger, "failed", logging.ERROR, workflow=workflow_id, error=error)
            due = self._context.journal.clock() + RETRY
            part = self.take_part(workflow_id)
        if due is not None:
            agenda.add(due, workflow_id, part)

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
