"""A participant that is paused between the steps of an operation while others use its workflow.

The others run inside of the observer that pauses it, so that each story is told in one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from pingregistrywf import (
    NO_VC,
    CmdInit,
    HistoryDeletedError,
    Journal,
    JournalError,
    PingRegistryCommitted,
    PingRegistryCompleted,
    PingRegistryStarted,
    ServerPingsGathered,
    StateConflictError,
    UnknownWorkflowError,
    VersionConflictError,
    open_journal,
)
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf._generated.ping_registry_operations import OPERATIONS
from pingregistrywf.coordination.registry import PingRegistry, Vids
from pingregistrywf.coordination.registry_ids import RegistryIds
from pingregistrywf.runtime.operations import Operation
from pingregistrywf.testing.journal import TurnedClock

DAY = 86_400.0
WORKFLOW = UUID(int=0x1001)
REGISTRY = RegistryIds("reg")


class Paused:
    """An observer in whose pause, right before a step, something else happens once."""

    def __init__(self) -> None:
        self._place: tuple[Operation, int] | None = None
        self._meanwhile: Callable[[], object] = lambda: None

    def __call__(self, operation: str, step: int, meanwhile: Callable[[], object]) -> None:
        self._place, self._meanwhile = (OPERATIONS[operation], step), meanwhile

    def before(self, operation: Operation, number: int) -> None:
        if (operation, number) == self._place:
            self._place = None
            self._meanwhile()

    def after(self, operation: Operation, number: int) -> None:
        pass


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture(params=["memory", "sqlite"])
def journal(
    request: pytest.FixtureRequest, tmp_path: Path, clock: TurnedClock
) -> Iterator[Journal]:
    url = "memory:" if request.param == "memory" else f"sqlite:{tmp_path / 'pings.db'}"
    with open_journal(url, clock=clock) as journal:
        yield journal


@pytest.fixture
def pause() -> Paused:
    return Paused()


@pytest.fixture
def slow(journal: Journal, pause: Paused) -> PingRegistry:
    """The registry as the participant uses it that is paused."""
    return PingRegistry(journal, REGISTRY.name, observers=(pause,))


@pytest.fixture
def others(journal: Journal) -> PingRegistry:
    """The registry as all others use it, with caches of their own."""
    return PingRegistry(journal, REGISTRY.name)


def listed(registry: PingRegistry) -> ListedCode | None:
    """In which state the index lists the workflow; None if it does not."""
    entry = registry.index().entries.get(WORKFLOW)
    return entry and entry.state_code


def kinds(registry: PingRegistry) -> list[type]:
    return [type(each) for each in registry.workflows.events(WORKFLOW)]


def begin(registry: PingRegistry) -> Vids:
    return registry.begin(WORKFLOW)


def expire(registry: PingRegistry) -> None:
    registry.operations.expire(WORKFLOW, registry.index_id)


def delete(registry: PingRegistry) -> None:
    registry.operations.delete(WORKFLOW, registry.index_id)


def free(registry: PingRegistry, clock: TurnedClock) -> None:
    """Let the marks of all deletions expire, so that ids may be used again."""
    clock.now += 31 * DAY
    while registry.journal.collect():
        pass


def begin_anew(registry: PingRegistry, clock: TurnedClock) -> None:
    """Let the workflow end and be deleted, as far as it is not, and begin another one of its id."""
    if kinds(registry):
        expire(registry)
    delete(registry)
    free(registry, clock)
    begin(registry)


def summarize(registry: PingRegistry) -> None:
    registry.operations.gather(WORKFLOW, 0, "{ totalCount: 0, errorCount: 0 }")


class TestBegin:
    def test_does_not_list_a_workflow_that_another_run_ended_and_deleted(
        self, slow: PingRegistry, others: PingRegistry, pause: Paused
    ) -> None:
        def meanwhile() -> None:
            begin(others)
            expire(others)
            delete(others)

        pause("begin", 2, meanwhile)
        with pytest.raises(JournalError) as caught:
            begin(slow)
        assert isinstance(caught.value.err, HistoryDeletedError)
        assert listed(others) is None

    def test_does_not_list_it_either_when_the_id_is_free_again(
        self, slow: PingRegistry, others: PingRegistry, pause: Paused, clock: TurnedClock
    ) -> None:
        def meanwhile() -> None:
            begin(others)
            expire(others)
            delete(others)
            free(others, clock)

        pause("begin", 2, meanwhile)
        vids = begin(slow)
        (started,) = others.workflows.events(WORKFLOW)
        assert vids.workflow == started.id
        assert others.index().entries[WORKFLOW].started_workflow_event_id == started.id

    def test_returns_the_vids_when_another_run_of_it_came_between(
        self, slow: PingRegistry, others: PingRegistry, pause: Paused
    ) -> None:
        pause("begin", 2, lambda: begin(others))
        vids = begin(slow)
        assert vids == Vids(others.index().vid, others.state_of(WORKFLOW).vid)
        assert [type(each) for each in others.workflows.events(WORKFLOW)] == [PingRegistryStarted]
        assert len(others.indexes.events(REGISTRY.index_id)) == 1

    def test_returns_the_vids_when_that_run_went_on(
        self, slow: PingRegistry, others: PingRegistry, pause: Paused
    ) -> None:
        def meanwhile() -> None:
            begin(others)
            others.operations.ping(WORKFLOW, 0, "well")

        pause("begin", 2, meanwhile)
        vids = begin(slow)
        assert vids == Vids(others.index().vid, others.state_of(WORKFLOW).vid)

    def test_waits_until_an_earlier_workflow_of_the_id_is_listed_no_more(
        self, others: PingRegistry, clock: TurnedClock
    ) -> None:
        begin(others)
        expire(others)
        others.workflows.delete(WORKFLOW, NO_VC)  # interrupted after the first step
        free(others, clock)
        for _ in range(2):
            with pytest.raises(StateConflictError):
                begin(others)
        assert listed(others) is ListedCode.COMPLETED
        delete(others)
        vids = begin(others)
        assert others.index().entries[WORKFLOW].started_workflow_event_id == vids.workflow

    @pytest.mark.parametrize("listed_before", [0, 2])
    def test_goes_on_when_other_workflows_were_listed(
        self, slow: PingRegistry, others: PingRegistry, pause: Paused, listed_before: int
    ) -> None:
        for number in range(listed_before):
            others.begin(UUID(int=0x2000 + number))
        pause("begin", 2, lambda: others.begin(UUID(int=0x3000)))
        slow.operations.begin(WORKFLOW, slow.index_id, slow.id)
        assert listed(others) is ListedCode.ACTIVE

    def test_refuses_an_index_that_was_trimmed_meanwhile(
        self, slow: PingRegistry, others: PingRegistry, pause: Paused
    ) -> None:
        """What was trimmed may have named the workflow."""

        def meanwhile() -> None:
            others.begin(UUID(int=0x2000))
            others.indexes.snapshot(REGISTRY.index_id, others.index().vid, False)
            assert others.journal.trim(REGISTRY.index_id, others.journal.clock())

        pause("begin", 2, meanwhile)
        before = others.index().vid
        with pytest.raises(JournalError) as caught:
            slow.operations.begin(WORKFLOW, REGISTRY.index_id, REGISTRY.id)
        conflict = caught.value.err
        assert isinstance(conflict, VersionConflictError)
        assert (conflict.stored, conflict.expected) == (others.index().vid, before)
        assert listed(others) is None
        begin(slow)
        assert listed(others) is ListedCode.ACTIVE

    def test_with_a_vid_writes_nothing_at_another_vid(
        self, slow: PingRegistry, others: PingRegistry
    ) -> None:
        vid = others.index().vid
        others.begin(UUID(int=0x2000))
        with pytest.raises(JournalError) as caught:
            slow.operations.begin(WORKFLOW, REGISTRY.index_id, REGISTRY.id, vid=vid)
        conflict = caught.value.err
        assert isinstance(conflict, VersionConflictError)
        assert (conflict.stored, conflict.expected) == (others.index().vid, vid)
        assert others.workflows.events(WORKFLOW) == ()


class TestExpire:
    @pytest.mark.parametrize(
        ("step", "error"), [(1, StateConflictError), (2, UnknownWorkflowError), (3, JournalError)]
    )
    def test_leaves_a_later_workflow_of_the_same_id_alone(
        self,
        slow: PingRegistry,
        others: PingRegistry,
        pause: Paused,
        clock: TurnedClock,
        step: int,
        error: type[Exception],
    ) -> None:
        begin(others)
        pause("expire", step, lambda: begin_anew(others, clock))
        with pytest.raises(error):
            expire(slow)
        assert kinds(others) == [PingRegistryStarted]
        assert listed(others) is ListedCode.ACTIVE

    def test_writes_nothing_to_a_workflow_that_is_not_listed(
        self, slow: PingRegistry, others: PingRegistry
    ) -> None:
        others.workflows.init(WORKFLOW, CmdInit(registry_id=REGISTRY.id))
        with pytest.raises(StateConflictError):
            expire(slow)
        assert kinds(others) == [PingRegistryStarted]


class TestCommit:
    @pytest.mark.parametrize(
        ("step", "error"), [(1, StateConflictError), (2, UnknownWorkflowError), (3, JournalError)]
    )
    def test_leaves_a_later_workflow_of_the_same_id_alone(
        self,
        slow: PingRegistry,
        others: PingRegistry,
        pause: Paused,
        clock: TurnedClock,
        step: int,
        error: type[Exception],
    ) -> None:
        def meanwhile() -> None:
            begin_anew(others, clock)
            summarize(others)

        begin(others)
        summarize(others)
        pause("commit", step, meanwhile)
        with pytest.raises(error):
            slow.commit(WORKFLOW)
        assert kinds(others) == [PingRegistryStarted, ServerPingsGathered]
        assert listed(others) is ListedCode.ACTIVE


class TestDelete:
    @pytest.mark.parametrize("step", [1, 2])
    def test_leaves_a_later_workflow_of_the_same_id_alone(
        self,
        slow: PingRegistry,
        others: PingRegistry,
        pause: Paused,
        clock: TurnedClock,
        step: int,
    ) -> None:
        def meanwhile() -> None:
            begin_anew(others, clock)
            expire(others)

        begin(others)
        expire(others)
        pause("delete", step, meanwhile)
        with pytest.raises(UnknownWorkflowError):
            delete(slow)
        assert kinds(others) == [PingRegistryStarted, PingRegistryCompleted, PingRegistryCommitted]
        assert listed(others) is ListedCode.COMPLETED

    def test_run_again_leaves_the_workflow_of_another_registry_alone(
        self, journal: Journal, others: PingRegistry, clock: TurnedClock
    ) -> None:
        begin(others)
        expire(others)
        others.workflows.delete(WORKFLOW, NO_VC)  # interrupted after the first step
        free(others, clock)
        elsewhere = PingRegistry(journal, "elsewhere")
        begin(elsewhere)
        expire(elsewhere)
        ended = kinds(elsewhere)

        delete(others)
        assert listed(others) is None
        assert kinds(elsewhere) == ended
        assert listed(elsewhere) is ListedCode.COMPLETED
        delete(elsewhere)
        assert (kinds(elsewhere), listed(elsewhere)) == ([], None)


class TestCollector:
    def test_does_what_it_planned_to_the_workflows_that_it_found(
        self, slow: PingRegistry, others: PingRegistry, pause: Paused, clock: TurnedClock
    ) -> None:
        first = UUID(int=0x1000)
        others.begin(first)
        clock.now += 1
        begin(others)
        clock.now += 2 * DAY
        pause("expire", 1, lambda: begin_anew(others, clock))  # during the first one
        done = {each.workflow: each.error for each in slow.collector().run() if each.workflow}
        assert done[first] is None
        assert isinstance(done[WORKFLOW], StateConflictError)
        assert kinds(others) == [PingRegistryStarted]
        assert listed(others) is ListedCode.ACTIVE
