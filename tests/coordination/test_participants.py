"""Admin, servers and gatherer on a journal in memory: what they post, when, and when they yield."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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
    UninitializedError,
    UnknownWorkflowError,
    VersionConflictError,
    open_journal,
)
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf._generated.ping_registry_operations import OPERATIONS
from pingregistrywf.coordination import waiting
from pingregistrywf.coordination.admin import Admin
from pingregistrywf.coordination.daemon import Daemon, Gatherer, Server, summary
from pingregistrywf.coordination.registry import Registry, RegistryContext
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Subscription
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
def context(journal: Journal) -> RegistryContext:
    return RegistryContext(journal, Registry("reg"))


@pytest.fixture
def workflow_id(context: RegistryContext) -> uuid.UUID:
    workflow_id = uuid.uuid4()
    Admin(context).begin(workflow_id)
    return workflow_id


class TestRegistry:
    def test_ids_follow_from_the_name(self) -> None:
        # Computed by hand: uuid5 of the namespace and the two texts.
        namespace = uuid.UUID("ecb02ec6-006d-429f-a378-9392612f9c61")
        registry = Registry("reg")
        assert registry.id == uuid.uuid5(namespace, "fsoreg:reg")
        assert registry.index_id == uuid.uuid5(namespace, "fsoregephwfl:reg")
        assert Registry("reg", namespace=uuid.UUID(int=1)).id != registry.id

    def test_names_of_several_parts(self) -> None:
        for name in ("a", "a1", "a--1", "a.b", "fs-1.example.org"):
            assert Registry(name).name == name
        for name in (".", "a.", ".a", "a..b", "a.1", "a-.b"):
            with pytest.raises(InvalidCommandError):
                Registry(name)

    @pytest.mark.parametrize(
        "name",
        ["", "Reg", "1a", "-a", "a-", "a_b", "a b", "ä", "a\n", "\ud800", 7, None],
    )
    def test_one_that_is_not_a_name(self, name: Any) -> None:
        with pytest.raises(InvalidCommandError) as caught:
            Registry(name)
        assert repr(name) in str(caught.value)
        assert "one or more words of lower-case letters" in str(caught.value)


class TestBegin:
    def test_begins_and_lists(self, context: RegistryContext) -> None:
        workflow_id = uuid.uuid4()
        vids = Admin(context).begin(workflow_id)
        state = context.workflows.find_id(workflow_id)
        index = context.indexes.find_id(context.registry.index_id)
        assert (vids.workflow, vids.index) == (state.vid, index.vid)
        assert state.registry_id == context.registry.id
        entry = index.entries[workflow_id]
        assert entry.state_code is ListedCode.ACTIVE
        assert entry.started_workflow_event_id == state.vid

    def test_again_writes_nothing_and_answers_the_vids(
        self, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        context.workflows.append_ping(workflow_id, NO_VC, 0, "x")
        vids = Admin(context).begin(workflow_id)
        assert vids.workflow == context.workflows.find_id(workflow_id).vid
        assert len(context.workflows.events(workflow_id)) == 2
        assert len(context.indexes.events(context.registry.index_id)) == 1

    def test_interrupted_is_finished_by_beginning_again(self, journal: Journal) -> None:
        workflow_id = uuid.uuid4()
        broken = RegistryContext(
            journal, Registry("reg"), observers=(Before("begin", 2, interrupt),)
        )
        with pytest.raises(Interrupted):
            Admin(broken).begin(workflow_id)
        context = RegistryContext(journal, Registry("reg"))
        assert not context.indexes.find_id(context.registry.index_id).entries
        Admin(context).begin(workflow_id)
        assert len(context.workflows.events(workflow_id)) == 1
        assert context.indexes.find_id(context.registry.index_id).in_state(ListedCode.ACTIVE) == (
            workflow_id,
        )

    def test_with_a_stale_vid_nothing_is_written(
        self, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        index = context.indexes.find_id(context.registry.index_id)
        other = uuid.uuid4()
        stale = UlidSource(clock=lambda: START).next(index.vid)
        with pytest.raises(JournalError) as caught:
            Admin(context).begin(other, stale)
        assert caught.value.err == VersionConflictError(index.vid, stale)
        assert context.workflows.events(other) == ()
        Admin(context).begin(other, index.vid)
        assert len(context.workflows.events(other)) == 1

    def test_of_another_registry(self, context: RegistryContext) -> None:
        workflow_id = uuid.uuid4()
        elsewhere = RegistryContext(context.journal, Registry("elsewhere"))
        Admin(elsewhere).begin(workflow_id)
        for _ in range(2):  # in whatever state the workflow is
            with pytest.raises(ArgumentNotIdempotentError) as caught:
                Admin(context).begin(workflow_id)
            assert caught.value.arg == "RegistryId"
            context.workflows.append_ping(workflow_id, NO_VC, 0, "")
        assert not context.index().vid


class TestCommit:
    @pytest.fixture
    def summarized(self, context: RegistryContext, workflow_id: uuid.UUID) -> uuid.UUID:
        context.workflows.post_summary(workflow_id, NO_VC, 0, "")
        return workflow_id

    def test_completes_lists_and_ends(
        self, context: RegistryContext, summarized: uuid.UUID
    ) -> None:
        vids = Admin(context).commit(summarized)
        state = context.workflows.find_id(summarized)
        index = context.indexes.find_id(context.registry.index_id)
        assert state.state_code is StateCode.TERMINATED
        assert index.in_state(ListedCode.COMPLETED) == (summarized,)
        assert (vids.workflow, vids.index) == (state.vid, index.vid)
        completed = context.workflows.events(summarized)[-2]
        assert index.entries[summarized].completed_workflow_event_id == completed.id

    @pytest.mark.parametrize("step", [1, 2, 3])
    def test_interrupted_before_a_step_is_finished_by_another_run(
        self, journal: Journal, context: RegistryContext, summarized: uuid.UUID, step: int
    ) -> None:
        broken = RegistryContext(
            journal, Registry("reg"), observers=(Before("commit", step, interrupt),)
        )
        with pytest.raises(Interrupted):
            Admin(broken).commit(summarized)
        Admin(context).commit(summarized)
        self.test_again_writes_nothing(context, summarized)

    def test_again_writes_nothing(self, context: RegistryContext, summarized: uuid.UUID) -> None:
        admin = Admin(context)
        vids = admin.commit(summarized)
        events = context.workflows.events(summarized)
        assert admin.commit(summarized) == vids
        assert context.workflows.events(summarized) == events
        assert len(context.indexes.events(context.registry.index_id)) == 2
        assert context.workflows.find_id(summarized).state_code is StateCode.TERMINATED

    def test_again_with_a_vid_is_a_conflict(
        self, context: RegistryContext, summarized: uuid.UUID
    ) -> None:
        admin = Admin(context)
        vids = admin.commit(summarized)
        with pytest.raises(StateConflictError):
            admin.commit(summarized, vids.workflow)

    def test_too_early(self, context: RegistryContext, workflow_id: uuid.UUID) -> None:
        with pytest.raises(StateConflictError):
            Admin(context).commit(workflow_id)
        assert len(context.workflows.events(workflow_id)) == 1


def end(part: Iterator[float]) -> list[float]:
    """Run a daemon's part in a workflow to its end; the times at which it wanted to go on."""
    return list(part)


class TestServer:
    def test_posts_its_pings_at_its_pace(
        self, clock: Clock, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        times = end(Server(context, "alpha", interval=2.5, code=7).take_part(workflow_id))
        assert times == [START + 2.5, START + 2.5]
        pings = context.workflows.find_id(workflow_id).pings
        assert [(ping.code, ping.message) for ping in pings] == [
            (7, "alpha ping 1"),
            (7, "alpha ping 2"),
            (7, "alpha ping 3"),
        ]

    def test_posts_only_what_is_missing(
        self, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        context.workflows.append_ping(workflow_id, NO_VC, 0, "alpha ping 1")
        context.workflows.append_ping(workflow_id, NO_VC, 0, "beta ping 2")
        for _ in range(2):
            end(Server(context, "alpha").take_part(workflow_id))
        messages = [ping.message for ping in context.workflows.find_id(workflow_id).pings]
        assert sorted(messages) == [
            "alpha ping 1",
            "alpha ping 2",
            "alpha ping 3",
            "beta ping 2",
        ]

    def test_quits_when_the_workflow_has_advanced(
        self, journal: Journal, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        def summarize() -> None:
            context.workflows.post_summary(workflow_id, NO_VC, 0, "")

        late = RegistryContext(journal, Registry("reg"), observers=(Before("ping", 1, summarize),))
        end(Server(late, "alpha").take_part(workflow_id))
        assert context.workflows.find_id(workflow_id).num_pings == 0

    def test_nothing_to_do_in_an_unknown_workflow(self, context: RegistryContext) -> None:
        assert end(Server(context, "alpha").take_part(uuid.uuid4())) == []


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

    def pings_of(self, context: RegistryContext, workflow_id: uuid.UUID, count: int) -> None:
        """Wait until the workflow holds that many pings."""
        with context.journal.subscribe(workflow_id) as news:
            while context.workflows.find_id(workflow_id).num_pings < count:
                assert news.wait(60)

    def test_finds_workflows_listed_before_and_after_it_began(
        self, context: RegistryContext
    ) -> None:
        before, after = uuid.uuid4(), uuid.uuid4()
        Admin(context).begin(before)
        with self.serving(Server(context, "alpha", pings=2, interval=0)):
            self.pings_of(context, before, 2)
            Admin(context).begin(after)
            self.pings_of(context, after, 2)

    def test_workflows_side_by_side(self, context: RegistryContext) -> None:
        ids = [uuid.uuid4() for _ in range(5)]
        for workflow_id in ids:
            Admin(context).begin(workflow_id)
        # Each pauses for an hour after its first ping, and none waits for another.
        with self.serving(Server(context, "alpha", pings=2, interval=3600)):
            for workflow_id in ids:
                self.pings_of(context, workflow_id, 1)

    def test_a_stop_ends_the_pause_at_once(
        self, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        with self.serving(Gatherer(context, pings=1, duration=3600)):
            self.pings_of(context, workflow_id, 1)

    def test_a_failure_in_one_workflow_stops_no_other(
        self, context: RegistryContext, caplog: pytest.LogCaptureFixture
    ) -> None:
        # Listed at the same time, workflows have their turns in the order of their ids.
        broken, sound = sorted((uuid.uuid4(), uuid.uuid4()))
        for workflow_id in (broken, sound):
            Admin(context).begin(workflow_id)
        head = context.journal.read(broken).head
        entry = Entry(UlidSource().next(head.vid), head.vid, b"no event")
        context.journal.commit(broken, head, [entry], chart=ChartIdentity("ping_registry"))
        with (
            caplog.at_level("INFO", "pingregistrywf"),
            self.serving(Server(context, "alpha", pings=1)),
        ):
            self.pings_of(context, sound, 1)
        failures = [each for each in caplog.records if each.getMessage() == "failed"]
        assert {each.fields["workflow"] for each in failures} == {str(broken)}  # type: ignore[attr-defined]
        assert "corrupted data" in failures[0].fields["error"]  # type: ignore[attr-defined]

    def test_a_deadline_in_the_machines_sleep_is_kept_when_it_wakes(
        self, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Meanwhile nothing but the journal's clock went on, and no change wakes anybody."""
        monkeypatch.setattr(waiting, "LONGEST_WAIT", 0.01)
        context = RegistryContext(open_journal("memory:", clock=clock), Registry("reg"))
        workflow_id = uuid.uuid4()
        Admin(context).begin(workflow_id)
        with (
            caplog.at_level("WARNING", "pingregistrywf"),
            self.serving(Gatherer(context, pings=1, duration=3600)),
            context.journal.subscribe(workflow_id) as news,
        ):
            self.pings_of(context, workflow_id, 1)
            clock.now += 7200
            while context.workflows.find_id(workflow_id).state_code is not StateCode.SUMMARIZED:
                assert news.wait(60)
        (record,) = caplog.records
        assert record.getMessage() == "clock jumped"
        assert record.fields == {"seconds": 7200}  # type: ignore[attr-defined]

    def test_each_jump_of_the_clock_is_noticed_once(self, clock: Clock) -> None:
        jumping = waiting.JumpingClock(clock)
        noticed = []
        for seconds in (0, 3600, 0, 59, -3600, 0):
            clock.now += seconds
            noticed.append(round(jumping.jump()))
        assert noticed == [0, 3600, 0, 0, -3600, 0]

    def test_logs_one_line_an_action(
        self, context: RegistryContext, workflow_id: uuid.UUID, caplog: pytest.LogCaptureFixture
    ) -> None:
        with (
            caplog.at_level("INFO", "pingregistrywf"),
            self.serving(Server(context, "alpha", pings=2, interval=0)),
        ):
            self.pings_of(context, workflow_id, 2)
        names = [(each.name, each.getMessage()) for each in caplog.records]
        server = "pingregistrywf.server"
        actions = ("watching", "pinged", "pinged", "stopped")
        assert names == [(server, action) for action in actions]
        vid = context.workflows.find_id(workflow_id).vid
        assert caplog.records[2].fields == {  # type: ignore[attr-defined]
            "workflow": str(workflow_id),
            "message": "alpha ping 2",
            "vid": str(vid),
        }


class TestGatherer:
    def test_waits_for_the_deadline_then_summarizes(
        self, clock: Clock, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        clock.now = START + 4
        context.workflows.append_ping(workflow_id, NO_VC, 5, "alpha ping 1")
        times = end(Gatherer(context, pings=2, interval=0.25, duration=10).take_part(workflow_id))
        assert times == [START + 4.25, START + 10]
        state = context.workflows.find_id(workflow_id)
        assert state.state_code is StateCode.SUMMARIZED
        assert state.summary_status.code == 1
        assert state.summary_status.message == "{ totalCount: 3, errorCount: 1 }"

    def test_a_ping_that_comes_in_between_is_counted(
        self, journal: Journal, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        def ping() -> None:
            context.workflows.append_ping(workflow_id, NO_VC, 0, "late")

        raced = RegistryContext(journal, Registry("reg"), observers=(Before("gather", 1, ping),))
        end(Gatherer(raced, pings=0).take_part(workflow_id))
        summary_status = context.workflows.find_id(workflow_id).summary_status
        assert summary_status.message == "{ totalCount: 1, errorCount: 0 }"

    def test_yields_to_another_summary(
        self, journal: Journal, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        def summarize() -> None:
            context.workflows.post_summary(workflow_id, NO_VC, 0, "other")

        raced = RegistryContext(
            journal, Registry("reg"), observers=(Before("gather", 1, summarize),)
        )
        end(Gatherer(raced, pings=0).take_part(workflow_id))
        end(Gatherer(context, pings=1).take_part(workflow_id))
        assert context.workflows.find_id(workflow_id).summary_status.message == "other"
        gathered = [
            event
            for event in context.workflows.events(workflow_id)
            if isinstance(event, ServerPingsGathered)
        ]
        assert len(gathered) == 1

    def test_summary_of_no_pings(self) -> None:
        assert summary(()) == (0, "{ totalCount: 0, errorCount: 0 }")


class TestGet:
    def test_active(self, context: RegistryContext, workflow_id: uuid.UUID) -> None:
        admin = Admin(context)
        answer = admin.get(workflow_id)
        assert (answer.code, answer.message, answer.note) == (101, "initialized", "")
        context.workflows.append_ping(workflow_id, NO_VC, 3, "x")
        answer = admin.get(workflow_id)
        assert (answer.code, answer.message) == (101, "appending")
        assert answer.state.pings[0].code == 3

    def test_summarized_then_committed(
        self, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        admin = Admin(context)
        context.workflows.post_summary(workflow_id, NO_VC, 1, "1 of 2")
        answer = admin.get(workflow_id)
        assert (answer.code, answer.message) == (100, "1 of 2")
        admin.commit(workflow_id)
        answer = admin.get(workflow_id)
        assert (answer.code, answer.message, answer.note) == (1, "1 of 2", "")

    def test_aborted_without_a_summary(
        self, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        context.operations.expire(workflow_id, context.registry.index_id)
        answer = Admin(context).get(workflow_id)
        assert (answer.code, answer.message) == (0, "")
        assert answer.note == "aborted without a summary"

    def test_of_another_registry(self, journal: Journal, workflow_id: uuid.UUID) -> None:
        other = Admin(RegistryContext(journal, Registry("other")))
        for act in (other.get, other.commit):
            with pytest.raises(UnknownWorkflowError):
                act(workflow_id)

    def test_unknown(self, context: RegistryContext) -> None:
        with pytest.raises(UninitializedError):
            Admin(context).get(uuid.uuid4())

    def test_waits_no_longer_than_told(
        self, context: RegistryContext, workflow_id: uuid.UUID
    ) -> None:
        assert Admin(context).get(workflow_id, wait=0).code == 101

    def test_wakes_by_the_journal_and_asks_no_more_often(self) -> None:
        journal = open_journal("memory:")
        context = RegistryContext(journal, Registry("reg"))
        workflow_id = uuid.uuid4()
        Admin(context).begin(workflow_id)
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
                        context.workflows.append_ping(workflow_id, NO_VC, 0, "x")
                    else:
                        context.workflows.post_summary(workflow_id, NO_VC, 0, "done")
                    return wait(timeout)

                subscription.wait = counted_wait  # type: ignore[method-assign]
                return subscription

        watched = Admin(RegistryContext(Watched(), Registry("reg")))  # type: ignore[arg-type]
        answers.append(watched.get(workflow_id, wait=3600))
        assert (answers[0].code, answers[0].message) == (100, "done")
        assert len(waits) == 2  # one an event, none in between

    def test_a_stop_ends_the_wait(self, context: RegistryContext, workflow_id: uuid.UUID) -> None:
        stop = Stop()
        stop.ask()
        assert Admin(context).get(workflow_id, wait=3600, stop=stop).code == 101


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
