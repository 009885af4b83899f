"""The tests of the journal's feed, on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pingregistrywf.aio import AsyncJournal
from pingregistrywf.runtime.journal import NO_HEAD, Journal, Retention, open_journal
from pingregistrywf.testing.clock import TurnedClock
from pingregistrywf.testing.journal import JournalContract, post

from .bridge import BridgedJournal, Loop


def test_a_change_right_after_the_first_read_ends_the_wait() -> None:
    async def main() -> None:
        with open_journal("memory:") as opened:
            async with AsyncJournal(opened) as journal:
                feed = journal.feed()
                assert await feed.read() == ()
                post(opened, uuid4(), NO_HEAD)
                assert await feed.wait(60)
                assert len(await feed.read()) == 1

    asyncio.run(main())


def test_a_feed_that_is_begun_after_the_streams_have_ended_ends_at_once() -> None:
    async def main() -> None:
        with open_journal("memory:") as opened:
            post(opened, uuid4(), NO_HEAD)
            async with AsyncJournal(opened) as journal, asyncio.timeout(60):
                await journal.end_streams()
                assert [each async for each in journal.feed()] == []
                assert not await journal.feed().wait()

    asyncio.run(main())


class TestFeed(JournalContract):
    def open(self, place: Path, clock: TurnedClock, retention: Retention | None = None) -> Journal:
        return open_journal("memory:", clock=clock, retention=retention)

    @pytest.fixture
    def journal(self, tmp_path: Path, clock: TurnedClock, loop: Loop) -> Iterator[Any]:
        with BridgedJournal(loop, self.open(tmp_path, clock)) as journal:
            yield journal

    @pytest.fixture
    def second(self, journal: Journal) -> Journal:
        return journal


for name in dir(JournalContract):
    if name.startswith("test_") and "feed" not in name:
        setattr(TestFeed, name, None)
