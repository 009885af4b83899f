"""The suite finds what is broken on purpose, and passes what is right."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pingregistrywf import open_journal
from pingregistrywf.chart.locate import load_model
from pingregistrywf.cli import app
from pingregistrywf.cli.adapter import reference
from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.reports.matrix import text
from pingregistrywf.conformance.selftest.faults import Fault, faults
from pingregistrywf.conformance.selftest.matrix import Killed, Matrix, SelfTest
from pingregistrywf.conformance.selftest.mutants import extra_state, first_order
from pingregistrywf.conformance.suite import Suite

from ..test_cli_mistakes import CHART
from ..tiers import EXHAUSTIVE, some

HOME = {"versions": 2, "journal": 2, "data": 3, "wire": 4, "index": 5, "servers": 6}
"""The level that is there for a class of faults."""


@cache
def self_test() -> SelfTest:
    hello = reference(open_journal("memory:")).answer({"op": "hello"})["hello"]
    return SelfTest(
        suite_of(),
        lambda: reference(open_journal("memory:")).answer,
        hello["capabilities"],
        bound="n",
    )


def test_every_other_answer_and_every_other_target_is_a_mutant() -> None:
    chart = load_model().charts["ping_registry"]
    made = [mutant.group for mutant in first_order(chart)]
    # In 54 cells, for two are no other than their neighbours, 9 other answers, less the noop that
    # is a delete on an empty history, four times; and 6 other targets.
    assert made.count("output") == 54 * 9 - 2
    assert made.count("target") == 54 * 6
    assert sum(1 for _ in extra_state(chart)) == 6322


@pytest.mark.slow
@pytest.mark.exhaustive
def test_level_1_finds_every_mutant_of_the_first_order_and_with_an_extra_state() -> None:
    matrix = SelfTest(Suite(load_model()), bound="n+1").run_mutants()
    assert matrix.sound
    assert [(each.group, each.made) for each in matrix.classes] == [
        ("output", 484),
        ("target", 324),
        ("extra state", 6322),
    ]


@pytest.mark.slow
def test_the_bound_matters() -> None:
    """At bound n, something that has one state more gets away."""
    test = SelfTest(Suite(load_model()), bound="n")
    chart = load_model().charts["ping_registry"]
    assert any(not test.kills(mutant) for mutant in extra_state(chart))


@pytest.mark.slow
@pytest.mark.parametrize("fault", some(faults(), every=8), ids=lambda fault: fault.name)
@pytest.mark.xdist_group("faults")
def test_the_level_that_is_there_for_it_finds_the_fault(fault: Fault) -> None:
    assert self_test().finds(HOME[fault.group], fault)


@cache
def operated(*files: Path) -> SelfTest:
    return SelfTest(suite_of(files), bound="n")


OTHERS = tuple(
    Path(__file__).parents[1] / "other_workflow" / f"{name}.yaml"
    for name in ("leases", "split_repo", "split_repo_operations")
)


def test_departures_are_made_from_the_declaration_of_every_kind() -> None:
    names = {each.name for each in operated().departures()}
    assert {
        "commit: step 2 is left out",
        "delete: steps 1 and 2 are swapped",
        "begin: step 2 expects the vid none",
        "snapshot: step 1 when it is refused: stop",
        "begin: the vid is checked after the effect",
        "commit: the vid of ping_registry before the run is answered",
        "begin: step 1 takes index_id as registry_id",
        "begin: what an earlier run did is not looked at",
        "expire: earlier histories of the same id are taken for this one",
    } <= names


@pytest.mark.slow
@pytest.mark.parametrize("files", [(), OTHERS], ids=["own", "others"])
def test_level_6_finds_departures_from_operations(files: tuple[Path, ...]) -> None:
    test = operated(*files)
    made = list(test.departures())
    assert test.finds_departure(made[0])
    if EXHAUSTIVE:
        (found,) = test.run_operations().classes
        assert not found.survivors
        assert found.made == found.by_level[6] > len(made) * 0.8
        return
    for departure in made[::12]:
        assert test.finds_departure(departure) or "refused" in departure.name, departure.name


@pytest.mark.soak(only=True)
def test_the_command_prints_that_everything_was_killed(tmp_path: object) -> None:
    path = f"{tmp_path}/matrix.json"
    ran = CliRunner().invoke(app, ["conform", "self-test", "--json-report", path])
    assert ran.exit_code == 0, ran.output
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        told = json.load(file)
    assert told["sound"] is True
    assert all(each["killed"] == each["made"] for each in told["classes"])
    assert "7,370 of 7,370 killed; what is right passes" in ran.stdout


def test_a_chart_of_your_own_is_tested_with_its_own_reference(tmp_path: Path) -> None:
    """Malformed requests are answered, too; faults that such a small chart cannot have are told."""
    file = tmp_path / "lamp.yaml"
    file.write_text(CHART)
    ran = CliRunner().invoke(app, ["conform", "self-test", "--bound", "n", "--model", str(file)])
    assert ran.exit_code == 1, ran.output
    assert ran.stdout.splitlines()[-1].endswith(" killed; what is right passes")
    assert "survived: output:" not in ran.stdout
    # Its one command takes no vid and is never refused, so nobody can get these wrong.
    assert "survived: versions: " not in ran.stdout
    assert " faults that no implementation of this chart can have, not counted" in ran.stdout


class TestMatrix:
    KILLED = Killed("output", (1,), made=3, by_level={1: 2}, survivors=["Commit in Completed"])

    def test_a_survivor_is_named_and_counted(self) -> None:
        matrix = Matrix((), (self.KILLED,))
        assert not matrix.sound
        told = text(matrix)
        assert "survived: output: Commit in Completed" in told
        assert "2 of 3 killed" in told

    def test_what_is_right_and_fails_is_named(self) -> None:
        matrix = Matrix(("1-0 Init in Uninitialized",), ())
        assert not matrix.sound
        assert "fails on what is right: 1-0 Init in Uninitialized" in text(matrix)
