"""The journal in a SQLite file keeps the contract."""

from __future__ import annotations

from pathlib import Path

from pingregistrywf.runtime.journal import Journal, Retention, open_journal
from pingregistrywf.testing.journal import JournalContract, TurnedClock


class TestSqliteJournal(JournalContract):
    def open(self, place: Path, clock: TurnedClock, retention: Retention | None = None) -> Journal:
        return open_journal(f"sqlite:{place}/pings.db", clock=clock, retention=retention)
