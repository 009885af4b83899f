"""A behaviour is shown by its steps, and by what each of them changes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pyrsistent import pmap

from pingregistrywf.chart.ir import Chart
from pingregistrywf.chart.locate import load_model
from pingregistrywf.formal.timeline import Line, timeline
from pingregistrywf.formal.trace import Lasso, State, Trace
from pingregistrywf.formal.values import ModelValue, Value

A, B = ModelValue("a"), ModelValue("b")


def details(before: Value, after: Value) -> tuple[str, ...]:
    """The details of a step in which the variable ``x`` changes."""
    states = (State(1, "", {"x": before, "y": 0}), State(2, "Go", {"x": after, "y": 0}))
    first, second = timeline(Trace(states), {})
    assert first.details[-1] == "y = 0"
    assert (second.step, second.what) == (2, "Go")
    return second.details


def test_a_value() -> None:
    assert details(1, 2) == ("x = 2",)
    assert details(1, 1) == ()


def test_changes_are_shown_where_they_are() -> None:
    before = pmap({A: pmap({"n": 1, "m": 1}), B: pmap({"n": 1})})
    after = pmap({A: pmap({"n": 2, "m": 3}), B: pmap({"n": 1})})
    assert details(before, after) == ("x[a].m = 3", "x[a].n = 2")
    assert details(before, pmap({A: 1})) == ("x = (a :> 1)",)


def test_what_is_appended() -> None:
    assert details((1,), (1, 2, 3)) == ("x + 2", "x + 3")
    assert details((1, 2), (1,)) == ("x = <<1>>",)


def test_the_end_of_a_lasso() -> None:
    states = (State(1, "", {}), State(2, "Go", {}))
    assert list(timeline(Trace(states, Lasso(1, "Back")), {}))[-1] == Line(
        3, "", "Back", "", ("back to step 1, for ever",)
    )
    assert list(timeline(Trace(states, Lasso(2, "")), {}))[-1] == Line(
        3, "", "stuttering", "", ("nothing happens any more",)
    )


@pytest.fixture(scope="module")
def charts() -> Mapping[str, Chart]:
    return {"ping_registry": load_model().charts["ping_registry"]}


class TestSystem:
    """A step of a system is shown in the words of its charts."""

    @staticmethod
    def state(
        *events: Mapping[str, Value], deleted: bool = False, crashes: int = 0, **run: Value
    ) -> dict[str, Value]:
        """The variables of a system with one history and one participant."""
        history = pmap({"events": tuple(map(pmap, events)), "deleted": deleted, "incarnation": 1})
        running = pmap({"operation": "none", "step": 0} | run)
        return {
            "ping_registry": pmap({ModelValue("w1"): history}),
            "running": pmap({A: running}),
            "crashes": crashes,
        }

    def line(self, charts: Mapping[str, Chart], *states: dict[str, Value]) -> Line:
        """The line of the last step."""
        trace = (State(number, "Go", each) for number, each in enumerate(states, 1))
        first, *_, last = timeline(Trace(tuple(trace)), charts)
        assert first == Line(1, "", "initial state", "", ())
        return last

    def test_an_operation(self, charts: Mapping[str, Chart]) -> None:
        idle = self.state()
        begun = self.state(operation="begin", step=1, workflow=ModelValue("w1"))
        written = self.state(
            {"type": "PingRegistryStarted", "registry_id": B},
            operation="begin",
            step=2,
            workflow=ModelValue("w1"),
        )
        ended = self.state({"type": "PingRegistryStarted", "registry_id": B})
        assert self.line(charts, idle, begun) == Line(
            2, "a", "Go", "", ("begin (w1): step 1 comes next",)
        )
        assert self.line(charts, begun, written) == Line(
            2,
            "a",
            "Go",
            "Initialized",
            (
                "ping_registry[w1] + PingRegistryStarted registry_id b",
                "begin (w1): step 2 comes next",
            ),
        )
        assert self.line(charts, written, ended).details == ("begin (w1) ends",)

    def test_a_crash(self, charts: Mapping[str, Chart]) -> None:
        begun = self.state(operation="begin", step=1)
        crashed = self.state({"type": "PingRegistryStarted"}, crashes=1)
        line = self.line(charts, begun, crashed)
        assert line.details == (
            "ping_registry[w1] + PingRegistryStarted",
            "crashes before it learns the answer",
        )
        assert (line.who, line.state) == ("a", "Initialized")

    def test_an_event_that_names_its_author(self, charts: Mapping[str, Chart]) -> None:
        line = self.line(charts, self.state(), self.state({"type": "ServerPinged", "by": B}))
        assert line == Line(2, "b", "Go", "Appending", ("ping_registry[w1] + ServerPinged",))

    def test_a_deletion(self, charts: Mapping[str, Chart]) -> None:
        stored = self.state({"type": "PingRegistryStarted"})
        deleted, free = self.state(deleted=True), self.state()
        assert self.line(charts, stored, deleted).details == ("ping_registry[w1] is deleted",)
        assert self.line(charts, deleted, free).details == ("ping_registry[w1] is free again",)
