"""Tasks that follow: many share a read, a slow one keeps nobody, a cancelled one leaves nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
import uvloop

from pingregistrywf import NO_VC, AnyEvent, CmdInit, Journal, Ulid, Workflows, open_journal
from pingregistrywf.aio import AsyncEventStream, AsyncJournal, AsyncWorkflows
from pingregistrywf.runtime.aio import topic
from pingregistrywf.runtime.aio.stream import GIVEN_AT_ONCE
from pingregistrywf.runtime.journal import Reading
from pingregistrywf.testing.clock import TurnedClock

from ...tiers import EXHAUSTIVE, SOAK
from ..raced import Raced

BEGIN = CmdInit(registry_id=uuid4())


class Counted(Raced):
    """A journal that counts the entries that each read found."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.found: list[int] = []
        self.watch = self._count

    def _count(self, reading: Reading) -> None:
        if reading.entries:
            self.found.append(len(reading.entries))


@pytest.fixture
def counted(journal: Journal) -> Counted:
    return Counted(journal)


@pytest.fixture
def others(journal: Journal) -> Workflows:
    """The same journal as another program uses it."""
    return Workflows(journal)


@pytest.fixture
def history(others: Workflows) -> UUID:
    history = uuid4()
    others.init(history, BEGIN)
    return history


async def given(stream: AsyncEventStream[Any, AnyEvent], count: int = 1) -> list[AnyEvent]:
    """The next events of a stream."""
    return [await asyncio.wait_for(anext(stream), 60) for _ in range(count)]


class TestSharing:
    def test_all_share_one_read_and_one_event(
        self, counted: Counted, others: Workflows, history: UUID
    ) -> None:
        async def main() -> None:
            async with AsyncJournal(counted) as journal:
                workflows = AsyncWorkflows(journal)
                streams = [workflows.follow(history) for _ in range(50)]
                for number in range(4):
                    steps = [asyncio.create_task(given(each)) for each in streams]
                    if number:
                        await asyncio.sleep(0)
                        others.append_ping(history, NO_VC, number, "")
                    events = await asyncio.gather(*steps)
                    assert len({id(event) for (event,) in events}) == 1
                assert counted.found == [1, 1, 1, 1]

        asyncio.run(main())

    def test_one_that_is_slow_reads_for_itself(
        self,
        counted: Counted,
        others: Workflows,
        history: UUID,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(topic, "MOST_KEPT", 3)

        async def main() -> None:
            async with AsyncJournal(counted) as journal:
                workflows = AsyncWorkflows(journal)
                slow, fast = workflows.follow(history), workflows.follow(history)
                await asyncio.gather(given(slow), given(fast))
                vids = []
                for number in range(10):
                    vids.append(others.append_ping(history, NO_VC, number, ""))
                    (event,) = await given(fast)
                    assert event.id == vids[-1]
                assert [event.id for event in await given(slow, 10)] == vids
                assert counted.found == [1, *[1] * 10, 10]
                vids.append(others.append_ping(history, NO_VC, 10, ""))
                assert await given(slow) == await given(fast)  # they share again
                assert counted.found == [1, *[1] * 10, 10, 1]

        asyncio.run(main())

    def test_what_is_kept_is_not_the_end_at_a_time_limit(
        self, others: Workflows, history: UUID
    ) -> None:
        async def main() -> None:
            async with AsyncJournal(others.engine.journal) as journal:
                workflows = AsyncWorkflows(journal)
                stream = workflows.follow(history)
                late = workflows.follow(history, until=0.0)
                await asyncio.gather(given(stream), given(late))
                vids = []
                for number in range(2):
                    vids.append(others.append_ping(history, NO_VC, number, ""))
                    await given(stream)
                vids.append(others.append_ping(history, NO_VC, 2, ""))  # the loop has not heard
                assert [event.id async for event in late] == vids

        asyncio.run(main())

    def test_an_earlier_history_of_the_id_is_not_shared(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        async def main() -> None:
            async with AsyncJournal(journal) as on:
                workflows, history = AsyncWorkflows(on), uuid4()
                streams = []
                for _ in range(2):
                    streams.append(workflows.follow(history))
                    step = asyncio.create_task(given(streams[-1]))
                    await asyncio.wait([step], timeout=0.05)  # it waits for the history to begin
                    vid = await workflows.init(history, BEGIN)
                    assert [event.id for event in await step] == [vid]
                    await workflows.abort_expired(history, NO_VC)
                    await workflows.delete(history, NO_VC)
                    clock.turn(days=31)
                    journal.collect()

        asyncio.run(main())


class TestOneFollower:
    def test_a_step_that_is_cancelled_loses_nothing(self, others: Workflows, history: UUID) -> None:
        async def main() -> None:
            async with AsyncJournal(others.engine.journal) as journal:
                stream = AsyncWorkflows(journal).follow(history)
                await given(stream)
                for number in range(5):
                    step = asyncio.create_task(stream.__anext__())
                    for _ in range(number):
                        await asyncio.sleep(0)
                    vid = others.append_ping(history, NO_VC, number, "")
                    step.cancel()
                    events = await asyncio.gather(step, return_exceptions=True)
                    if isinstance(events[0], asyncio.CancelledError):
                        events = list(await given(stream))
                    assert [event.id for event in events] == [vid]

        asyncio.run(main())

    def test_one_that_is_cancelled_leaves_nothing(
        self, counted: Counted, others: Workflows, history: UUID
    ) -> None:
        async def main() -> None:
            # One thread reads: once a read is over, so are those that were begun before.
            async with AsyncJournal(counted, reads=1) as journal:
                workflows = AsyncWorkflows(journal)
                followed: list[weakref.ref[Any]] = []
                threads: set[int] = set()

                async def follow() -> None:
                    stream = workflows.follow(history)
                    followed.append(weakref.ref(stream))
                    async for _ in stream:
                        pass

                for _ in range(3):
                    task = asyncio.create_task(follow())
                    others.append_ping(history, NO_VC, 0, "")
                    await asyncio.sleep(0.01)
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                    await workflows.find_id(history)
                    threads.add(threading.active_count())
                del task
                gc.collect()
                assert [each() for each in followed] == [None] * 3
                before = len(counted.found)
                others.append_ping(history, NO_VC, 0, "")
                await asyncio.sleep(0.05)
                assert len(counted.found) == before  # nobody reads for it

        asyncio.run(main())

    def test_two_tasks_cannot_step_at_once(self, others: Workflows, history: UUID) -> None:
        async def main() -> None:
            async with AsyncJournal(others.engine.journal) as journal:
                stream = AsyncWorkflows(journal).follow(history)
                await given(stream)
                step = asyncio.create_task(given(stream))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                with pytest.raises(RuntimeError, match="another task"):
                    await anext(stream)
                stream.close()
                with pytest.raises(StopAsyncIteration):
                    await step

        asyncio.run(main())

    def test_other_tasks_run_meanwhile(self, others: Workflows, history: UUID) -> None:
        for number in range(3 * GIVEN_AT_ONCE):
            others.append_ping(history, NO_VC, number, "")

        async def main() -> int:
            async with AsyncJournal(others.engine.journal) as journal:
                stream = AsyncWorkflows(journal).follow(history, until=0.0)
                await given(stream)
                turns = 0

                async def turn() -> None:
                    nonlocal turns
                    while True:
                        turns += 1
                        await asyncio.sleep(0)

                turning = asyncio.create_task(turn())
                assert len(await given_without_a_wait(stream, 3 * GIVEN_AT_ONCE)) == 300
                turning.cancel()
                return turns

        async def given_without_a_wait(stream: Any, count: int) -> list[AnyEvent]:
            return [await anext(stream) for _ in range(count)]

        assert asyncio.run(main()) >= 3


def on_asyncio(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def on_uvloop(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(main())


def on_anyio(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    anyio.run(main, backend="asyncio")


@pytest.mark.parametrize("run", [on_asyncio, on_uvloop, on_anyio])
def test_every_event_loop(
    run: Callable[[Callable[[], Coroutine[Any, Any, None]]], None], journal: Journal
) -> None:
    async def main() -> None:
        async with AsyncJournal(journal) as on:
            workflows = AsyncWorkflows(on)
            history = uuid4()
            with anyio.move_on_after(0.02) as scope:
                await anext(workflows.follow(history))
            assert scope.cancelled_caught
            vids = [await workflows.init(history, BEGIN)]

            async def follow() -> list[Ulid]:
                return [event.id async for event in workflows.follow(history)]

            async with asyncio.TaskGroup() as group:
                following = group.create_task(follow())
                vids.append(await workflows.append_ping(history, NO_VC, 0, ""))
                vids.append(await workflows.abort_expired(history, NO_VC))
                vids.append(await workflows.end(history, NO_VC))
            assert following.result() == vids

    run(main)


# --- Many -----------------------------------------------------------------------------------------

FOLLOWERS = 1000 if EXHAUSTIVE else 200
APPENDS = 1000 if SOAK else 100 if EXHAUSTIVE else 20
RATE = 100


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (no handle of its own)


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("histories", [1, FOLLOWERS], ids=["one", "each"])
def test_many_followers(tmp_path: Path, histories: int) -> None:
    """Each gets each event once, in order, while threads and file handles stay as they are."""
    threads: set[int] = set()
    opened_files: set[int] = set()

    async def main(opened: Journal) -> None:
        async with AsyncJournal(opened) as journal:
            workflows = AsyncWorkflows(journal)
            ids = [uuid4() for _ in range(histories)]
            await asyncio.gather(*(workflows.init(each, BEGIN) for each in ids))
            await asyncio.gather(*(workflows.init(uuid4(), BEGIN) for _ in range(100)))
            await asyncio.gather(*(workflows.find_id(ids[0]) for _ in range(100)))
            seen: list[list[Ulid]] = [[] for _ in range(FOLLOWERS)]

            async def follow(number: int) -> None:
                async for event in workflows.follow(ids[number % histories]):
                    seen[number].append(event.id)

            async def append(number: int) -> None:
                await asyncio.sleep(number / RATE)
                await workflows.append_ping(ids[number % histories], NO_VC, 0, f"{number}")
                threads.add(threading.active_count())
                opened_files.add(handles())

            tasks = [asyncio.create_task(follow(number)) for number in range(FOLLOWERS)]
            while not all(seen):
                await asyncio.sleep(0.01)
            await asyncio.gather(*(append(number) for number in range(APPENDS)))
            wanted = {each: [event.id for event in await workflows.events(each)] for each in ids}
            due = [wanted[ids[number % histories]] for number in range(FOLLOWERS)]
            async with asyncio.timeout(60):
                while any(len(own) < len(all_) for own, all_ in zip(seen, due, strict=True)):
                    await asyncio.sleep(0.01)
            assert seen == due
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    with open_journal(f"sqlite:{tmp_path / 'pings.db'}") as opened:
        before = threading.active_count()
        asyncio.run(main(opened))
    assert len(threads) == 1
    assert max(threads) <= before + 8 + 4 + 2  # a thread that watches, and the poller
    assert max(opened_files) - min(opened_files) <= 3 * (8 + 4)  # idle connections may be closed
