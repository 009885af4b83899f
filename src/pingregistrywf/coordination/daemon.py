"""What the daemons of a registry share: finding workflows through the index, pacing, stopping.

A daemon takes part in a workflow step by step: ``take_part`` is an iterator that does one thing,
then says at which time it wants to go on.  ``serve`` runs any number of them side by side in one
thread, woken by the journal; a test runs them in any order, on a clock of its own.  A daemon keeps
nothing that the journal does not: killed and started again, it goes on where the histories are.
"""

from __future__ import annotations

import heapq
import logging
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry import StateCode
from pingregistrywf._generated.ping_registry_index import PingRegistryStarted, State
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf.coordination.log import logged
from pingregistrywf.coordination.registry import RegistryContext
from pingregistrywf.runtime.engine import Checkpoint
from pingregistrywf.runtime.errors import StateConflictError, UninitializedError, WorkflowError

OPEN: Final = frozenset({StateCode.INITIALIZED, StateCode.APPENDING})
"""The states in which a workflow takes pings and a summary."""
RETRY: Final = 5.0
"""How long after a failure a daemon tries a workflow again, in seconds."""


class Stop:
    """Asks a daemon to stop, from any thread; it stops at once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._wakes: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        """True once a stop was asked for."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask for a stop; a signal handler uses ``ask_aside``."""
        self._event.set()
        for wake in tuple(self._wakes):
            wake()

    def ask_aside(self) -> None:
        """Ask for a stop from another thread.

        A signal handler may have interrupted the very code whose locks ``ask`` would need.
        """
        threading.Thread(target=self.ask, daemon=True).start()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """While inside, a stop also calls ``wake``; at once if one was asked for already."""
        self._wakes.append(wake)
        try:
            if self.asked:
                wake()
            yield
        finally:
            self._wakes.remove(wake)


@dataclass(frozen=True, slots=True, order=True)
class _Turn:
    """When a workflow goes on, and with what."""

    due: float
    workflow_id: UUID
    part: Iterator[float] = field(compare=False)


class _Agenda:
    """Which workflow goes on when, each once at most; ``seen`` is how far the index was read."""

    def __init__(self) -> None:
        self.seen: Checkpoint[State] | None = None
        self._turns: list[_Turn] = []
        self._workflows: set[UUID] = set()

    def __contains__(self, workflow_id: UUID) -> bool:
        return workflow_id in self._workflows

    @property
    def due(self) -> float:
        """When the next turn is."""
        return self._turns[0].due if self._turns else math.inf

    def add(self, turn: _Turn) -> None:
        """Note a turn."""
        heapq.heappush(self._turns, turn)
        self._workflows.add(turn.workflow_id)

    def take(self) -> _Turn:
        """The next turn, noted no more."""
        turn = heapq.heappop(self._turns)
        self._workflows.discard(turn.workflow_id)
        return turn


class Daemon(ABC):
    """A daemon of a registry.

    Args:
        context: the registry on its journal; its journal's clock is the daemon's.
        logger: gets a record of each action.
    """

    def __init__(self, context: RegistryContext, logger: logging.Logger) -> None:
        self._context = context
        self._logger = logger

    @abstractmethod
    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        """Take part in one workflow: each step, then the time at which to go on.

        Yields:
            Seconds since the Unix epoch, on the journal's clock.

        Raises:
            JournalError: whatever the journal raised.
        """

    def serve(self, stop: Stop) -> None:
        """Take part in every workflow that the registry's index lists as active, until stopped.

        A failure in one workflow is logged, and that workflow tried again after a pause.
        """
        clock = self._context.journal.clock
        index_id = self._context.registry.index_id
        agenda = _Agenda()
        with (
            self._context.journal.subscribe(index_id) as subscription,
            stop.waking(subscription.close),
        ):
            logged(self._logger, "watching", registry=self._context.registry.name)
            look = clock()  # when to look at the index: now, and again after a failure
            while not stop.asked:
                if look <= clock():
                    look = self._look(agenda)
                while agenda.due <= clock() and not stop.asked:
                    self._go_on(agenda)
                due = min(look, agenda.due)
                if subscription.wait(None if due == math.inf else max(due - clock(), 0.0)):
                    look = clock()
            logged(self._logger, "stopped", registry=self._context.registry.name)

    def _look(self, agenda: _Agenda) -> float:
        """Take up what is new in the index; when to look again unasked."""
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
                agenda.add(_Turn(clock(), workflow_id, self.take_part(workflow_id)))
        return math.inf

    def _go_on(self, agenda: _Agenda) -> None:
        """One step of the workflow that is due."""
        turn = agenda.take()
        try:
            due = next(turn.part, None)
        except WorkflowError as error:
            workflow_id = turn.workflow_id
            logged(self._logger, "failed", logging.ERROR, workflow=workflow_id, error=error)
            due = self._context.journal.clock() + RETRY
            agenda.add(_Turn(due, workflow_id, self.take_part(workflow_id)))
        else:
            if due is not None:
                agenda.add(_Turn(due, turn.workflow_id, turn.part))

    def _post_pings(
        self, workflow_id: UUID, *, name: str, count: int, interval: float, code: int
    ) -> Iterator[float]:
        """Post the pings of one participant that the workflow does not hold yet.

        A participant's pings say ``NAME ping K``, K from 1; those in the history already are
        counted, so that a restarted daemon posts only what is missing.  A workflow that has
        advanced past appending is left quietly.
        """
        try:
            state = self._context.workflows.find_id(workflow_id)
        except UninitializedError:
            return
        held = {ping.message for ping in state.pings}
        messages = (f"{name} ping {number}" for number in range(1, count + 1))
        missing = [message for message in messages if message not in held]
        for number, message in enumerate(missing):
            if number:
                yield self._context.journal.clock() + interval
            try:
                ran = self._context.operations.ping(workflow_id, code, message)
            except StateConflictError:
                logged(self._logger, "advanced", workflow=workflow_id, unposted=message)
                return
            vid = ran.by_chart["ping_registry"]
            logged(self._logger, "pinged", workflow=workflow_id, message=message, vid=vid)
