"""The journal in a SQLite file keeps the contract, between processes too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pingregistrywf import EPOCH, NO_VC, Workflows
from pingregistrywf.runtime.journal import Journal, Retention, open_journal
from pingregistrywf.testing.journal import JournalContract, Overtaken, TurnedClock


class TestSqliteJournal(JournalContract):
    def open(self, place: Path, clock: TurnedClock, retention: Retention | None = None) -> Journal:
        return open_journal(f"sqlite:{place}/pings.db", clock=clock, retention=retention)


@pytest.mark.parametrize("versioned", [False, True])
def test_a_delete_that_loses_to_another_process_succeeds(tmp_path: Path, versioned: bool) -> None:
    url = f"sqlite:{tmp_path}/pings.db"
    with open_journal(url) as journal:
        history, vid = JournalContract.completed(Workflows(journal))
        script = f"""if True:
            from uuid import UUID
            from pingregistrywf import NO_VC, Workflows, open_journal
            Workflows(open_journal({url!r})).delete(UUID({str(history)!r}), NO_VC)
        """
        raced = Overtaken(
            journal, lambda: subprocess.run([sys.executable, "-c", script], check=True)
        )
        Workflows(raced).delete(history, vid if versioned else NO_VC)
        (stored,) = journal.histories()
        assert stored.deleted_at is not None
        assert journal.read(history).head.vid == EPOCH
