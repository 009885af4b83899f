"""The suite: its size, its reach, its ids, and that it can be run from its data alone."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from pingregistrywf._generated.ping_registry_operations import OPERATIONS
from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.locate import load_model, model_directory
from pingregistrywf.chart.lower import read_model
from pingregistrywf.conformance.assembly import committed_ids, suite_of
from pingregistrywf.conformance.run.matching import Names
from pingregistrywf.conformance.selftest.matrix import SelfTest
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.levels import SuiteError
from pingregistrywf.conformance.suite.scenario import (
    BOUNDS,
    VIDS,
    Run,
    Scenario,
    Tell,
    from_text,
    to_text,
    within,
)
from pingregistrywf.conformance.suite.sequences import (
    Mealy,
    NotMinimalError,
    Word,
    access,
    covers,
    distinguishing,
    identifiers,
    suite,
)
from pingregistrywf.conformance.suite.values import name_shape

OTHER_WORKFLOW = Path(__file__).parent.parent / "other_workflow"
OTHERS = [OTHER_WORKFLOW / "leases.yaml", OTHER_WORKFLOW / "split_repo.yaml"]


@pytest.fixture(scope="module")
def own() -> Suite:
    return Suite(load_model())


@pytest.fixture(scope="module")
def cases(own: Suite) -> list[Case]:
    return list(own.cases(bound="n"))


def chart_of(tmp_path: Path, states: str, *commands: str) -> Model:
    """A chart of a few letters: begun, it is in the first; X:BB- leads from A and B to B, not from
    C."""
    events = {
        f"To{state}": {"wire": {"name": f"EV_TO_{state}", "number": number}, "to": state}
        for number, state in enumerate(states, start=1)
    }
    said = {
        "chart": "letters",
        "version": "1.0.0",
        "title": "Letters",
        "states": {
            "Zero": {"code": 0, "initial": True},
            **{state: {"code": number} for number, state in enumerate(states, start=1)},
        },
        "events": events,
        "commands": {
            "Begin": {"rules": [{"in": ["Zero"], "emit": f"To{states[0]}"}]},
            **{
                name: {
                    "rules": [
                        {"in": [state], "emit": f"To{target}"}
                        for state, target in zip(states, targets, strict=True)
                        if target != "-"
                    ]
                }
                for name, targets in (command.split(":") for command in commands)
            },
        },
    }
    path = tmp_path / "letters.yaml"
    path.write_text(yaml.safe_dump(said, sort_keys=False))
    return read_model([path])


# X makes A and B one, Y makes B and C one: whatever is told first, two states are lost for good.
NO_PRESET = ("ABC", "X:BB-", "Y:-CC")


class TestSequences:
    def test_the_shortest_distinguishing_sequence_of_the_workflow(self) -> None:
        machine = Mealy(load_model().charts["ping_registry"])
        told = [" ".join(row) for row in distinguishing(machine) or ()]
        assert told == ["Init same", "AppendPing any", "Commit any"]

    def test_sizes(self) -> None:
        machine = Mealy(load_model().charts["ping_registry"])
        made = list(suite(machine, "n+3"))
        of = {bound: [word for word, _, at in made if at <= bound] for bound in BOUNDS}
        assert {bound: len(words) for bound, words in of.items()} == {
            "n": 57,
            "n+1": 457,
            "n+2": 3657,
            "n+3": 29257,
        }
        assert [sum(map(len, of[bound])) for bound in BOUNDS] == [331, 3107, 28515, 257379]

    @pytest.mark.parametrize("preset", [True, False])
    def test_each_sequence_comes_once_with_its_least_bound(
        self, preset: bool, tmp_path: Path
    ) -> None:
        machine = Mealy(
            load_model().main if preset else chart_of(tmp_path, *NO_PRESET).charts["letters"]
        )
        known = identifiers(machine)
        least: dict[Word, str] = {}
        for extra, bound in enumerate(within("n+2" if preset else "n+3")):
            for reach, length in itertools.product(access(machine).values(), range(extra + 2)):
                for middle in itertools.product(machine.inputs, repeat=length):
                    for ending in known[machine.after(machine.initial, (*reach, *middle))]:
                        least.setdefault((*reach, *middle, *ending), bound)
        made = list(suite(machine, "n+2" if preset else "n+3"))
        assert len(made) == len(least)
        assert {word: bound for word, _, bound in made} == least

    def test_every_cell_is_come_by_at_the_least_bound(self) -> None:
        for chart in load_model().charts.values():
            machine = Mealy(chart)
            seen = {cell for word, _, _ in suite(machine, "n") for cell in covers(machine, word)}
            assert seen == set(itertools.product(machine.states, machine.inputs))

    def test_states_without_a_preset_sequence_get_harmonized_identifiers(
        self, tmp_path: Path
    ) -> None:
        machine = Mealy(chart_of(tmp_path, *NO_PRESET).charts["letters"])
        assert distinguishing(machine) is None
        known = identifiers(machine)
        for one, other in itertools.combinations(machine.states, 2):
            shared = set(known[one]) & set(known[other])
            assert any(
                machine.answers(one, word) != machine.answers(other, word) for word in shared
            )

    def test_such_a_suite_finds_every_departure_too(self, tmp_path: Path) -> None:
        assert SelfTest(Suite(chart_of(tmp_path, *NO_PRESET)), bound="n+1").run_mutants().sound

    def test_two_states_that_are_alike_cannot_be_tested(self, tmp_path: Path) -> None:
        alike = Suite(chart_of(tmp_path, "AB", "X:BB"))
        with pytest.raises(NotMinimalError, match="A of letters from B") as raised:
            list(alike.cases(frozenset({1})))
        assert raised.value.states == ("A", "B")

    def test_every_state_is_reached_by_the_shortest_way(self) -> None:
        machine = Mealy(load_model().charts["ping_registry"])
        ways = access(machine)
        assert set(ways) == set(machine.states)
        assert [len(ways[state]) for state in machine.states] == [0, 1, 2, 2, 2, 3, 3]


class TestLevels:
    @pytest.mark.slow
    def test_every_version_for_every_command_in_every_state(self, cases: list[Case]) -> None:
        chart = load_model().charts["ping_registry"]
        asked = {_last(case) for case in cases if case.level == 2}
        for state, command, vid in itertools.product(chart.columns, chart.commands, VIDS):
            # On an empty history, and on one of one event, some of these are one and the same.
            short = {"Uninitialized": {"stale", "epoch"}, "Deleted": {"stale", "epoch"}}
            if vid not in short.get(state, {"stale"} if state == "Initialized" else set()):
                assert (state, command, vid) in asked

    def test_no_case_is_made_twice(self, cases: list[Case]) -> None:
        ids = [case.id for case in cases]
        assert len(set(ids)) == len(ids)

    @pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
    @pytest.mark.slow
    def test_another_chart_has_every_level_and_nothing_of_this_one(self, path: Path) -> None:
        made = list(Suite(read_model([path])).cases(bound="n"))
        assert {1, 2, 3, 4} <= {case.level for case in made}
        for case in made:
            text = json.dumps([step.send for step in case.steps], default=str)
            assert "Ping" not in text

    def test_operations_of_others_are_tried_where_every_step_is_accepted(self) -> None:
        suite = Suite(read_model([*OTHERS, OTHER_WORKFLOW / "split_repo_operations.yaml"]))
        made = [case for case in suite.cases(frozenset({6})) if case.rule == "operation"]
        tried = [case for case in made if re.search(r"run to its end|killed after", case.title)]
        ran = [tuple(_named(each) for each in case.scenario.actions) for case in tried]
        assert ran == [
            ("ask",),
            ("ask!0", "ask"),
            ("ask!1", "ask"),
            ("ask", "give_up"),
            ("ask", "give_up!0", "give_up"),
            ("ask", "give_up!1", "give_up"),
            ("ask", "give_up!2", "give_up"),
            ("tidy",),  # no short way makes it worth while
            ("tidy!0", "tidy"),
        ]
        assert all("site1" in case.ids for case in tried)

    @pytest.mark.parametrize(
        "pattern", ["[A-Z]{3,20}/[A-Z]{3,20}", "[a-z]+", r"[0-9]{8}", r".+@\w+\.\w+"]
    )
    def test_a_name_is_made_up_that_the_pattern_of_names_allows(self, pattern: str) -> None:
        shape = name_shape(pattern)
        (name,) = Names({"team1": shape}, {}, Random(0)).known.values()
        assert re.fullmatch(pattern, name)

    def test_a_pattern_that_no_made_up_name_matches_is_refused(self) -> None:
        with pytest.raises(SuiteError, match=r"cannot make up a name that matches a\{3\}"):
            name_shape("a{3}")

    def test_the_ways_that_are_found_are_the_shortest(self) -> None:
        model = load_model()
        (operations,) = model.operations.values()
        searched = operations.model_copy(update={"trials": None})
        suite = Suite(replace(model, operations={operations.name: searched}))
        made = suite.cases(frozenset({6}))
        ways = {
            case.title.partition(",")[0]: [_named(each) for each in case.scenario.actions[:-1]]
            for case in made
            if case.title.endswith("run to its end")
        }
        assert ways == {
            "begin": [],
            "ping": ["begin"],
            "gather": ["begin"],
            "commit": ["begin", "gather"],
            "expire": ["begin"],
            "delete": ["begin", "expire"],
            "snapshot": [],  # no short way makes a snapshot save storage
        }


class TestIds:
    @pytest.mark.slow
    def test_are_those_of_the_manifest(self) -> None:
        """Another chart than the project's own is named by every request, which the ids show."""
        suite = suite_of()
        known = committed_ids(suite)
        for case in suite.cases(bound="n"):
            assert case.id in known

    def test_outlive_prose_and_expectations(self, cases: list[Case], tmp_path: Path) -> None:
        for path in model_directory().glob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            other = text.replace("The admin begins the workflow.", "Somebody begins it.")
            (tmp_path / path.name).write_text(other, encoding="utf-8")
        changed = Suite(read_model(sorted(tmp_path.glob("*.yaml"))))
        assert [case.id for case in changed.cases(bound="n")] == [case.id for case in cases]

    def test_an_expectation_that_changes_keeps_the_id(self, tmp_path: Path) -> None:
        before = Suite(chart_of(tmp_path, *NO_PRESET))
        scenario = Scenario("", (Tell("Begin"), Tell("Y")), chart="letters")
        first = before.compiler.compile(scenario)
        after = Suite(chart_of(tmp_path, "ABC", "X:BB-", "Y:CCC"))
        second = after.compiler.compile(scenario)
        assert first.id == second.id
        assert first.document() != second.document()

    def test_what_is_sent_makes_the_id(self, own: Suite) -> None:
        def told(*args: int) -> Case:
            steps = (Tell("Init"), *(Tell("AppendPing", args={"code": each}) for each in args))
            return own.compiler.compile(Scenario("", steps, level=3, chart="ping_registry"))

        assert len({told(1).id, told(2).id, told(1, 1).id, told().id}) == 4


class TestScenarios:
    @pytest.mark.slow
    def test_every_scenario_survives_as_one_line(self, cases: list[Case], own: Suite) -> None:
        for case in cases:
            line = to_text(case.scenario)
            assert "\n" not in line
            assert own.compiler.compile(from_text(line)).id == case.id

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"do": [{"fly": 1}]}', '{"do": 7}'])
    def test_what_is_no_scenario_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="copy the whole line"):
            from_text(text)


class TestData:
    def test_a_case_names_nothing_that_it_does_not_tell(self, cases: list[Case]) -> None:
        for case in cases:
            told = case.document()
            names = set(_names(told["steps"])) | set(_names(told["define"]))
            given = set(told["ids"]) | set(told["define"])
            assert all(name in given or name.startswith("vid") for name in names), case.id
            assert json.loads(json.dumps(told)) == told


def _named(action: Any) -> str:
    """An action in short; an operation that is killed with its step."""
    assert isinstance(action, Run | Tell)
    if isinstance(action, Tell):
        return action.command
    return action.operation + ("" if action.crash is None else f"!{action.crash}")


def _last(case: Case) -> tuple[str, str, str]:
    """The state, the command and the version of a case's last command."""
    told = [action for action in case.scenario.actions if isinstance(action, Tell)][-1]
    step = [step for step in case.steps if step.send["op"] == "exec"][-1]
    return step.state, told.command, told.vid


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"$"}:
            yield value["$"]
        for each in value.values():
            yield from _names(each)
    if isinstance(value, list):
        for each in value:
            yield from _names(each)


def test_names_that_the_runner_makes_up_follow_the_rule() -> None:
    ids = {"registry1": "name", "workflow1": "uuid"}
    for seed in range(100):
        known = Names(ids, {}, Random(seed)).known
        OPERATIONS["begin"].derive("registry_id", known["registry1"])
        assert known == Names(ids, {}, Random(seed)).known
