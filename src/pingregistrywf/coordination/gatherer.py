"""The gatherer summarizes a workflow's pings at its deadline (behaviour.md, section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry import Status
from pingregistrywf.coordination.daemon import OPEN, Stop, active_workflows, post_pings
from pingregistrywf.coordination.registry import Desk
from pingregistrywf.coordination.server import INTERVAL, PINGS
from pingregistrywf.runtime.errors import (
    JournalError,
    StateConflictError,
    UninitializedError,
    VersionConflictError,
)

NAME: Final = "gatherer"
DURATION: Final = 10.0
"""From a workflow's start to its deadline, in seconds, unless told otherwise."""


def summary(pings: Sequence[Status]) -> tuple[int, str]:
    """The code and message that summarize pings."""
    errors = sum(ping.code != 0 for ping in pings)
    return int(errors > 0), f"{{ totalCount: {len(pings)}, errorCount: {errors} }}"


class Gatherer:
    """A gatherer daemon.

    Args:
        desk: the registry on its journal.
        name: the gatherer's name, told in its pings.
        pings: how many pings it posts to each workflow.
        interval: the pause between two, in seconds.
        duration: from a workflow's start to its deadline, in seconds.
        stop: asks for the end.
    """

    def __init__(
        self,
        desk: Desk,
        name: str = NAME,
        *,
        pings: int = PINGS,
        interval: float = INTERVAL,
        duration: float = DURATION,
        stop: Stop | None = None,
    ) -> None:
        self._desk = desk
        self._name = name
        self._pings = pings
        self._interval = interval
        self._duration = duration
        self._stop = stop or Stop()

    def serve(self) -> None:
        """Summarize every workflow of the registry until a stop is asked for."""
        for workflow_id in active_workflows(self._desk, self._stop):
            self.take_part(workflow_id)

    def take_part(self, workflow_id: UUID) -> bool:
        """Post pings to one workflow, wait for its deadline, and post the summary.

        Returns:
            True if this gatherer's summary was posted; False if the workflow had advanced, or a
            stop was asked for.
        """
        post_pings(
            self._desk,
            workflow_id,
            name=self._name,
            count=self._pings,
            interval=self._interval,
            code=0,
            stop=self._stop,
        )
        events = self._desk.workflows.events(workflow_id)
        if not events:
            return False
        deadline = events[0].id.milliseconds / 1000 + self._duration
        if self._stop.pause(deadline - self._desk.journal.clock()):
            return False
        while not self._stop.asked:
            try:
                state = self._desk.workflows.find_id(workflow_id)
                if state.state_code not in OPEN:
                    return False
                code, message = summary(state.pings)
                self._desk.operations.gather(workflow_id, code, message, vid=state.vid)
            except (StateConflictError, UninitializedError):
                return False
            except JournalError as error:
                # A ping came in between reading and posting: it must be counted, so read again.
                if not isinstance(error.err, VersionConflictError):
                    raise
            else:
                return True
        return False
