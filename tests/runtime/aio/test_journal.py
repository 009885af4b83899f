"""A journal on asyncio: its threads, commands that are cancelled or too many, and closing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    NO_VC,
    CmdInit,
    Journal,
    JournalBusyError,
    JournalClosedError,
    JournalError,
    Ulid,
    Workflows,
)
from pingregistrywf.aio import AsyncJournal, AsyncWorkflows, Attempted
from pingregistrywf.runtime.journal import Head
from pingregistrywf.testing.clock import TurnedClock

from ..raced import Raced

BEGIN = CmdInit(registry_id=uuid4())


class Held(Raced):
    """A journal whose commits wait while it is held."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.release = threading.Event()
        self.release.set()
        self.arrived = threading.Semaphore(0)

    def commit(self, *args: Any, **options: Any) -> Head:
        self.arrived.release()
        assert self.release.wait(60)
        return super().commit(*args, **options)


@pytest.fixture
def held(journal: Journal) -> Held:
    return Held(journal)


@pytest.fixture
def history(journal: Journal) -> UUID:
    history = uuid4()
    Workflows(journal).init(history, BEGIN)
    return history


def messages(journal: Journal, history: UUID) -> list[str]:
    return [ping.message for ping in Workflows(journal).find_id(history).pings]


async def arrivals(held: Held, count: int = 1) -> None:
    """Wait until so many commits are under way."""
    for _ in range(count):
        assert await asyncio.to_thread(held.arrived.acquire, timeout=60)


async def ends_in(kind: type[BaseException], task: asyncio.Task[Any]) -> None:
    with pytest.raises(kind):
        await task


class TestCancelled:
    def test_before_it_began_it_is_undone(self, held: Held, history: UUID) -> None:
        async def main() -> None:
            async with AsyncJournal(held, commands=1) as journal:
                workflows = AsyncWorkflows(journal)
                held.release.clear()
                first = asyncio.create_task(workflows.append_ping(history, NO_VC, 0, "first"))
                await arrivals(held)
                attempted = Attempted()
                with attempted:
                    second = asyncio.create_task(workflows.append_ping(history, NO_VC, 0, "second"))
                await asyncio.sleep(0)
                second.cancel()
                await ends_in(asyncio.CancelledError, second)
                held.release.set()
                await first
                assert not await workflows.happened(history, attempted)

        asyncio.run(main())
        assert messages(held.journal, history) == ["first"]

    @pytest.mark.parametrize("takes_effect", [True, False])
    def test_under_way_it_goes_on_and_happened_tells(
        self, held: Held, history: UUID, clock: TurnedClock, takes_effect: bool
    ) -> None:
        async def main() -> None:
            async with AsyncJournal(held) as journal:
                workflows = AsyncWorkflows(journal)
                vid = (await workflows.find_id(history)).vid
                held.release.clear()
                attempted = Attempted()
                with attempted:
                    task = asyncio.create_task(workflows.append_ping(history, vid, 0, "ours"))
                await arrivals(held)
                task.cancel()
                await ends_in(asyncio.CancelledError, task)
                asked = asyncio.create_task(workflows.happened(history, attempted))
                done, _ = await asyncio.wait([asked], timeout=0.05)
                assert not done  # it may still take effect
                if not takes_effect:
                    clock.turn(seconds=1)  # so that no two events get the same id
                    Workflows(held.journal).append_ping(history, NO_VC, 0, "theirs")
                held.release.set()
                assert await asked is takes_effect

        asyncio.run(main())
        assert messages(held.journal, history) == ["ours" if takes_effect else "theirs"]

    def test_other_commands_are_not_noted(self, journal: Journal, history: UUID) -> None:
        async def main() -> None:
            async with AsyncJournal(journal) as on:
                workflows = AsyncWorkflows(on)
                outer, inner = Attempted(), Attempted()
                with outer:
                    noted = [await workflows.append_ping(history, NO_VC, 0, "outer")]
                    with inner:
                        within = await workflows.append_ping(history, NO_VC, 0, "inner")
                    noted.append(await workflows.append_ping(history, NO_VC, 0, "outer"))
                await workflows.append_ping(history, NO_VC, 0, "none")
                assert (list(outer), list(inner)) == (noted, [within])

        asyncio.run(main())


class TestBusy:
    def test_one_more_than_may_wait_is_refused(self, held: Held, history: UUID) -> None:
        async def main() -> None:
            async with AsyncJournal(held, commands=2, most_waiting=3) as journal:
                workflows = AsyncWorkflows(journal)

                def begin() -> Coroutine[Any, Any, Ulid]:
                    return workflows.init(uuid4(), BEGIN)

                held.release.clear()
                tasks = [asyncio.create_task(begin()) for _ in range(5)]
                await arrivals(held, 2)
                with pytest.raises(JournalBusyError) as caught:
                    await begin()
                error = caught.value
                assert isinstance(error, JournalError)
                assert (error.definite, error.retry, error.waiting) == (True, "safe", 3)
                assert (await workflows.find_id(history)).num_pings == 0  # reads do not wait
                held.release.set()
                await asyncio.gather(*tasks)
                await begin()

        asyncio.run(main())
        assert len(list(held.journal.histories())) == 1 + 6


class TestClosing:
    def test_it_waits_for_what_is_under_way(self, held: Held, history: UUID) -> None:
        async def main() -> None:
            journal = AsyncJournal(held, commands=1)
            workflows = AsyncWorkflows(journal)
            held.release.clear()
            names = ("runs", "waits")
            tasks = [
                asyncio.create_task(workflows.append_ping(history, NO_VC, 0, name))
                for name in names
            ]
            await arrivals(held)
            tasks[0].cancel()
            await ends_in(asyncio.CancelledError, tasks[0])
            closing = asyncio.create_task(journal.close())
            done, _ = await asyncio.wait([closing], timeout=0.05)
            assert not done
            for call in (workflows.find_id(history), workflows.commit(history, NO_VC)):
                with pytest.raises(JournalClosedError) as caught:
                    await call
                assert isinstance(caught.value, JournalError)
            held.release.set()
            await closing
            await tasks[1]
            assert messages(held.journal, history) == ["runs", "waits"]
            with pytest.raises(JournalClosedError):
                workflows.follow(history)
            await journal.close()

        threads = threading.active_count()
        asyncio.run(main())
        assert threading.active_count() == threads

    def test_it_ends_streams_and_feeds(self, journal: Journal, history: UUID) -> None:
        async def main() -> tuple[list[str], int]:
            on = AsyncJournal(journal)
            workflows = AsyncWorkflows(on)
            arrived = asyncio.Event()

            async def follow() -> list[str]:
                seen = []
                async for event in workflows.follow(history):
                    seen.append(type(event).__name__)
                    arrived.set()
                return seen

            async def read() -> int:
                return len([change async for change in on.feed()])

            tasks = asyncio.create_task(follow()), asyncio.create_task(read())
            await arrived.wait()
            await on.close()
            return await asyncio.gather(*tasks)

        assert asyncio.run(main())[0] == ["PingRegistryStarted"]
