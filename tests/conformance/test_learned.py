"""The diagram of a learned machine: the wrong arrows are drawn as they are, and marked."""

from __future__ import annotations

import re

import pytest

from pingregistrywf.chart.ir import DELETED, Chart, Outcome
from pingregistrywf.chart.locate import load_model
from pingregistrywf.conformance.reports.learned import MISSING, WRONG, learned_diagram
from pingregistrywf.conformance.run.repair import answer_of
from pingregistrywf.conformance.run.result import WrongCell
from pingregistrywf.conformance.selftest.mutants import Mutant, extra_state, first_order

from ..tiers import some

CHART: Chart = load_model().main


def differences(mutant: Mutant) -> list[WrongCell]:
    """What is learned of a mutant: the cells of the chart's states that are others."""
    return [
        WrongCell(state, row, "", answer_of(cell), cell.target)
        for (row, state), cell in mutant.cells.items()
        if (row, state) in CHART.cells and cell != CHART.cells[row, state]
    ]


@pytest.mark.parametrize(
    "mutant",
    some([*list(first_order(CHART))[::20], *list(extra_state(CHART))[::500]], every=5),
    ids=lambda each: each.name,
)
def test_the_wrong_arrow_is_drawn_and_marked(mutant: Mutant) -> None:
    (wrong,) = differences(mutant)
    drawing, marks = learned_diagram(CHART, [wrong])
    declared = CHART.cells[wrong.row, wrong.state]
    refused = wrong.answer.startswith("answers ")
    if refused and declared.outcome is Outcome.REJECT:
        assert not marks
        return
    places = {mark.arrow for mark in marks}
    assert {mark.kind for mark in marks} == {MISSING if refused else WRONG}
    assert {mark.command for mark in marks} == {wrong.row[0]}
    for place in places:
        (arrow,) = re.findall(f'<g id="{place}"[^>]*>', drawing)
        assert f'data-source="{wrong.state}"' in arrow
        assert f'data-target="{declared.target if refused else wrong.target}"' in arrow
        assert len(re.findall(f'id="{place}"', drawing)) == 1


def test_a_command_beside_the_wrong_one_is_not_marked() -> None:
    """Commit and AbortExpired share an arrow; if Commit is refused, the line stays as it is."""
    row = next(row for row in CHART.rows if row[0] == "Commit")
    wrong = WrongCell("Summarized", row, "", "answers StateConflict", "Summarized")
    _, (mark,) = learned_diagram(CHART, [wrong])
    assert (mark.command, mark.kind, mark.whole) == ("Commit", MISSING, False)


def test_a_history_that_is_not_deleted_stays() -> None:
    row = next(row for row in CHART.rows if row[0] == "Delete")
    wrong = WrongCell("Terminated", row, "", "appends nothing", "Terminated")
    drawing, (mark,) = learned_diagram(CHART, [wrong])
    assert mark.arrow.endswith("Terminated-Terminated-noop")
    assert f"Terminated-{DELETED}-delete" not in drawing


def test_without_differences_there_is_no_diagram() -> None:
    assert learned_diagram(CHART, []) == ("", [])
