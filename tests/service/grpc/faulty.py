"""``pingregistrywf serve`` with a fault, for tests of what the conformance suite finds.

The first word names the fault; the others are the command line.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from pingregistrywf.cli import main
from pingregistrywf.coordination.outside import OutsideOperations
from pingregistrywf.runtime.errors import InvalidCommandError, PositionGoneError, WorkflowError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.operations import Operation
from pingregistrywf.runtime.services import Find
from pingregistrywf.service.grpc.calls import Calls
from pingregistrywf.service.grpc.messages import Messages
from pingregistrywf.service.grpc.served import HEARTBEAT, Served

_run_from = OutsideOperations.run_from
_found = Calls._found
_events = Served.events
_find = Calls._find
_visible = Served.visible
_reply = Messages.reply
_committed: set[UUID] = set()

Vids = Mapping[str, Ulid]


def commit_again(
    self: OutsideOperations, operation: Operation, inputs: Any, vid: Ulid | None = None
) -> Vids:
    """Refuse a commit that is run again."""
    if operation.name == "commit" and inputs["workflow"] in _committed:
        raise InvalidCommandError("committed before")
    vids = _run_from(self, operation, inputs, vid)
    if operation.name == "commit":
        _committed.add(inputs["workflow"])
    return vids


def used_id(
    self: OutsideOperations, operation: Operation, inputs: Any, vid: Ulid | None = None
) -> Vids:
    """Answer that a workflow has begun whose id has been used before."""
    try:
        return _run_from(self, operation, inputs, vid)
    except WorkflowError:
        if operation.name != "begin":
            raise
        return {"ping_registry": EPOCH, "ping_registry_index": EPOCH}


def ignored_vid(
    self: OutsideOperations, operation: Operation, inputs: Any, vid: Ulid | None = None
) -> Vids:
    """Post a ping whatever version it expects."""
    return _run_from(self, operation, inputs, None if operation.name == "ping" else vid)


def lost_ping(self: Calls, *words: Any) -> Any:
    """Answer get without the last ping."""
    known = _found(self, *words)
    assert known.state is not None
    state, name = known.state
    return replace(known, state=(replace(state, pings=state.pings[:-1]), name))


async def wrong_order(self: Served, *words: Any, **options: Any) -> AsyncIterator[Any]:
    """Send the events of a history with the newest first."""
    async for events in _events(self, *words, **options):
        yield events[::-1]


async def after_forgotten(
    self: Served, chart: str, history: UUID, after: Ulid | None, **options: Any
) -> AsyncIterator[Any]:
    """Begin a stream of events at the first one, whatever it is to begin after."""
    async for events in _events(self, chart, history, None, **options):
        yield events


async def after_lost(
    self: Served, chart: str, history: UUID, after: Ulid | None, **options: Any
) -> AsyncIterator[Any]:
    """Begin a stream of events at the first one, if the one to begin after is not there."""
    try:
        async for events in _events(self, chart, history, after, **options):
            yield events
    except PositionGoneError:
        async for events in _events(self, chart, history, None, **options):
            yield events


async def deaf_watch(
    self: Served, chart: str, history: UUID, after: Ulid | None, *, watch: bool, **options: Any
) -> AsyncIterator[Any]:
    """Send what is there, and nothing of what comes."""
    async for events in _events(self, chart, history, after, watch=False, **options):
        yield events
    while watch:
        yield ()
        await asyncio.sleep(HEARTBEAT)


async def impatient(self: Calls, find: Find, *words: Any) -> Any:
    """Answer a get at once that is to wait."""
    return await _find(self, replace(find, wait=None), *words)


async def endless(self: Calls, find: Find, request: Any, access: Any) -> Any:
    """Answer no get that is to wait."""
    if find.wait is not None and request[find.wait.field] == find.wait.value:
        await asyncio.Event().wait()
    return await _find(self, find, request, access)


async def early_code(self: Calls, *words: Any) -> Any:
    """Answer get with the code of the summary before the workflow is committed."""
    known = await _find(self, *words)
    assert known.state is not None
    return replace(known, state=(known.state[0], "Completed"))


def no_index(self: Served, *words: Any) -> Any:
    """Signal the changes of workflows alone."""
    derived = {each for ids in self.ids.values() for each in ids.values()}
    return [each for each in _visible(self, *words) if each not in derived]


def wrong_kind(self: Messages, method: Any, known: Any) -> Any:
    """Signal each history as one of another kind."""
    reply = _reply(self, method, known)
    for signal in getattr(reply, "signals", ()):
        signal.aggregate_type = 4
    return reply


def other_bits(self: Messages, method: Any, known: Any) -> Any:
    """Signal each history with bits that do not say that it was updated."""
    reply = _reply(self, method, known)
    for signal in getattr(reply, "signals", ()):
        signal.signals = 2
    return reply


FAULTS: Mapping[str, tuple[type, str, Callable[..., Any]]] = {
    "a commit that is run again is refused": (OutsideOperations, "run_from", commit_again),
    "a begin ignores that the id was used": (OutsideOperations, "run_from", used_id),
    "a ping ignores the vid": (OutsideOperations, "run_from", ignored_vid),
    "get forgets a ping": (Calls, "_found", lost_ping),
    "the events come in another order": (Served, "events", wrong_order),
    "after is forgotten": (Served, "events", after_forgotten),
    "an unknown after begins at the first event": (Served, "events", after_lost),
    "a watch misses what comes": (Served, "events", deaf_watch),
    "get does not wait": (Calls, "_find", impatient),
    "get waits for ever": (Calls, "_find", endless),
    "get tells the code of the summary too early": (Calls, "_find", early_code),
    "no signal names the index": (Served, "visible", no_index),
    "signals have another kind": (Messages, "reply", wrong_kind),
    "signals do not have the bit of an update": (Messages, "reply", other_bits),
}

WAYS: Mapping[str, str] = {
    "after is forgotten": "Events with after at event 1 of 1 gives 1 event, and not",
    "an unknown after begins at the first event": "with an unknown after gives 1 event, and not",
    "a watch misses what comes": "with watch gives 1 event, and not the 2 that the history has",
    "get does not wait": "GetRegistryPings with job_control 1 ",
    "get waits for ever": "GetRegistryPings with job_control 1 does not end in Summarized",
    "get tells the code of the summary too early": "gives 0 as summary.status_code in Initialized",
    "no signal names the index": "AggregateSignals does not name ",
    "signals have another kind": "AggregateSignals gives 4 as aggregate_type, and not 5",
    "signals do not have the bit of an update": "gives 2 as signals, and not with the bits 1",
}
"""The faults that only further ways of reading show, and what the adapter says of them."""
SILENT = ("a watch misses what comes", "get waits for ever", "no signal names the index")
"""Those for which something that is waited for does not come."""

if __name__ == "__main__":
    setattr(*FAULTS[sys.argv.pop(1)])
    sys.exit(main())
