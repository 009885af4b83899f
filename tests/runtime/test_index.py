"""The index: what it lists, its snapshots, and what is not believed (behaviour.md, section 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    NIL,
    NO_VC,
    RETRY_NO_VC,
    CorruptedDataError,
    EventTypeError,
    Journal,
    JournalEntryParentMismatchError,
    JournalError,
    MalformedEventError,
    ServerPinged,
    SmallStorageReductionError,
    StateConflictError,
    TooManyWorkflowsError,
    Ulid,
    UlidSource,
    UnknownWorkflowError,
    VersionConflictError,
    Vid,
    WorkflowIndexes,
)
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf.runtime.journal import NO_HEAD, ChartIdentity, Entry
from pingregistrywf.testing.journal import TurnedClock

from ..cells import INDEX, Cell
from .conftest import Open
from .raced import Raced

CHART = ChartIdentity("ping_registry_index")
BEGIN, STATE, END = index.SnapshotBegin, index.SnapshotState, index.SnapshotEnd


def ulid(number: int) -> Ulid:
    return Ulid(number.to_bytes(16, "big"))


def uuid(number: int) -> UUID:
    return UUID(int=number)


def no_sleep(seconds: float) -> None:
    raise AssertionError("nothing was to be waited for")


@pytest.fixture
def indexes(journal: Journal, ids: UlidSource) -> WorkflowIndexes:
    return WorkflowIndexes(journal, ids=ids, sleep=no_sleep)


@pytest.fixture
def others(opened: Open, journal: Journal, ids: UlidSource) -> WorkflowIndexes:
    """The same journal as another process sees it."""
    return WorkflowIndexes(opened(), ids=ids, sleep=no_sleep)


def kinds(indexes: WorkflowIndexes, history: UUID) -> list[str]:
    return [type(event).__name__ for event in indexes.events(history)]


def listed(state: index.State) -> tuple[tuple[UUID, ...], tuple[UUID, ...]]:
    return state.in_state(index.StateCode.ACTIVE), state.in_state(index.StateCode.COMPLETED)


# --- What it lists ---------------------------------------------------------------------------


def test_a_workflows_way_through_the_index(indexes: WorkflowIndexes) -> None:
    history, workflow = uuid4(), uuid4()
    begun = indexes.begin_ping_registry(history, EPOCH, workflow, ulid(7))
    assert indexes.find_id(history).entries[workflow] == index.Entry(
        workflow, index.StateCode.ACTIVE, ulid(7), EPOCH
    )
    done = indexes.commit_ping_registry(history, begun, workflow, ulid(8))
    assert indexes.find_id(history).entries[workflow] == index.Entry(
        workflow, index.StateCode.COMPLETED, ulid(7), ulid(8)
    )
    gone = indexes.delete_ping_registry(history, done, workflow)
    assert workflow not in indexes.find_id(history).entries
    again = indexes.begin_ping_registry(history, gone, workflow, ulid(9))
    assert listed(indexes.find_id(history)) == ((workflow,), ())
    assert indexes.events(history) == (
        index.PingRegistryStarted(id=begun, workflow_id=workflow, workflow_event_id=ulid(7)),
        index.PingRegistryCompleted(
            id=done, parent=begun, workflow_id=workflow, workflow_event_id=ulid(8)
        ),
        index.PingRegistryDeleted(id=gone, parent=done, workflow_id=workflow),
        index.PingRegistryStarted(
            id=again, parent=gone, workflow_id=workflow, workflow_event_id=ulid(9)
        ),
    )


def test_an_empty_index_is_found(indexes: WorkflowIndexes) -> None:
    history = uuid4()
    state = indexes.find_id(history)
    assert state == index.State(history)
    assert state.vid == EPOCH
    assert listed(state) == ((), ())
    assert indexes.events(history) == ()


def test_the_lists_are_sorted(indexes: WorkflowIndexes) -> None:
    history = uuid4()
    for number in (5, 1, 4, 2, 3):
        indexes.begin_ping_registry(history, NO_VC, uuid(number), ulid(number))
        if number % 2:
            indexes.commit_ping_registry(history, NO_VC, uuid(number), ulid(number))
    assert listed(indexes.find_id(history)) == (
        (uuid(2), uuid(4)),
        (uuid(1), uuid(3), uuid(5)),
    )


CALLS: dict[str, Callable[[WorkflowIndexes, UUID, Vid, UUID], Any]] = {
    "BeginPingRegistry": lambda i, id_, vid, w: i.begin_ping_registry(id_, vid, w, ulid(50)),
    "CommitPingRegistry": lambda i, id_, vid, w: i.commit_ping_registry(id_, vid, w, ulid(60)),
    "DeletePingRegistry": lambda i, id_, vid, w: i.delete_ping_registry(id_, vid, w),
}


def lead(indexes: WorkflowIndexes, history: UUID, workflow: UUID, state: str) -> None:
    """Lead a workflow to a state; absent is once begun, committed and deleted."""
    indexes.begin_ping_registry(history, NO_VC, workflow, ulid(1))
    if state != "Active":
        indexes.commit_ping_registry(history, NO_VC, workflow, ulid(2))
    if state == "Absent":
        indexes.delete_ping_registry(history, NO_VC, workflow)


@pytest.mark.parametrize("told", INDEX, ids=lambda told: told.name)
@pytest.mark.parametrize("snapshot", [False, True], ids=["", "snapshot"])
@pytest.mark.parametrize("mode", ["right", "none", "retry"])
def test_every_cell(
    indexes: WorkflowIndexes, others: WorkflowIndexes, told: Cell, mode: str, snapshot: bool
) -> None:
    history, workflow, neighbour = uuid4(), uuid4(), uuid4()
    indexes.begin_ping_registry(history, NO_VC, neighbour, ulid(3))
    lead(indexes, history, workflow, told.state)
    if snapshot:
        indexes.snapshot(history, NO_VC, False)
    before, old = indexes.find_id(history), indexes.events(history)
    vid: Vid = {"right": before.vid, "none": NO_VC, "retry": RETRY_NO_VC}[mode]
    if told.outcome == "reject":
        errors: dict[str | None, type[Exception]] = {
            "StateConflictError": StateConflictError,
            "UnknownWorkflowError": UnknownWorkflowError,
        }
        with pytest.raises(errors[told.error]) as caught:
            CALLS[told.command](indexes, history, vid, workflow)
        if isinstance(caught.value, UnknownWorkflowError):
            assert caught.value.workflow_id == workflow
        elif isinstance(caught.value, StateConflictError):
            assert (caught.value.what, caught.value.state) == (told.command, told.state)
        answer = before.vid
    else:
        answer = CALLS[told.command](indexes, history, vid, workflow)
    state = indexes.find_id(history)
    if told.outcome == "emit":
        *same, new = indexes.events(history)
        assert tuple(same) == old
        assert type(new).__name__ == told.event
        assert (new.id, new.parent) == (answer, before.vid)
        entry = state.entries.get(workflow)
        name = "ABSENT" if entry is None else entry.state_code.name
        assert name == told.target.upper()
        assert state.entries[neighbour] == before.entries[neighbour]
        assert state.vid == answer
    else:
        assert (indexes.events(history), state, answer) == (old, before, before.vid)
    assert others.find_id(history) == state


def test_a_workflow_never_heard_of(indexes: WorkflowIndexes) -> None:
    history, workflow = uuid4(), uuid4()
    for name in ("CommitPingRegistry", "DeletePingRegistry"):
        with pytest.raises(UnknownWorkflowError) as caught:
            CALLS[name](indexes, history, NO_VC, workflow)
        assert caught.value.workflow_id == workflow
    assert indexes.events(history) == ()


def test_commit_is_a_noop_for_every_completed_workflow(indexes: WorkflowIndexes) -> None:
    history = uuid4()
    for number in (1, 2, 3):
        lead(indexes, history, uuid(number), "Completed")
    head = indexes.find_id(history).vid
    for number in (1, 2, 3):
        assert CALLS["CommitPingRegistry"](indexes, history, NO_VC, uuid(number)) == head
        assert indexes.find_id(history).entries[uuid(number)].completed_workflow_event_id == ulid(2)


def test_begin_again_keeps_the_first_vid(indexes: WorkflowIndexes) -> None:
    history, workflow = uuid4(), uuid4()
    head = indexes.begin_ping_registry(history, NO_VC, workflow, ulid(1))
    assert indexes.begin_ping_registry(history, NO_VC, workflow, ulid(2)) == head
    assert indexes.find_id(history).entries[workflow].started_workflow_event_id == ulid(1)


# --- Versions and races ----------------------------------------------------------------------


def conflict(caught: pytest.ExceptionInfo[JournalError]) -> tuple[Ulid, Ulid]:
    error = caught.value.err
    assert isinstance(error, VersionConflictError)
    assert caught.value.__cause__ is error
    return error.stored, error.expected


@pytest.mark.parametrize("name", [*CALLS, "Snapshot"])
def test_a_wrong_version_is_told_before_the_state_is_looked_at(
    indexes: WorkflowIndexes, name: str
) -> None:
    history = uuid4()
    first = indexes.begin_ping_registry(history, NO_VC, uuid(1), ulid(1))
    head = indexes.begin_ping_registry(history, NO_VC, uuid(2), ulid(1))
    calls = {**CALLS, "Snapshot": lambda i, id_, vid, w: i.snapshot(id_, vid, True)}
    for wrong in (EPOCH, first, ulid(1), ulid(2), Ulid(b"\xff" * 16)):
        with pytest.raises(JournalError) as caught:
            calls[name](indexes, history, wrong, uuid4())
        assert conflict(caught) == (head, wrong)
        with pytest.raises(JournalError) as caught:
            calls[name](indexes, uuid4(), first, uuid4())
        assert conflict(caught) == (EPOCH, first)
    assert len(indexes.events(history)) == 2


@pytest.mark.parametrize("vid", [NO_VC, EPOCH], ids=["none", "epoch"])
def test_the_loser_of_two_first_commands_gets_a_version_conflict(
    journal: Journal, others: WorkflowIndexes, vid: Vid
) -> None:
    history = uuid4()
    raced = Raced(journal, [lambda: others.begin_ping_registry(history, NO_VC, uuid(1), ulid(1))])
    with pytest.raises(JournalError) as caught:
        WorkflowIndexes(raced, sleep=no_sleep).begin_ping_registry(history, vid, uuid(2), ulid(2))
    assert conflict(caught) == (others.find_id(history).vid, EPOCH)
    assert list(others.find_id(history).entries) == [uuid(1)]


def test_the_loser_of_two_first_commands_retries(journal: Journal, others: WorkflowIndexes) -> None:
    history = uuid4()
    raced = Raced(journal, [lambda: others.begin_ping_registry(history, NO_VC, uuid(1), ulid(1))])
    slept: list[float] = []
    loser = WorkflowIndexes(raced, sleep=slept.append, jitter=lambda: 1.0)
    vid = loser.begin_ping_registry(history, RETRY_NO_VC, uuid(2), ulid(2))
    assert others.find_id(history).vid == vid
    assert set(others.find_id(history).entries) == {uuid(1), uuid(2)}
    assert slept == [0.005]


def test_two_see_each_others_work(indexes: WorkflowIndexes, others: WorkflowIndexes) -> None:
    history = uuid4()
    for number in range(1, 9):
        actor, reader = (indexes, others) if number % 2 else (others, indexes)
        vid = actor.begin_ping_registry(
            history, reader.find_id(history).vid, uuid(number), ulid(number)
        )
        assert reader.find_id(history) == actor.find_id(history)
        assert reader.find_id(history).vid == vid
        if number % 3 == 0:
            actor.snapshot(history, vid, False)
            assert reader.find_id(history) == actor.find_id(history)


# --- Snapshots -------------------------------------------------------------------------------


def filled(journal: Journal, entries: int, events: int, ids: UlidSource) -> UUID:
    """An index that lists so many workflows after so many events, written in one commit."""
    history = uuid4()
    made: list[Any] = [
        index.PingRegistryStarted(workflow_id=uuid(n), workflow_event_id=ulid(n))
        for n in range(1, entries + 1)
    ]
    for n in range(events - entries):
        which = 10_000 + n // 3
        made.append(
            [
                index.PingRegistryStarted(workflow_id=uuid(which), workflow_event_id=ulid(which)),
                index.PingRegistryCompleted(workflow_id=uuid(which), workflow_event_id=ulid(which)),
                index.PingRegistryDeleted(workflow_id=uuid(which)),
            ][n % 3]
        )
    assert (events - entries) % 3 == 0, "the last group must be whole"
    journal.commit(history, NO_HEAD, chained(*made), chart=CHART)
    return history


def chained(*events: Any, after: Ulid = EPOCH) -> list[Entry]:
    source = UlidSource()
    entries: list[Entry] = []
    for event in events:
        own = source.next(after)
        linked = event.model_copy(update={"id": own, "parent": after})
        entries.append(Entry(own, after, linked.marshal_proto()))
        after = own
    return entries


def test_a_snapshot_lists_what_is_listed_by_start_vid(indexes: WorkflowIndexes) -> None:
    history = uuid4()
    # Neither the workflows' ids nor the order of their events is that of the start vids.
    for number, start in ((1, 30), (2, 10), (3, 20), (4, 5)):
        indexes.begin_ping_registry(history, NO_VC, uuid(number), ulid(start))
    indexes.commit_ping_registry(history, NO_VC, uuid(3), ulid(99))
    indexes.commit_ping_registry(history, NO_VC, uuid(4), ulid(98))
    indexes.delete_ping_registry(history, NO_VC, uuid(4))
    before = indexes.find_id(history)
    vid = indexes.snapshot(history, before.vid, False)
    begin, state, end = indexes.events(history)[-3:]
    active, completed = index.StateCode.ACTIVE, index.StateCode.COMPLETED
    assert begin == BEGIN(id=begin.id, parent=before.vid)
    assert state == STATE(
        id=state.id,
        parent=begin.id,
        ping_registry=(
            index.Entry(uuid(2), active, ulid(10)),
            index.Entry(uuid(3), completed, ulid(20), ulid(99)),
            index.Entry(uuid(1), active, ulid(30)),
        ),
    )
    assert end == END(id=vid, parent=state.id)
    after = indexes.find_id(history)
    assert after == replace(before, vid=vid, events_since_snapshot=0)


def test_a_snapshot_lists_workflows_of_one_start_by_id(indexes: WorkflowIndexes) -> None:
    history = uuid4()
    # Enough of them that the order of hashes is not that of the ids.
    workflows = [UUID(int=pow(3, number, 2**127 - 1)) for number in range(100, 120)]
    for workflow in workflows:
        indexes.begin_ping_registry(history, NO_VC, workflow, ulid(7))
    assert list(indexes.find_id(history).entries) != sorted(workflows)
    indexes.snapshot(history, NO_VC, False)
    state = indexes.events(history)[-2]
    assert isinstance(state, STATE)
    assert [entry.workflow_id for entry in state.ping_registry] == sorted(workflows)


@pytest.mark.parametrize("option", [True, False])
def test_a_snapshot_of_an_empty_index_does_nothing(indexes: WorkflowIndexes, option: bool) -> None:
    history = uuid4()
    for vid in (EPOCH, NO_VC, RETRY_NO_VC):
        assert indexes.snapshot(history, vid, option) == EPOCH
    assert indexes.events(history) == ()


@pytest.mark.parametrize("option", [True, False])
def test_a_snapshot_right_after_another_does_nothing(
    indexes: WorkflowIndexes, others: WorkflowIndexes, option: bool
) -> None:
    history = uuid4()
    indexes.begin_ping_registry(history, NO_VC, uuid(1), ulid(1))
    head = indexes.snapshot(history, NO_VC, False)
    for each in (indexes, others):
        for vid in (head, NO_VC, RETRY_NO_VC):
            assert each.snapshot(history, vid, option) == head
    assert len(indexes.events(history)) == 4
    indexes.commit_ping_registry(history, NO_VC, uuid(1), ulid(2))
    assert others.snapshot(history, NO_VC, False) > head
    assert len(indexes.events(history)) == 8


def test_a_snapshot_of_nothing_has_no_state(
    indexes: WorkflowIndexes, others: WorkflowIndexes
) -> None:
    history = uuid4()
    lead(indexes, history, uuid(1), "Absent")
    head = indexes.snapshot(history, NO_VC, False)
    assert kinds(indexes, history)[-2:] == ["SnapshotBegin", "SnapshotEnd"]
    assert others.find_id(history) == index.State(history, head)
    assert others.snapshot(history, head, False) == head


THRESHOLDS = [
    # listed, events, whether it saves storage: 1000 events at least, and more than 300 + 300 n
    (0, 999, False),
    (0, 1002, True),
    (1, 1000, True),
    (1, 997, False),
    (2, 998, False),
    (2, 1001, True),
    (3, 1200, False),
    (3, 1203, True),
    (4, 1498, False),
    (4, 1501, True),
]


@pytest.mark.parametrize(("entries", "events", "saves"), THRESHOLDS)
def test_when_a_snapshot_saves_storage(
    journal: Journal,
    indexes: WorkflowIndexes,
    ids: UlidSource,
    entries: int,
    events: int,
    saves: bool,
) -> None:
    history = filled(journal, entries, events, ids)
    before = indexes.find_id(history)
    assert len(before.entries) == entries
    if saves:
        assert indexes.snapshot(history, RETRY_NO_VC, True) > before.vid
        assert len(indexes.events(history)) == events + (3 if entries else 2)
    else:
        with pytest.raises(SmallStorageReductionError):
            indexes.snapshot(history, RETRY_NO_VC, True)
        assert (indexes.find_id(history), len(indexes.events(history))) == (before, events)
        assert indexes.snapshot(history, RETRY_NO_VC, False) > before.vid


def test_300_plus_300_n_is_not_enough(indexes: WorkflowIndexes, journal: Journal) -> None:
    """One event more than the greatest number that does not save: by the event."""
    history = filled(journal, 3, 1200, UlidSource())
    with pytest.raises(SmallStorageReductionError):
        indexes.snapshot(history, NO_VC, True)
    indexes.commit_ping_registry(history, NO_VC, uuid(1), ulid(1))
    indexes.snapshot(history, NO_VC, True)
    assert len(indexes.events(history)) == 1204


def test_only_events_since_the_last_snapshot_count(
    journal: Journal, indexes: WorkflowIndexes
) -> None:
    history = filled(journal, 1, 1000, UlidSource())
    indexes.snapshot(history, NO_VC, True)
    indexes.commit_ping_registry(history, NO_VC, uuid(1), ulid(1))
    for each in (indexes, WorkflowIndexes(journal)):
        assert each.find_id(history).events_since_snapshot == 1
        with pytest.raises(SmallStorageReductionError):
            each.snapshot(history, NO_VC, True)


@pytest.mark.parametrize("option", [True, False])
def test_too_many_workflows(journal: Journal, indexes: WorkflowIndexes, option: bool) -> None:
    history = filled(journal, 201, 201, UlidSource())
    before = indexes.find_id(history)
    with pytest.raises(TooManyWorkflowsError):
        indexes.snapshot(history, NO_VC, option)
    assert indexes.find_id(history) == before
    indexes.commit_ping_registry(history, NO_VC, uuid(7), ulid(7))
    indexes.delete_ping_registry(history, NO_VC, uuid(7))
    indexes.snapshot(history, NO_VC, False)
    assert len(indexes.find_id(history).entries) == 200
    assert indexes.find_id(history) == WorkflowIndexes(journal).find_id(history)


def test_a_snapshot_is_all_or_nothing(journal: Journal, others: WorkflowIndexes) -> None:
    history = uuid4()
    others.begin_ping_registry(history, NO_VC, uuid(1), ulid(1))
    raced = Raced(journal, [lambda: others.begin_ping_registry(history, NO_VC, uuid(2), ulid(2))])
    with pytest.raises(JournalError) as caught:
        WorkflowIndexes(raced, sleep=no_sleep).snapshot(history, NO_VC, False)
    assert conflict(caught)[0] == others.find_id(history).vid
    assert kinds(others, history) == ["PingRegistryStarted"] * 2


def test_replay_starts_at_the_newest_snapshot(journal: Journal, indexes: WorkflowIndexes) -> None:
    history = uuid4()
    for number in range(1, 21):
        indexes.begin_ping_registry(history, NO_VC, uuid(number), ulid(number))
        if number % 10 == 0:
            indexes.snapshot(history, NO_VC, False)
    indexes.commit_ping_registry(history, NO_VC, uuid(3), ulid(77))
    raced = Raced(journal)
    seen: list[int] = []
    raced.watch = lambda reading: seen.append(len(reading.entries))
    fresh = WorkflowIndexes(raced)
    assert fresh.find_id(history) == indexes.find_id(history)
    assert seen == [4]
    assert fresh.events(history) == indexes.events(history)
    assert len(fresh.events(history)) == 27
    assert seen[1:] == [27, 27]


def test_a_reader_that_was_before_a_snapshot_goes_on(
    indexes: WorkflowIndexes, others: WorkflowIndexes
) -> None:
    history = uuid4()
    indexes.begin_ping_registry(history, NO_VC, uuid(1), ulid(1))
    assert len(others.find_id(history).entries) == 1
    indexes.snapshot(history, NO_VC, False)
    indexes.begin_ping_registry(history, NO_VC, uuid(2), ulid(2))
    assert others.find_id(history) == indexes.find_id(history)
    assert others.find_id(history).events_since_snapshot == 1


# --- Trimming --------------------------------------------------------------------------------


def test_trimming_by_the_clock(
    journal: Journal, indexes: WorkflowIndexes, others: WorkflowIndexes, clock: TurnedClock
) -> None:
    history = uuid4()
    assert not journal.trim(history)
    for number in (1, 2, 3):
        indexes.begin_ping_registry(history, NO_VC, uuid(number), ulid(number))
    assert not journal.trim(history)
    before = indexes.find_id(history).vid
    indexes.snapshot(history, NO_VC, False)
    indexes.commit_ping_registry(history, NO_VC, uuid(2), ulid(9))
    state = indexes.find_id(history)
    assert len(others.events(history)) == 7
    assert journal.trim(history)
    assert not journal.trim(history)
    for each in (indexes, others, WorkflowIndexes(journal)):
        assert kinds(each, history) == [
            "SnapshotBegin",
            "SnapshotState",
            "SnapshotEnd",
            "PingRegistryCompleted",
        ]
        assert each.events(history)[0].parent == before
        assert each.find_id(history) == state
    assert not journal.collect()
    indexes.snapshot(history, NO_VC, False)
    clock.turn(days=29.999)
    assert not journal.trim(history)
    assert not journal.collect()
    clock.turn(days=0.002)
    assert journal.collect().entries == 3
    assert journal.trim(history)
    first = others.events(history)[0]
    assert type(first) is BEGIN
    assert len(others.events(history)) == 3
    clock.turn(days=30.001)
    assert journal.collect().entries == 4
    assert others.events(history)[0] == first
    assert (
        others.find_id(history)
        == WorkflowIndexes(journal).find_id(history)
        == indexes.find_id(history)
    )
    indexes.commit_ping_registry(history, NO_VC, uuid(1), ulid(11))
    assert others.find_id(history).entries[uuid(1)].completed_workflow_event_id == ulid(11)


# --- Stored chains that the chart does not allow ---------------------------------------------

IDS = UlidSource()
A_START = index.PingRegistryStarted(workflow_id=uuid(1), workflow_event_id=ulid(1))
A_DONE = index.PingRegistryCompleted(workflow_id=uuid(1), workflow_event_id=ulid(2))
A_GONE = index.PingRegistryDeleted(workflow_id=uuid(1))
B_START = index.PingRegistryStarted(workflow_id=uuid(2), workflow_event_id=ulid(3))
LISTED = STATE(ping_registry=(index.Entry(uuid(1), index.StateCode.ACTIVE, ulid(1)),))


def broken_parent() -> list[Entry]:
    (first,) = chained(A_START)
    own, wrong = IDS.next(first.id), ulid(5)
    second = B_START.model_copy(update={"id": own, "parent": wrong})
    return [first, Entry(own, wrong, second.marshal_proto())]


def raw(data: bytes) -> list[Entry]:
    (first,) = chained(A_START)
    return [first, Entry(IDS.next(first.id), first.id, data)]


CHAINS: dict[str, tuple[Callable[[], list[Entry]], type[Exception]]] = {
    "completed first": (lambda: chained(A_DONE), StateConflictError),
    "deleted first": (lambda: chained(A_GONE), StateConflictError),
    "started twice": (lambda: chained(A_START, A_START), StateConflictError),
    "deleted while active": (lambda: chained(A_START, A_GONE), StateConflictError),
    "completed twice": (lambda: chained(A_START, A_DONE, A_DONE), StateConflictError),
    "started when completed": (lambda: chained(A_START, A_DONE, A_START), StateConflictError),
    "completed when deleted": (
        lambda: chained(A_START, A_DONE, A_GONE, A_DONE),
        StateConflictError,
    ),
    "a snapshot without an end": (lambda: chained(A_START, BEGIN(), LISTED), StateConflictError),
    "only the begin of a snapshot": (lambda: chained(A_START, BEGIN()), StateConflictError),
    "an end without a begin": (lambda: chained(A_START, END()), StateConflictError),
    "a state without a begin": (lambda: chained(A_START, LISTED), StateConflictError),
    "begun in a snapshot": (lambda: chained(A_START, BEGIN(), BEGIN()), StateConflictError),
    "started in a snapshot": (lambda: chained(A_START, BEGIN(), B_START), StateConflictError),
    "started after a snapshot that lists it": (
        lambda: chained(B_START, BEGIN(), LISTED, END(), A_START),
        StateConflictError,
    ),
    "completed after a snapshot that does not list it": (
        lambda: chained(A_START, BEGIN(), END(), A_DONE),
        StateConflictError,
    ),
    "an event of the workflow": (
        lambda: raw(ServerPinged(id=ulid(9)).marshal_proto()),
        EventTypeError,
    ),
    "no event at all": (lambda: raw(b"\x08"), MalformedEventError),
    "a nil workflow": (
        lambda: chained(A_START.model_copy(update={"workflow_id": NIL})),
        MalformedEventError,
    ),
    "a nil workflow event": (
        lambda: chained(A_START.model_copy(update={"workflow_event_id": EPOCH})),
        MalformedEventError,
    ),
    "a nil workflow in a snapshot": (
        lambda: chained(
            A_START,
            BEGIN(),
            STATE(ping_registry=(index.Entry(NIL, index.StateCode.ACTIVE, ulid(1)),)),
        ),
        MalformedEventError,
    ),
    "a nil start in a snapshot": (
        lambda: chained(
            A_START,
            BEGIN(),
            STATE(ping_registry=(index.Entry(uuid(1), index.StateCode.ACTIVE),)),
        ),
        MalformedEventError,
    ),
    "a broken parent": (broken_parent, JournalEntryParentMismatchError),
}  # fmt: skip


@pytest.mark.parametrize(("make", "inner"), CHAINS.values(), ids=CHAINS)
def test_a_chain_that_the_chart_does_not_allow(
    journal: Journal, make: Callable[[], Sequence[Entry]], inner: type[Exception]
) -> None:
    history = uuid4()
    journal.commit(history, NO_HEAD, make(), chart=CHART)
    indexes = WorkflowIndexes(journal, sleep=no_sleep)
    calls: list[Callable[[], Any]] = [
        lambda: indexes.find_id(history),
        lambda: indexes.events(history),
        *(lambda c=call: c(indexes, history, RETRY_NO_VC, uuid4()) for call in CALLS.values()),  # type: ignore[misc]
        lambda: indexes.snapshot(history, NO_VC, True),
    ]
    for call in calls:
        with pytest.raises(JournalError) as caught:
            call()
        assert isinstance(caught.value.err, CorruptedDataError)
        assert type(caught.value.err.err) is inner
        assert index.is_package_error(caught.value)


def test_a_snapshot_of_upstream_in_several_states_is_read(journal: Journal) -> None:
    history = uuid4()
    second = STATE(ping_registry=(index.Entry(uuid(2), index.StateCode.ACTIVE, ulid(3)),))
    chain = chained(A_START, B_START, BEGIN(), LISTED, second, END())
    journal.commit(history, NO_HEAD, chain, chart=CHART)
    assert listed(WorkflowIndexes(journal).find_id(history)) == ((uuid(1), uuid(2)), ())


# --- Cost ------------------------------------------------------------------------------------


@pytest.mark.parametrize("entries", [10, 3000])
def test_a_command_costs_the_same_at_any_length(journal: Journal, entries: int) -> None:
    """Counted: entries read and events made, with a warm cache."""
    history = filled(journal, entries, entries, UlidSource())
    raced = Raced(journal)
    indexes = WorkflowIndexes(raced)
    indexes.find_id(history)
    seen: list[int] = []
    raced.watch = lambda reading: seen.append(len(reading.entries))
    indexes.begin_ping_registry(history, NO_VC, uuid4(), ulid(1))
    indexes.commit_ping_registry(history, NO_VC, uuid(1), ulid(1))
    indexes.delete_ping_registry(history, NO_VC, uuid(1))
    assert seen == []  # each is committed on the cached state
    assert raced.committed == 3
    with pytest.raises(index.UnknownWorkflowError):
        indexes.delete_ping_registry(history, NO_VC, uuid(1))
    assert seen == [0]  # a refusal rests on what was read


def test_a_state_shares_what_did_not_change(journal: Journal) -> None:
    """Persistent maps: the old state stays as it was, and unchanged entries are the same."""
    history = filled(journal, 500, 500, UlidSource())
    indexes = WorkflowIndexes(journal)
    before = indexes.find_id(history)
    indexes.commit_ping_registry(history, NO_VC, uuid(1), ulid(9))
    after = indexes.find_id(history)
    assert before.entries[uuid(1)].state_code is index.StateCode.ACTIVE
    assert after.entries[uuid(1)].state_code is index.StateCode.COMPLETED
    assert all(after.entries[uuid(n)] is before.entries[uuid(n)] for n in range(2, 501))
