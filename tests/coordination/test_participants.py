"""Admin, servers and gatherer on a journal in memory: what they post, when, and when they yield."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from pingregistrywf import (
    EPOCH,
    NO_VC,
    ArgumentNotIdempotentError,
    InvalidCommandError,
    Journal,
    JournalError,
    PingRegistry,
    ServerPingsGathered,
    StateCode,
    StateConflictError,
    UlidSource,
    UninitializedError,
    UnknownWorkflowError,
    VersionConflictError,
    open_journal,
)
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf._generated.ping_registry_operations import OPERATIONS
from pingregistrywf.coordination import waiting
from pingregistrywf.coordination.collector import Action
from pingregistrywf.coordination.daemon import Daemon, Gatherer, Server, summary
from pingregistrywf.coordination.registry import ABORTED, ACTIVE, Vids
from pingregistrywf.coordination.registry_ids import RegistryIds
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime import waiting as runtime_waiting
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Subscription
from pingregistrywf.runtime.operations import Operation
from pingregistrywf.testing.journal import TurnedClock

from .simulation import START, Counted


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
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def journal(clock: TurnedClock) -> Journal:
    return open_journal("memory:", clock=clock)


@pytest.fixture
def registry(journal: Journal) -> PingRegistry:
    return PingRegistry(journal, "reg")


@pytest.fixture
def workflow_id(registry: PingRegistry) -> uuid.UUID:
    workflow_id = uuid.uuid4()
    registry.begin(workflow_id)
    return workflow_id


class TestRegistry:
    def test_ids_follow_from_the_name(self) -> None:
        # Computed by hand: uuid5 of the namespace and the two texts.
        namespace = uuid.UUID("ecb02ec6-006d-429f-a378-9392612f9c61")
        registry = RegistryIds("reg")
        assert registry.id == uuid.uuid5(namespace, "fsoreg:reg")
        assert registry.index_id == uuid.uuid5(namespace, "fsoregephwfl:reg")
        assert RegistryIds("reg", namespace=uuid.UUID(int=1)).id != registry.id

    def test_names_of_several_parts(self) -> None:
        for name in ("a", "a1", "a--1", "a.b", "fs-1.example.org"):
            assert RegistryIds(name).name == name
        for name in (".", "a.", ".a", "a..b", "a.1", "a-.b"):
            with pytest.raises(InvalidCommandError):
                RegistryIds(name)

    @pytest.mark.parametrize(
        "name",
        ["", "Reg", "1a", "-a", "a-", "a_b", "a b", "ä", "a\n", "\ud800", 7, None],
    )
    def test_one_that_is_not_a_name(self, name: Any) -> None:
        with pytest.raises(InvalidCommandError) as caught:
            RegistryIds(name)
        assert repr(name) in str(caught.value)
        assert "one or more words of lower-case letters" in str(caught.value)


class TestBegin:
    def test_begins_and_lists(self, registry: PingRegistry) -> None:
        workflow_id = uuid.uuid4()
        vids = registry.begin(workflow_id)
        state = registry.workflows.find_id(workflow_id)
        index = registry.indexes.find_id(registry.index_id)
        assert (vids.workflow, vids.index) == (state.vid, index.vid)
        assert state.registry_id == registry.id
        entry = index.entries[workflow_id]
        assert entry.state_code is ListedCode.ACTIVE
        assert entry.started_workflow_event_id == state.vid

    def test_again_writes_nothing_and_answers_the_vids(
        self, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        registry.workflows.append_ping(workflow_id, NO_VC, 0, "x")
        vids = registry.begin(workflow_id)
        assert vids.workflow == registry.workflows.find_id(workflow_id).vid
        assert len(registry.workflows.events(workflow_id)) == 2
        assert len(registry.indexes.events(registry.index_id)) == 1

    def test_interrupted_is_finished_by_beginning_again(self, journal: Journal) -> None:
        workflow_id = uuid.uuid4()
        broken = PingRegistry(journal, "reg", observers=(Before("begin", 2, interrupt),))
        with pytest.raises(Interrupted):
            broken.begin(workflow_id)
        registry = PingRegistry(journal, "reg")
        assert not registry.indexes.find_id(registry.index_id).entries
        registry.begin(workflow_id)
        assert len(registry.workflows.events(workflow_id)) == 1
        assert registry.indexes.find_id(registry.index_id).in_state(ListedCode.ACTIVE) == (
            workflow_id,
        )

    def test_with_a_stale_vid_nothing_is_written(
        self, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        index = registry.indexes.find_id(registry.index_id)
        other = uuid.uuid4()
        stale = UlidSource(clock=lambda: START).next(index.vid)
        with pytest.raises(JournalError) as caught:
            registry.begin(other, stale)
        assert caught.value.err == VersionConflictError(index.vid, stale)
        assert registry.workflows.events(other) == ()
        registry.begin(other, index.vid)
        assert len(registry.workflows.events(other)) == 1

    def test_of_another_registry(self, registry: PingRegistry) -> None:
        workflow_id = uuid.uuid4()
        elsewhere = PingRegistry(registry.journal, "elsewhere")
        elsewhere.begin(workflow_id)
        for _ in range(2):  # in whatever state the workflow is
            with pytest.raises(ArgumentNotIdempotentError) as caught:
                registry.begin(workflow_id)
            assert caught.value.arg == "RegistryId"
            registry.workflows.append_ping(workflow_id, NO_VC, 0, "")
        assert not registry.index().vid


class TestCommit:
    @pytest.fixture
    def summarized(self, registry: PingRegistry, workflow_id: uuid.UUID) -> uuid.UUID:
        registry.workflows.post_summary(workflow_id, NO_VC, 0, "")
        return workflow_id

    def test_completes_lists_and_ends(self, registry: PingRegistry, summarized: uuid.UUID) -> None:
        vids = registry.commit(summarized)
        state = registry.workflows.find_id(summarized)
        index = registry.indexes.find_id(registry.index_id)
        assert state.state_code is StateCode.TERMINATED
        assert index.in_state(ListedCode.COMPLETED) == (summarized,)
        assert (vids.workflow, vids.index) == (state.vid, index.vid)
        completed = registry.workflows.events(summarized)[-2]
        assert index.entries[summarized].completed_workflow_event_id == completed.id

    @pytest.mark.parametrize("step", [1, 2, 3])
    def test_interrupted_before_a_step_is_finished_by_another_run(
        self, journal: Journal, registry: PingRegistry, summarized: uuid.UUID, step: int
    ) -> None:
        broken = PingRegistry(journal, "reg", observers=(Before("commit", step, interrupt),))
        with pytest.raises(Interrupted):
            broken.commit(summarized)
        registry.commit(summarized)
        self.test_again_writes_nothing(registry, summarized)

    def test_again_writes_nothing(self, registry: PingRegistry, summarized: uuid.UUID) -> None:
        vids = registry.commit(summarized)
        events = registry.workflows.events(summarized)
        assert registry.commit(summarized) == vids
        assert registry.workflows.events(summarized) == events
        assert len(registry.indexes.events(registry.index_id)) == 2
        assert registry.workflows.find_id(summarized).state_code is StateCode.TERMINATED

    def test_again_with_a_vid_is_a_conflict(
        self, registry: PingRegistry, summarized: uuid.UUID
    ) -> None:
        vids = registry.commit(summarized)
        with pytest.raises(StateConflictError):
            registry.commit(summarized, vids.workflow)

    def test_too_early(self, registry: PingRegistry, workflow_id: uuid.UUID) -> None:
        with pytest.raises(StateConflictError):
            registry.commit(workflow_id)
        assert len(registry.workflows.events(workflow_id)) == 1


def end(part: Iterator[float]) -> list[float]:
    """Run a daemon's part in a workflow to its end; the times at which it wanted to go on."""
    return list(part)


class TestServer:
    def test_posts_its_pings_at_its_pace(
        self, clock: TurnedClock, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        times = end(Server(registry, "alpha", interval=2.5, code=7).take_part(workflow_id))
        assert times == [START + 2.5, START + 2.5]
        pings = registry.workflows.find_id(workflow_id).pings
        assert [(ping.code, ping.message) for ping in pings] == [
            (7, "alpha ping 1"),
            (7, "alpha ping 2"),
            (7, "alpha ping 3"),
        ]

    def test_posts_only_what_is_missing(
        self, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        registry.workflows.append_ping(workflow_id, NO_VC, 0, "alpha ping 1")
        registry.workflows.append_ping(workflow_id, NO_VC, 0, "beta ping 2")
        for _ in range(2):
            end(Server(registry, "alpha").take_part(workflow_id))
        messages = [ping.message for ping in registry.workflows.find_id(workflow_id).pings]
        assert sorted(messages) == [
            "alpha ping 1",
            "alpha ping 2",
            "alpha ping 3",
            "beta ping 2",
        ]

    def test_quits_when_the_workflow_has_advanced(
        self, journal: Journal, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        def summarize() -> None:
            registry.workflows.post_summary(workflow_id, NO_VC, 0, "")

        late = PingRegistry(journal, "reg", observers=(Before("ping", 1, summarize),))
        end(Server(late, "alpha").take_part(workflow_id))
        assert registry.workflows.find_id(workflow_id).num_pings == 0

    def test_nothing_to_do_in_an_unknown_workflow(self, registry: PingRegistry) -> None:
        assert end(Server(registry, "alpha").take_part(uuid.uuid4())) == []


class TestServe:
    """A daemon's loop, in a thread of its own."""

    @pytest.fixture
    def journal(self) -> Journal:
        return open_journal("memory:")

    @contextmanager
    def serving(self, daemon: Daemon) -> Iterator[None]:
        stop = Stop()
        thread = threading.Thread(target=daemon.serve, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.ask()
            thread.join(60)
        assert not thread.is_alive()

    def pings_of(self, registry: PingRegistry, workflow_id: uuid.UUID, count: int) -> None:
        """Wait until the workflow holds that many pings."""
        with registry.journal.subscribe(workflow_id) as news:
            while registry.workflows.find_id(workflow_id).num_pings < count:
                assert news.wait(60)

    def test_finds_workflows_listed_before_and_after_it_began(self, registry: PingRegistry) -> None:
        before, after = uuid.uuid4(), uuid.uuid4()
        registry.begin(before)
        with self.serving(Server(registry, "alpha", pings=2, interval=0)):
            self.pings_of(registry, before, 2)
            registry.begin(after)
            self.pings_of(registry, after, 2)

    def test_workflows_side_by_side(self, registry: PingRegistry) -> None:
        ids = [uuid.uuid4() for _ in range(5)]
        for workflow_id in ids:
            registry.begin(workflow_id)
        # Each pauses for an hour after its first ping, and none waits for another.
        with self.serving(Server(registry, "alpha", pings=2, interval=3600)):
            for workflow_id in ids:
                self.pings_of(registry, workflow_id, 1)

    def test_a_stop_ends_the_pause_at_once(
        self, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        with self.serving(Gatherer(registry, pings=1, duration=3600)):
            self.pings_of(registry, workflow_id, 1)

    def test_a_failure_in_one_workflow_stops_no_other(
        self, registry: PingRegistry, caplog: pytest.LogCaptureFixture
    ) -> None:
        # Listed at the same time, workflows have their turns in the order of their ids.
        broken, sound = sorted((uuid.uuid4(), uuid.uuid4()))
        for workflow_id in (broken, sound):
            registry.begin(workflow_id)
        head = registry.journal.read(broken).head
        entry = Entry(UlidSource().next(head.vid), head.vid, b"no event")
        registry.journal.commit(broken, head, [entry], chart=ChartIdentity("ping_registry"))
        with (
            caplog.at_level("INFO", "pingregistrywf"),
            self.serving(Server(registry, "alpha", pings=1)),
        ):
            self.pings_of(registry, sound, 1)
        failures = [each for each in caplog.records if each.getMessage() == "failed"]
        assert {each.fields["workflow"] for each in failures} == {str(broken)}  # type: ignore[attr-defined]
        assert "corrupted data" in failures[0].fields["error"]  # type: ignore[attr-defined]

    def test_a_deadline_in_the_machines_sleep_is_kept_when_it_wakes(
        self, clock: TurnedClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Meanwhile nothing but the journal's clock went on, and no change wakes anybody."""
        monkeypatch.setattr(runtime_waiting, "LONGEST_WAIT", 0.01)
        registry = PingRegistry(open_journal("memory:", clock=clock), "reg")
        workflow_id = uuid.uuid4()
        registry.begin(workflow_id)
        with (
            caplog.at_level("WARNING", "pingregistrywf"),
            self.serving(Gatherer(registry, pings=1, duration=3600)),
            registry.journal.subscribe(workflow_id) as news,
        ):
            self.pings_of(registry, workflow_id, 1)
            clock.now += 7200
            while registry.workflows.find_id(workflow_id).state_code is not StateCode.SUMMARIZED:
                assert news.wait(60)
        (record,) = caplog.records
        assert record.getMessage() == "clock jumped"
        fields = record.fields  # type: ignore[attr-defined]
        # This clock stood still since the gatherer's last look, and the machine's did not.
        assert fields == {"name": "gatherer", "seconds": pytest.approx(7200, abs=60)}

    def test_each_jump_of_the_clock_is_noticed_once(self, clock: TurnedClock) -> None:
        jumping = waiting.JumpingClock(clock)
        noticed = []
        for seconds in (0, 3600, 0, 59, -3600, 0):
            clock.now += seconds
            noticed.append(round(jumping.jump()))
        assert noticed == [0, 3600, 0, 0, -3600, 0]

    def test_logs_one_line_an_action(
        self, registry: PingRegistry, workflow_id: uuid.UUID, caplog: pytest.LogCaptureFixture
    ) -> None:
        with (
            caplog.at_level("INFO", "pingregistrywf"),
            self.serving(Server(registry, "alpha", pings=2, interval=0)),
        ):
            self.pings_of(registry, workflow_id, 2)
        names = [(each.name, each.getMessage()) for each in caplog.records]
        server = "pingregistrywf.server"
        actions = ("watching", "pinged", "pinged", "stopped")
        assert names == [(server, action) for action in actions]
        vid = registry.workflows.find_id(workflow_id).vid
        assert caplog.records[2].fields == {  # type: ignore[attr-defined]
            "name": "alpha",
            "workflow": str(workflow_id),
            "number": 2,
            "vid": str(vid),
        }


class TestGatherer:
    def test_waits_for_the_deadline_then_summarizes(
        self, clock: TurnedClock, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        clock.now = START + 4
        registry.workflows.append_ping(workflow_id, NO_VC, 5, "alpha ping 1")
        times = end(Gatherer(registry, pings=2, interval=0.25, duration=10).take_part(workflow_id))
        assert times == [START + 4.25, START + 10]
        state = registry.workflows.find_id(workflow_id)
        assert state.state_code is StateCode.SUMMARIZED
        assert state.summary_status.code == 1
        assert state.summary_status.message == "{ totalCount: 3, errorCount: 1 }"

    def test_a_ping_that_comes_in_between_is_counted(
        self, journal: Journal, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        def ping() -> None:
            registry.workflows.append_ping(workflow_id, NO_VC, 0, "late")

        raced = PingRegistry(journal, "reg", observers=(Before("gather", 1, ping),))
        end(Gatherer(raced, pings=0).take_part(workflow_id))
        summary_status = registry.workflows.find_id(workflow_id).summary_status
        assert summary_status.message == "{ totalCount: 1, errorCount: 0 }"

    def test_yields_to_another_summary(
        self, journal: Journal, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        def summarize() -> None:
            registry.workflows.post_summary(workflow_id, NO_VC, 0, "other")

        raced = PingRegistry(journal, "reg", observers=(Before("gather", 1, summarize),))
        end(Gatherer(raced, pings=0).take_part(workflow_id))
        end(Gatherer(registry, pings=1).take_part(workflow_id))
        assert registry.workflows.find_id(workflow_id).summary_status.message == "other"
        gathered = [
            event
            for event in registry.workflows.events(workflow_id)
            if isinstance(event, ServerPingsGathered)
        ]
        assert len(gathered) == 1

    def test_reads_each_event_once(
        self, journal: Journal, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        for number in range(5):
            registry.workflows.append_ping(workflow_id, NO_VC, 0, f"alpha ping {number}")
        counted = Counted(journal)
        end(Gatherer(PingRegistry(counted, "reg"), pings=0).take_part(workflow_id))
        assert counted.entries == 6

    def test_summary_of_no_pings(self) -> None:
        assert summary(()) == (0, "{ totalCount: 0, errorCount: 0 }")


class TestGet:
    def test_active(self, registry: PingRegistry, workflow_id: uuid.UUID) -> None:
        answer = registry.get(workflow_id)
        assert (answer.code, answer.message, answer.note) == (101, "initialized", "")
        registry.workflows.append_ping(workflow_id, NO_VC, 3, "x")
        answer = registry.get(workflow_id)
        assert (answer.code, answer.message) == (101, "appending")
        assert answer.state.pings[0].code == 3

    def test_summarized_then_committed(
        self, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        registry.workflows.post_summary(workflow_id, NO_VC, 1, "1 of 2")
        answer = registry.get(workflow_id)
        assert (answer.code, answer.message) == (100, "1 of 2")
        registry.commit(workflow_id)
        answer = registry.get(workflow_id)
        assert (answer.code, answer.message, answer.note) == (1, "1 of 2", "")

    def test_aborted_without_a_summary(
        self, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        registry.operations.expire(workflow_id, registry.index_id)
        answer = registry.get(workflow_id)
        assert (answer.code, answer.message) == (0, "")
        assert answer.note == "aborted without a summary"

    def test_of_another_registry(self, journal: Journal, workflow_id: uuid.UUID) -> None:
        other = PingRegistry(journal, "other")
        for act in (other.get, other.commit):
            with pytest.raises(UnknownWorkflowError):
                act(workflow_id)

    def test_unknown(self, registry: PingRegistry) -> None:
        with pytest.raises(UninitializedError):
            registry.get(uuid.uuid4())

    def test_waits_no_longer_than_told(
        self, registry: PingRegistry, workflow_id: uuid.UUID
    ) -> None:
        assert registry.get(workflow_id, wait=0).code == 101

    def test_wakes_by_the_journal_and_asks_no_more_often(self) -> None:
        journal = open_journal("memory:")
        registry = PingRegistry(journal, "reg")
        workflow_id = uuid.uuid4()
        registry.begin(workflow_id)
        waits: list[float | None] = []
        answers = []

        class Watched:
            """The journal, with its subscriptions' waits counted; each wait brings one event."""

            def __getattr__(self, name: str) -> object:
                return getattr(journal, name)

            def subscribe(self, history: uuid.UUID | None = None) -> Subscription:
                subscription = journal.subscribe(history)
                wait = subscription.wait

                def counted_wait(timeout: float | None = None) -> bool:
                    waits.append(timeout)
                    if len(waits) == 1:
                        registry.workflows.append_ping(workflow_id, NO_VC, 0, "x")
                    else:
                        registry.workflows.post_summary(workflow_id, NO_VC, 0, "done")
                    return wait(timeout)

                subscription.wait = counted_wait  # type: ignore[method-assign]
                return subscription

        watched = PingRegistry(Watched(), "reg")  # type: ignore[arg-type]
        answers.append(watched.get(workflow_id, wait=3600))
        assert (answers[0].code, answers[0].message) == (100, "done")
        assert len(waits) == 2  # one an event, none in between

    def test_a_stop_ends_the_wait(self, registry: PingRegistry, workflow_id: uuid.UUID) -> None:
        stop = Stop()
        stop.ask()
        assert registry.get(workflow_id, wait=3600, stop=stop).code == 101


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


class TestByName:
    """What a program does with a registry of which it knows the name alone."""

    def test_a_whole_workflow(self, clock: TurnedClock, journal: Journal) -> None:
        registry = PingRegistry(journal, "reg")
        first, second = uuid.uuid4(), uuid.uuid4()
        registry.begin(first)
        clock.now += 1
        registry.begin(second)
        assert [each.workflow_id for each in registry.list()] == [first, second]

        vid = registry.ping(first, 0, "well")
        assert registry.workflows.find_id(first).vid == vid
        with pytest.raises(JournalError) as caught:
            registry.ping(first, 0, "late", vid=EPOCH)
        assert caught.value.err == VersionConflictError(vid, EPOCH)
        vid = registry.gather(first, 0, "all well", vid=vid)
        assert registry.get(first).message == "all well"

        vids = registry.commit(first, vid)
        assert registry.get(first).code == 0
        assert registry.delete(first) == Vids(registry.index().vid, EPOCH)
        assert vids.index < registry.index().vid
        assert [each.workflow_id for each in registry.list()] == [second]

        assert registry.expire(second).workflow == registry.workflows.find_id(second).vid
        assert registry.get(second).note == ABORTED
        assert registry.snapshot() is False
        clock.now += 6 * 86_400
        assert registry.collect()[0] == Action("delete", second)
        assert registry.list() == ()

    def test_collects_by_other_limits(self, clock: TurnedClock, registry: PingRegistry) -> None:
        registry.begin(workflow_id := uuid.uuid4())
        clock.now += 61
        assert "expire" not in {each.name for each in registry.collect()}
        actions = registry.collect(expire_after=timedelta(minutes=1))
        assert actions[0] == Action("expire", workflow_id)

    def test_refuses_what_the_index_does_not_list(self, registry: PingRegistry) -> None:
        workflow_id = uuid.uuid4()
        with pytest.raises(StateConflictError):
            registry.expire(workflow_id)
        with pytest.raises(UnknownWorkflowError):
            registry.delete(workflow_id)
        registry.begin(workflow_id)
        with pytest.raises(StateConflictError):
            registry.delete(workflow_id)
        assert registry.get(workflow_id).code == ACTIVE

    def test_a_bad_name(self, journal: Journal) -> None:
        with pytest.raises(InvalidCommandError):
            PingRegistry(journal, "Not a name")
