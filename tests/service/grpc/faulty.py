"""``pingregistrywf serve`` with a fault, for tests of what the conformance suite finds.

The first word names the fault; the others are the command line.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from pingregistrywf.cli import main
from pingregistrywf.coordination.outside import OutsideOperations
from pingregistrywf.runtime.errors import InvalidCommandError, WorkflowError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.operations import Operation
from pingregistrywf.service.grpc.calls import Calls
from pingregistrywf.service.grpc.served import Served

_run_from = OutsideOperations.run_from
_found = Calls._found
_events = Served.events
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


FAULTS: Mapping[str, tuple[type, str, Callable[..., Any]]] = {
    "a commit that is run again is refused": (OutsideOperations, "run_from", commit_again),
    "a begin ignores that the id was used": (OutsideOperations, "run_from", used_id),
    "a ping ignores the vid": (OutsideOperations, "run_from", ignored_vid),
    "get forgets a ping": (Calls, "_found", lost_ping),
    "the events come in another order": (Served, "events", wrong_order),
}

if __name__ == "__main__":
    setattr(*FAULTS[sys.argv.pop(1)])
    sys.exit(main())
