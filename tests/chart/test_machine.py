"""The machine says what behaviour.md says, and agrees with the table wherever they are taken."""

from __future__ import annotations

import ast
import gc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pingregistrywf.chart as package
from pingregistrywf.chart.ir import Chart
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.machine import (
    Answer,
    Machine,
    OrderError,
    _classes,
    machine_class,
    machines,
)
from pingregistrywf.chart.reader import read_model

MODEL = load_model()
WORKFLOW = MODEL.source["ping_registry"]
INDEX = MODEL.source["ping_registry_index"]
MACHINES = machines(MODEL)

AWKWARD = """
chart: awkward
version: "1.0.0"
title: Names that the library uses for itself
states:
  Initial: {code: 0, initial: true}
  States: {code: 1}
  Model: {code: 2}
events:
  Name: {wire: {name: EV_NAME, number: 1}, to: States}
  Configuration: {wire: {name: EV_CONFIGURATION, number: 2}, to: Model}
commands:
  Send: {rules: [{in: [Initial], emit: Name}]}
  State: {rules: [{in: [States], emit: Configuration}]}
"""


def told(machine: Machine, cell) -> Answer:
    machine.reset(cell.state)
    return machine.tell(cell.command, same=cell.same is not False)


def by_hand(cell) -> Answer:
    return Answer(cell.outcome, cell.event, cell.error, cell.target)


def test_a_cell_of_the_workflow(cell) -> None:
    machine = MACHINES["ping_registry"]
    assert told(machine, cell) == by_hand(cell)
    assert machine.state == cell.target


def test_a_cell_of_the_index(index_cell) -> None:
    machine = MACHINES["ping_registry_index"]
    assert told(machine, index_cell) == by_hand(index_cell)
    assert machine.state == index_cell.target


@pytest.mark.parametrize("chart", MODEL.charts.values(), ids=list(MODEL.charts))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_machine_and_table_agree_on_any_walk(chart: Chart, data: st.DataObject) -> None:
    """First to a drawn state, then on at random: plain walks spend half their steps at the end."""
    machine = MACHINES[chart.name]
    state = data.draw(st.sampled_from(chart.columns))
    machine.reset(state)
    commands = st.tuples(st.sampled_from(list(chart.stepping)), st.booleans())
    for command, same in data.draw(st.lists(commands, max_size=15)):
        cell = chart.cell(command, state, same=same)
        answer = machine.tell(command, same=same)
        assert answer == Answer(cell.outcome.value, cell.event, cell.error, cell.target)
        state = cell.target
        assert machine.state == state


@given(st.lists(st.sampled_from(list(WORKFLOW.events)), max_size=8))
@settings(deadline=None)
def test_fold_accepts_just_the_orders_that_commands_make(events: list[str]) -> None:
    machine, chart = MACHINES["ping_registry"], MODEL.charts["ping_registry"]
    machine.reset()
    follows = {(move.state, move.event): move.target for move in chart.moves() if move.event}
    state = WORKFLOW.initial
    for position, event in enumerate(events):
        if (state, event) not in follows:
            with pytest.raises(OrderError) as refused:
                machine.fold(events)
            assert (refused.value.event, refused.value.state) == (event, state)
            assert refused.value.position == position
            assert machine.state == WORKFLOW.initial
            return
        state = follows[state, event]
    assert machine.fold(events) == state == machine.state


def test_fold_goes_on_from_the_current_state() -> None:
    machine = Machine(WORKFLOW)
    assert machine.fold(["PingRegistryStarted", "ServerPinged"]) == "Appending"
    assert machine.fold(["ServerPinged"]) == "Appending"
    with pytest.raises(OrderError, match=r"event 2, PingRegistryStarted, .* in Appending"):
        machine.fold(["ServerPinged", "PingRegistryStarted"])
    with pytest.raises(OrderError):
        machine.fold(["NoSuchEvent"])
    assert machine.state == "Appending"


def test_nothing_follows_a_delete() -> None:
    machine = Machine(WORKFLOW)
    machine.reset("Deleted")
    with pytest.raises(OrderError):
        machine.fold(["PingRegistryStarted"])


def test_a_machine_begins_in_the_initial_state_and_begins_again() -> None:
    machine = Machine(WORKFLOW)
    assert machine.state == "Uninitialized"
    machine.tell("Init")
    assert machine.state == "Initialized"
    machine.reset()
    assert machine.state == "Uninitialized"


def test_machines_share_nothing_but_their_class() -> None:
    one, other = Machine(WORKFLOW), Machine(WORKFLOW)
    one.tell("Init")
    assert other.state == "Uninitialized"
    assert machine_class(WORKFLOW) is machine_class(WORKFLOW)
    assert machine_class(WORKFLOW) is not machine_class(INDEX)


def test_building_changes_nothing_and_can_be_repeated() -> None:
    before = WORKFLOW.model_dump_json()
    first, second = (Machine(WORKFLOW.model_copy(deep=True)) for _ in range(2))
    assert WORKFLOW.model_dump_json() == before
    assert type(first._machine) is not type(second._machine)
    for machine in (first, second):
        assert machine.tell("Init").event == "PingRegistryStarted"


def test_a_class_lives_no_longer_than_its_chart() -> None:
    chart = WORKFLOW.model_copy(deep=True)
    Machine(chart)
    key = id(chart)
    assert key in _classes
    del chart
    gc.collect()
    assert key not in _classes


def test_an_unknown_command_is_no_refusal() -> None:
    with pytest.raises(ValueError, match="ping_registry has no command Reopen"):
        Machine(WORKFLOW).tell("Reopen")


def test_names_may_be_those_of_the_library(tmp_path: Path) -> None:
    file = tmp_path / "awkward.yaml"
    file.write_text(AWKWARD)
    machine = Machine(read_model([file]).charts["awkward"])
    assert machine.tell("State") == Answer("reject", None, "StateConflictError", "Initial")
    assert machine.tell("Send") == Answer("emit", "Name", None, "States")
    assert machine.tell("State") == Answer("emit", "Configuration", None, "Model")
    assert machine.tell("Send").outcome == "reject"


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def test_the_second_engine_does_not_know_the_first() -> None:
    (root,) = map(Path, package.__path__)
    assert "pingregistrywf.chart.lower" not in imports(root / "machine.py")
    for file in root.rglob("*.py"):
        if file.name != "machine.py":
            assert not any(name.startswith("statemachine") for name in imports(file)), file
            assert "pingregistrywf.chart.machine" not in imports(file), file
