"""Random commands on this project's own charts, on every journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from pingregistrywf import Workflows
from pingregistrywf._generated.ping_registry_index import WorkflowIndexes
from pingregistrywf.chart.ir import DELETED, Arguments
from pingregistrywf.chart.locate import load_model
from pingregistrywf.testing.expected import goals, ways
from pingregistrywf.testing.generated import FacadeClass, chart_of

from ..cells import INDEX, WORKFLOW
from .driven import drive, opener

each_facade = pytest.mark.parametrize(
    "facade", [Workflows, WorkflowIndexes], ids=["workflow", "index"]
)


@pytest.mark.parametrize("kind", ["memory", pytest.param("sqlite", marks=pytest.mark.slow)])
@each_facade
def test_random_commands(facade: FacadeClass, kind: str, tmp_path: Path) -> None:
    drive(facade, load_model(), opener(kind, tmp_path))


@each_facade
def test_the_cells_to_reach_are_all_there_are(facade: FacadeClass) -> None:
    chart = chart_of(facade)
    by_hand = WORKFLOW if facade is Workflows else INDEX
    same = {None: Arguments.ANY, True: Arguments.SAME, False: Arguments.OTHER}
    assert sorted(goals(chart)) == sorted(
        (each.command, same[each.same], each.state) for each in by_hand
    )
    assert set(ways(chart)) == {*chart.states, *([DELETED] if chart.deletes else [])}
