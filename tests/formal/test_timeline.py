"""A behaviour is told by its steps and by what each of them changes."""

from __future__ import annotations

from pyrsistent import pmap

from pingregistrywf.formal.timeline import Line, timeline
from pingregistrywf.formal.trace import Lasso, State, Trace
from pingregistrywf.formal.values import ModelValue, Value

A, B = ModelValue("a"), ModelValue("b")


def details(before: Value, after: Value) -> tuple[str, ...]:
    """What is said of a step in which the variable ``x`` changes."""
    states = (State(1, "", {"x": before, "y": 0}), State(2, "Go", {"x": after, "y": 0}))
    first, second = timeline(Trace(states))
    assert first.details[-1] == "y = 0"
    assert (second.step, second.what) == (2, "Go")
    return second.details


def test_a_value() -> None:
    assert details(1, 2) == ("x = 2",)
    assert details(1, 1) == ()


def test_changes_are_told_where_they_are() -> None:
    before = pmap({A: pmap({"n": 1, "m": 1}), B: pmap({"n": 1})})
    after = pmap({A: pmap({"n": 2, "m": 3}), B: pmap({"n": 1})})
    assert details(before, after) == ("x[a].m = 3", "x[a].n = 2")
    assert details(before, pmap({A: 1})) == ("x = (a :> 1)",)


def test_what_is_appended() -> None:
    assert details((1,), (1, 2, 3)) == ("x + 2", "x + 3")
    assert details((1, 2), (1,)) == ("x = <<1>>",)


def test_the_end_of_a_lasso() -> None:
    states = (State(1, "", {}), State(2, "Go", {}))
    assert list(timeline(Trace(states, Lasso(1, "Back"))))[-1] == Line(
        3, "", "Back", "", ("back to step 1, for ever",)
    )
    assert list(timeline(Trace(states, Lasso(2, ""))))[-1] == Line(
        3, "", "stuttering", "", ("nothing happens any more",)
    )
