"""The collector and the journal's garbage collection, on a clock that moves days."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pingregistrywf import (
    NO_VC,
    CorruptedDataError,
    HistoryDeletedError,
    Journal,
    JournalError,
    StateCode,
    StateConflictError,
    TooManyWorkflowsError,
    UlidSource,
    UninitializedError,
    open_journal,
)
from pingregistrywf._generated.ping_registry_index import DECLARATION as INDEX
from pingregistrywf._generated.ping_registry_index import SnapshotBegin, SnapshotEnd, SnapshotState
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf.coordination.collector import Action
from pingregistrywf.coordination.daemon import Server
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.registry_ids import RegistryIds
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime.ids import EPOCH
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Head
from pingregistrywf.testing.journal import TurnedClock

from .simulation import Role, RolesJournal

HOUR = 3_600.0
DAY = 24 * HOUR
MOMENT = 0.001
REGISTRY = RegistryIds("reg")
FIRST, SECOND, THIRD = (UUID(int=number) for number in (0x1001, 0x1002, 0x1003))


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture(params=["memory", "sqlite"])
def another(
    request: pytest.FixtureRequest, tmp_path: Path, clock: TurnedClock
) -> Iterator[Callable[[], PingRegistry]]:
    """Opens the registry as another process would; on a journal in memory, with no cache."""
    opened: list[Journal] = []

    def open_it() -> PingRegistry:
        if not opened or request.param == "sqlite":
            url = "memory:" if request.param == "memory" else f"sqlite:{tmp_path / 'pings.db'}"
            opened.append(open_journal(url, clock=clock))
        return PingRegistry(opened[-1], REGISTRY.name)

    yield open_it
    for journal in opened:
        journal.close()


@pytest.fixture
def registry(another: Callable[[], PingRegistry]) -> PingRegistry:
    return another()


def collect(registry: PingRegistry) -> list[tuple[str, UUID | None]]:
    """Run the collector without a failure; what it did."""
    actions = list(registry.collector().run())
    assert [action for action in actions if action.error] == []
    return [(each.name, each.workflow) for each in actions if each.workflow or each.detail]


def listed(registry: PingRegistry, workflow: UUID) -> ListedCode:
    entry = registry.indexes.find_id(REGISTRY.index_id).entries.get(workflow)
    return ListedCode(entry.state_code) if entry else ListedCode.ABSENT


def complete(registry: PingRegistry, workflow: UUID) -> None:
    registry.begin(workflow)
    registry.operations.gather(workflow, 0, "")
    registry.commit(workflow)


class TestExpire:
    def test_after_a_day_and_not_before(self, clock: TurnedClock, registry: PingRegistry) -> None:
        registry.begin(FIRST)
        clock.now += DAY  # for more than a day
        assert collect(registry) == []
        clock.now += MOMENT
        assert collect(registry) == [("expire", FIRST)]
        assert registry.workflows.find_id(FIRST).state_code is StateCode.TERMINATED
        assert listed(registry, FIRST) is ListedCode.COMPLETED
        assert collect(registry) == []

    def test_by_the_start_in_the_index(self, clock: TurnedClock, registry: PingRegistry) -> None:
        registry.begin(FIRST)
        clock.now += 23 * HOUR
        registry.begin(SECOND)
        registry.operations.ping(FIRST, 0, "late")
        clock.now += 2 * HOUR
        assert collect(registry) == [("expire", FIRST)]

    def test_what_was_summarized_keeps_its_summary(
        self, clock: TurnedClock, registry: PingRegistry
    ) -> None:
        registry.begin(FIRST)
        registry.operations.gather(FIRST, 1, "one failed")
        clock.now += 1.1 * DAY
        assert collect(registry) == [("expire", FIRST)]
        assert registry.workflows.find_id(FIRST).summary_status.message == "one failed"

    def test_what_is_completed_does_not_expire(
        self, clock: TurnedClock, registry: PingRegistry
    ) -> None:
        complete(registry, FIRST)
        clock.now += 1.1 * DAY
        assert collect(registry) == []


class TestDelete:
    def test_after_five_days_and_not_before(
        self, clock: TurnedClock, registry: PingRegistry
    ) -> None:
        registry.begin(FIRST)
        clock.now += 0.9 * DAY  # counts from the completion
        registry.operations.gather(FIRST, 0, "")
        registry.commit(FIRST)
        clock.now += 5 * DAY  # for more than five days
        assert collect(registry) == []
        clock.now += MOMENT
        assert collect(registry) == [("delete", FIRST)]
        assert listed(registry, FIRST) is ListedCode.ABSENT
        with pytest.raises(UninitializedError):
            registry.workflows.find_id(FIRST)
        assert collect(registry) == []

    def test_what_expires_is_deleted_five_days_later(
        self, clock: TurnedClock, registry: PingRegistry
    ) -> None:
        registry.begin(FIRST)
        clock.now += 7 * DAY
        assert collect(registry) == [("expire", FIRST)]
        clock.now += 4.9 * DAY
        assert collect(registry) == []
        clock.now += 0.2 * DAY
        assert collect(registry) == [("delete", FIRST)]

    def test_reads_as_empty_in_every_process(
        self, clock: TurnedClock, registry: PingRegistry, another: Callable[[], PingRegistry]
    ) -> None:
        complete(registry, FIRST)
        other = another()
        assert other.workflows.find_id(FIRST).vid  # and cached there
        clock.now += 5.1 * DAY
        collect(registry)
        for each in (registry, other, another()):
            assert each.workflows.events(FIRST) == ()
            assert each.workflows.engine.find(FIRST).vid == EPOCH
            assert listed(each, FIRST) is ListedCode.ABSENT
            with pytest.raises(StateConflictError):
                each.workflows.append_ping(FIRST, NO_VC, 0, "")
            with pytest.raises(StateConflictError):
                each.commit(FIRST)

    def test_the_id_is_free_after_thirty_days_and_not_before(
        self, clock: TurnedClock, registry: PingRegistry, another: Callable[[], PingRegistry]
    ) -> None:
        complete(registry, FIRST)
        clock.now += 5 * DAY + MOMENT
        collect(registry)
        other = another()
        for passing in (0.0, 15 * DAY, 15 * DAY):
            clock.now += passing
            collect(other)
            for each in (registry, other):
                with pytest.raises(JournalError) as caught:
                    each.begin(FIRST)
                assert caught.value.err == HistoryDeletedError(FIRST)
        assert listed(registry, FIRST) is ListedCode.ABSENT
        clock.now += MOMENT
        with pytest.raises(JournalError):  # due, and not collected yet
            registry.begin(FIRST)
        assert collect(other) == [("collect", None)]
        registry.begin(FIRST)
        assert listed(other, FIRST) is ListedCode.ACTIVE
        assert len(other.workflows.events(FIRST)) == 1

    def test_events_are_removed_after_fifteen_days(
        self, clock: TurnedClock, registry: PingRegistry
    ) -> None:
        complete(registry, FIRST)
        clock.now += 5 * DAY + MOMENT
        collect(registry)
        clock.now += 15 * DAY
        assert not registry.journal.collect()
        clock.now += MOMENT
        collected = registry.journal.collect()
        assert (collected.entries, collected.freed) == (4, ())
        clock.now += 15 * DAY
        collected = registry.journal.collect()
        assert (collected.entries, collected.freed) == (0, (FIRST,))

    def test_other_thresholds(self, clock: TurnedClock, registry: PingRegistry) -> None:
        complete(registry, FIRST)
        registry.begin(SECOND)
        clock.now += 61
        collector = registry.collector(
            expire_after=timedelta(minutes=1), delete_after=timedelta(minutes=1)
        )
        planned = [Action("expire", SECOND), Action("delete", FIRST)]
        assert list(collector.plan(clock.now)) == planned
        assert list(collector.run())[:2] == planned


class TestRun:
    def test_takes_one_fixed_time(self, clock: TurnedClock, registry: PingRegistry) -> None:
        registry.begin(FIRST)
        clock.now += HOUR
        registry.begin(SECOND)
        clock.now += 1.02 * DAY - HOUR
        workflows = set()
        for action in registry.collector().run():
            workflows.add(action.workflow)
            clock.now += HOUR  # each action takes its time
        assert workflows == {FIRST, None}  # None: of an action on all histories

    def test_the_plan_does_nothing(self, clock: TurnedClock, registry: PingRegistry) -> None:
        complete(registry, FIRST)
        clock.now += 4 * DAY
        registry.begin(SECOND)
        clock.now += HOUR
        registry.begin(THIRD)
        clock.now += 2 * DAY
        before = registry.indexes.events(REGISTRY.index_id)
        planned = list(registry.collector().plan(clock.now))
        assert planned == [
            Action("expire", SECOND),
            Action("expire", THIRD),
            Action("delete", FIRST),
        ]
        assert registry.indexes.events(REGISTRY.index_id) == before
        assert len(registry.workflows.events(FIRST)) == 4
        assert collect(registry) == [(each.name, each.workflow) for each in planned]

    def test_a_failing_workflow_is_reported_and_the_run_goes_on(
        self, clock: TurnedClock, registry: PingRegistry, caplog: pytest.LogCaptureFixture
    ) -> None:
        for workflow in (FIRST, SECOND, THIRD):
            registry.begin(workflow)
        head = registry.journal.read(SECOND).head
        entry = Entry(UlidSource(registry.journal.clock).next(head.vid), head.vid, b"no event")
        registry.journal.commit(SECOND, head, [entry], chart=ChartIdentity("ping_registry"))
        clock.now += 1.1 * DAY
        with caplog.at_level(logging.INFO, "pingregistrywf"):
            actions = {action.workflow: action for action in registry.collector().run()}
        assert actions[FIRST].error is None
        assert actions[THIRD].error is None
        error = actions[SECOND].error
        assert isinstance(error, JournalError)
        assert isinstance(error.err, CorruptedDataError)
        assert listed(registry, SECOND) is ListedCode.ACTIVE
        assert listed(registry, THIRD) is ListedCode.COMPLETED
        failed = [each for each in caplog.records if each.levelno == logging.ERROR]
        assert [each.__dict__["fields"]["workflow"] for each in failed] == [str(SECOND)]

    def test_only_its_own_registry(self, clock: TurnedClock, registry: PingRegistry) -> None:
        other = PingRegistry(registry.journal, "other")
        other.begin(FIRST)
        clock.now += 2 * DAY
        assert collect(registry) == []
        assert other.workflows.find_id(FIRST).state_code is StateCode.INITIALIZED


def pass_through_the_index(registry: PingRegistry, count: int) -> None:
    """Workflows that come and go: three events of the index each, written in one go."""
    index_id = REGISTRY.index_id
    head = registry.journal.read(index_id).head
    with open_journal("memory:", clock=registry.journal.clock) as elsewhere:
        other = PingRegistry(elsewhere, REGISTRY.name)
        entries = registry.journal.read(index_id, whole=True).entries
        start: Head = Head()
        if entries:
            start = elsewhere.commit(index_id, start, entries, chart=INDEX.identity)
        for number in range(count):
            workflow = UUID(int=0x2000 + number)
            vid = UlidSource(registry.journal.clock).next(EPOCH)
            other.indexes.begin_ping_registry(index_id, NO_VC, workflow, vid)
            other.indexes.commit_ping_registry(index_id, NO_VC, workflow, vid)
            other.indexes.delete_ping_registry(index_id, NO_VC, workflow)
        made = elsewhere.read(index_id, start if entries else None, whole=not entries).entries
    registry.journal.commit(index_id, head, made, chart=INDEX.identity)


def kinds(registry: PingRegistry) -> list[type]:
    return [type(event) for event in registry.indexes.events(REGISTRY.index_id)]


class TestSnapshot:
    @pytest.mark.parametrize(
        ("active", "completed", "passed", "events", "written"),
        [
            # From 1000 events on, ...
            (1, 1, 332, 999, False),
            (0, 2, 332, 1000, True),
            # ... and if there are more of them than 300 + 300 for each that is listed.
            (3, 0, 399, 1200, False),
            (2, 1, 399, 1201, True),
        ],
    )
    def test_only_if_it_saves_storage(
        self,
        registry: PingRegistry,
        active: int,
        completed: int,
        passed: int,
        events: int,
        written: bool,
    ) -> None:
        for number in range(active + completed):
            workflow = UUID(int=0x1001 + number)
            if number < active:
                registry.begin(workflow)
            else:
                complete(registry, workflow)
        pass_through_the_index(registry, passed)
        assert len(kinds(registry)) == events
        before = registry.indexes.find_id(REGISTRY.index_id).entries
        assert collect(registry) == ([("snapshot", None), ("trim", None)] if written else [])
        assert (kinds(registry) == [SnapshotBegin, SnapshotState, SnapshotEnd]) is written
        assert registry.indexes.find_id(REGISTRY.index_id).entries == before
        assert collect(registry) == []

    def test_refused_with_too_many_listed(self, registry: PingRegistry) -> None:
        registry.begin(FIRST)
        index_id = REGISTRY.index_id
        vid = UlidSource(registry.journal.clock).next(EPOCH)
        for number in range(200):
            workflow = UUID(int=0x3000 + number)
            registry.indexes.begin_ping_registry(index_id, NO_VC, workflow, vid)
        with pytest.raises(TooManyWorkflowsError):
            registry.indexes.snapshot(index_id, NO_VC, False)
        actions = {action.name: action for action in registry.collector().run()}
        assert actions["snapshot"].error is None
        assert SnapshotBegin not in kinds(registry)


def with_snapshot(registry: PingRegistry) -> None:
    """Many events, a snapshot, and one event more."""
    pass_through_the_index(registry, 340)
    registry.operations.snapshot(REGISTRY.index_id)
    registry.begin(SECOND)


class TestTrim:
    @pytest.fixture
    def index(self, registry: PingRegistry) -> PingRegistry:
        """An index with a snapshot and something after it, that was never trimmed."""
        registry.begin(FIRST)
        with_snapshot(registry)
        return registry

    def test_moves_the_start_to_the_snapshot(self, index: PingRegistry) -> None:
        assert len(kinds(index)) == 1025
        assert collect(index) == [("trim", None)]
        events = index.indexes.events(REGISTRY.index_id)
        assert [type(event) for event in events[:3]] == [SnapshotBegin, SnapshotState, SnapshotEnd]
        assert len(events) == 4
        assert events[0].parent != EPOCH  # shown as it is
        assert index.indexes.find_id(REGISTRY.index_id).in_state(ListedCode.ACTIVE) == (
            FIRST,
            SECOND,
        )

    def test_at_most_each_thirty_days(self, clock: TurnedClock, index: PingRegistry) -> None:
        assert index.journal.trim(REGISTRY.index_id)
        start = index.indexes.events(REGISTRY.index_id)[0]
        index.indexes.snapshot(REGISTRY.index_id, NO_VC, False)
        clock.now += 30 * DAY
        assert not index.journal.trim(REGISTRY.index_id)
        assert index.indexes.events(REGISTRY.index_id)[0] == start
        clock.now += MOMENT
        assert index.journal.trim(REGISTRY.index_id)
        assert len(kinds(index)) == 3
        clock.now += 30 * DAY
        assert not index.journal.trim(REGISTRY.index_id)  # nothing to move

    def test_trimmed_events_are_removed_thirty_days_later(
        self, clock: TurnedClock, index: PingRegistry
    ) -> None:
        index.journal.trim(REGISTRY.index_id)
        clock.now += 30 * DAY
        assert not index.journal.collect()
        clock.now += MOMENT
        removed = 0
        while collected := index.journal.collect():
            removed += collected.entries
        assert removed == 1021
        assert len(kinds(index)) == 4

    @pytest.mark.parametrize("removed", [False, True], ids=["trimmed", "removed"])
    def test_readers_that_started_before_finish(
        self,
        clock: TurnedClock,
        registry: PingRegistry,
        another: Callable[[], PingRegistry],
        removed: bool,
    ) -> None:
        registry.begin(FIRST)
        early = another()
        early.indexes.find_id(REGISTRY.index_id)  # its place is before the new start
        with_snapshot(registry)
        late = another()
        late.indexes.find_id(REGISTRY.index_id)
        assert registry.journal.trim(REGISTRY.index_id)
        if removed:
            clock.now += 30 * DAY
            while registry.journal.collect():
                pass
        registry.begin(THIRD)
        expected = registry.indexes.find_id(REGISTRY.index_id)
        assert set(expected.entries) == {FIRST, SECOND, THIRD}
        for each in (early, late, another()):
            assert each.indexes.find_id(REGISTRY.index_id) == expected
            assert each.indexes.events(REGISTRY.index_id)[0].id == (
                registry.indexes.events(REGISTRY.index_id)[0].id
            )
        # They go on from there, also writing.
        early.indexes.commit_ping_registry(
            REGISTRY.index_id, NO_VC, THIRD, UlidSource(clock).next(EPOCH)
        )
        assert listed(late, THIRD) is ListedCode.COMPLETED

    def test_a_daemon_that_was_behind_takes_nothing_up_twice(
        self, clock: TurnedClock, registry: PingRegistry
    ) -> None:
        def serve(role: Role) -> None:
            journal: Any = RolesJournal(registry.journal, role)
            server = Server(
                PingRegistry(journal, REGISTRY.name, observers=(role,)), "alpha", pings=2
            )
            server.serve(Stop())

        def rest() -> None:
            while role.ready(clock.now):
                role.go_on()

        registry.begin(FIRST)
        role = Role("alpha", serve)
        rest()  # it has posted its first ping, and waits for the second's time
        with_snapshot(registry)
        assert registry.journal.trim(REGISTRY.index_id)
        rest()
        for _ in range(3):
            clock.now += 1
            rest()
        role.kill()
        for workflow in (FIRST, SECOND):
            pings = registry.workflows.find_id(workflow).pings
            assert [ping.message for ping in pings] == ["alpha ping 1", "alpha ping 2"]
