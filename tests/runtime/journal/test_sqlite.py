"""The journal in a SQLite file keeps the contract, between processes too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from pingregistrywf import EPOCH, NO_VC, Workflows
from pingregistrywf.runtime.journal import NO_HEAD, Journal, Retention, open_journal
from pingregistrywf.runtime.journal.sqlite import records
from pingregistrywf.runtime.journal.sqlite.schema import Role
from pingregistrywf.testing.journal import JournalContract, Overtaken, TurnedClock, post
from pingregistrywf.testing.journal.deletion import completed_workflow


class TestSqliteJournal(JournalContract):
    def open(self, place: Path, clock: TurnedClock, retention: Retention | None = None) -> Journal:
        return open_journal(f"sqlite:{place}/pings.db", clock=clock, retention=retention)


def test_collecting_does_not_look_at_what_is_alive(tmp_path: Path) -> None:
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        pool = journal._database.pool  # type: ignore[attr-defined]
        deleted = uuid4()
        journal.delete(deleted, post(journal, deleted, NO_HEAD)[0])

        def instructions(alive: int) -> int:
            with journal.exclusive(deleted):
                for _ in range(alive):
                    post(journal, uuid4(), NO_HEAD)
            counted: list[None] = []
            with pool.lend(Role.READER) as connection:
                connection.set_progress_handler(lambda: counted.append(None), 1)
                assert len(list(records.collectable(connection))) == 1
                connection.set_progress_handler(None, 1)
            return len(counted)

        # Each of the ninety would add several; some versions of SQLite count a few more or less.
        assert abs(instructions(10) - instructions(100)) < 90


@pytest.mark.parametrize("versioned", [False, True])
def test_a_delete_that_loses_to_another_process_succeeds(tmp_path: Path, versioned: bool) -> None:
    url = f"sqlite:{tmp_path}/pings.db"
    with open_journal(url) as journal:
        history, vid = completed_workflow(Workflows(journal))
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
