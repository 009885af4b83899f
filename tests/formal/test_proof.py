"""The proof of the invariant: it holds as it is, and no longer when somebody makes a mistake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
import z3

from pingregistrywf.chart.invariant import Clause
from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.locate import load_model, model_directory
from pingregistrywf.formal.faults import changed_model
from pingregistrywf.formal.proof.actions import actions
from pingregistrywf.formal.proof.formulas import FormulaError, Formulas
from pingregistrywf.formal.proof.moments import RUNNING, Symbols
from pingregistrywf.formal.proof.obligations import Obligation, ProofError, decided
from pingregistrywf.formal.proof.report import explanation

from ..command_line import run

SYSTEM = "ping_registry_system"
OTHER_WORKFLOW = sorted((Path(__file__).parent.parent / "other_workflow").glob("*.yaml"))
COMMIT, INDEX, END = (
    {"chart": "ping_registry", "history": "workflow_id", "command": "Commit", "vid": "given"},
    {
        "chart": "ping_registry_index",
        "history": "index_id",
        "command": "CommitPingRegistry",
        "args": {"workflow_event_id": {"step": 1}},
    },
    {"chart": "ping_registry", "history": "workflow_id", "command": "End", "vid": {"step": 1}},
)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def altered(scratch: Path, changes: Mapping[str, Any]) -> Model:
    """The project's model with other values at some places; None removes a key."""
    files = sorted(model_directory().glob("*.yaml"))
    needed = [each for each in files if "properties" not in each.name]
    return changed_model(needed, changes, scratch)


def with_clause(model: Model, name: str, **words: Any) -> Model:
    """The model with one more clause."""
    invariant = model.invariants[SYSTEM]
    clauses = {**invariant.clauses, name: Clause.model_validate(words)}
    invariant = invariant.model_copy(update={"clauses": clauses})
    return replace(model, invariants={SYSTEM: invariant})


def first_broken(model: Model, clause: str) -> Obligation:
    """The first obligation of a clause that cannot be proved."""
    return next(each for each in decided(model) if each.clause == clause and each.counterexample)


class TestTheProject:
    def test_every_clause_is_proved_for_every_action(self, model: Model) -> None:
        obligations = list(decided(model))
        assert [each for each in obligations if each.counterexample] == []
        invariant = model.invariants[SYSTEM]
        happening = [each.name for each in actions(Symbols(model, SYSTEM))]
        pairs = [(clause, "initially") for clause in invariant.clauses]
        pairs += [(each, name) for name in happening for each in invariant.clauses]
        pairs += [(each, name) for name in happening for each in invariant.consequences]
        assert sorted((each.clause, each.action) for each in obligations) == sorted(pairs)

    def test_every_action_may_take_effect(self, model: Model) -> None:
        """What cannot happen, or changes nothing, would keep any clause."""
        symbols, invariant = Symbols(model, SYSTEM), model.invariants[SYSTEM]
        formulas, now = Formulas(invariant, symbols), symbols.any
        solver = z3.SimpleSolver(ctx=symbols.context)
        solver.add([formulas.everywhere(each, now) for each in invariant.clauses.values()])
        for action in actions(symbols):
            after = now.after(action.changes)
            stored = [each for each in action.changes if each.table != RUNNING]
            different = [
                after.value(each.table, field, *each.keys)
                != now.value(each.table, field, *each.keys)
                for each in stored or action.changes
                for field in each.fields
            ]
            solver.push()
            solver.add(*action.guards, z3.Or(different))
            assert solver.check() == z3.sat, action.name
            solver.pop()

    def test_every_declared_step_is_an_action(self, model: Model) -> None:
        names = {each.name for each in actions(Symbols(model, SYSTEM))}
        assert {"Begin1", "Begin2", "Ping", "Gather", "Commit3", "Expire3", "Delete2"} <= names
        assert {"AdminBeginsCommit", "Crash", "FreePingRegistry"} <= names

    def test_properties_of_the_formal_model_are_among_what_is_proved(self, model: Model) -> None:
        invariant, properties = model.invariants[SYSTEM], model.properties[SYSTEM].properties
        assert set(invariant.consequences) <= set(properties)
        proved = {*invariant.clauses, *invariant.consequences} & set(properties)
        safety = {name for name, each in properties.items() if each.kind != "liveness"}
        assert proved <= safety
        assert len(proved) == 10


STEPS = "ping_registry_operations.operations"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "action", "clause"),
    [
        pytest.param(
            {f"{STEPS}.commit.steps.3.vid": "retry"},
            "Commit3",
            "terminated_is_listed_as_completed",
            id="end without its vid",
        ),
        pytest.param(
            {f"{STEPS}.delete.about": None},
            "Delete1",
            "deleted_is_listed_as_completed",
            id="delete is about whatever has the id",
        ),
        pytest.param(
            {f"{STEPS}.begin.steps.2.vid": "retry"},
            "Begin2",
            "what_is_active_exists",
            id="begin lists without a version",
        ),
        pytest.param(
            {f"{STEPS}.commit.steps": [COMMIT, END, INDEX]},
            "Commit2",
            "terminated_is_listed_as_completed",
            id="end before the index",
        ),
        pytest.param(
            {"ping_registry.commands.AppendPing.rules.1.in": ["Appending", "Summarized"]},
            "Ping",
            "legal_histories",
            id="late ping",
        ),
    ],
)
def test_a_mistake_breaks_the_proof(
    tmp_path: Path, changes: Mapping[str, Any], action: str, clause: str
) -> None:
    broken = first_broken(altered(tmp_path, changes), clause)
    assert broken.action == action


@pytest.mark.slow
@pytest.mark.exhaustive
def test_every_fault_of_a_property_that_is_proved_breaks_the_proof(
    model: Model, tmp_path: Path
) -> None:
    invariant, properties = model.invariants[SYSTEM], model.properties[SYSTEM].properties
    proved = properties.keys() & {*invariant.clauses, *invariant.consequences}
    faults = [fault for name in sorted(proved) for fault in properties[name].faults if fault.model]
    assert faults
    for fault in faults:
        assert breaks_the_proof(altered(tmp_path, fault.model)), fault.doc


def breaks_the_proof(model: Model) -> bool:
    """Whether a clause is broken, or speaks of a step that is gone."""
    try:
        return any(each.counterexample for each in decided(model))
    except FormulaError:
        return True


class TestCounterexamples:
    def test_a_step_that_breaks_a_clause(self, tmp_path: Path) -> None:
        """A delete that was interrupted deletes the workflow of another registry."""
        model = altered(tmp_path, {f"{STEPS}.delete.about": None})
        lines = list(explanation(first_broken(model, "what_is_active_exists")))
        assert lines[0] == "Delete1 breaks what_is_active_exists"
        assert lines[1] == "  before, all clauses hold:"
        after = lines.index("  after it:")
        before = "\n".join(lines[2:after])
        assert "running[participant1]: next Delete1, workflow workflow1, registry" in before
        assert "state Active, started_workflow_event_id" in before
        changed = lines[after + 1 :]
        assert changed[0] == "    running[participant1]: next Delete2"
        assert changed[1].startswith("    ping_registry[workflow1]: vid Epoch, first_vid Epoch")
        assert "state Deleted" in changed[1]
        assert len(changed) == 2

    def test_a_clause_that_does_not_hold_at_first(self, model: Model) -> None:
        words: dict[str, Any] = {
            "for": ["workflow"],
            "then": "ping_registry[workflow].vid != Epoch",
        }
        broken = first_broken(with_clause(model, "never_empty", **words), "never_empty")
        assert broken.action == "initially"
        assert broken.counterexample is not None
        (line,) = broken.counterexample.before
        assert line.startswith("ping_registry[workflow1]: vid Epoch, first_vid Epoch")
        assert "state Uninitialized" in line
        assert broken.counterexample.after == ()


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("ping_registry[workflow].sate == Epoch", "ping_registry has no sate: it has vid, "),
        ("ping_registries[workflow].vid == Epoch", "there is no ping_registries"),
        ('ping_registry[workflow].state == "Over"', "there is no 'Over': there are Uninitialized"),
        ("Lists(workflow, registry)", "ort mismatch"),
        (
            "ping_registry[nobody].vid == Epoch",
            "there is no nobody: there are workflow, registry and Epoch",
        ),
        ("Lists(workflow)", "Lists has 2 parameters"),
        ("Ends(workflow)", "Ends(workflow) is no part of the language"),
        ("after(IsOver(workflow))", "after(…) is for consequences"),
        ("IsOver(workflow", "'(' was never closed"),
        ("any(IsOver(each) for each in Workflow)", "there are no Workflow: there are Workflows"),
        ("ping_registry[workflow] == workflow", "compare a field of a row, or an id"),
    ],
)
def test_a_clause_that_says_nothing(model: Model, formula: str, said: str) -> None:
    words: dict[str, Any] = {"for": ["workflow", "registry"], "then": formula}
    with pytest.raises(FormulaError) as raised:
        list(decided(with_clause(model, "new", **words)))
    assert said in str(raised.value)


def test_a_model_without_an_invariant(model: Model) -> None:
    with pytest.raises(ProofError, match="the model has no invariant"):
        list(decided(replace(model, invariants={})))


class TestAnotherWorkflow:
    def test_it_is_proved(self) -> None:
        assert not any(each.counterexample for each in decided(load_model(OTHER_WORKFLOW)))

    def test_a_mistake_breaks_the_proof(self, tmp_path: Path) -> None:
        """A lease is taken before the split is asked for."""
        (operations,) = (each for each in OTHER_WORKFLOW if "operations" in each.name)
        steps = yaml.safe_load(operations.read_text(encoding="utf-8"))["operations"]["ask"]["steps"]
        changes = {"split_repo_operations.operations.ask.steps": steps[::-1]}
        broken = first_broken(changed_model(OTHER_WORKFLOW, changes, tmp_path), "held_by_a_split")
        assert broken.action == "Ask1"


class TestTheCommand:
    def test_what_is_proved(self) -> None:
        done = run("prove")
        assert done.returncode == 0
        assert done.stderr == ""
        heading, *rows = done.stdout.splitlines()
        assert heading.split() == ["clause", "cases", "result", "time"]
        assert {row.split()[2] for row in rows} == {"proved"}

    def test_what_is_not(self, tmp_path: Path) -> None:
        altered(tmp_path, {f"{STEPS}.gather.steps.1.vid": "retry"})
        done = run("prove", "--json", "--model", *map(str, sorted(tmp_path.glob("*.yaml"))))
        assert done.returncode == 1
        results = map(json.loads, done.stdout.splitlines())
        (broken,) = (each for each in results if not each["proved"])
        assert (broken["clause"], broken["action"]) == ("every_ping_is_summarized", "Gather")
        assert any("state Summarized" in line for line in broken["after"])

    def test_a_model_that_says_nothing_to_prove(self) -> None:
        done = run("prove", "--model", str(model_directory() / "ping_registry.yaml"))
        assert done.returncode == 2
        assert "the model has no invariant of a system" in done.stderr
