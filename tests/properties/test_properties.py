"""Random command sequences on this project's own charts, on every journal."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf.chart.ir import DELETED, Arguments
from pingregistrywf.chart.locate import load_model

from ..cells import INDEX, WORKFLOW
from .driven import Subject, drive, opener
from .model import all_cells, paths

each_package = pytest.mark.parametrize(
    "package", [ping_registry, ping_registry_index], ids=["workflow", "index"]
)


@pytest.mark.parametrize("kind", ["memory", pytest.param("sqlite", marks=pytest.mark.slow)])
@each_package
def test_random_commands(package: ModuleType, kind: str, tmp_path: Path) -> None:
    chart = load_model().source[package.DECLARATION.name]
    drive(Subject(chart, package, opener(kind, tmp_path)))


@each_package
def test_the_cells_to_reach_are_all_there_are(package: ModuleType) -> None:
    model = load_model()
    chart = model.source[package.DECLARATION.name]
    by_hand = WORKFLOW if package is ping_registry else INDEX
    assert all_cells(chart) == {(each.command, each.same, each.state) for each in by_hand}
    same = {Arguments.ANY: None, Arguments.SAME: True, Arguments.OTHER: False}
    lowered = model.charts[package.DECLARATION.name]
    stepping = ((row, state) for row, state in lowered.cells if row[0] in lowered.stepping)
    assert all_cells(chart) == {(name, same[row], state) for (name, row), state in stepping}
    assert set(paths(chart)) == {*chart.states, *([DELETED] if chart.deletes else [])}
