"""A server posts its pings to each new workflow of a registry (behaviour.md, section 7)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import UUID

from pingregistrywf.coordination.daemon import Daemon


class Server(Daemon):
    """A server daemon; its arguments are those of every daemon."""

    _logger = logging.getLogger("pingregistrywf.server")

    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        return self._post_pings(workflow_id)
