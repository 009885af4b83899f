"""Runs of TLC: what holds, what does not, what cannot be checked, and what is left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyrsistent import pmap

from pingregistrywf.formal.sany import ParseError, parse
from pingregistrywf.formal.simulation import simulate
from pingregistrywf.formal.state_graph import state_graph
from pingregistrywf.formal.tlc import Kind, ModelError, Outcome, Progress, Violation, check
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.formal.trace import Lasso
from pingregistrywf.formal.values import ModelValue

from ..tiers import some
from .conftest import CONSTANTS, FILES

A, B, NOBODY = ModelValue("a"), ModelValue("b"), ModelValue("Nobody")
Pretended = Callable[[str], Toolchain]


def checked(toolchain: Toolchain, config: str, *, deadlock: bool = False) -> Outcome:
    """The outcome of a check of the module ``Lamps``, with counterexamples as short as can be."""
    return check(toolchain, FILES, "Lamps", CONSTANTS + config, deadlock=deadlock, workers=1)


def violation(toolchain: Toolchain, config: str, *, deadlock: bool = False) -> Violation:
    found = checked(toolchain, config, deadlock=deadlock).violation
    assert found is not None
    return found


def actions(found: Violation) -> list[str]:
    return [state.action for state in found.trace.states]


@pytest.mark.slow
class TestOutcome:
    def test_all_hold(self, toolchain: Toolchain) -> None:
        seen: list[Progress] = []
        config = CONSTANTS + "SPECIFICATION Spec INVARIANT Bounded PROPERTIES Grows Rests"
        outcome = check(toolchain, FILES, "Lamps", config, workers=1, progress=seen.append)
        assert (outcome.generated, outcome.distinct, outcome.depth) == (41, 29, 5)
        assert outcome.violation is None
        last = seen[-1]
        assert (last.generated, last.distinct, last.queue) == (41, 29, 0)
        assert 0 < last.seconds <= outcome.seconds

    def test_an_invariant(self, toolchain: Toolchain) -> None:
        found = violation(toolchain, "SPECIFICATION Spec INVARIANTS Bounded StaysShort")
        assert (found.kind, found.property) == (Kind.INVARIANT, "StaysShort")
        assert actions(found) == ["", "Switch", "Switch"]
        assert [state.number for state in found.trace.states] == [1, 2, 3]
        first, *_, last = (state.variables for state in found.trace.states)
        assert first == {"lit": pmap({A: False, B: False}), "last": NOBODY, "log": ()}
        assert last["log"] == (pmap({"lamp": A, "at": 0}), pmap({"lamp": A, "at": 1}))
        assert found.trace.lasso is None

    def test_a_liveness_property_and_a_lasso(self, toolchain: Toolchain) -> None:
        found = violation(toolchain, "SPECIFICATION Circle PROPERTY IsOftenDark")
        assert found.kind is Kind.LIVENESS
        lasso = found.trace.lasso
        assert lasso is not None
        assert lasso.action == "Clear"
        assert lasso.number < len(found.trace.states)


@pytest.mark.slow
@pytest.mark.exhaustive
class TestOtherOutcomes:
    def test_an_invariant_that_no_initial_state_keeps(self, toolchain: Toolchain) -> None:
        found = violation(toolchain, "SPECIFICATION Spec INVARIANT StartsLit")
        assert (found.kind, found.property) == (Kind.INVARIANT, "StartsLit")
        assert found.text == "Invariant StartsLit is violated by the initial state:"
        (state,) = found.trace.states
        assert state.variables["lit"] == pmap({A: False, B: False})

    def test_an_action_property(self, toolchain: Toolchain) -> None:
        found = violation(toolchain, "SPECIFICATION Spec PROPERTIES Grows SwitchesTwice")
        assert (found.kind, found.property) == (Kind.ACTION_PROPERTY, "SwitchesTwice")
        assert actions(found) == ["", "Switch", "Switch", "Switch"]

    def test_a_liveness_property_and_stuttering(self, toolchain: Toolchain) -> None:
        found = violation(toolchain, "SPECIFICATION Spec PROPERTY IsUsedUp")
        assert (found.kind, found.property) == (Kind.LIVENESS, "")
        last = found.trace.states[-1]
        assert last.variables["last"] == NOBODY
        assert found.trace.lasso == Lasso(last.number, "")

    def test_a_deadlock(self, toolchain: Toolchain) -> None:
        found = violation(toolchain, "SPECIFICATION Spec", deadlock=True)
        assert found.kind is Kind.DEADLOCK
        assert len(found.trace.states[-1].variables["log"]) == 3

    def test_an_assertion(self, toolchain: Toolchain) -> None:
        found = violation(toolchain, "SPECIFICATION Asserts")
        assert found.kind is Kind.ASSERTION
        assert "nothing was switched" in found.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "reason"),
    some(
        [
            ("SPECIFICATION Breaks", "Head to the empty sequence. (Line "),
            ("SPECIFICATION Forgets", "The following variable is not assigned: log."),
            ("SPECIFICATION Spec INVARIANT Nothing", "The invariant Nothing specified in"),
            (
                "SPECIFICATION Spec NONSENSE",
                "configuration file at line 2 It was expecting a keyword",
            ),
        ],
        every=4,
    ),
)
def test_a_model_that_cannot_be_checked(toolchain: Toolchain, config: str, reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        checked(toolchain, config)
    text = str(caught.value)
    assert text.startswith("TLC cannot check the module Lamps: ")
    assert reason in text
    assert "\n" not in text


@pytest.mark.slow
class TestModules:
    """What is no TLA+ is refused in SANY's words, by SANY alone and by a check."""

    @pytest.mark.parametrize(
        ("body", "reason"),
        some(
            [
                ("Init == x = nowhere", "Unknown operator: `nowhere'."),
                ("Init = = x", 'Encountered "Init" at line 3'),
                ("INSTANCE Missing", "Cannot find source file for module Missing"),
            ],
            every=3,
        ),
    )
    def test_no_tla(self, toolchain: Toolchain, body: str, reason: str) -> None:
        files = FILES | {"Wrong.tla": f"---- MODULE Wrong ----\nVARIABLE x\n{body}\n====\n"}
        with pytest.raises(ParseError) as parsed:
            parse(toolchain, files)
        with pytest.raises(ModelError) as checked:
            check(toolchain, files, "Wrong", "INIT Init NEXT Init")
        for each in (parsed, checked):
            assert reason in str(each.value)
            assert "\n" not in str(each.value)

    def test_tla_with_prose_in_any_script(self, toolchain: Toolchain) -> None:
        module = "---- MODULE Prose ----\n\\* Übergang → “дом” 😀\nOne == 1\n====\n"
        parse(toolchain, {"Prose.tla": module, "Prose.cfg": "no TLA+"})


@pytest.mark.slow
def test_the_graph_of_all_states(toolchain: Toolchain) -> None:
    graph = state_graph(toolchain, FILES, "Lamps", f"{CONSTANTS}SPECIFICATION Spec")
    assert len(graph.states) == 29
    assert len(graph.edges) == 40
    (initial,) = graph.initial
    assert graph.states[initial]["lit"] == pmap({A: False, B: False})
    for edge in graph.edges:
        before, after = graph.states[edge.source], graph.states[edge.target]
        assert edge.action == ("Rest" if after["log"] == before["log"] else "Switch")
    assert {edge.target for edge in graph.edges} | graph.initial == graph.states.keys()


@pytest.mark.slow
@pytest.mark.exhaustive
def test_random_behaviours(toolchain: Toolchain) -> None:
    found = simulate(
        toolchain,
        FILES,
        "Lamps",
        f"{CONSTANTS}SPECIFICATION Spec",
        number=12,
        length=4,
        seed=1,
    )
    assert [len(behavior) for behavior in found] == [4] * 12
    for behavior in found:
        assert behavior[0]["log"] == ()
        assert len(behavior[-1]["log"]) in (2, 3)


class TestJava:
    """What a Java machine does that has not checked the model, and large models."""

    def test_it_ends_without_a_word(self, pretended: Pretended) -> None:
        with pytest.raises(ModelError, match=r"Lamps: Java ended with exit code 3$"):
            checked(pretended("raise SystemExit(3)"), "")

    def test_it_ends_before_tlc_has_finished(self, pretended: Pretended) -> None:
        with pytest.raises(ModelError, match=r"Lamps: Java ended with exit code 0$"):
            checked(pretended(""), "")

    def test_a_message_inside_of_another_one(self, pretended: Pretended) -> None:
        toolchain = pretended(
            "print('''@!@!@STARTMSG 1000:1 @!@!@\nTLC threw an unexpected exception.\n"
            "The exception was a tlc2.tool.EvalException\n: @!@!@STARTMSG 2184:0 @!@!@\n"
            "Attempted to apply Head to the empty sequence.\n@!@!@ENDMSG 2184 @!@!@\n"
            "@!@!@ENDMSG 1000 @!@!@\n"
            "@!@!@STARTMSG 2186:0 @!@!@\nFinished in 857ms\n@!@!@ENDMSG 2186 @!@!@''')\n"
            "raise SystemExit(75)\n"
        )
        with pytest.raises(ModelError, match=r"Lamps: Attempted to apply Head to the empty"):
            checked(toolchain, "")

    def test_it_is_out_of_memory(self, pretended: Pretended) -> None:
        toolchain = pretended(
            "import sys\n"
            "print('@!@!@STARTMSG 2262:0 @!@!@\\nTLC2\\n@!@!@ENDMSG 2262 @!@!@', flush=True)\n"
            "print('java.lang.OutOfMemoryError: Java heap space', file=sys.stderr)\n"
            "print('\\tat tlc2.TLC.main(TLC.java:243)', file=sys.stderr)\n"
            "sys.exit(1)\n"
        )
        with pytest.raises(ModelError, match=r"Lamps: .*OutOfMemoryError: Java heap space$"):
            checked(toolchain, "")

    def test_large_numbers(self, pretended: Pretended) -> None:
        toolchain = pretended(
            "print('''@!@!@STARTMSG 2200:0 @!@!@\n"
            "Progress(31) at 2020-02-02 02:02:02: 12,345,678 states generated (9,876,543 s/min), "
            "2,345,678 distinct states found (1,234,567 ds/min), 345,678 states left on queue.\n"
            "@!@!@ENDMSG 2200 @!@!@\n"
            "@!@!@STARTMSG 2186:0 @!@!@\nFinished in 01min 02s\n@!@!@ENDMSG 2186 @!@!@''')\n"
        )
        seen: list[Progress] = []
        outcome = check(toolchain, FILES, "Lamps", "", progress=seen.append)
        assert (outcome.generated, outcome.distinct, outcome.depth) == (12345678, 2345678, 31)
        assert [each.queue for each in seen] == [345678]
