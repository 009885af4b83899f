"""Operations under test: the five violations that the suite once let pass, and all that the machine
of the operations reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from pingregistrywf.chart.ir import Chart
from pingregistrywf.chart.lower import read_model
from pingregistrywf.conformance.run.result import Exit, Scope
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.scenario import Bound, Run, Scenario, Tell
from pingregistrywf.conformance.suite.tours import Machine, tours
from pingregistrywf.coordination.registry_ids import RegistryIds

from .adversary import reference

Json: TypeAlias = Any
Answer: TypeAlias = Callable[[Json], Json]
Around: TypeAlias = Callable[[Answer, Json], Json]

OTHERS = Path(__file__).parents[1] / "other_workflow"


class Tours(Suite):
    """The tours of the operations alone."""

    def _of_level(self, level: int, bound: Bound) -> Iterator[tuple[Chart, Iterator[Scenario]]]:
        if level == 6:
            yield self.chart, tours(self.compiler)


@pytest.fixture(scope="module")
def toured(suite: Suite) -> Suite:
    return Tours(suite.model, suite.chart.name)


def state_of(answer: Answer, request: Json) -> str:
    found = answer({"id": 0, "op": "find", "workflow": request["args"]["workflow"]})
    return str(found.get("ok", {}).get("state"))


def refused(request: Json, code: str) -> Json:
    return {"id": request["id"], "error": {"code": code, "definite": True, "message": ""}}


def unchecked_vid(answer: Answer, request: Json) -> Json:
    """It answers the conflict, and the workflow is begun none the less."""
    reply = answer(request)
    if request["operation"] == "begin" and reply.get("error", {}).get("code") == "VersionConflict":
        args = {key: value for key, value in request["args"].items() if key != "vid"}
        answer({**request, "args": args})
    return reply


def committed_once(answer: Answer, request: Json) -> Json:
    if request["operation"] == "commit" and state_of(answer, request) == "Terminated":
        return refused(request, "StateConflict")
    return answer(request)


def begun_once(answer: Answer, request: Json) -> Json:
    advanced = ("Appending", "Summarized", "Completed", "Terminated")
    if request["operation"] == "begin" and state_of(answer, request) in advanced:
        return refused(request, "StateConflict")
    return answer(request)


def any_registry(answer: Answer, request: Json) -> Json:
    reply = answer(request)
    if reply.get("error", {}).get("code") == "ArgumentNotIdempotent":
        index = str(RegistryIds(request["args"]["registry"]).index_id)
        workflow = {"id": 0, "op": "find", "workflow": request["args"]["workflow"]}
        listing = {"id": 0, "op": "find", "chart": "ping_registry_index", "index": index}
        vids = {
            "ping_registry": answer(workflow)["ok"]["vid"],
            "ping_registry_index": answer(listing)["ok"]["vid"],
        }
        return {"id": request["id"], "ok": {"vids": vids}}
    return reply


def snapshot_refused(code: str) -> Around:
    def around(answer: Answer, request: Json) -> Json:
        if request["operation"] == "snapshot":
            index = str(RegistryIds(request["args"]["registry"]).index_id)
            told = {"command": "Snapshot", "args": {"if_storage_reduction": True}}
            there = {"chart": "ping_registry_index", "index": index}
            reply = answer({"id": request["id"], "op": "exec", **there, **told})
            if reply.get("error", {}).get("code") == code:
                return reply
        return answer(request)

    return around


SURVIVORS: dict[str, Around] = {
    "begin writes before its vid is checked": unchecked_vid,
    "commit is refused when it is run again": committed_once,
    "begin is refused when it is run again later": begun_once,
    "begin takes a workflow of another registry": any_registry,
    "a snapshot that is not worth it is refused": snapshot_refused("SmallStorageReduction"),
    "a snapshot of too many is refused": snapshot_refused("TooManyWorkflows"),
}


def departing(around: Around | None) -> Answer:
    """The reference, with the answers to run changed; one request at a time."""
    answer = reference().answer

    def changed(request: Json) -> Json:
        reply = around(answer, request) if around and request["op"] == "run" else answer(request)
        if "hello" in reply:
            reply["hello"]["capabilities"].remove("concurrent")
        return reply

    return changed


@pytest.mark.parametrize("around", SURVIVORS.values(), ids=SURVIVORS)
def test_a_violation_of_the_operations_is_found(toured: Suite, around: Around) -> None:
    plan = Plan(toured, Scope((6,), "n"), fail_fast=1, explain=0)
    report = run(plan, ObjectTransport(lambda: departing(around)))
    assert report.exit is Exit.DEVIATES, report.verdict


def test_the_reference_passes_every_tour(toured: Suite) -> None:
    report = run(Plan(toured, Scope((6,), "n")), ObjectTransport(lambda: departing(None)))
    assert report.exit is Exit.CONFORMS, report.verdict


class TestMachine:
    def test_every_state_of_a_workflow_is_reached_with_every_state_of_its_entry(
        self, suite: Suite
    ) -> None:
        (operations,) = suite.model.operations.values()
        names = {state.name for state in Machine(suite.compiler, operations).states()}
        assert {
            "history1 Initialized",  # begin was interrupted
            "history1 Appending, index1 Active",
            "history1 Completed, index1 Active",  # commit or expire was interrupted
            "history1 Completed, index1 Completed",
            "history1 Deleted, index1 Completed",  # delete was interrupted
            "history1 Initialized, index1 Completed",  # and the id was used again
        } <= names

    def test_every_operation_that_is_tried_is_run_from_every_state_with_every_vid(
        self, toured: Suite
    ) -> None:
        sent = {
            (action.operation, action.vid, action.other)
            for case in toured.cases(frozenset({6}))
            for action in case.scenario.actions
            if isinstance(action, Run) and action.steps is None
        }
        vids = ("", "right", "stale", "epoch", "foreign")
        versioned = {(name, vid) for name in ("begin", "commit") for vid in vids}
        others = {(name, "") for name in ("expire", "delete", "snapshot")}
        for name, vid in versioned | others:
            # The index of another registry is empty: its epoch is both right and stale.
            repeated = vid in ("stale", "epoch") and name == "begin"
            assert (name, vid, False) in sent
            assert (name, vid, True) in sent or repeated

    def test_operations_of_others_are_toured_too(self) -> None:
        names = ("leases", "split_repo", "split_repo_operations")
        made = Tours(read_model([OTHERS / f"{name}.yaml" for name in names]))
        done = [each for case in made.cases(frozenset({6})) for each in case.scenario.actions]
        ran = {(each.operation, each.vid) for each in done if isinstance(each, Run)}
        assert {"ask", "give_up", "tidy"} == {name for name, _ in ran}
        assert {"right", "stale", "foreign", "epoch"} <= {vid for name, vid in ran if name == "ask"}
        assert "Fail" in {each.command for each in done if isinstance(each, Tell)}
