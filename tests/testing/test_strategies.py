"""What the strategies draw is what the chart allows, and they reach all of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pingregistrywf import EPOCH, Event, StateCode, Workflows
from pingregistrywf._generated.ping_registry_index import WorkflowIndexes
from pingregistrywf.runtime.behavior import check, evolve
from pingregistrywf.testing.generated import FacadeClass, chart_of
from pingregistrywf.testing.scenario import HISTORY
from pingregistrywf.testing.strategies import commands, histories, states

DRAWING = settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
each_facade = pytest.mark.parametrize("facade", [Workflows, WorkflowIndexes])


@each_facade
def test_a_history_is_one_that_replay_takes(facade: FacadeClass) -> None:
    declaration, drawn = facade.behavior.declaration, set[str]()

    @DRAWING
    @given(histories(facade))
    def replayed(events: tuple[Event, ...]) -> None:
        state, parent = declaration.state(HISTORY), EPOCH
        for event in events:
            assert event.parent == parent < event.id
            check(declaration, state, event)
            state, parent = evolve(declaration, state, event), event.id
            drawn.add(type(event).__name__)

    replayed()
    assert drawn == {move.event for move in chart_of(facade).moves() if move.event}


@each_facade
def test_every_command_is_drawn(facade: FacadeClass) -> None:
    drawn = set[str]()

    @DRAWING
    @given(st.lists(commands(facade), min_size=20, max_size=20))
    def collect(some: list[Any]) -> None:
        drawn.update(type(each).__name__ for each in some)

    collect()
    assert drawn == {f"Cmd{name}" for name in chart_of(facade).commands}


def test_reachable_states_carry_what_they_must() -> None:
    @DRAWING
    @given(states(Workflows))
    def reachable(state: Any) -> None:
        assert (state.vid == EPOCH) is (state.state_code is StateCode.UNINITIALIZED)

    reachable()


def test_all_states_are_more_than_the_reachable_ones() -> None:
    drawn = list[bool]()

    @DRAWING
    @given(st.lists(states(Workflows, reachable=False), max_size=20))
    def collect(some: list[Any]) -> None:
        drawn.extend(
            each.vid != EPOCH and each.state_code is StateCode.UNINITIALIZED for each in some
        )

    collect()
    assert any(drawn)
