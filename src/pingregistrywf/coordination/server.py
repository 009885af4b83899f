"""A server posts its pings to each new workflow of a registry (behaviour.md, section 7)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import UUID

from pingregistrywf.coordination.daemon import Daemon
from pingregistrywf.coordination.defaults import INTERVAL, PINGS
from pingregistrywf.coordination.registry import RegistryContext


class Server(Daemon):
    """A server daemon.

    Args:
        context: the registry on its journal.
        name: the server's name, which its pings carry.
        pings: how many pings it posts to each workflow.
        interval: the pause between two, in seconds.
        code: the status code of each ping; 0 if the server is well.
    """

    def __init__(
        self,
        context: RegistryContext,
        name: str,
        *,
        pings: int = PINGS,
        interval: float = INTERVAL,
        code: int = 0,
    ) -> None:
        super().__init__(context, logging.getLogger("pingregistrywf.server"))
        self._name = name
        self._pings = pings
        self._interval = interval
        self._code = code

    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        return self._post_pings(
            workflow_id,
            name=self._name,
            count=self._pings,
            interval=self._interval,
            code=self._code,
        )
