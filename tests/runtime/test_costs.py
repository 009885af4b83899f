"""What each path costs, counted: a test fails when somebody makes it do more than it needs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from pingregistrywf import NO_VC, CmdInit, StateConflictError, Workflows, open_journal
from pingregistrywf.runtime.journal.sqlite import group_commit, guard
from pingregistrywf.runtime.journal.sqlite import pool as connections

from .observed import Observed
from .raced import Raced

PINGS = 100


class Cost(NamedTuple):
    """What was done.

    Attributes:
        statements: which SQLite executed, by their first words.
        read: how many entries each read of the journal gave.
        asked: how often the system was asked what a name means.
    """

    statements: list[str]
    read: list[int]
    asked: int


class Watched(Raced):
    """A journal whose reads are seen."""

    def exclusive(self, history: UUID) -> AbstractContextManager[Any]:
        return self.journal.exclusive(history)


class Costs:
    """A workflow of ``PINGS`` pings on SQLite, as two processes use it."""

    def __init__(self, path: Path, observed: type[Observed], patch: pytest.MonkeyPatch) -> None:
        self._executed = observed.executed
        self._asked = 0
        self._journals = [open_journal(f"sqlite:{path}") for _ in range(2)]
        self._watched = [Watched(each) for each in self._journals]
        self.workflows, self.others = map(Workflows, self._watched)
        self.workflow = uuid4()
        self.vid = self.others.init(self.workflow, CmdInit(registry_id=uuid4()))
        for _ in range(PINGS):
            self.vid = self.others.append_ping(self.workflow, self.vid, 0, "well")
        self._journals[0].read(uuid4())  # so that it has a connection
        # Until then the directory's time of change may not show another change.
        while time.time_ns() - path.parent.stat().st_ctime_ns <= guard.TICK_NS:
            time.sleep(0.01)
        self.others.append_ping(self.workflow, NO_VC, 0, "well")
        # No look grows old, however slow the machine is.
        patch.setattr(connections, "LOOK_SECONDS", 60.0)
        patch.setattr(group_commit, "_TURN_SECONDS", 60.0)
        stat, own = os.stat, threading.get_ident()

        def counted(*arguments: Any, **options: Any) -> os.stat_result:
            self._asked += threading.get_ident() == own  # other tests may have left threads here
            return stat(*arguments, **options)

        patch.setattr(os, "stat", counted)

    def of(self, act: Callable[[], object]) -> Cost:
        seen: list[int] = []
        for each in self._watched:
            each.watch = lambda reading: seen.append(len(reading.entries))
        self._executed.clear()
        self._asked = 0
        act()
        return Cost([each.split()[0] for each in self._executed], seen, self._asked)

    def append(self, workflows: Workflows) -> None:
        workflows.append_ping(self.workflow, NO_VC, 0, "well")

    def close(self) -> None:
        for journal in self._journals:
            journal.close()


@pytest.fixture
def costs(
    tmp_path: Path, observed: type[Observed], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Costs]:
    costs = Costs(tmp_path / "j.db", observed, monkeypatch)
    yield costs
    costs.close()


# The head, the next position, and the row: no read, and one flush.
APPEND = ["BEGIN", "SELECT", "SELECT", "INSERT", "COMMIT"]
NEWEST = ["SELECT"]
READ = [*NEWEST, "BEGIN", "SELECT", "SELECT", "ROLLBACK"]
LOOKS = 2


def test_an_append_reads_nothing(costs: Costs) -> None:
    costs.append(costs.others)
    assert costs.of(lambda: costs.append(costs.others)) == (APPEND, [], LOOKS)
    vid = costs.others.find_id(costs.workflow).vid
    cost = costs.of(lambda: costs.others.append_ping(costs.workflow, vid, 0, "well"))
    assert cost == (APPEND, [], LOOKS)


def test_a_find_without_news_is_one_statement(costs: Costs) -> None:
    costs.others.find_id(costs.workflow)
    cost = costs.of(lambda: costs.others.find_id(costs.workflow))
    assert cost == (NEWEST, [0], 0)


def test_a_refusal_is_one_statement_in_a_turn(costs: Costs) -> None:
    def refused() -> None:
        with pytest.raises(StateConflictError):
            costs.others.end(costs.workflow, NO_VC)

    costs.others.find_id(costs.workflow)
    cost = costs.of(refused)
    assert cost.statements == ["BEGIN", "SELECT", "COMMIT"]
    assert cost.read == [0]


def test_a_first_find_reads_each_entry_once(costs: Costs) -> None:
    cost = costs.of(lambda: costs.workflows.find_id(costs.workflow))
    assert cost.statements == READ[1:]
    assert cost.read == [1 + PINGS + 1]


def test_a_find_reads_what_others_wrote_since(costs: Costs) -> None:
    costs.workflows.find_id(costs.workflow)
    costs.append(costs.others)
    cost = costs.of(lambda: costs.workflows.find_id(costs.workflow))
    assert cost.statements == READ
    assert cost.read == [1]


def test_an_append_on_an_old_state_reads_what_others_wrote_since(costs: Costs) -> None:
    costs.workflows.find_id(costs.workflow)
    costs.append(costs.others)
    cost = costs.of(lambda: costs.append(costs.workflows))
    assert cost.read == [1]
    assert cost.statements.count("COMMIT") == 1
    assert len(cost.statements) <= 10


def test_where_others_append_too_the_history_is_read_first(costs: Costs) -> None:
    costs.workflows.find_id(costs.workflow)
    for _ in range(2):
        costs.append(costs.others)
        cost = costs.of(lambda: costs.append(costs.workflows))
        assert cost.read == [1]
    # The history, its new entry, the next position.
    assert cost.statements == ["BEGIN", *["SELECT"] * 3, "INSERT", "COMMIT"]
    assert costs.of(lambda: costs.append(costs.workflows)).read == [0]
    assert costs.of(lambda: costs.append(costs.workflows)).read == []


@pytest.fixture
def closed(tmp_path: Path) -> UUID:
    with open_journal(f"sqlite:{tmp_path / 'j.db'}") as journal:
        workflow = uuid4()
        Workflows(journal).init(workflow, CmdInit(registry_id=uuid4()))
    return workflow


def test_a_first_append_of_a_process(
    tmp_path: Path, closed: UUID, observed: type[Observed]
) -> None:
    with open_journal(f"sqlite:{tmp_path / 'j.db'}") as journal:
        workflows = Workflows(journal)
        journal.read(closed)  # opens a connection
        observed.executed.clear()
        workflows.append_ping(closed, NO_VC, 0, "well")
        executed = [each.split()[0] for each in observed.executed if "PRAGMA" not in each]
    # The history, its entries, the chart, the next position.
    assert executed == ["BEGIN", *["SELECT"] * 4, "INSERT", "COMMIT"]
