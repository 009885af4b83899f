"""What a feed of a service keeps, which may be open for months."""

from __future__ import annotations

import gc
import weakref
from uuid import uuid4

from pingregistrywf import EPOCH, Deleted, PingRegistryStarted, UlidSource, open_journal
from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.coordination.outside import OutsideOperations
from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.journal import Appended, Change, Entry
from pingregistrywf.service.grpc.auth.caller import ANYBODY
from pingregistrywf.service.grpc.served import Served
from pingregistrywf.service.grpc.v1.reading import OwnedChanges


def test_a_feed_keeps_nothing_of_a_history_that_was_deleted() -> None:
    with open_journal("memory:") as journal:
        served = Served(SERVICE, AsyncJournal(journal), OutsideOperations(journal), ["reg"])
        owned = OwnedChanges(served, ANYBODY, served.service.readers(events=True))
        begun = PingRegistryStarted(id=UlidSource().next(EPOCH), registry_id=uuid4())
        entry = Entry(begun.id, EPOCH, begun.marshal_proto())
        history = uuid4()
        watched = weakref.ref(history)
        changes: list[Change] = [
            Appended(history, "1", entry, DECLARATION.identity, restart=True),
            Deleted(history, "2", begun.id, 0.0),
        ]
        assert owned.among(changes) == changes[1:]  # it belongs to another registry
        del history, changes
        gc.collect()
        assert watched() is None
