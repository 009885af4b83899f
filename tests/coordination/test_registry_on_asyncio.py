"""A registry on asyncio does what the blocking one does, with the same methods."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    Journal,
    Operations,
    PingRegistry,
    StateCode,
    Ulid,
    UninitializedError,
    VersionConflictError,
    WorkflowIndexes,
    Workflows,
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
from pingregistrywf.runtime.operations import Operation

PAIRS = (
    (AsyncWorkflows, Workflows),
    (AsyncWorkflowIndexes, WorkflowIndexes),
    (AsyncOperations, Operations),
    (AsyncPingRegistry, PingRegistry),
)
NOT_ASYNCHRONOUS = {
    PingRegistry: {"check_own", "collector", "on"},
    Operations: {"finished", "on", "run_from"},
}
AT_ONCE = {"follow", "feed", "facade"}
"""The methods that wait for nothing, and return what does."""


def methods(kind: type[Any]) -> dict[str, Any]:
    return {
        name: each
        for name, each in inspect.getmembers(kind, callable)
        if not name.startswith("_") and not inspect.isclass(each)
    }


@pytest.mark.parametrize(("kind", "blocking"), PAIRS, ids=[each.__name__ for each, _ in PAIRS])
def test_it_has_the_same_methods(kind: type[Any], blocking: type[Any]) -> None:
    ours, theirs = methods(kind), methods(blocking)
    assert set(ours) == set(theirs) - NOT_ASYNCHRONOUS.get(blocking, set())
    for name, method in ours.items():
        parameters = dict(inspect.signature(method).parameters)
        wanted = dict(inspect.signature(theirs[name]).parameters)
        if (blocking, name) == (PingRegistry, "get"):
            del wanted["stop"]  # a task is cancelled instead
        assert parameters == wanted, name
        assert inspect.iscoroutinefunction(method) is (name not in AT_ONCE)
    given = inspect.signature(kind).parameters
    assert list(given) == list(inspect.signature(blocking).parameters)


@pytest.fixture
def journal() -> Iterator[Journal]:
    with open_journal("memory:") as journal:
        yield journal


def test_a_whole_run(journal: Journal) -> None:
    workflow = uuid4()

    async def main() -> None:
        async with AsyncJournal(journal) as on:
            registry = AsyncPingRegistry(on, "reg")
            assert registry.id == PingRegistry(journal, "reg").id
            vids = await registry.begin(workflow)
            await registry.ping(workflow, 0, "well", vid=vids.workflow)
            with pytest.raises(VersionConflictError):
                await registry.ping(workflow, 0, "late", vid=vids.workflow)
            assert [each.workflow_id for each in await registry.list()] == [workflow]
            assert (await registry.index()).vid == vids.index
            getting = asyncio.create_task(registry.get(workflow, wait=60))
            done, _ = await asyncio.wait([getting], timeout=0.05)
            assert not done
            vid = await registry.gather(workflow, 0, "all well")
            assert (await getting).state.vid == vid
            await registry.commit(workflow)
            assert (await registry.get(workflow)).message == "all well"
            state = await registry.state_of(workflow)
            assert state == await registry.workflows.find_id(workflow)
            assert state.state_code is StateCode.TERMINATED
            assert not await registry.snapshot()
            await registry.delete(workflow)
            assert {each.error for each in await registry.collect()} == {None}
            with pytest.raises(UninitializedError):
                await registry.get(workflow)

    asyncio.run(main())


def test_a_wait_ends_in_time(journal: Journal) -> None:
    workflow = uuid4()

    async def main() -> None:
        async with AsyncJournal(journal) as on:
            registry = AsyncPingRegistry(on, "reg")
            await registry.begin(workflow)
            assert (await registry.get(workflow, wait=0.05)).code == 101

    asyncio.run(main())


def test_a_wait_ends_with_the_streams(journal: Journal) -> None:
    workflow = uuid4()

    async def main() -> None:
        async with AsyncJournal(journal) as on, asyncio.timeout(60):
            registry = AsyncPingRegistry(on, "reg")
            await registry.begin(workflow)
            await anext(registry.workflows.follow(workflow))  # the watch is on
            waits = asyncio.create_task(registry.get(workflow, wait=3600))
            await on.end_streams()
            assert (await waits).code == 101

    asyncio.run(main())


def test_observers_and_attempted(journal: Journal) -> None:
    seen: list[tuple[str, int]] = []

    class Observer:
        def before(self, operation: Operation, number: int) -> None:
            seen.append((operation.name, number))

        def after(self, operation: Operation, number: int) -> None:
            pass

    async def main() -> tuple[list[Ulid], UUID]:
        async with AsyncJournal(journal) as on:
            registry = AsyncPingRegistry(on, "reg", observers=[Observer()])
            with Attempted() as attempted:
                await registry.begin(uuid4())
            assert await registry.indexes.happened(registry.index_id, attempted)
            return list(attempted), registry.index_id

    attempted, index = asyncio.run(main())
    assert seen == [("begin", 1), ("begin", 2)]
    assert [event.id for event in WorkflowIndexes(journal).events(index)] == attempted[1:]
