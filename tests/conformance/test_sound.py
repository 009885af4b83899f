"""What the suite asks beyond its own cases is sound: the reference passes it.

Failures are shrunk, and people replay sequences: any of them may be a part of a case, or none of
the suite's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from pingregistrywf import open_journal
from pingregistrywf.cli.adapter import reference
from pingregistrywf.conformance.run.reference import Reference
from pingregistrywf.conformance.run.result import Scope, Status
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.session import Session
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.scenario import (
    VIDS,
    Action,
    Collect,
    Look,
    Race,
    Run,
    Scenario,
    Tell,
)

from ..tiers import EXHAUSTIVE, some
from . import adversary

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def right(suite: Suite) -> Iterator[Session]:
    session = Session(
        suite, ObjectTransport(lambda: reference(open_journal("memory:")).answer), Random(0)
    )
    session.hello()
    yield session
    session.close()


def case_of(suite: Suite, *actions: Action) -> Case:
    return suite.compiler.compile(Scenario("", actions, level=6, chart=suite.chart.name))


SHORT = 8
"""In operations' cases of up to so many actions, each part is tried."""
BEGUN = (Run("begin"), Tell("AppendPing"), Tell("PostSummary"))


@pytest.mark.parametrize(
    "actions",
    [
        (*BEGUN, Run("commit"), Run("commit")),
        (Run("begin"), Run("expire"), Run("commit")),
        (Run("begin"), Tell("PostSummary"), Run("begin")),
        (Run("begin"), Run("begin")),
        (*BEGUN, Run("commit"), Run("begin")),
        (*BEGUN, Run("commit"), Run("delete"), Run("begin")),
        (Run("commit"),),
        (Tell("Init"), Run("commit")),
        (Tell("Init"), Run("begin")),
        (Tell("Init"), Tell("PostSummary"), Run("begin")),
        (Tell("Init"), Run("expire"), Run("delete")),
        (Run("begin"), Run("expire"), Run("delete"), Run("delete")),
    ],
    ids=lambda actions: " ".join(
        each.operation if isinstance(each, Run) else each.command for each in actions
    ),
)
def test_operations_that_are_run_again(
    suite: Suite, right: Session, actions: tuple[Action, ...]
) -> None:
    result = right.execute_alone(case_of(suite, *actions))
    assert result.status is Status.PASSED, result.why


def drawn(random: Random, suite: Suite) -> Scenario:
    """A sequence of anything that a scenario can do and that kills nobody."""
    commands = sorted(suite.chart.stepping)
    operations = sorted(suite.compiler.operations)

    tells = {(row[0], str(row[1])): Tell(*row) for row in suite.chart.rows}

    def action() -> Action:
        match random.choice(("tell", "tell", "tell", "run", "run", "look", "collect")):
            case "tell":
                command = random.choice(commands)
                compares = suite.chart.commands[command].compared
                arguments = random.choice(("same", "other")) if compares else "any"
                vids = [vid for vid in VIDS if vid != "foreign"]
                vid = random.choice(vids) if random.random() < 0.3 else "no_vc"
                server = random.randrange(2)
                return replace(tells[command, arguments], vid=vid, server=server)
            case "run":
                return Run(random.choice(operations))
            case "look":
                return Look(server=random.randrange(2))
            case _:
                return Collect(random.choice((1, 16, 31)))

    actions = tuple(action() for _ in range(random.randint(1, 9)))
    return Scenario("", actions, level=6, chart=suite.chart.name)


def test_the_reference_passes_whatever_a_scenario_can_ask(suite: Suite, right: Session) -> None:
    random = Random(30)
    for _ in range(1_000 if EXHAUSTIVE else 300):
        scenario = drawn(random, suite)
        result = right.execute_alone(suite.compiler.compile(scenario))
        assert result.status is Status.PASSED, (result.why, scenario.actions)


# --- Where the specification leaves a choice -----------------------------------------------------


@pytest.mark.parametrize("code", ["EventType", "Malformed", "Internal"])
def test_bytes_of_another_type_that_may_lack_a_field(suite: Suite, code: str) -> None:
    """A type of number 116 without workflow_id is another workflow's, and malformed."""

    def answer(request: adversary.Json) -> adversary.Json:
        if request["op"] == "hello":
            return adversary.reference().answer(request)
        return {"id": request["id"], "error": {"code": code, "definite": True, "message": ""}}

    plan = Plan(suite, Scope((4,), "n", ("a type of number 116",)))
    (result,) = run(plan, ObjectTransport(lambda: answer)).results
    assert (result.status is Status.PASSED) == (code != "Internal")


# --- What is shrunk -----------------------------------------------------------------------------


def test_a_race_is_shrunk_to_one_that_the_reference_passes(suite: Suite) -> None:
    """Without Init the race fails as well, but so it does on what is right."""
    answer = adversary.reference().answer

    def losing(request: adversary.Json) -> adversary.Json:
        if request.get("command") == "AppendPing" and request.get("vid") == "retry_no_vc":
            error = {"code": "Internal", "definite": True, "message": "lost"}
            return {"id": request["id"], "error": error}
        return answer(request)

    race = Scenario(
        "",
        (Tell("Init"), Tell("AppendPing"), Race("AppendPing", 2, 2, "retry_no_vc")),
        level=6,
        chart=suite.chart.name,
    )
    judge = Reference(suite)
    plan = Plan(suite, Scope((6,), "n"), cases=[suite.compiler.compile(race)], reference=judge)
    (failure,) = run(plan, ObjectTransport(lambda: losing)).failures
    assert failure.shortest.case.scenario.actions == (race.actions[0], race.actions[2])
    assert judge.passes(failure.shortest.case)
    judge.close()


def test_the_reference_is_killed_and_started_again(suite: Suite) -> None:
    judge = Reference(suite)
    crash = (*BEGUN, Run("commit", crash=1), Run("commit"))
    assert judge.passes(case_of(suite, *crash))
    assert not judge.passes(case_of(suite, Race("AppendPing", 2, 1, "no_vc")))
    judge.close()


def test_every_part_of_every_operation_is_sound(suite: Suite, right: Session) -> None:
    """Whatever a case of an operation is shrunk to, unless it kills the adapter."""
    whole = [each for each in suite.cases(frozenset({6})) if each.rule == "operation"]
    alive = [each.scenario.actions for each in whole if "crash" not in each.needs]
    short = [each for each in alive if len(each) <= SHORT]
    assert short
    for actions in some(short, every=6):
        for at in range(len(actions)):
            part = (*actions[:at], *actions[at + 1 :])
            assert right.execute_alone(case_of(suite, *part)).status is Status.PASSED, part
