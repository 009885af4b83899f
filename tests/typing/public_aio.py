"""The API on asyncio as a user's program uses it: checked by mypy and pyright, never run.

The lines that must not pass carry ``type: ignore``; mypy warns of one that is not needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import assert_type
from uuid import UUID

from pingregistrywf import (
    NO_VC,
    AnyEvent,
    CmdCommit,
    CmdInit,
    Deleted,
    JournalBusyError,
    Recorded,
    ServerPinged,
    State,
    Ulid,
    UlidSource,
    WorkflowError,
    open_journal,
)
from pingregistrywf.aio import (
    AsyncJournal,
    AsyncOperations,
    AsyncPingRegistry,
    AsyncWorkflowIndexes,
    AsyncWorkflows,
    Attempted,
)
from pingregistrywf.coordination.registry import Vids
from pingregistrywf.runtime.event_feed import EventChange
from pingregistrywf.runtime.journal import Change
from pingregistrywf.runtime.operations import Ran


async def run(url: str, workflow_id: UUID, registry_id: UUID) -> State:
    with open_journal(url) as opened:
        async with AsyncJournal(opened, commands=2, reads=2, most_waiting=10) as journal:
            workflows = AsyncWorkflows(journal, ids=UlidSource(), sleep=lambda _: None)
            vid = await workflows.init(workflow_id, CmdInit(registry_id=registry_id))
            assert_type(vid, Ulid)
            vid = await workflows.append_ping(workflow_id, vid, 0, "well")
            assert_type(await workflows.tell(workflow_id, NO_VC, CmdCommit()), Ulid)
            assert_type(await workflows.events(workflow_id), tuple[AnyEvent, ...])
            assert_type(await workflows.happened(workflow_id, [vid]), bool)
            assert_type((await workflows.explain(workflow_id, CmdCommit())).reason, str)
            return await workflows.find_id(workflow_id)


async def follow(workflows: AsyncWorkflows, id: UUID, after: Ulid | None) -> Ulid | None:
    stream = workflows.follow(id, after=after, until=0.0, restart=True)
    async for event in stream:
        assert_type(event, AnyEvent)
        if isinstance(event, ServerPinged):
            assert_type(event.status_code, int)
        after = event.id
    assert_type(stream.restarted, bool)
    return after


async def read(journal: AsyncJournal, workflows: AsyncWorkflows) -> str | None:
    async with journal.feed() as feed:
        assert_type(await feed.read(10), Sequence[Change])
        assert_type(await feed.wait(1.0), bool)
    async with workflows.feed(feed.position) as events:
        async for change in events:
            assert_type(change, EventChange[AnyEvent])
            match change:
                case Recorded(event=event):
                    assert_type(event, AnyEvent)
                case Deleted(vid=vid):
                    assert_type(vid, Ulid)
        return events.position


async def cancelled(workflows: AsyncWorkflows, id: UUID) -> bool:
    attempted = Attempted()
    try:
        with attempted:
            async with asyncio.timeout(1):
                await workflows.commit(id, NO_VC)
    except TimeoutError:
        return await workflows.happened(id, attempted)
    except JournalBusyError as error:
        assert_type(error.waiting, int)
    return True


async def by_name(journal: AsyncJournal, id: UUID) -> None:
    registry = AsyncPingRegistry(journal, "reg")
    assert_type(await registry.begin(id), Vids)
    assert_type(await registry.ping(id, 0, "well"), Ulid)
    assert_type((await registry.get(id, wait=1.0)).state, State)
    assert_type([each.workflow_id for each in await registry.list()], list[UUID])
    assert_type([each.error for each in await registry.collect()], list[WorkflowError | None])
    assert_type(registry.workflows, AsyncWorkflows)
    assert_type(registry.indexes, AsyncWorkflowIndexes)
    assert_type(registry.operations, AsyncOperations)
    assert_type(await registry.operations.ping(id, 0, "well"), Ran)
    assert_type(registry.operations.facade(AsyncWorkflows), AsyncWorkflows)


async def wrong(workflows: AsyncWorkflows, registry: AsyncPingRegistry, id: UUID) -> None:
    await workflows.append_ping(id, 0, "no vid")  # type: ignore[call-arg]
    await workflows.append_ping(id, NO_VC, "0", "text")  # type: ignore[arg-type]
    await workflows.init(id, CmdCommit())  # type: ignore[arg-type]
    await workflows.reopen(id, NO_VC)  # type: ignore[attr-defined]
    await registry.ping(id, "0", "text")  # type: ignore[arg-type]
    await registry.get(id, stop=None)  # type: ignore[call-arg]
