"""What may be done, and why not: as the chart says it, and as a command that is run shows it."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    Behavior,
    BehaviorError,
    CmdAppendPing,
    CmdCommit,
    CmdDelete,
    CmdInit,
    InvalidCommandError,
    Journal,
    NewEventsError,
    PingRegistryStarted,
    StateConflictError,
    Workflows,
)
from pingregistrywf._generated import ping_registry
from pingregistrywf._generated import ping_registry_index as index

from ..cells import WORKFLOW, Cell
from .test_behavior import OTHER, REGISTRY, STATES, VID, command

KEY = UUID(int=7)
ENTRIES = {
    "Active": index.Entry(KEY, index.StateCode.ACTIVE, VID),
    "Completed": index.Entry(KEY, index.StateCode.COMPLETED, VID, VID),
}
ABSENT = index.Entry(KEY)
LISTED = index.State(UUID(int=1), VID, events_since_snapshot=3)
INDEXES = {"Absent": LISTED} | {
    name: dataclasses.replace(LISTED, entries=LISTED.entries.set(KEY, entry))
    for name, entry in ENTRIES.items()
}


def index_command(name: str) -> Any:
    kind = index.DECLARATION.commands[name]
    more = {"workflow_event_id": VID} if "workflow_event_id" in kind.model_fields else {}
    return kind(workflow_id=KEY, **more)


def assert_is_what_happens(behavior: Any, state: Any, asked: Any, cell: Cell) -> None:
    """The explanation is as the cell, and as the command when it is run."""
    told = behavior.explain(state, asked)
    assert (told.command, told.state, told.outcome) == (cell.command, cell.state, cell.outcome)
    assert [type(each).__name__ for each in told.events] == ([cell.event] if cell.event else [])
    assert told.reason
    assert told.allowed == (state if cell in WORKFLOW else state.entries.get(KEY, ABSENT)).allowed
    if cell.outcome == "reject":
        with pytest.raises(BehaviorError) as caught:
            behavior.tell(state, asked)
        assert told.error == caught.value
        assert type(told.error).__name__ == cell.error
        return
    assert told.error is None
    unplaced = {"id": EPOCH, "parent": EPOCH}
    events = behavior.tell(state, asked)
    assert told.events == tuple(each.model_copy(update=unplaced) for each in events)


@pytest.mark.parametrize(
    "asked", [each for each in WORKFLOW if each.state != "Deleted"], ids=lambda each: each.name
)
def test_every_cell(asked: Cell) -> None:
    told = command(asked.command, asked.same)
    assert_is_what_happens(Behavior(), STATES[asked.state], told, asked)


def test_every_cell_of_a_keyed_chart(index_cell: Cell) -> None:
    told = index_command(index_cell.command)
    assert_is_what_happens(index.Behavior(), INDEXES[index_cell.state], told, index_cell)


@pytest.mark.parametrize("state", STATES)
def test_allowed_are_the_commands_that_are_not_refused(state: str) -> None:
    """A command whose arguments matter is allowed with some of them."""
    cells = [each for each in WORKFLOW if each.state == state and each.outcome != "reject"]
    names = dict.fromkeys(each.command for each in cells)
    kinds = tuple(ping_registry.DECLARATION.commands[name] for name in names)
    assert STATES[state].allowed == kinds


def test_an_entry_of_a_keyed_chart_allows() -> None:
    assert ENTRIES["Active"].allowed == (
        index.CmdBeginPingRegistry,
        index.CmdCommitPingRegistry,
        index.CmdSnapshot,
    )
    assert index.CmdDeletePingRegistry in ENTRIES["Completed"].allowed


def test_the_rule_and_its_reason_are_the_charts() -> None:
    behavior = Behavior()
    told = behavior.explain(STATES["Uninitialized"], CmdInit(registry_id=REGISTRY))
    assert (told.rule, told.reason) == ("Init.1", "A workflow begins on an empty history.")
    assert told.events == (PingRegistryStarted(registry_id=REGISTRY),)

    told = behavior.explain(STATES["Initialized"], CmdInit(registry_id=REGISTRY))
    assert told.rule == "Init.2"
    assert told.reason == "The workflow has begun with the same registry already."
    told = behavior.explain(STATES["Initialized"], CmdInit(registry_id=OTHER))
    assert told.rule == "Init.2"
    assert told.reason.endswith("but not with another registry.")

    told = behavior.explain(STATES["Appending"], CmdCommit())
    assert told.rule == "otherwise"
    assert told.error == StateConflictError("Commit", "Appending")
    assert told.reason == "The command is not allowed in the workflow's state."


def test_a_snapshot_is_about_no_single_entry() -> None:
    behavior = index.Behavior()
    told = behavior.explain(INDEXES["Active"], index.CmdSnapshot(if_storage_reduction=False))
    assert (told.state, told.outcome, told.rule) == ("", "rewrite", "Snapshot.1")
    assert [type(each).__name__ for each in told.events] == [
        "SnapshotBegin",
        "SnapshotState",
        "SnapshotEnd",
    ]
    told = behavior.explain(INDEXES["Active"], index.CmdSnapshot(if_storage_reduction=True))
    assert isinstance(told.error, index.SmallStorageReductionError)
    assert (told.outcome, told.events) == ("reject", ())
    assert told.reason == index.SmallStorageReductionError.prose
    unchanged = dataclasses.replace(INDEXES["Active"], events_since_snapshot=0)
    told = behavior.explain(unchanged, index.CmdSnapshot(if_storage_reduction=True))
    assert (told.outcome, told.rule, bool(told.reason)) == ("noop", "Snapshot.1", True)


def test_nothing_is_drawn() -> None:
    class NoIds:
        def next(self, after: object) -> Any:
            raise AssertionError("an id is drawn")

    asked = CmdAppendPing(code=1, message="x")
    told = Behavior(NoIds()).explain(STATES["Appending"], asked)
    assert told.outcome == "emit"
    assert pickle.loads(pickle.dumps(told)) == told


def test_a_command_of_another_chart() -> None:
    with pytest.raises(InvalidCommandError):
        Behavior().explain(STATES["Appending"], index_command("BeginPingRegistry"))


def test_a_command_that_dodged_its_checks() -> None:
    dodged = CmdAppendPing.model_construct(code=2**31, message="x")
    with pytest.raises(NewEventsError):
        Behavior().explain(STATES["Appending"], dodged)


def test_of_a_history_as_it_is_now(journal: Journal) -> None:
    workflows, workflow = Workflows(journal), uuid4()
    told = workflows.explain(workflow, CmdCommit())
    assert (told.state, told.allowed) == ("Uninitialized", (CmdInit, CmdDelete))
    workflows.init(workflow, CmdInit(registry_id=REGISTRY))
    told = workflows.explain(workflow, CmdAppendPing(code=0, message="x"))
    assert (told.state, told.outcome) == ("Initialized", "emit")
    assert len(workflows.events(workflow)) == 1
    assert told.allowed == workflows.find_id(workflow).allowed
