"""What each suite finds by itself: as recorded in the documentation, and as running it shows."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.reports.matrix import text
from pingregistrywf.conformance.selftest import random_suites as drawn
from pingregistrywf.conformance.selftest.faults import Fault
from pingregistrywf.conformance.selftest.matrix import Matrix, SelfTest
from pingregistrywf.conformance.selftest.mutants import extra_state, first_order
from pingregistrywf.conformance.selftest.power import Power, departures, percent, power
from pingregistrywf.conformance.selftest.yardsticks import WITHOUT_BOUND, yardsticks

from ..tiers import EXHAUSTIVE

STALE = "it is stale: run python docs/recorded/power.py"
ROOT = Path(__file__).parents[2]


@cache
def script() -> ModuleType:
    path = ROOT / "docs" / "recorded" / "power.py"
    spec = importlib.util.spec_from_file_location("recorded_power", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(name: str) -> list[list[str]]:
    """The cells of a table on the page."""
    page = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    _, _, after = page.partition(f"<!-- begin generated {name} -->")
    return cells(after.partition(f"<!-- end generated {name} -->")[0])


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
    width = 3 + len(measured.made)
    recorded = cells(script().table(measured))
    assert [row[:width] for row in shown("power")] == recorded, STALE


@pytest.mark.soak(only=True)
def test_the_table_of_other_faults_is_what_a_run_measures() -> None:
    measured = yardsticks(script().self_test())
    assert shown("yardsticks") == cells(script().table_beside(measured)), STALE


@pytest.mark.slow
@pytest.mark.exhaustive
def test_some_rows_of_the_table_of_other_faults_are_what_a_run_measures() -> None:
    """Those that take little time; no bound is about them."""
    measured = yardsticks(script().self_test("n"), ("wire", "servers"))
    rows = [row for row in shown("yardsticks") if row[0] in ("wire (9)", "servers (5)")]
    assert rows == cells(script().table_beside(measured))[2:], STALE


def test_where_no_bound_is_about_a_class_the_table_says_why() -> None:
    rows = {row[0].split()[0]: row for row in shown("yardsticks") if row[1] == "greater bounds"}
    assert {group: row[-1] for group, row in rows.items()} == {
        group: f"does not apply: {why}" for group, why in WITHOUT_BOUND.items()
    }


def test_a_random_suite_is_as_long_and_what_is_right_passes_it() -> None:
    suite = suite_of()
    level_2 = list(suite.cases(frozenset({2})))[:60]
    draw = drawn.with_vids(drawn.commands(suite.chart))
    cases, again = (list(drawn.like(level_2, suite.compiler, draw)) for _ in range(2))
    assert [len(each.scenario.actions) for each in cases] == [
        len(each.scenario.actions) for each in level_2
    ]
    assert [each.id for each in cases] == [each.id for each in again]
    test = SelfTest(suite, bound="n")
    right = Fault("", "", lambda answer: answer, "")
    deaf = next(each for each in test.faults() if each.name == "no version check")
    assert not test.is_found(right, cases)
    assert test.is_found(deaf, cases)


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
