"""The total table says what behaviour.md says, cell by cell."""

from __future__ import annotations

import pytest
from pingregistrywf.chart.table import DELETED, Arguments, Outcome, Table

from pingregistrywf.chart.locate import load_model

MODEL = load_model()
WORKFLOW = Table(MODEL.charts["ping_registry"])
INDEX = Table(MODEL.charts["ping_registry_index"])


def said(table: Table, cell) -> tuple[str, str | None, str | None, str]:
    found = table.cell(cell.command, cell.state, same=cell.same is not False)
    return found.outcome.value, found.event, found.error, found.target


def test_a_cell_of_the_workflow(cell) -> None:
    assert said(WORKFLOW, cell) == (cell.outcome, cell.event, cell.error, cell.target)


def test_a_cell_of_the_index(index_cell) -> None:
    cell = index_cell
    assert said(INDEX, cell) == (cell.outcome, cell.event, cell.error, cell.target)


@pytest.mark.parametrize("table", [WORKFLOW, INDEX], ids=["workflow", "index"])
def test_every_cell_is_written_by_hand(table: Table, cells) -> None:
    by_hand = cells.WORKFLOW if table is WORKFLOW else cells.INDEX
    variants = {None: Arguments.ANY, True: Arguments.SAME, False: Arguments.OTHER}
    assert set(table.cells) == {
        ((cell.command, variants[cell.same]), cell.state) for cell in by_hand
    }


def test_columns_are_the_states_by_code() -> None:
    codes = [WORKFLOW.chart.states[name].code for name in WORKFLOW.states[:-1]]
    assert codes == [0, 1, 2, 3, 4, 5]
    assert WORKFLOW.states[-1] == DELETED


def test_a_chart_without_delete_has_no_column_for_it() -> None:
    assert INDEX.states == ("Absent", "Active", "Completed")


@pytest.mark.parametrize("table", [WORKFLOW, INDEX], ids=["workflow", "index"])
def test_every_cell_knows_its_rule(table: Table) -> None:
    named = {cell.rule for cell in table.cells.values()} - {"otherwise", DELETED}
    assert named == {
        f"{name}.{number}"
        for name, command in table.chart.commands.items()
        for number in range(1, len(command.rules) + 1)
    }
    for cell in table.cells.values():
        assert (cell.rule == "otherwise") == (
            cell.error == table.chart.otherwise and cell.doc == ""
        )
        assert bool(cell.reason) == (cell.outcome is Outcome.NOOP)


def test_sources_name_the_arguments_that_fields_take() -> None:
    cell = WORKFLOW.cell("AppendPing", "Appending")
    assert cell.sources == {"status_code": "code", "status_message": "message"}
    assert WORKFLOW.cell("Init", "Initialized", same=False).compared == ("registry_id",)


def test_moves_are_the_cells_that_change_something_once_each() -> None:
    moves = [(move.command, move.state, move.event) for move in WORKFLOW.moves()]
    assert len(moves) == len(set(moves))
    assert ("Init", "Uninitialized", "PingRegistryStarted") in moves
    assert ("Delete", "Terminated", None) in moves
    assert len(moves) == 12
