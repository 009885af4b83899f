"""The package on asyncio: facades, operations and the registry for the tasks of an event loop.

    with open_journal("sqlite:pings.db") as opened:
        async with AsyncJournal(opened) as journal:
            workflows = AsyncWorkflows(journal)
            vid = await workflows.init(workflow_id, CmdInit(registry_id=registry_id))
            async for event in workflows.follow(workflow_id):
                ...

Names, arguments, errors and rules of versions are those of the blocking names in
``pingregistrywf``.  It works with every event loop of asyncio's interface, uvloop and anyio's
asyncio backend among them.
"""

from __future__ import annotations

from pingregistrywf._generated.ping_registry.aio import AsyncWorkflows
from pingregistrywf._generated.ping_registry_index.aio import AsyncWorkflowIndexes
from pingregistrywf._generated.ping_registry_operations.aio import AsyncOperations
from pingregistrywf.coordination.aio import AsyncPingRegistry
from pingregistrywf.runtime.aio.attempted import Attempted
from pingregistrywf.runtime.aio.facade import AsyncFacade
from pingregistrywf.runtime.aio.feed import AsyncFeed
from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.aio.stream import AsyncEventStream

__all__ = [
    "AsyncEventStream",
    "AsyncFacade",
    "AsyncFeed",
    "AsyncJournal",
    "AsyncOperations",
    "AsyncPingRegistry",
    "AsyncWorkflowIndexes",
    "AsyncWorkflows",
    "Attempted",
]
