"""The journal in memory keeps the contract, and nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal import Journal, Retention, open_journal
from pingregistrywf.testing.journal import JournalContract, TurnedClock


class TestMemoryJournal(JournalContract):
    def open(self, place: Path, clock: TurnedClock, retention: Retention | None = None) -> Journal:
        return open_journal("memory:", clock=clock, retention=retention)

    def open_second(self, first: Journal, place: Path, clock: TurnedClock) -> Journal:
        return first


@pytest.mark.parametrize(
    "url", ["", "memory", "memory:x", "pings.db", "postgres:x", ":", "SQLITE:x", None, 5]
)
def test_a_url_that_makes_no_sense(url: object) -> None:
    with pytest.raises(JournalOpenError) as caught:
        open_journal(url)  # type: ignore[arg-type]
    assert caught.value.cause
    assert "memory:" in caught.value.remedy
