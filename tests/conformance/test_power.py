"""What each suite finds by itself: as recorded in the documentation, and as running it shows."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.reports.matrix import text
from pingregistrywf.conformance.selftest.matrix import Matrix, SelfTest
from pingregistrywf.conformance.selftest.mutants import extra_state, first_order
from pingregistrywf.conformance.selftest.power import Power, departures, percent, power

from ..tiers import EXHAUSTIVE

ROOT = Path(__file__).parents[2]


def recorded(measured: Power) -> list[list[str]]:
    path = ROOT / "docs" / "recorded" / "power.py"
    spec = importlib.util.spec_from_file_location("recorded_power", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cells(module.table(measured))


def cells(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(scope="module")
def measured() -> Power:
    """All departures if EXHAUSTIVE, else those of the first order."""
    suite = suite_of()
    chart = suite.chart
    return power(suite, departures(chart) if EXHAUSTIVE else first_order(chart))


def test_the_table_of_the_documentation_is_what_a_run_measures(measured: Power) -> None:
    page = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    _, _, after = page.partition("<!-- begin generated power -->")
    shown = cells(after.partition("<!-- end generated power -->")[0])
    width = 3 + len(measured.made)
    again = "it is stale: run python docs/recorded/power.py"
    assert [row[:width] for row in shown] == recorded(measured), again


def test_the_walk_finds_what_running_the_suite_finds() -> None:
    suite = suite_of()
    every = [*first_order(suite.chart), *extra_state(suite.chart)][::401]
    mutants = [replace(each, group=each.name) for each in every]
    at_n = power(suite, mutants).strengths[0]
    test = SelfTest(suite, bound="n")
    assert at_n.found == {each.name: test.kills(each) for each in mutants}
    assert {*at_n.found.values()} == {True, False}


def test_the_report_shows_what_each_suite_finds(measured: Power) -> None:
    lines = text(Matrix((), (), measured)).splitlines()
    (line,) = [each for each in lines if each.startswith("level 1 at bound n+2 ")]
    assert line.split()[5:9] == ["3,657", "28,515", "100", "%"]
    assert sum(each.startswith(("random", "level")) for each in lines) == 11


def test_nothing_but_all_is_100_percent() -> None:
    assert percent(6322, 6322) == "100 %"
    assert percent(6321, 6322) == "99.9 %"
    assert percent(0, 3) == "0.0 %"
