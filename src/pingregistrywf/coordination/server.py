"""A server posts its pings to each new workflow of a registry (behaviour.md, section 7)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pingregistrywf.coordination.daemon import Stop, active_workflows, post_pings
from pingregistrywf.coordination.registry import Desk

PINGS: Final = 3
"""How many pings a server posts to a workflow, unless told otherwise."""
INTERVAL: Final = 1.0
"""The pause between two pings, in seconds, unless told otherwise."""


class Server:
    """A server daemon.

    Args:
        desk: the registry on its journal.
        name: the server's name, told in its pings.
        pings: how many pings it posts to each workflow.
        interval: the pause between two, in seconds.
        code: the status code of each ping; 0 if the server is well.
        stop: asks for the end.
    """

    def __init__(
        self,
        desk: Desk,
        name: str,
        *,
        pings: int = PINGS,
        interval: float = INTERVAL,
        code: int = 0,
        stop: Stop | None = None,
    ) -> None:
        self._desk = desk
        self._name = name
        self._pings = pings
        self._interval = interval
        self._code = code
        self._stop = stop or Stop()

    def serve(self) -> None:
        """Take part in every workflow of the registry until a stop is asked for."""
        for workflow_id in active_workflows(self._desk, self._stop):
            self.take_part(workflow_id)

    def take_part(self, workflow_id: UUID) -> int:
        """Post the missing pings to one workflow; returns how many were posted."""
        return post_pings(
            self._desk,
            workflow_id,
            name=self._name,
            count=self._pings,
            interval=self._interval,
            code=self._code,
            stop=self._stop,
        )
