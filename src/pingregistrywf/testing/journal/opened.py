"""How the tests of a journal open it: what a subclass defines, and the fixtures made from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from pingregistrywf.runtime.journal import Journal, Retention
from pingregistrywf.testing.clock import TurnedClock


class OpenedJournal(ABC):
    """How a journal is opened: for each test anew, in a directory of its own."""

    @abstractmethod
    def open(self, place: Path, clock: TurnedClock, retention: Retention | None = None) -> Journal:
        """Open the journal that belongs to a directory, making it if there is none.

        Args:
            place: the directory.
            clock: the journal's clock.
            retention: how long the journal keeps what is no longer needed; None for the default.
        """

    def open_second(self, first: Journal, place: Path, clock: TurnedClock) -> Journal:
        """Open the same journal once more, as another process would.

        A backend whose store is the instance itself returns the instance.
        """
        return self.open(place, clock)

    @pytest.fixture
    def clock(self) -> TurnedClock:
        return TurnedClock()

    @pytest.fixture
    def journal(self, tmp_path: Path, clock: TurnedClock) -> Iterator[Journal]:
        with self.open(tmp_path, clock) as journal:
            yield journal

    @pytest.fixture
    def second(self, journal: Journal, tmp_path: Path, clock: TurnedClock) -> Iterator[Journal]:
        with self.open_second(journal, tmp_path, clock) as second:
            yield second
