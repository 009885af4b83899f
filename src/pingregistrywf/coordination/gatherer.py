"""The gatherer summarizes a workflow's pings at its deadline (behaviour.md, section 7)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from uuid import UUID

from pingregistrywf._generated.ping_registry import Status
from pingregistrywf.coordination.daemon import Daemon
from pingregistrywf.coordination.defaults import DURATION, GATHERER, INTERVAL, PINGS
from pingregistrywf.coordination.log import logged
from pingregistrywf.coordination.registry import OPEN, RegistryContext
from pingregistrywf.runtime.errors import (
    JournalError,
    StateConflictError,
    UninitializedError,
    VersionConflictError,
)


def summary(pings: Sequence[Status]) -> tuple[int, str]:
    """Return the code and message that summarize pings."""
    errors = sum(ping.code != 0 for ping in pings)
    return int(errors > 0), f"{{ totalCount: {len(pings)}, errorCount: {errors} }}"


class Gatherer(Daemon):
    """A gatherer daemon; from a workflow's start to its deadline it is ``duration`` seconds."""

    _logger = logging.getLogger("pingregistrywf.gatherer")

    def __init__(
        self,
        context: RegistryContext,
        name: str = GATHERER,
        *,
        pings: int = PINGS,
        interval: float = INTERVAL,
        duration: float = DURATION,
    ) -> None:
        super().__init__(context, name, pings=pings, interval=interval)
        self._duration = duration

    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        yield from self._post_pings(workflow_id)
        events = self._context.workflows.events(workflow_id)
        if not events:
            return
        yield events[0].id.milliseconds / 1000 + self._duration
        while not self._post_summary(workflow_id):
            # A ping was posted after the state was read.  It must be counted: read again.
            yield self._context.journal.clock()

    def _post_summary(self, workflow_id: UUID) -> bool:
        """Post a summary of the pings; return False if the workflow changed in the meantime."""
        try:
            state = self._context.workflows.find_id(workflow_id)
            if state.state_code not in OPEN:
                return self._gave_way(workflow_id)
            code, message = summary(state.pings)
            ran = self._context.operations.gather(workflow_id, code, message, vid=state.vid)
        except (StateConflictError, UninitializedError):
            return self._gave_way(workflow_id)
        except JournalError as error:
            if isinstance(error.err, VersionConflictError):
                return False
            raise
        vid = ran.by_chart["ping_registry"]
        logged(self._logger, "summarized", workflow=workflow_id, message=message, vid=vid)
        return True

    def _gave_way(self, workflow_id: UUID) -> bool:
        logged(self._logger, "advanced", workflow=workflow_id)
        return True
