"""Workflows on every journal: versions, retries, deletion, races, and what is not believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    NIL,
    NO_VC,
    RETRY_NO_VC,
    ArgumentNotIdempotentError,
    CmdAppendPing,
    CmdCommit,
    CmdDelete,
    CmdInit,
    CmdPostSummary,
    Command,
    CorruptedDataError,
    DBError,
    EventTypeError,
    HistoryDeletedError,
    InvalidCommandError,
    Journal,
    JournalEntryParentMismatchError,
    JournalError,
    MalformedEventError,
    NewEventsError,
    PingRegistryCommitted,
    PingRegistryCompleted,
    PingRegistryStarted,
    RetryNoVCError,
    ServerPinged,
    ServerPingsGathered,
    State,
    StateCode,
    StateConflictError,
    Status,
    Ulid,
    UlidSource,
    UninitializedError,
    VersionConflictError,
    Vid,
    Workflows,
    is_package_error,
)
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf.runtime import engine
from pingregistrywf.runtime.journal import NO_HEAD, ChartIdentity, Entry
from pingregistrywf.testing.journal import TurnedClock

from ..cells import WORKFLOW, Cell
from .conftest import Open
from .raced import Raced

REGISTRY = UUID("10000000-0000-4000-8000-000000000001")
OTHER = UUID("20000000-0000-4000-8000-000000000002")
CHART = ChartIdentity("ping_registry")


@pytest.fixture
def workflows(journal: Journal, ids: UlidSource) -> Workflows:
    return Workflows(journal, ids=ids, sleep=no_sleep)


@pytest.fixture
def others(opened: Open, journal: Journal, ids: UlidSource) -> Workflows:
    """The same journal as another process sees it."""
    return Workflows(opened(), ids=ids, sleep=no_sleep)


def no_sleep(seconds: float) -> None:
    raise AssertionError("nothing was to be waited for")


def begin(workflows: Workflows, registry: UUID = REGISTRY) -> tuple[UUID, Ulid]:
    workflow = uuid4()
    return workflow, workflows.init(workflow, CmdInit(registry_id=registry))


def run_to(workflows: Workflows, code: StateCode) -> tuple[UUID, Ulid]:
    """A workflow of its own, led to a state."""
    workflow = uuid4()
    vid = EPOCH
    steps: list[Callable[[], Ulid]] = [
        lambda: workflows.init(workflow, CmdInit(registry_id=REGISTRY)),
        lambda: workflows.append_ping(workflow, vid, 7, "ping"),
        lambda: workflows.post_summary(workflow, vid, 1, "summary"),
        lambda: workflows.commit(workflow, vid),
        lambda: workflows.end(workflow, vid),
    ]
    for step in steps[: int(code)]:
        vid = step()
    return workflow, vid


def conflict(caught: pytest.ExceptionInfo[JournalError]) -> tuple[Ulid, Ulid]:
    error = caught.value.err
    assert isinstance(error, VersionConflictError)
    assert caught.value.__cause__ is error
    assert caught.value.definite
    return error.stored, error.expected


# --- The main job ----------------------------------------------------------------------------


def test_a_whole_workflow(workflows: Workflows) -> None:
    workflow = uuid4()
    vids = [workflows.init(workflow, CmdInit(registry_id=REGISTRY))]
    vids.append(workflows.append_ping(workflow, vids[-1], 0, "one is well"))
    vids.append(workflows.append_ping(workflow, RETRY_NO_VC, 1, "two is not"))
    vids.append(workflows.post_summary(workflow, vids[-1], 1, "1 of 2 failed"))
    vids.append(workflows.commit(workflow, vids[-1]))
    vids.append(workflows.end(workflow, vids[-1]))
    state = workflows.find_id(workflow)
    assert state == State(
        id=workflow,
        vid=vids[-1],
        state_code=StateCode.TERMINATED,
        registry_id=REGISTRY,
        pings=state.pings,
        summary_status=Status(1, "1 of 2 failed", vids[3]),
    )
    assert list(state.pings) == [
        Status(0, "one is well", vids[1]),
        Status(1, "two is not", vids[2]),
    ]
    assert state.num_pings == 2
    links = list(zip([EPOCH, *vids], vids, strict=False))
    header = [{"id": own, "parent": parent} for parent, own in links]
    assert workflows.events(workflow) == (
        PingRegistryStarted(**header[0], registry_id=REGISTRY),
        ServerPinged(**header[1], status_code=0, status_message="one is well"),
        ServerPinged(**header[2], status_code=1, status_message="two is not"),
        ServerPingsGathered(**header[3], status_code=1, status_message="1 of 2 failed"),
        PingRegistryCompleted(**header[4]),
        PingRegistryCommitted(**header[5]),
    )


def test_a_whole_workflow_of_commands_that_are_values(workflows: Workflows) -> None:
    workflow = uuid4()
    commands: list[Command] = [
        CmdInit(registry_id=REGISTRY),
        CmdAppendPing(code=0, message="well"),
        CmdPostSummary(code=0, message="all well"),
        CmdCommit(),
    ]
    vid = EPOCH
    for command in commands:
        vid = workflows.tell(workflow, vid, command)
        assert workflows.find_id(workflow).vid == vid
    with pytest.raises(StateConflictError):
        workflows.tell(workflow, vid, commands[1])
    with pytest.raises(JournalError) as caught:
        workflows.tell(workflow, EPOCH, CmdDelete())
    assert conflict(caught) == (vid, EPOCH)
    assert workflows.tell(workflow, vid, CmdDelete()) == EPOCH
    assert workflows.events(workflow) == ()


def test_what_is_no_command_of_this_chart_is_not_told(workflows: Workflows) -> None:
    for command in (index.CmdSnapshot(if_storage_reduction=True), None, "Commit"):
        with pytest.raises(InvalidCommandError):
            workflows.tell(uuid4(), NO_VC, command)  # type: ignore[arg-type]


def test_a_summary_of_nothing_stays_empty_when_aborted(workflows: Workflows) -> None:
    workflow, _ = run_to(workflows, StateCode.APPENDING)
    vid = workflows.abort_expired(workflow, NO_VC)
    state = workflows.find_id(workflow)
    assert state.state_code is StateCode.COMPLETED
    assert state.summary_status == Status(0, "", EPOCH)
    assert state.vid == vid
    assert state.num_pings == 1


def test_a_summary_without_pings(workflows: Workflows) -> None:
    workflow, vid = begin(workflows)
    vid = workflows.post_summary(workflow, vid, 0, "none")
    assert workflows.find_id(workflow).summary_status == Status(0, "none", vid)
    assert workflows.find_id(workflow).num_pings == 0


def test_workflows_do_not_touch_each_other(workflows: Workflows) -> None:
    one, _ = begin(workflows)
    other, vid = begin(workflows, OTHER)
    workflows.append_ping(one, NO_VC, 0, "one")
    state = workflows.find_id(other)
    assert (state.vid, state.num_pings, state.registry_id) == (vid, 0, OTHER)


@pytest.mark.parametrize("message", ["", "\0", "\U0010ffff\u202e", "x" * 70_000])
@pytest.mark.parametrize("code", [-(2**31), -1, 2**31 - 1])
def test_any_code_and_any_text_come_back(workflows: Workflows, code: int, message: str) -> None:
    workflow, vid = begin(workflows)
    vid = workflows.append_ping(workflow, vid, code, message)
    assert workflows.find_id(workflow).pings[0] == Status(code, message, vid)
    assert workflows.events(workflow)[-1] == ServerPinged(
        id=vid, parent=workflows.events(workflow)[0].id, status_code=code, status_message=message
    )


def test_a_history_that_is_not_there(workflows: Workflows) -> None:
    workflow = uuid4()
    with pytest.raises(UninitializedError) as caught:
        workflows.find_id(workflow)
    assert caught.value.id == workflow
    assert is_package_error(caught.value)
    assert workflows.events(workflow) == ()


def test_ids_grow_within_a_history_though_the_clock_goes_back(
    workflows: Workflows, clock: TurnedClock
) -> None:
    workflow, vid = begin(workflows)
    for _ in range(20):
        clock.turn(seconds=-1)
        vid = workflows.append_ping(workflow, vid, 0, "")
    ids = [event.id for event in workflows.events(workflow)]
    assert ids == sorted(set(ids))


def test_no_id_is_left(journal: Journal) -> None:
    class Last:
        def next(self, after: Ulid) -> Ulid:
            raise OverflowError("no more")

    workflow = uuid4()
    with pytest.raises(NewEventsError) as caught:
        Workflows(journal, ids=Last()).init(workflow, CmdInit(registry_id=REGISTRY))
    assert isinstance(caught.value.err, OverflowError)
    assert caught.value.__cause__ is caught.value.err
    assert Workflows(journal).events(workflow) == ()


# --- Versions --------------------------------------------------------------------------------

AFTER = Ulid(b"\xff" * 16)
COMMANDS: dict[str, Callable[[Workflows, UUID, Vid], Any]] = {
    "AppendPing": lambda w, each, vid: w.append_ping(each, vid, 0, ""),
    "PostSummary": lambda w, each, vid: w.post_summary(each, vid, 0, ""),
    "Commit": lambda w, each, vid: w.commit(each, vid),
    "AbortExpired": lambda w, each, vid: w.abort_expired(each, vid),
    "End": lambda w, each, vid: w.end(each, vid),
    "Delete": lambda w, each, vid: w.delete(each, vid),
}
each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
each_cell = pytest.mark.parametrize("told", WORKFLOW, ids=lambda told: told.name)
each_state = pytest.mark.parametrize("code", list(StateCode)[1:], ids=lambda code: code.name)


@each_command
@each_state
def test_a_wrong_version_is_told_before_the_state_is_looked_at(
    workflows: Workflows, command: Callable[[Workflows, UUID, Vid], Any], code: StateCode
) -> None:
    workflow, head = run_to(workflows, code)
    _, foreign = begin(workflows)
    before = (workflows.find_id(workflow), workflows.events(workflow))
    parent = workflows.events(workflow)[-1].parent
    for wrong in {parent, foreign, AFTER, EPOCH, NO_VC.value, RETRY_NO_VC.value}:
        with pytest.raises(JournalError) as caught:
            command(workflows, workflow, wrong)
        assert conflict(caught) == (head, wrong)
    assert (workflows.find_id(workflow), workflows.events(workflow)) == before


@each_command
def test_a_real_version_on_an_empty_history_is_a_conflict(
    workflows: Workflows, command: Callable[[Workflows, UUID, Vid], Any]
) -> None:
    _, foreign = begin(workflows)
    with pytest.raises(JournalError) as caught:
        command(workflows, uuid4(), foreign)
    assert conflict(caught) == (EPOCH, foreign)


@each_command
def test_a_real_version_on_a_deleted_history_is_a_conflict(
    workflows: Workflows, command: Callable[[Workflows, UUID, Vid], Any]
) -> None:
    workflow, head = run_to(workflows, StateCode.TERMINATED)
    workflows.delete(workflow, head)
    with pytest.raises(JournalError) as caught:
        command(workflows, workflow, head)
    assert conflict(caught) == (EPOCH, head)


@pytest.mark.parametrize("vid", [EPOCH, NO_VC, RETRY_NO_VC], ids=["epoch", "none", "retry"])
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "Delete"])
@pytest.mark.parametrize("deleted", [False, True], ids=["empty", "deleted"])
def test_the_epoch_matches_an_empty_history_and_the_state_decides(
    workflows: Workflows, name: str, vid: Vid, deleted: bool
) -> None:
    workflow = uuid4()
    if deleted:
        workflow, head = run_to(workflows, StateCode.COMPLETED)
        workflows.delete(workflow, head)
    with pytest.raises(StateConflictError):
        COMMANDS[name](workflows, workflow, vid)
    assert workflows.events(workflow) == ()


@pytest.mark.parametrize("vid", [NO_VC, RETRY_NO_VC, None], ids=["none", "retry", "right"])
def test_a_command_answers_the_new_head(workflows: Workflows, vid: Vid | None) -> None:
    workflow, head = begin(workflows)
    for name in ("AppendPing", "PostSummary", "Commit", "End"):
        new = COMMANDS[name](workflows, workflow, head if vid is None else vid)
        assert new > head
        assert new == workflows.find_id(workflow).vid == workflows.events(workflow)[-1].id
        head = new


@pytest.mark.parametrize("vid", [NO_VC, RETRY_NO_VC, None], ids=["none", "retry", "right"])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Commit", StateCode.COMPLETED),
        ("AbortExpired", StateCode.COMPLETED),
        ("AbortExpired", StateCode.TERMINATED),
        ("End", StateCode.TERMINATED),
    ],
)
def test_a_noop_answers_the_current_head(
    workflows: Workflows, name: str, code: StateCode, vid: Vid | None
) -> None:
    workflow, head = run_to(workflows, code)
    before = workflows.events(workflow)
    assert COMMANDS[name](workflows, workflow, head if vid is None else vid) == head
    assert workflows.events(workflow) == before


def test_init_again_answers_the_current_head(workflows: Workflows) -> None:
    workflow, head = begin(workflows)
    assert workflows.init(workflow, CmdInit(registry_id=REGISTRY)) == head
    assert len(workflows.events(workflow)) == 1


def test_init_again_with_another_registry(workflows: Workflows) -> None:
    workflow, head = begin(workflows)
    with pytest.raises(ArgumentNotIdempotentError) as caught:
        workflows.init(workflow, CmdInit(registry_id=OTHER))
    assert caught.value.arg == "RegistryId"
    assert workflows.find_id(workflow).vid == head
    assert workflows.find_id(workflow).registry_id == REGISTRY


# --- Races -----------------------------------------------------------------------------------


@pytest.fixture
def raced(journal: Journal) -> Raced:
    return Raced(journal)


def test_losing_the_race_without_version_check_is_a_conflict(
    raced: Raced, others: Workflows
) -> None:
    workflow, head = begin(others)
    raced.others = [lambda: others.append_ping(workflow, NO_VC, 1, "first")]
    with pytest.raises(JournalError) as caught:
        Workflows(raced, sleep=no_sleep).append_ping(workflow, NO_VC, 2, "second")
    assert conflict(caught) == (others.find_id(workflow).vid, head)
    assert [ping.message for ping in others.find_id(workflow).pings] == ["first"]


def test_losing_the_race_with_a_version_is_a_conflict(raced: Raced, others: Workflows) -> None:
    workflow, head = begin(others)
    raced.others = [lambda: others.append_ping(workflow, NO_VC, 1, "first")]
    with pytest.raises(JournalError) as caught:
        Workflows(raced, sleep=no_sleep).append_ping(workflow, head, 2, "second")
    assert conflict(caught) == (others.find_id(workflow).vid, head)


@pytest.mark.parametrize("vid", [NO_VC, RETRY_NO_VC])
def test_an_old_cached_state_is_no_lost_race(raced: Raced, others: Workflows, vid: Vid) -> None:
    workflow, _ = begin(others)
    workflows = Workflows(raced, sleep=no_sleep)
    workflows.find_id(workflow)
    others.append_ping(workflow, NO_VC, 1, "first")
    workflows.append_ping(workflow, vid, 2, "second")
    assert [ping.message for ping in others.find_id(workflow).pings] == ["first", "second"]


def test_a_race_after_an_old_cached_state_is_lost(raced: Raced, others: Workflows) -> None:
    workflow, _ = begin(others)
    workflows = Workflows(raced, sleep=no_sleep)
    head = workflows.find_id(workflow).vid
    first = others.append_ping(workflow, NO_VC, 1, "first")
    raced.others = [lambda: None, lambda: others.append_ping(workflow, NO_VC, 1, "second")]
    with pytest.raises(JournalError) as caught:
        workflows.append_ping(workflow, NO_VC, 2, "third")
    assert conflict(caught) == (others.find_id(workflow).vid, first)
    with pytest.raises(JournalError) as caught:
        workflows.append_ping(workflow, head, 2, "third")
    assert conflict(caught) == (others.find_id(workflow).vid, head)


def test_what_an_old_cached_state_would_do_is_not_done(journal: Journal, others: Workflows) -> None:
    """Neither its refusals, nor its noops, nor its events: what others did since decides."""
    workflow, _ = begin(others)
    workflows = Workflows(journal)
    head = workflows.append_ping(workflow, NO_VC, 1, "first")
    others.post_summary(workflow, NO_VC, 1, "1 of 1")
    with pytest.raises(StateConflictError):
        workflows.append_ping(workflow, NO_VC, 2, "late")
    assert workflows.find_id(workflow).vid == others.find_id(workflow).vid > head
    others.commit(workflow, NO_VC)
    workflows.end(workflow, NO_VC)  # which the cached state refuses
    others.delete(workflow, NO_VC)
    with pytest.raises(StateConflictError):  # the cached state is one where this is a noop
        workflows.end(workflow, NO_VC)
    with pytest.raises(UninitializedError):
        workflows.find_id(workflow)


@pytest.mark.parametrize("lost", range(7))
def test_six_attempts_in_all(raced: Raced, others: Workflows, lost: int) -> None:
    workflow, _ = begin(others)
    raced.others = [lambda: others.append_ping(workflow, NO_VC, 1, "first")] * lost
    slept: list[float] = []
    workflows = Workflows(raced, sleep=slept.append, jitter=lambda: 1.0)
    if lost < 6:
        vid = workflows.append_ping(workflow, RETRY_NO_VC, 2, "last")
        state = others.find_id(workflow)
        assert state.vid == vid
        assert [ping.message for ping in state.pings] == ["first"] * lost + ["last"]
        assert slept == [0.005] * lost
    else:
        with pytest.raises(JournalError) as caught:
            workflows.append_ping(workflow, RETRY_NO_VC, 2, "last")
        events = others.events(workflow)
        last = VersionConflictError(events[-1].id, events[-2].id)
        assert caught.value.err == RetryNoVCError(last)
        assert caught.value.definite
        assert caught.value.err.__class__ is RetryNoVCError
        assert slept == [0.005] * 5
        assert len(events) == 7
    assert raced.reads == min(lost + 1, 6)


def test_the_pause_between_attempts_is_drawn_up_to_five_milliseconds(
    raced: Raced, others: Workflows
) -> None:
    workflow, _ = begin(others)
    raced.others = [lambda: others.append_ping(workflow, NO_VC, 1, "")] * 5
    slept: list[float] = []
    drawn = iter([0.0, 0.2, 0.4, 0.6, 0.8])
    Workflows(raced, sleep=slept.append, jitter=lambda: next(drawn)).append_ping(
        workflow, RETRY_NO_VC, 2, ""
    )
    assert slept == pytest.approx([0.0, 0.001, 0.002, 0.003, 0.004])


def test_the_pause_is_random_unless_told(raced: Raced, others: Workflows) -> None:
    workflow, _ = begin(others)
    slept: list[float] = []
    for _ in range(20):
        raced.others = [lambda: others.append_ping(workflow, NO_VC, 1, "")]
        Workflows(raced, sleep=slept.append).append_ping(workflow, RETRY_NO_VC, 2, "")
    assert len(set(slept)) > 1
    assert all(0 <= seconds <= 0.005 for seconds in slept)


@pytest.mark.parametrize("attempt", range(1, 7))
def test_a_refusal_is_bare_on_every_attempt(raced: Raced, others: Workflows, attempt: int) -> None:
    workflow, _ = begin(others)
    ping = [lambda: others.append_ping(workflow, NO_VC, 1, "")] * (attempt - 2)
    summarize = [lambda: others.post_summary(workflow, NO_VC, 0, "")] if attempt > 1 else []
    if attempt == 1:
        others.post_summary(workflow, NO_VC, 0, "")
    raced.others = [*ping, *summarize]
    slept: list[float] = []
    with pytest.raises(StateConflictError) as caught:
        Workflows(raced, sleep=slept.append).append_ping(workflow, RETRY_NO_VC, 2, "")
    assert (caught.value.what, caught.value.state) == ("AppendPing", "Summarized")
    assert raced.reads == attempt
    assert len(slept) == attempt - 1


def test_the_loser_of_two_inits_comes_second(raced: Raced, others: Workflows) -> None:
    workflow = uuid4()
    raced.others = [lambda: others.init(workflow, CmdInit(registry_id=REGISTRY))]
    workflows = Workflows(raced, sleep=lambda seconds: None)
    vid = workflows.init(workflow, CmdInit(registry_id=REGISTRY))
    assert vid == others.find_id(workflow).vid
    assert len(others.events(workflow)) == 1


def test_the_loser_of_two_inits_with_another_registry(raced: Raced, others: Workflows) -> None:
    workflow = uuid4()
    raced.others = [lambda: others.init(workflow, CmdInit(registry_id=OTHER))]
    with pytest.raises(ArgumentNotIdempotentError):
        Workflows(raced, sleep=lambda seconds: None).init(workflow, CmdInit(registry_id=REGISTRY))
    assert others.find_id(workflow).registry_id == OTHER


def test_the_loser_of_two_inits_when_the_workflow_has_advanced(
    raced: Raced, others: Workflows
) -> None:
    workflow = uuid4()

    def advance() -> None:
        others.init(workflow, CmdInit(registry_id=REGISTRY))
        others.append_ping(workflow, NO_VC, 0, "")

    raced.others = [advance]
    with pytest.raises(StateConflictError):
        Workflows(raced, sleep=lambda seconds: None).init(workflow, CmdInit(registry_id=REGISTRY))
    assert others.find_id(workflow).num_pings == 1


@pytest.mark.parametrize("real", [True, False], ids=["right", "none"])
def test_a_delete_that_wins_is_a_conflict_with_the_epoch(
    raced: Raced, others: Workflows, real: bool
) -> None:
    workflow, head = run_to(others, StateCode.COMPLETED)
    raced.others = [lambda: others.delete(workflow, NO_VC)]
    with pytest.raises(JournalError) as caught:
        Workflows(raced, sleep=no_sleep).end(workflow, head if real else NO_VC)
    assert conflict(caught) == (EPOCH, head)
    assert others.events(workflow) == ()


def test_a_delete_that_wins_is_read_again_under_retry(raced: Raced, others: Workflows) -> None:
    workflow, _ = run_to(others, StateCode.COMPLETED)
    raced.others = [lambda: others.delete(workflow, NO_VC)]
    with pytest.raises(StateConflictError):
        Workflows(raced, sleep=lambda seconds: None).end(workflow, RETRY_NO_VC)


def test_delete_never_retries(raced: Raced, others: Workflows) -> None:
    workflow, head = run_to(others, StateCode.COMPLETED)
    raced.others = [lambda: others.end(workflow, NO_VC)]
    with pytest.raises(JournalError) as caught:
        Workflows(raced, sleep=no_sleep).delete(workflow, RETRY_NO_VC)
    assert conflict(caught) == (others.find_id(workflow).vid, head)
    assert raced.reads == 1


def test_an_init_that_a_delete_beats(raced: Raced, others: Workflows) -> None:
    workflow = uuid4()

    def run_and_delete() -> None:
        others.init(workflow, CmdInit(registry_id=REGISTRY))
        others.abort_expired(workflow, NO_VC)
        others.delete(workflow, NO_VC)

    raced.others = [run_and_delete]
    with pytest.raises(JournalError) as caught:
        Workflows(raced, sleep=no_sleep).init(workflow, CmdInit(registry_id=REGISTRY))
    assert caught.value.err == HistoryDeletedError(workflow)


@pytest.mark.parametrize("definite", [True, False])
def test_a_failing_database_is_wrapped_and_not_retried(journal: Journal, definite: bool) -> None:
    error = DBError("writing", OSError("gone"), definite=definite)

    def fail() -> None:
        raise error

    raced = Raced(journal, [fail])
    workflow, _ = begin(Workflows(journal))
    workflows = Workflows(raced, sleep=no_sleep)
    with pytest.raises(JournalError) as caught:
        workflows.append_ping(workflow, RETRY_NO_VC, 0, "")
    assert caught.value.err is error
    assert caught.value.definite is definite
    assert workflows.find_id(workflow).num_pings == 0


# --- Delete and garbage collection -----------------------------------------------------------


@pytest.mark.parametrize("code", [StateCode.COMPLETED, StateCode.TERMINATED])
@pytest.mark.parametrize("vid", [None, NO_VC, RETRY_NO_VC], ids=["right", "none", "retry"])
def test_a_deleted_history_reads_as_empty_everywhere(
    workflows: Workflows, others: Workflows, code: StateCode, vid: Vid | None
) -> None:
    workflow, head = run_to(workflows, code)
    assert others.find_id(workflow).vid == head
    workflows.delete(workflow, head if vid is None else vid)
    for each in (workflows, others):
        with pytest.raises(UninitializedError):
            each.find_id(workflow)
        assert each.events(workflow) == ()


@pytest.mark.parametrize("vid", [EPOCH, NO_VC, RETRY_NO_VC], ids=["epoch", "none", "retry"])
def test_deleting_what_is_not_there_succeeds(workflows: Workflows, vid: Vid) -> None:
    workflows.delete(uuid4(), vid)
    workflow, head = run_to(workflows, StateCode.COMPLETED)
    workflows.delete(workflow, head)
    workflows.delete(workflow, vid)
    assert workflows.events(workflow) == ()


def test_deleting_answers_nothing(workflows: Workflows) -> None:
    workflow, head = run_to(workflows, StateCode.COMPLETED)
    result: object = workflows.delete(workflow, head)  # type: ignore[func-returns-value]
    assert result is None


@pytest.mark.parametrize("code", [StateCode.INITIALIZED, StateCode.APPENDING, StateCode.SUMMARIZED])
def test_what_is_not_over_is_not_deleted(workflows: Workflows, code: StateCode) -> None:
    workflow, head = run_to(workflows, code)
    for vid in (head, NO_VC, RETRY_NO_VC):
        with pytest.raises(StateConflictError):
            workflows.delete(workflow, vid)
    assert workflows.find_id(workflow).vid == head


def test_the_id_of_a_deleted_history_is_not_free_yet(
    workflows: Workflows, others: Workflows
) -> None:
    workflow, head = run_to(workflows, StateCode.TERMINATED)
    workflows.delete(workflow, head)
    for each in (workflows, others):
        with pytest.raises(JournalError) as caught:
            each.init(workflow, CmdInit(registry_id=REGISTRY))
        assert caught.value.err == HistoryDeletedError(workflow)
        assert caught.value.definite
        assert each.events(workflow) == ()


def test_garbage_collection_by_the_clock(
    workflows: Workflows, others: Workflows, journal: Journal, clock: TurnedClock
) -> None:
    kept, _ = run_to(workflows, StateCode.TERMINATED)
    workflow, head = run_to(workflows, StateCode.TERMINATED)
    workflows.delete(workflow, head)
    clock.turn(days=14.999)
    assert not journal.collect()
    clock.turn(days=0.002)
    collected = journal.collect()
    assert (collected.entries, collected.freed) == (5, ())
    assert not journal.collect()
    clock.turn(days=14.997)
    assert not journal.collect()
    with pytest.raises(JournalError) as caught:
        others.init(workflow, CmdInit(registry_id=OTHER))
    assert isinstance(caught.value.err, HistoryDeletedError)
    clock.turn(days=0.004)
    assert journal.collect().freed == (workflow,)
    vid = others.init(workflow, CmdInit(registry_id=OTHER))
    assert workflows.find_id(workflow) == State(workflow, vid, StateCode.INITIALIZED, OTHER)
    assert len(workflows.events(kept)) == 5


def test_a_pass_may_be_told_another_time(workflows: Workflows, journal: Journal) -> None:
    workflow, head = run_to(workflows, StateCode.COMPLETED)
    workflows.delete(workflow, head)
    assert not journal.collect(journal.clock())
    collected = journal.collect(journal.clock() + 31 * 86_400)
    assert (collected.entries, collected.freed) == (4, (workflow,))


def test_a_new_history_of_an_old_id_is_seen_by_all(
    workflows: Workflows, others: Workflows, journal: Journal, clock: TurnedClock
) -> None:
    workflow, head = run_to(workflows, StateCode.COMPLETED)
    old = workflows.find_id(workflow)
    others.delete(workflow, head)
    clock.turn(days=31)
    journal.collect()
    # As many events as before, so that a count of them tells nothing.
    others.init(workflow, CmdInit(registry_id=OTHER))
    for message in ("a", "b", "c"):
        others.append_ping(workflow, NO_VC, 0, message)
    state = workflows.find_id(workflow)
    assert state == others.find_id(workflow)
    assert state != old
    assert state.registry_id == OTHER
    assert [ping.message for ping in state.pings] == ["a", "b", "c"]
    with pytest.raises(JournalError) as caught:
        workflows.end(workflow, head)
    assert conflict(caught) == (state.vid, head)


# --- Several at one journal ------------------------------------------------------------------


def test_two_see_each_others_work(workflows: Workflows, others: Workflows) -> None:
    workflow, vid = begin(workflows)
    for turn in range(6):
        actor, reader = (workflows, others) if turn % 2 else (others, workflows)
        vid = actor.append_ping(workflow, vid, turn, "")
        assert reader.find_id(workflow) == actor.find_id(workflow)
        assert reader.find_id(workflow).vid == vid
        assert reader.events(workflow) == actor.events(workflow)
    assert [ping.code for ping in workflows.find_id(workflow).pings] == list(range(6))


def test_the_cached_state_equals_the_rebuilt_one(journal: Journal, workflows: Workflows) -> None:
    workflow = uuid4()
    workflows.init(workflow, CmdInit(registry_id=REGISTRY))
    for name in ("AppendPing", "AppendPing", "PostSummary", "Commit", "Commit", "End"):
        COMMANDS[name](workflows, workflow, NO_VC)
        assert workflows.find_id(workflow) == Workflows(journal).find_id(workflow)


def test_the_cache_forgets_without_harm(raced: Raced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CACHED_STATES", 3)
    workflows = Workflows(raced)
    begun = [begin(workflows) for _ in range(5)]
    seen: list[int] = []
    raced.watch = lambda reading: seen.append(len(reading.entries))
    for workflow, head in begun[::-1]:
        assert workflows.find_id(workflow).vid == head
    assert seen == [0, 0, 0, 1, 1]
    for workflow, head in begun:
        assert workflows.append_ping(workflow, head, 0, "") > head


def test_reading_after_the_cached_state_reads_what_is_new(raced: Raced, others: Workflows) -> None:
    workflow, _ = begin(others)
    workflows = Workflows(raced)
    workflows.find_id(workflow)
    seen: list[int] = []
    raced.watch = lambda reading: seen.append(len(reading.entries))
    for _ in range(5):
        others.append_ping(workflow, NO_VC, 0, "theirs")
        workflows.append_ping(workflow, NO_VC, 0, "ours")
    workflows.find_id(workflow)
    assert seen == [1, 1, 1, 1, 1, 0]


@each_cell
def test_every_cell(
    workflows: Workflows, others: Workflows, journal: Journal, ids: UlidSource, told: Cell
) -> None:
    """The table, and the deleted column, with each kind of version; all others see the same."""
    for mode in ("right", "none", "retry"):
        if told.state == "Deleted":
            workflow, head = run_to(workflows, StateCode.TERMINATED)
            workflows.delete(workflow, head)
            head, before = EPOCH, ()
        else:
            workflow, head = run_to(workflows, StateCode[told.state.upper()])
            before = workflows.events(workflow)
        old = found(workflows, workflow)
        vid: Vid = {"right": head, "none": NO_VC, "retry": RETRY_NO_VC}[mode]
        run: Callable[[], Any] = {
            **{name: partial(call, workflows, workflow, vid) for name, call in COMMANDS.items()},
            "Init": partial(
                workflows.init,
                workflow,
                CmdInit(registry_id=OTHER if told.same is False else REGISTRY),
            ),
        }[told.command]
        if told.outcome == "reject":
            kinds: dict[str | None, type[Exception]] = {
                "StateConflictError": StateConflictError,
                "ArgumentNotIdempotentError": ArgumentNotIdempotentError,
                "HistoryDeletedError": JournalError,
            }
            with pytest.raises(kinds[told.error]) as caught:
                run()
            if isinstance(caught.value, JournalError):
                assert caught.value.err == HistoryDeletedError(workflow)
            elif isinstance(caught.value, StateConflictError):
                reads_as = "Uninitialized" if told.state == "Deleted" else told.state
                assert (caught.value.what, caught.value.state) == (told.command, reads_as)
        else:
            answer = run()
        if told.outcome == "emit":
            *same, new = workflows.events(workflow)
            assert tuple(same) == before
            assert type(new).__name__ == told.event
            assert (new.parent, new.id) == (head, answer)
            assert new.id > head
            state = workflows.find_id(workflow)
            assert state.state_code.name == told.target.upper()
            assert state.vid == answer
        elif told.outcome == "delete":
            assert answer is None
            assert workflows.events(workflow) == ()
            assert found(workflows, workflow) is None
        else:
            if told.outcome == "noop":
                assert answer == (None if told.command == "Delete" else head)
            assert workflows.events(workflow) == before
            assert found(workflows, workflow) == old
        for each in (others, Workflows(journal, ids=ids)):
            assert found(each, workflow) == found(workflows, workflow)
            assert each.events(workflow) == workflows.events(workflow)


def found(workflows: Workflows, workflow: UUID) -> State | None:
    try:
        return workflows.find_id(workflow)
    except UninitializedError:
        return None


# --- Stored chains that the chart does not allow ---------------------------------------------

IDS = UlidSource()


def chained(*events: Any, ids: Sequence[Ulid] | None = None) -> list[Entry]:
    """Entries of a chain, whatever the events are."""
    entries: list[Entry] = []
    parent = EPOCH
    for event in events:
        own = IDS.next(parent)
        linked = event.model_copy(update={"id": own, "parent": parent})
        entries.append(Entry(own, parent, linked.marshal_proto()))
        parent = own
    return entries


def started(registry: UUID = REGISTRY) -> Entry:
    return chained(PingRegistryStarted(registry_id=registry))[0]


def raw(data: bytes, first: Entry | None = None) -> list[Entry]:
    """An entry of any bytes, after another or as the first."""
    first = first or started()
    return [first, Entry(IDS.next(first.id), first.id, data)]


def with_header(kind: Any, own: Ulid, parent: Ulid) -> bytes:
    data: bytes = kind(id=own, parent=parent).marshal_proto()
    return data


def broken_parent() -> list[Entry]:
    first = started()
    own = IDS.next(first.id)
    wrong = Ulid(b"\x01" * 16)
    return [first, Entry(own, wrong, with_header(ServerPinged, own, wrong))]


def parent_of_the_first() -> list[Entry]:
    own, wrong = IDS.next(EPOCH), Ulid(b"\x01" * 16)
    event = PingRegistryStarted(id=own, parent=wrong, registry_id=REGISTRY)
    return [Entry(own, wrong, event.marshal_proto())]


def other_id() -> list[Entry]:
    first = started()
    own = IDS.next(first.id)
    return [first, Entry(own, first.id, with_header(ServerPinged, IDS.next(own), first.id))]


def other_parent() -> list[Entry]:
    first = started()
    own = IDS.next(first.id)
    return [first, Entry(own, first.id, with_header(ServerPinged, own, EPOCH))]


PING, START = ServerPinged(status_code=1), PingRegistryStarted(registry_id=REGISTRY)
SUM, DONE, OVER = ServerPingsGathered(), PingRegistryCompleted(), PingRegistryCommitted()
FOREIGN = index.PingRegistryDeleted(workflow_id=REGISTRY)
CHAINS: dict[str, tuple[Callable[[], list[Entry]], type[Exception]]] = {
    "a ping first": (lambda: chained(PING), StateConflictError),
    "a summary first": (lambda: chained(SUM), StateConflictError),
    "completed first": (lambda: chained(DONE), StateConflictError),
    "committed first": (lambda: chained(OVER), StateConflictError),
    "started twice": (lambda: chained(START, START), StateConflictError),
    "committed before completed": (lambda: chained(START, OVER), StateConflictError),
    "a ping after the summary": (lambda: chained(START, SUM, PING), StateConflictError),
    "a second summary": (lambda: chained(START, PING, SUM, SUM), StateConflictError),
    "completed twice": (lambda: chained(START, DONE, DONE), StateConflictError),
    "a ping after the end": (lambda: chained(START, DONE, OVER, PING), StateConflictError),
    "started after the end": (lambda: chained(START, DONE, OVER, START), StateConflictError),
    "an event of the index": (lambda: chained(START, FOREIGN), EventTypeError),
    "an event of the index first": (lambda: chained(FOREIGN), EventTypeError),
    "an event of nobody": (lambda: raw(bytes.fromhex("08c801")), EventTypeError),
    "no event at all": (lambda: raw(b"\xff\xff\xff"), MalformedEventError),
    "empty bytes": (lambda: raw(b""), EventTypeError),
    "a short id": (lambda: raw(bytes.fromhex("0870120101")), MalformedEventError),
    "no id": (lambda: raw(bytes.fromhex("0870")), MalformedEventError),
    "a nil registry": (lambda: chained(PingRegistryStarted(registry_id=NIL)), MalformedEventError),
    "no registry": (lambda: chained(PingRegistryStarted()), MalformedEventError),
    "another id in the bytes": (other_id, MalformedEventError),
    "another parent in the bytes": (other_parent, MalformedEventError),
    "a broken parent": (broken_parent, JournalEntryParentMismatchError),
    "a first with a parent": (parent_of_the_first, JournalEntryParentMismatchError),
}
each_chain = pytest.mark.parametrize(("make", "inner"), CHAINS.values(), ids=CHAINS)


def corrupted(inner: type[Exception], call: Callable[[], Any]) -> None:
    with pytest.raises(JournalError) as caught:
        call()
    error = caught.value.err
    assert isinstance(error, CorruptedDataError)
    assert type(error.err) is inner
    assert error.op
    assert is_package_error(caught.value)


@each_chain
def test_a_chain_that_the_chart_does_not_allow(
    journal: Journal, make: Callable[[], list[Entry]], inner: type[Exception]
) -> None:
    workflow = uuid4()
    journal.commit(workflow, NO_HEAD, make(), chart=CHART)
    workflows = Workflows(journal, sleep=no_sleep)
    corrupted(inner, lambda: workflows.find_id(workflow))
    corrupted(inner, lambda: workflows.events(workflow))
    corrupted(inner, lambda: workflows.init(workflow, CmdInit(registry_id=REGISTRY)))
    for command in COMMANDS.values():
        for vid in (NO_VC, RETRY_NO_VC, EPOCH):
            corrupted(inner, lambda c=command, v=vid: c(workflows, workflow, v))  # type: ignore[misc]


@each_chain
def test_the_same_behind_a_cached_state(
    journal: Journal, make: Callable[[], list[Entry]], inner: type[Exception]
) -> None:
    *good, bad = make()
    if not good:
        return
    workflow = uuid4()
    workflows = Workflows(journal, sleep=no_sleep)
    head = journal.commit(workflow, NO_HEAD, good, chart=CHART)
    before = workflows.find_id(workflow)
    journal.commit(workflow, head, [bad], chart=CHART)
    corrupted(inner, lambda: workflows.find_id(workflow))
    corrupted(inner, lambda: workflows.commit(workflow, before.vid))
    corrupted(inner, lambda: workflows.events(workflow))


def test_a_zero_id(journal: Journal) -> None:
    workflow = uuid4()
    first = started()
    zero = Entry(EPOCH, first.id, with_header(ServerPinged, EPOCH, first.id))
    last_id = IDS.next(first.id)
    last = Entry(last_id, EPOCH, with_header(ServerPinged, last_id, EPOCH))
    journal.commit(workflow, NO_HEAD, [first, zero, last], chart=CHART)
    corrupted(MalformedEventError, lambda: Workflows(journal).find_id(workflow))
    corrupted(MalformedEventError, lambda: Workflows(journal).events(workflow))


def test_an_index_is_no_workflow(journal: Journal, workflows: Workflows) -> None:
    history = uuid4()
    indexes = index.WorkflowIndexes(journal)
    indexes.begin_ping_registry(history, NO_VC, uuid4(), Ulid(b"\x01" * 16))
    corrupted(MalformedEventError, lambda: workflows.find_id(history))
    indexes.snapshot(history, NO_VC, False)
    corrupted(EventTypeError, lambda: Workflows(journal).find_id(history))


def test_a_good_chain_of_every_event_is_accepted(journal: Journal) -> None:
    for chain in (
        (START, PING, PING, SUM, DONE, OVER),
        (START, SUM, DONE, OVER),
        (START, DONE),
        (START, PING, DONE, OVER),
    ):
        workflow = uuid4()
        journal.commit(workflow, NO_HEAD, chained(*chain), chart=CHART)
        assert len(Workflows(journal).events(workflow)) == len(chain)
        assert Workflows(journal).find_id(workflow).state_code >= StateCode.COMPLETED


def test_the_default_clock_is_the_journals(opened: Open, clock: TurnedClock) -> None:
    workflows = Workflows(opened())
    _, vid = begin(workflows)
    assert vid.milliseconds == int(clock.now * 1000)
    assert abs(time.time() - clock.now) > 1
