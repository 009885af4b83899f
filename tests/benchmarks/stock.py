"""A journal that holds long workflows and long indexes, written in few commits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from pingregistrywf import EPOCH, CmdInit, Event, Journal, ServerPinged, Ulid, Workflows
from pingregistrywf._generated.ping_registry_index import DECLARATION as INDEX
from pingregistrywf._generated.ping_registry_index import Event as IndexEvent
from pingregistrywf._generated.ping_registry_index import PingRegistryStarted
from pingregistrywf.coordination.registry_ids import RegistryIds
from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import ChartIdentity, Entry, open_journal

MESSAGE = "server 1 is well"
"""The message of every ping: 16 characters."""
QUICK = 10_000
"""Whatever has no more events is written so quickly that it is written again."""
PAGE = 4096
"""The bytes of a page of the file."""


def pinged(vid: Ulid, parent: Ulid) -> ServerPinged:
    """Return the event of a ping."""
    return ServerPinged(id=vid, parent=parent, status_code=0, status_message=MESSAGE)


def ping() -> bytes:
    """Return the bytes of a ping's event."""
    return pinged(UlidSource().next(EPOCH), EPOCH).marshal_proto()


class Stock:
    """What a journal holds.

    Attributes:
        journal: the journal.
        path: its file.
        url: its URL.
    """

    def __init__(self, journal: Journal, path: Path) -> None:
        self.journal = journal
        self.path = path
        self.url = journal.url
        self._kept: dict[int, UUID] = {}

    @classmethod
    @contextmanager
    def opened(cls, directory: Path) -> Iterator[Stock]:
        """Make a journal in a directory."""
        path = directory / "stock.db"
        with open_journal(f"sqlite:{path}") as journal:
            yield cls(journal, path)

    def workflow(self, pings: int) -> UUID:
        """Return a workflow of so many pings: a new one, unless it is long.

        A long one is written once, and has grown by what was appended since.
        """
        if pings <= QUICK:
            return self.write(pings)
        if pings not in self._kept:
            self._kept[pings] = self.write(pings)
        return self._kept[pings]

    def write(self, pings: int) -> UUID:
        """Write a new workflow of so many pings."""
        workflow, workflows = uuid4(), Workflows(self.journal)
        workflows.init(workflow, CmdInit(registry_id=uuid4()))
        self._append(workflow, pings, workflows.engine.declaration.identity, pinged)
        return workflow

    def registry(self, listed: int) -> RegistryIds:
        """Write the index of a new registry, which lists so many active workflows."""
        registry, started = RegistryIds(f"r{uuid4().hex}"), UlidSource().next(EPOCH)
        self._append(
            registry.index_id,
            listed,
            INDEX.identity,
            lambda vid, parent: PingRegistryStarted(
                id=vid, parent=parent, workflow_id=uuid4(), workflow_event_id=started
            ),
        )
        return registry

    def pages(self) -> int:
        """Return how many pages the file has, those included that are still in the log."""
        with closing(sqlite3.connect(self.path)) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
        return int(pages)

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
