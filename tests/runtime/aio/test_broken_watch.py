"""A backend fails as it watches for changes: no task waits for ever, and each learns why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from pingregistrywf import NO_VC, CmdInit, Workflows, open_journal
from pingregistrywf.aio import AsyncJournal, AsyncPingRegistry, AsyncWorkflows
from pingregistrywf.runtime.errors import DBError, JournalError

from ..breaking import Breaking

TIMEOUT = 60
HISTORY = uuid4()
OTHER = RuntimeError("a mistake of the backend")
OF_JOURNALS = DBError("watching", OSError("the network is gone"))


@pytest.fixture
def breaking() -> Iterator[Breaking]:
    with open_journal("memory:") as journal:
        Workflows(journal).init(HISTORY, CmdInit(registry_id=uuid4()))
        yield Breaking(journal)


def check(caught: BaseException | None, error: Exception) -> None:
    """The error is what the backend raised; facades wrap those of journals."""
    if error is OF_JOURNALS:
        assert isinstance(caught, JournalError)
        assert caught.err is error
    else:
        assert caught is error


@pytest.mark.parametrize("error", [OTHER, OF_JOURNALS])
def test_whoever_waits_raises_the_error(breaking: Breaking, error: Exception) -> None:
    async def main() -> None:
        journal: Any = breaking
        async with AsyncJournal(journal) as on, asyncio.timeout(TIMEOUT):
            workflows, registry = AsyncWorkflows(on), AsyncPingRegistry(on, "reg")
            workflow = uuid4()
            await registry.begin(workflow)
            stream, feed, changes = workflows.follow(HISTORY), on.feed(), workflows.feed()
            await anext(stream)
            while await feed.read() or await changes.read():
                pass
            assert await changes.wait()  # for what was committed before the watch began
            waits = [
                asyncio.ensure_future(anext(stream)),
                asyncio.ensure_future(anext(feed)),
                asyncio.ensure_future(changes.wait()),
                asyncio.create_task(registry.get(workflow, wait=TIMEOUT)),
            ]
            assert await asyncio.to_thread(breaking.waits.wait, TIMEOUT)
            breaking.fail(error)
            for caught in await asyncio.gather(*waits, return_exceptions=True):
                check(caught if isinstance(caught, BaseException) else None, error)

            # Those that come later wait for nothing, either; commands go on.
            for later in (
                lambda: anext(on.feed(feed.position)),
                lambda: on.feed().wait(),
                lambda: anext(workflows.follow(HISTORY)),
                lambda: registry.get(workflow, wait=TIMEOUT),
            ):
                with pytest.raises(type(error)) as raised:
                    await later()
                check(raised.value, error)
            assert await workflows.append_ping(HISTORY, NO_VC, 0, "well")

    asyncio.run(main())


@pytest.mark.parametrize("error", [OTHER, OF_JOURNALS])
def test_a_watch_that_cannot_begin_is_tried_again(breaking: Breaking, error: Exception) -> None:
    async def main() -> None:
        journal: Any = breaking
        breaking.refusal = error
        async with AsyncJournal(journal) as on, asyncio.timeout(TIMEOUT):
            stream = AsyncWorkflows(on).follow(HISTORY)
            for _ in range(2):
                with pytest.raises(type(error)) as raised:
                    await anext(stream)
                check(raised.value, error)
            breaking.refusal = None
            await anext(stream)

    asyncio.run(main())
