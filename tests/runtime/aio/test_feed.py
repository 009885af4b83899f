"""The tests of the journal's feed, on asyncio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf.runtime.journal import Journal, Retention, open_journal
from pingregistrywf.testing.clock import TurnedClock
from pingregistrywf.testing.journal import JournalContract

from .bridge import BridgedJournal, Loop


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
