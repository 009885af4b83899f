"""The lowered chart says what behaviour.md says, cell by cell, with every source explicit."""

from __future__ import annotations

import pytest

from pingregistrywf.chart.ir import (
    DELETED,
    OTHERWISE,
    Arguments,
    Chart,
    FromArgument,
    Outcome,
)
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.parts import Constant, VidOfStep

MODEL = load_model()
WORKFLOW = MODEL.charts["ping_registry"]
INDEX = MODEL.charts["ping_registry_index"]
OPERATIONS = MODEL.operations["ping_registry_operations"].operations
each_chart = pytest.mark.parametrize("chart", [WORKFLOW, INDEX], ids=["workflow", "index"])


def answer(chart: Chart, cell) -> tuple[str, str | None, str | None, str]:
    found = chart.cell(cell.command, cell.state, same=cell.same is not False)
    return found.outcome.value, found.event, found.error, found.target


def test_a_cell_of_the_workflow(cell) -> None:
    assert answer(WORKFLOW, cell) == (cell.outcome, cell.event, cell.error, cell.target)


def test_a_cell_of_the_index(index_cell) -> None:
    cell = index_cell
    assert answer(INDEX, cell) == (cell.outcome, cell.event, cell.error, cell.target)


@each_chart
def test_every_cell_of_one_state_is_written_by_hand(chart: Chart, cells) -> None:
    by_hand = cells.WORKFLOW if chart is WORKFLOW else cells.INDEX
    variants = {None: Arguments.ANY, True: Arguments.SAME, False: Arguments.OTHER}
    assert {(row, state) for row, state in chart.cells if row[0] in chart.stepping} == {
        ((cell.command, variants[cell.same]), cell.state) for cell in by_hand
    }


def test_columns_are_the_states_by_code() -> None:
    codes = [WORKFLOW.states[name].code for name in WORKFLOW.columns[:-1]]
    assert codes == [0, 1, 2, 3, 4, 5]
    assert WORKFLOW.columns[-1] == DELETED


def test_a_chart_without_delete_has_no_column_for_it() -> None:
    assert INDEX.columns == ["Absent", "Active", "Completed"]


@each_chart
def test_every_cell_knows_its_rule(chart: Chart) -> None:
    named = {cell.rule for cell in chart.table} - {OTHERWISE, DELETED}
    assert named == {rule.id for command in chart.commands.values() for rule in command.rules}
    for cell in chart.table:
        assert (cell.rule == OTHERWISE) == (
            cell.error == chart.otherwise and chart.prose(cell.rule) == ""
        )
        assert bool(cell.reason) == (cell.outcome is Outcome.NOOP)


def test_a_field_takes_the_argument_that_the_rule_names_or_that_of_its_own_name() -> None:
    cell = WORKFLOW.cell("AppendPing", "Appending")
    assert cell.sources == {
        "status_code": FromArgument(argument="code"),
        "status_message": FromArgument(argument="message"),
    }
    cell = WORKFLOW.cell("Init", "Uninitialized")
    assert cell.sources == {"registry_id": FromArgument(argument="registry_id")}
    assert WORKFLOW.cell("Init", "Initialized", same=False).compared == ["registry_id"]


@each_chart
def test_every_field_of_every_event_and_error_has_a_source(chart: Chart) -> None:
    for cell in chart.table:
        fields = chart.events[cell.event].fields if cell.event else {}
        errors = chart.own_errors.get(cell.error or "")
        assert list(cell.sources) == [*fields, *(errors.fields if errors else ())]


def test_moves_are_the_cells_that_change_something_once_each() -> None:
    moves = [(move.command, move.state, move.event) for move in WORKFLOW.moves()]
    assert len(moves) == len(set(moves))
    assert ("Init", "Uninitialized", "PingRegistryStarted") in moves
    assert ("Delete", "Terminated", None) in moves
    assert len(moves) == 12


def test_a_snapshot_is_a_command_that_rewrites_in_every_state() -> None:
    snapshot = INDEX.commands["Snapshot"]
    assert snapshot is INDEX.rewriting
    assert snapshot.rewrite is not None
    assert snapshot.rewrite.limit.entries == 200
    assert {cell.outcome for cell in INDEX.table if cell.command == "Snapshot"} == {Outcome.REWRITE}
    rewriting = {name: each.rewrite for name, each in INDEX.events.items() if each.rewrite}
    assert rewriting == {"SnapshotBegin": "begin", "SnapshotState": "list", "SnapshotEnd": "end"}
    listing = INDEX.events["SnapshotState"].listing
    assert listing is not None
    assert {name: each.wire for name, each in listing.fields.items()} == {
        "workflow_id": 2,
        "started_workflow_event_id": 3,
        "completed_workflow_event_id": 4,
    }


def test_steps_of_operations_have_their_sources_and_arguments_their_origin() -> None:
    begin, snapshot = OPERATIONS["begin"], OPERATIONS["snapshot"]
    assert begin.inputs == ["workflow", "registry"]
    derived = begin.arguments["index_id"].derived
    assert derived is not None
    assert (derived.name, derived.prefix) == ("registry", "fsoregephwfl:")
    assert begin.arguments["workflow_id"].input == "workflow"
    assert begin.steps[1].sources == {
        "workflow_id": FromArgument(argument="workflow_id"),
        "workflow_event_id": VidOfStep(step=1),
    }
    assert snapshot.steps[0].sources == {"if_storage_reduction": Constant(constant=True)}
