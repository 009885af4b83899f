"""A journal that holds long workflows and long indexes, written in few commits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4

from pingregistrywf import EPOCH, CmdInit, Event, Journal, ServerPinged, Ulid, Workflows
from pingregistrywf._generated.ping_registry_index import DECLARATION as INDEX
from pingregistrywf._generated.ping_registry_index import Event as IndexEvent
from pingregistrywf._generated.ping_registry_index import PingRegistryStarted
from pingregistrywf.coordination.registry import Registry
from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import ChartIdentity, Entry, open_journal

MESSAGE = "server 1 is well"
"""The message of every ping: 16 characters."""
PAGE = 4096
"""The bytes of a page of the file."""


def pinged(vid: Ulid, parent: Ulid) -> ServerPinged:
    """Return the event of a ping."""
    return ServerPinged(id=vid, parent=parent, status_code=0, status_message=MESSAGE)


def ping() -> bytes:
    """Return the bytes of a ping's event."""
    return pinged(UlidSource().next(EPOCH), EPOCH).marshal_proto()


class Stock:
    """What a journal holds; whatever is asked for is written once.

    Attributes:
        journal: the journal.
        path: its file.
        url: its URL.
        workflow: makes a workflow of so many pings.
        registry: makes a registry that lists so many active workflows.
    """

    def __init__(self, journal: Journal, path: Path) -> None:
        self.journal = journal
        self.path = path
        self.url = journal.url
        self.workflow: Callable[[int], UUID] = cache(self._workflow)
        self.registry: Callable[[int], Registry] = cache(self._registry)

    def pages(self) -> int:
        """Return how many pages the file has, those included that are still in the log."""
        with closing(sqlite3.connect(self.path)) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
        return int(pages)

    @classmethod
    @contextmanager
    def opened(cls, directory: Path) -> Iterator[Stock]:
        """Make a journal in a directory."""
        path = directory / "stock.db"
        with open_journal(f"sqlite:{path}") as journal:
            yield cls(journal, path)

    def _workflow(self, pings: int) -> UUID:
        history, workflows = uuid4(), Workflows(self.journal)
        workflows.init(history, CmdInit(registry_id=uuid4()))
        self._append(
            history,
            pings,
            workflows.engine.declaration.identity,
            pinged,
        )
        return history

    def _registry(self, listed: int) -> Registry:
        registry, started = Registry(f"lists-{listed}"), UlidSource().next(EPOCH)
        self._append(
            registry.index_id,
            listed,
            INDEX.identity,
            lambda vid, parent: PingRegistryStarted(
                id=vid, parent=parent, workflow_id=uuid4(), workflow_event_id=started
            ),
        )
        return registry

    def _append(
        self,
        history: UUID,
        number: int,
        chart: ChartIdentity,
        event: Callable[[Ulid, Ulid], Event | IndexEvent],
    ) -> None:
        head, ids, entries = self.journal.read(history).head, UlidSource(), []
        parent = head.vid
        for _ in range(number):
            vid = ids.next(parent)
            entries.append(Entry(vid, parent, event(vid, parent).marshal_proto()))
            parent = vid
        self.journal.commit(history, head, entries, chart=chart)
