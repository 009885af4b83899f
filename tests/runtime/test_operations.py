"""Declared operations: what each does, who is told, and that interrupted ones are finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    NIL,
    NO_VC,
    ArgumentNotIdempotentError,
    InvalidCommandError,
    Journal,
    JournalError,
    Operations,
    SmallStorageReductionError,
    StateCode,
    StateConflictError,
    Ulid,
    UlidSource,
    UninitializedError,
    UnknownWorkflowError,
    VersionConflictError,
    WorkflowIndexes,
    Workflows,
)
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf._generated.ping_registry_operations import OPERATIONS
from pingregistrywf.runtime.operations import Operation, Ran

REGISTRY = UUID("10000000-0000-4000-8000-000000000001")
INDEX = UUID("20000000-0000-4000-8000-000000000002")


class Crash(Exception):  # noqa: N818
    """The process stops here."""


@dataclass
class Told:
    """An observer that remembers, and stops the process where a test says."""

    seen: list[tuple[str, str, int]] = field(default_factory=list)
    crash: tuple[str, int] | None = None

    def before(self, operation: Operation, number: int) -> None:
        self._note("before", operation, number)

    def after(self, operation: Operation, number: int) -> None:
        self._note("after", operation, number)

    def _note(self, when: str, operation: Operation, number: int) -> None:
        self.seen.append((when, operation.name, number))
        if self.crash == (when, number):
            raise Crash


class World:
    """A journal, its facades, and the operations on it."""

    def __init__(self, journal: Journal, ids: UlidSource) -> None:
        self._journal = journal
        self._ids = ids
        self.workflows = Workflows(journal, ids=ids)
        self.indexes = WorkflowIndexes(journal, ids=ids)
        self.told = Told()
        self.operations = self.observed_by(self.told)
        self.workflow = uuid4()

    def observed_by(self, *observers: Told) -> Operations:
        """The operations on the same journal, with other observers."""
        return Operations(self._journal, ids=self._ids, observers=observers)

    def lead(self, state: str) -> None:
        """Lead the workflow to a state, without being told."""
        seen = self.told.seen[:]
        self.operations.begin(self.workflow, INDEX, REGISTRY)
        if state in ("Summarized", "Completed", "Terminated"):
            self.operations.ping(self.workflow, 0, "well")
            self.operations.gather(self.workflow, 0, "all well")
        if state == "Completed":
            self.workflows.commit(self.workflow, NO_VC)
        if state == "Terminated":
            self.operations.commit(self.workflow, INDEX)
        self.told.seen = seen

    def seen(self) -> tuple[Any, ...]:
        """What readers see, without ids."""
        events = [type(each).__name__ for each in self.workflows.events(self.workflow)]
        listed = self.indexes.find_id(INDEX)
        return (
            events,
            [type(each).__name__ for each in self.indexes.events(INDEX)],
            [(each, listed.in_state(each)) for each in index.StateCode],
        )


@pytest.fixture
def world(journal: Journal, ids: UlidSource) -> World:
    return World(journal, ids)


def steps(name: str, count: int) -> list[tuple[str, str, int]]:
    return [(when, name, n) for n in range(1, count + 1) for when in ("before", "after")]


# --- Each operation --------------------------------------------------------------------------


def test_the_operations_are_those_of_behaviour_md() -> None:
    commands = {
        name: [(step.chart, step.command.__name__) for step in operation.steps]
        for name, operation in OPERATIONS.items()
    }
    work, idx = "ping_registry", "ping_registry_index"
    assert commands == {
        "begin": [(work, "CmdInit"), (idx, "CmdBeginPingRegistry")],
        "ping": [(work, "CmdAppendPing")],
        "gather": [(work, "CmdPostSummary")],
        "commit": [(work, "CmdCommit"), (idx, "CmdCommitPingRegistry"), (work, "CmdEnd")],
        "expire": [(work, "CmdAbortExpired"), (idx, "CmdCommitPingRegistry"), (work, "CmdEnd")],
        "delete": [(work, "CmdDelete"), (idx, "CmdDeletePingRegistry")],
        "snapshot": [(idx, "CmdSnapshot")],
    }


def test_begin(world: World) -> None:
    ran = world.operations.begin(world.workflow, INDEX, REGISTRY)
    (started,) = world.workflows.events(world.workflow)
    (listed,) = world.indexes.events(INDEX)
    assert ran == Ran(
        vids={1: started.id, 2: listed.id},
        by_chart={"ping_registry": started.id, "ping_registry_index": listed.id},
        events=(started, listed),
    )
    entry = world.indexes.find_id(INDEX).entries[world.workflow]
    assert entry.started_workflow_event_id == started.id
    assert entry.state_code is index.StateCode.ACTIVE


def test_ping_and_gather(world: World) -> None:
    world.lead("Initialized")
    ran = world.operations.ping(world.workflow, 7, "ping")
    state = world.workflows.find_id(world.workflow)
    assert (state.pings[0].code, state.pings[0].message) == (7, "ping")
    assert ran.vids == {1: state.vid}
    ran = world.operations.gather(world.workflow, 1, "sum", vid=state.vid)
    state = world.workflows.find_id(world.workflow)
    assert (state.summary_status.code, state.summary_status.event_id) == (1, ran.vids[1])


@pytest.mark.parametrize(("name", "state"), [("commit", "Summarized"), ("expire", "Initialized")])
def test_commit_and_expire(world: World, name: str, state: str) -> None:
    world.lead(state)
    ran: Ran = getattr(world.operations, name)(world.workflow, INDEX)
    *_, completed, committed = world.workflows.events(world.workflow)
    assert ran.vids == {1: completed.id, 2: world.indexes.find_id(INDEX).vid, 3: committed.id}
    assert ran.by_chart == {"ping_registry": committed.id, "ping_registry_index": ran.vids[2]}
    assert [type(each).__name__ for each in ran.events] == [
        "PingRegistryCompleted",
        "PingRegistryCompleted",
        "PingRegistryCommitted",
    ]
    entry = world.indexes.find_id(INDEX).entries[world.workflow]
    assert entry.completed_workflow_event_id == completed.id
    assert world.workflows.find_id(world.workflow).state_code is StateCode.TERMINATED


def test_delete(world: World) -> None:
    world.lead("Terminated")
    ran = world.operations.delete(world.workflow, INDEX)
    assert ran.vids == {1: EPOCH, 2: world.indexes.find_id(INDEX).vid}
    assert not world.indexes.find_id(INDEX).entries
    with pytest.raises(UninitializedError):
        world.workflows.find_id(world.workflow)


def test_a_snapshot_that_does_not_save_is_done(world: World) -> None:
    world.lead("Initialized")
    head = world.indexes.find_id(INDEX).vid
    ran = world.operations.snapshot(INDEX)
    refused = {1: SmallStorageReductionError()}
    assert ran == Ran({1: head}, {"ping_registry_index": head}, refused=refused)
    assert world.indexes.find_id(INDEX).vid == head


# --- Versions --------------------------------------------------------------------------------

FOREIGN = Ulid(b"\x07" * 16)


@pytest.mark.parametrize("name", ["ping", "gather", "commit"])
def test_a_given_version_is_that_of_the_first_step(world: World, name: str) -> None:
    world.lead("Summarized" if name == "commit" else "Initialized")
    arguments = (INDEX,) if name == "commit" else (0, "m")
    run = getattr(world.operations, name)
    head = world.workflows.find_id(world.workflow).vid
    before = world.seen()
    with pytest.raises(JournalError) as caught:
        run(world.workflow, *arguments, vid=FOREIGN)
    assert caught.value.err == VersionConflictError(head, FOREIGN)
    assert world.seen() == before
    assert run(world.workflow, *arguments, vid=head).events[0].parent == head


def test_a_version_given_to_begin_is_the_indexs(world: World) -> None:
    world.lead("Initialized")
    head = world.indexes.find_id(INDEX).vid
    ran = world.operations.begin(uuid4(), INDEX, REGISTRY, vid=head)
    assert ran.events[1].parent == head
    with pytest.raises(JournalError) as caught:
        world.operations.begin(uuid4(), INDEX, REGISTRY, vid=head)
    assert caught.value.err == VersionConflictError(ran.vids[2], head)


def test_the_end_has_the_version_of_the_completion(world: World) -> None:
    """Somebody else who ended it between the steps is not overlooked."""
    world.lead("Summarized")

    class Ends(Told):
        def _note(self, when: str, operation: Operation, number: int) -> None:
            if (when, number) == ("before", 3):
                world.workflows.end(world.workflow, NO_VC)

    with pytest.raises(JournalError) as caught:
        world.observed_by(Ends()).commit(world.workflow, INDEX)
    assert isinstance(caught.value.err, VersionConflictError)
    assert world.workflows.find_id(world.workflow).state_code is StateCode.TERMINATED


# --- Refusals --------------------------------------------------------------------------------


def test_a_refusal_stops_and_leaves_what_was_done(world: World) -> None:
    first = Ulid.parse("01ARYZ6S2CDCQ8YBGT5CY4TQKF")
    world.indexes.begin_ping_registry(INDEX, NO_VC, world.workflow, first)
    world.indexes.commit_ping_registry(INDEX, NO_VC, world.workflow, first)
    with pytest.raises(StateConflictError):
        world.operations.begin(world.workflow, INDEX, REGISTRY)
    assert world.workflows.find_id(world.workflow).state_code is StateCode.INITIALIZED


@pytest.mark.parametrize(
    ("state", "run", "error"),
    [
        ("Initialized", lambda w: w.operations.commit(w.workflow, INDEX), StateConflictError),
        ("Terminated", lambda w: w.operations.commit(w.workflow, INDEX), StateConflictError),
        ("Initialized", lambda w: w.operations.delete(w.workflow, INDEX), StateConflictError),
        ("Initialized", lambda w: w.operations.expire(w.workflow, uuid4()), StateConflictError),
        ("Summarized", lambda w: w.operations.commit(w.workflow, uuid4()), StateConflictError),
        ("Terminated", lambda w: w.operations.delete(w.workflow, uuid4()), UnknownWorkflowError),
        ("Summarized", lambda w: w.operations.ping(w.workflow, 0, ""), StateConflictError),
        (
            "Initialized",
            lambda w: w.operations.begin(w.workflow, INDEX, uuid4()),
            ArgumentNotIdempotentError,
        ),
    ],
)
def test_a_refused_operation_changes_nothing(
    world: World, state: str, run: Callable[[World], Any], error: type[Exception]
) -> None:
    world.lead(state)
    before = world.seen()
    with pytest.raises(error):
        run(world)
    assert world.seen() == before


MALFORMED: dict[str, Callable[[World], Any]] = {
    "begin, nil index": lambda w: w.operations.begin(uuid4(), NIL, REGISTRY),
    "begin, nil registry": lambda w: w.operations.begin(uuid4(), INDEX, NIL),
    "begin, nil workflow": lambda w: w.operations.begin(NIL, INDEX, REGISTRY),
    "begin, index as text": lambda w: w.operations.begin(uuid4(), str(INDEX), REGISTRY),
    "commit, nil index": lambda w: w.operations.commit(w.workflow, NIL),
    "expire, nil index": lambda w: w.operations.expire(w.workflow, NIL),
    "delete, nil index": lambda w: w.operations.delete(w.workflow, NIL),
    "ping, code of 2**31": lambda w: w.operations.ping(w.workflow, 2**31, ""),
    "gather, surrogate": lambda w: w.operations.gather(w.workflow, 0, "\ud800"),
    "snapshot, nil index": lambda w: w.operations.snapshot(NIL),
}


@pytest.mark.parametrize("run", MALFORMED.values(), ids=MALFORMED)
def test_malformed_arguments_are_refused_before_the_first_step(
    world: World, run: Callable[[World], Any]
) -> None:
    world.lead("Summarized")
    before = world.seen()
    with pytest.raises(InvalidCommandError):
        run(world)
    assert world.seen() == before
    assert world.told.seen == []


# --- Interrupted, and run again --------------------------------------------------------------

RUNS: dict[str, tuple[str, Callable[[World], Any]]] = {
    "begin": ("", lambda w: w.operations.begin(w.workflow, INDEX, REGISTRY)),
    "commit": ("Summarized", lambda w: w.operations.commit(w.workflow, INDEX)),
    "expire": ("Initialized", lambda w: w.operations.expire(w.workflow, INDEX)),
    "delete": ("Terminated", lambda w: w.operations.delete(w.workflow, INDEX)),
}
POINTS = [
    (name, when, number)
    for name in RUNS
    for number in range(1, len(OPERATIONS[name].steps) + 1)
    for when in ("before", "after")
    if (when, number) != ("after", len(OPERATIONS[name].steps))
]


@pytest.mark.parametrize(("name", "when", "number"), POINTS)
def test_interrupted_anywhere_and_run_again(
    journal: Journal, ids: UlidSource, world: World, name: str, when: str, number: int
) -> None:
    state, run = RUNS[name]
    whole = World(journal, ids)
    for each in (whole, world):
        each.indexes = WorkflowIndexes(journal, ids=ids)
        if state:
            each.lead(state)
    world.told.crash = (when, number)
    with pytest.raises(Crash):
        run(world)
    world.told.crash = None
    # Another process runs it again, knowing nothing.
    again = World(journal, ids)
    again.workflow = world.workflow
    run(again)
    run(whole)
    assert again.seen()[0] == whole.seen()[0]
    listed = again.indexes.find_id(INDEX).entries
    one, other = listed.get(world.workflow), listed.get(whole.workflow)
    assert (one and one.state_code) == (other and other.state_code)
    mine = [
        each
        for each in again.indexes.events(INDEX)
        if getattr(each, "workflow_id", None) == world.workflow
    ]
    theirs = [
        each
        for each in again.indexes.events(INDEX)
        if getattr(each, "workflow_id", None) == whole.workflow
    ]
    assert [type(each) for each in mine] == [type(each) for each in theirs]


@pytest.mark.parametrize("name", ["begin", "expire"])
def test_run_twice_changes_nothing_more(world: World, name: str) -> None:
    state, run = RUNS[name]
    if state:
        world.lead(state)
    first = run(world)
    before = world.seen()
    second = run(world)
    assert world.seen() == before
    assert second.events == ()
    assert second.by_chart == first.by_chart


# --- Observers -------------------------------------------------------------------------------

OBSERVED: dict[str, tuple[str, Callable[[World], Any]]] = RUNS | {
    "ping": ("Initialized", lambda w: w.operations.ping(w.workflow, 7, "ping")),
    "gather": ("Initialized", lambda w: w.operations.gather(w.workflow, 1, "sum")),
    "snapshot": ("Initialized", lambda w: w.operations.snapshot(INDEX)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_observer_is_told_of_each_step(world: World, name: str) -> None:
    state, run = OBSERVED[name]
    if state:
        world.lead(state)
    run(world)
    assert world.told.seen == steps(name, len(OPERATIONS[name].steps))


def test_an_observer_is_told_where_a_refusal_stops(world: World) -> None:
    first = Ulid.parse("01ARYZ6S2CDCQ8YBGT5CY4TQKF")
    world.indexes.begin_ping_registry(INDEX, NO_VC, world.workflow, first)
    world.indexes.commit_ping_registry(INDEX, NO_VC, world.workflow, first)
    with pytest.raises(StateConflictError):
        world.operations.begin(world.workflow, INDEX, REGISTRY)
    assert world.told.seen == [*steps("begin", 1), ("before", "begin", 2)]


def test_every_observer_is_told_in_order(world: World) -> None:
    heard: list[str] = []

    class Hears(Told):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def _note(self, when: str, operation: Operation, number: int) -> None:
            heard.append(f"{self.name} {when} {number}")

    world.observed_by(Hears("a"), Hears("b")).begin(world.workflow, INDEX, REGISTRY)
    assert heard == [
        f"{name} {when} {n}" for n in (1, 2) for when in ("before", "after") for name in "ab"
    ]
