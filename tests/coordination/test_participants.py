"""Admin, servers and gatherer on a journal in memory: what they post, when, and when they yield."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest

from pingregistrywf import (
    NO_VC,
    ArgumentNotIdempotentError,
    InvalidCommandError,
    Journal,
    JournalError,
    ServerPingsGathered,
    StateCode,
    StateConflictError,
    UlidSource,
    VersionConflictError,
    open_journal,
)
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf._generated.ping_registry_operations import OPERATIONS
from pingregistrywf.coordination.admin import Admin
from pingregistrywf.coordination.daemon import Stop
from pingregistrywf.coordination.gatherer import Gatherer, summary
from pingregistrywf.coordination.registry import Desk, Registry
from pingregistrywf.coordination.server import Server
from pingregistrywf.runtime.operations import Operation

START = 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Before:
    """An observer that does something once, right before an operation's step."""

    def __init__(self, operation: str, number: int, act: Callable[[], object]) -> None:
        self.wanted = (OPERATIONS[operation], number)
        self.act: Callable[[], object] | None = act

    def before(self, operation: Operation, number: int) -> None:
        if (operation, number) == self.wanted and self.act is not None:
            act, self.act = self.act, None
            act()

    def after(self, operation: Operation, number: int) -> None:
        pass


class Interrupted(Exception):  # noqa: N818
    pass


def interrupt() -> None:
    raise Interrupted


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(clock: Clock) -> Journal:
    return open_journal("memory:", clock=clock)


@pytest.fixture
def desk(journal: Journal) -> Desk:
    return Desk(journal, Registry("reg"))


@pytest.fixture
def workflow_id(desk: Desk) -> uuid.UUID:
    workflow_id = uuid.uuid4()
    Admin(desk).begin(workflow_id)
    return workflow_id


class TestRegistry:
    def test_ids_follow_from_the_name(self) -> None:
        # Computed by hand: uuid5 of the namespace and the two texts.
        namespace = uuid.UUID("ecb02ec6-006d-429f-a378-9392612f9c61")
        registry = Registry("reg")
        assert registry.id == uuid.uuid5(namespace, "fsoreg:reg")
        assert registry.index_id == uuid.uuid5(namespace, "fsoregephwfl:reg")
        assert Registry("reg", namespace=uuid.UUID(int=1)).id != registry.id

    @pytest.mark.parametrize("name", ["", "\ud800"])
    def test_a_name_that_is_none(self, name: str) -> None:
        with pytest.raises(InvalidCommandError):
            Registry(name)


class TestBegin:
    def test_begins_and_lists(self, desk: Desk) -> None:
        workflow_id = uuid.uuid4()
        vids = Admin(desk).begin(workflow_id)
        state = desk.workflows.find_id(workflow_id)
        index = desk.indexes.find_id(desk.registry.index_id)
        assert (vids.workflow, vids.index) == (state.vid, index.vid)
        assert state.registry_id == desk.registry.id
        entry = index.entries[workflow_id]
        assert entry.state_code is ListedCode.ACTIVE
        assert entry.started_workflow_event_id == state.vid

    def test_again_writes_nothing_and_answers_the_vids(
        self, desk: Desk, workflow_id: uuid.UUID
    ) -> None:
        desk.workflows.append_ping(workflow_id, NO_VC, 0, "x")
        vids = Admin(desk).begin(workflow_id)
        assert vids.workflow == desk.workflows.find_id(workflow_id).vid
        assert len(desk.workflows.events(workflow_id)) == 2
        assert len(desk.indexes.events(desk.registry.index_id)) == 1

    def test_interrupted_is_finished_by_beginning_again(self, journal: Journal) -> None:
        workflow_id = uuid.uuid4()
        broken = Desk(journal, Registry("reg"), observers=(Before("begin", 2, interrupt),))
        with pytest.raises(Interrupted):
            Admin(broken).begin(workflow_id)
        desk = Desk(journal, Registry("reg"))
        assert not desk.indexes.find_id(desk.registry.index_id).entries
        Admin(desk).begin(workflow_id)
        assert len(desk.workflows.events(workflow_id)) == 1
        assert desk.indexes.find_id(desk.registry.index_id).in_state(ListedCode.ACTIVE) == (
            workflow_id,
        )

    def test_with_a_stale_vid_nothing_is_written(self, desk: Desk, workflow_id: uuid.UUID) -> None:
        index = desk.indexes.find_id(desk.registry.index_id)
        other = uuid.uuid4()
        stale = UlidSource(clock=lambda: START).next(index.vid)
        with pytest.raises(JournalError) as caught:
            Admin(desk).begin(other, stale)
        assert caught.value.err == VersionConflictError(index.vid, stale)
        assert desk.workflows.events(other) == ()
        Admin(desk).begin(other, index.vid)
        assert len(desk.workflows.events(other)) == 1

    def test_of_another_registry(self, desk: Desk) -> None:
        workflow_id = uuid.uuid4()
        elsewhere = Desk(desk.journal, Registry("elsewhere"))
        Admin(elsewhere).begin(workflow_id)
        with pytest.raises(ArgumentNotIdempotentError) as caught:
            Admin(desk).begin(workflow_id)
        assert caught.value.arg == "RegistryId"


class TestCommit:
    @pytest.fixture
    def summarized(self, desk: Desk, workflow_id: uuid.UUID) -> uuid.UUID:
        desk.workflows.post_summary(workflow_id, NO_VC, 0, "")
        return workflow_id

    def test_completes_lists_and_ends(self, desk: Desk, summarized: uuid.UUID) -> None:
        vids = Admin(desk).commit(summarized)
        state = desk.workflows.find_id(summarized)
        index = desk.indexes.find_id(desk.registry.index_id)
        assert state.state_code is StateCode.TERMINATED
        assert index.in_state(ListedCode.COMPLETED) == (summarized,)
        assert (vids.workflow, vids.index) == (state.vid, index.vid)
        completed = desk.workflows.events(summarized)[-2]
        assert index.entries[summarized].completed_workflow_event_id == completed.id

    @pytest.mark.parametrize("step", [1, 2, 3])
    def test_interrupted_before_a_step_is_finished_by_another_run(
        self, journal: Journal, desk: Desk, summarized: uuid.UUID, step: int
    ) -> None:
        broken = Desk(journal, Registry("reg"), observers=(Before("commit", step, interrupt),))
        with pytest.raises(Interrupted):
            Admin(broken).commit(summarized)
        Admin(desk).commit(summarized)
        self.test_again_writes_nothing(desk, summarized)

    def test_again_writes_nothing(self, desk: Desk, summarized: uuid.UUID) -> None:
        admin = Admin(desk)
        vids = admin.commit(summarized)
        events = desk.workflows.events(summarized)
        assert admin.commit(summarized) == vids
        assert desk.workflows.events(summarized) == events
        assert len(desk.indexes.events(desk.registry.index_id)) == 2
        assert desk.workflows.find_id(summarized).state_code is StateCode.TERMINATED

    def test_again_with_a_vid_is_a_conflict(self, desk: Desk, summarized: uuid.UUID) -> None:
        admin = Admin(desk)
        vids = admin.commit(summarized)
        with pytest.raises(StateConflictError):
            admin.commit(summarized, vids.workflow)

    def test_too_early(self, desk: Desk, workflow_id: uuid.UUID) -> None:
        with pytest.raises(StateConflictError):
            Admin(desk).commit(workflow_id)
        assert len(desk.workflows.events(workflow_id)) == 1


class TestServer:
    def test_posts_its_pings(self, desk: Desk, workflow_id: uuid.UUID) -> None:
        assert Server(desk, "alpha", interval=0, code=7).take_part(workflow_id) == 3
        pings = desk.workflows.find_id(workflow_id).pings
        assert [(ping.code, ping.message) for ping in pings] == [
            (7, "alpha ping 1"),
            (7, "alpha ping 2"),
            (7, "alpha ping 3"),
        ]

    def test_posts_only_what_is_missing(self, desk: Desk, workflow_id: uuid.UUID) -> None:
        desk.workflows.append_ping(workflow_id, NO_VC, 0, "alpha ping 1")
        desk.workflows.append_ping(workflow_id, NO_VC, 0, "beta ping 2")
        assert Server(desk, "alpha", interval=0).take_part(workflow_id) == 2
        assert Server(desk, "alpha", interval=0).take_part(workflow_id) == 0
        messages = [ping.message for ping in desk.workflows.find_id(workflow_id).pings]
        assert sorted(messages) == [
            "alpha ping 1",
            "alpha ping 2",
            "alpha ping 3",
            "beta ping 2",
        ]

    def test_quits_when_the_workflow_has_advanced(
        self, journal: Journal, desk: Desk, workflow_id: uuid.UUID
    ) -> None:
        def summarize() -> None:
            desk.workflows.post_summary(workflow_id, NO_VC, 0, "")

        late = Desk(journal, Registry("reg"), observers=(Before("ping", 1, summarize),))
        assert Server(late, "alpha", interval=0).take_part(workflow_id) == 0
        assert desk.workflows.find_id(workflow_id).num_pings == 0

    def test_nothing_to_do_in_an_unknown_workflow(self, desk: Desk) -> None:
        assert Server(desk, "alpha").take_part(uuid.uuid4()) == 0

    def test_a_stop_ends_the_pause_between_two_pings(
        self, desk: Desk, workflow_id: uuid.UUID
    ) -> None:
        stop = Stop()
        stop.ask()
        assert Server(desk, "alpha", interval=3600, stop=stop).take_part(workflow_id) == 1

    def test_serves_workflows_as_the_index_lists_them(self, desk: Desk) -> None:
        stop = Stop()
        server = threading.Thread(target=Server(desk, "alpha", pings=1, stop=stop).serve)
        server.start()
        try:
            for workflow_id in (uuid.uuid4(), uuid.uuid4()):
                with desk.journal.subscribe(workflow_id) as news:
                    Admin(desk).begin(workflow_id)
                    while not desk.workflows.find_id(workflow_id).num_pings:
                        assert news.wait(60)
        finally:
            stop.ask()
            server.join(60)
        assert not server.is_alive()


class TestGatherer:
    def test_waits_for_the_deadline_then_summarizes(
        self, clock: Clock, desk: Desk, workflow_id: uuid.UUID
    ) -> None:
        pauses: list[float] = []

        class Recording(Stop):
            def pause(self, seconds: float) -> bool:
                pauses.append(seconds)
                return False

        clock.now = START + 4
        desk.workflows.append_ping(workflow_id, NO_VC, 5, "alpha ping 1")
        gatherer = Gatherer(desk, pings=2, interval=0.25, duration=10, stop=Recording())
        assert gatherer.take_part(workflow_id)
        assert pauses == [0.25, pytest.approx(6, abs=0.002)]
        state = desk.workflows.find_id(workflow_id)
        assert state.state_code is StateCode.SUMMARIZED
        assert state.summary_status.code == 1
        assert state.summary_status.message == "{ totalCount: 3, errorCount: 1 }"

    def test_a_ping_that_comes_in_between_is_counted(
        self, journal: Journal, desk: Desk, workflow_id: uuid.UUID
    ) -> None:
        def ping() -> None:
            desk.workflows.append_ping(workflow_id, NO_VC, 0, "late")

        raced = Desk(journal, Registry("reg"), observers=(Before("gather", 1, ping),))
        assert Gatherer(raced, pings=0, duration=0).take_part(workflow_id)
        summary_status = desk.workflows.find_id(workflow_id).summary_status
        assert summary_status.message == "{ totalCount: 1, errorCount: 0 }"

    def test_yields_to_another_summary(
        self, journal: Journal, desk: Desk, workflow_id: uuid.UUID
    ) -> None:
        def summarize() -> None:
            desk.workflows.post_summary(workflow_id, NO_VC, 0, "other")

        raced = Desk(journal, Registry("reg"), observers=(Before("gather", 1, summarize),))
        assert not Gatherer(raced, pings=0, duration=0).take_part(workflow_id)
        assert desk.workflows.find_id(workflow_id).summary_status.message == "other"
        assert not Gatherer(desk, pings=1, duration=0).take_part(workflow_id)
        gathered = [
            event
            for event in desk.workflows.events(workflow_id)
            if isinstance(event, ServerPingsGathered)
        ]
        assert len(gathered) == 1

    def test_a_stop_ends_the_wait_for_the_deadline(
        self, desk: Desk, workflow_id: uuid.UUID
    ) -> None:
        stop = Stop()
        stop.ask()
        gatherer = Gatherer(desk, pings=0, duration=3600, stop=stop)
        assert not gatherer.take_part(workflow_id)

    def test_summary_of_no_pings(self) -> None:
        assert summary(()) == (0, "{ totalCount: 0, errorCount: 0 }")


class TestStop:
    def test_wakes_at_once_if_asked_before(self) -> None:
        stop = Stop()
        stop.ask()
        woken = []
        with stop.waking(lambda: woken.append(1)):
            assert woken == [1]

    def test_wakes_only_while_inside(self) -> None:
        stop = Stop()
        woken: list[int] = []
        with stop.waking(lambda: woken.append(1)):
            pass
        stop.ask()
        assert woken == []
