"""Whole systems under any interleaving, with kills and restarts, on a clock that jumps days.

What must hold is in ``simulation.Audit``.  That it bites is shown by faults put into the product,
each of which must be caught.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st

from pingregistrywf import NO_VC, Journal, StateCode, Workflows
from pingregistrywf._generated.ping_registry import (
    DECLARATION,
    Behavior,
    CmdAppendPing,
)
from pingregistrywf._generated.ping_registry_index import DECLARATION as INDEX
from pingregistrywf._generated.ping_registry_index import PingRegistryCompleted
from pingregistrywf._generated.ping_registry_operations import OPERATIONS
from pingregistrywf.coordination.daemon import Server
from pingregistrywf.runtime.engine import Engine
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Head
from pingregistrywf.runtime.operations import Operation, VidOfStep
from pingregistrywf.runtime.wire import codec_of

from ..tiers import EXHAUSTIVE, SOAK
from .simulation import PASSES, Ask, Build, Go, Kill, Move, Pass, Violation, Wrapped, run

COMMIT, GATHER = OPERATIONS["commit"], OPERATIONS["gather"]
EXAMPLES = 5_000 if SOAK else 1_000 if EXHAUSTIVE else 100
ROUNDS_AT_MOST = 10 if EXHAUSTIVE else 1
EXAMPLES_OF_A_FAULT = 2_000
"""A fault is caught within so many, or the test fails."""

each_setting = settings(
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=EXAMPLES,
    suppress_health_check=list(HealthCheck),
)


def _move(drawn: int) -> Move:
    """A move from a number: the smaller, the simpler."""
    kind, which = divmod(drawn, 7)
    if kind < 24:
        return Go(which)
    if kind < 28:
        return Kill(which)
    if kind < 31:
        return Pass(PASSES[which % len(PASSES)])
    return Ask("begin" if which % 2 else "commit", which // 2 % 2)


some_move = st.integers(0, 32 * 7 - 1).map(_move)
# Short ones, to shrink to, and long ones: by themselves lists are mostly short.
schedules = st.lists(some_move, max_size=8) | st.lists(some_move, min_size=30, max_size=100)


@pytest.mark.slow
@pytest.mark.soak
def test_any_interleaving() -> None:
    """If EXHAUSTIVE, until all was interrupted that can be, and the collector did all it can."""
    reached: set[object] = set()
    wanted: set[object] = {"snapshot written", "trim moved", "ids free"}
    for operation in OPERATIONS.values():
        wanted |= {(operation.name, step) for step in range(len(operation.steps) + 1)}
    for round_ in range(ROUNDS_AT_MOST):

        @seed(round_)
        @settings(each_setting, derandomize=False)
        @given(moves=schedules, admin_returns=st.booleans())
        def holds(moves: Sequence[Move], admin_returns: bool) -> None:
            reached.update(run(moves, admin_returns=admin_returns).reached)

        holds()
        if wanted <= reached:
            break
    assert wanted <= reached if EXHAUSTIVE else reached, wanted - reached


@settings(each_setting, max_examples=EXAMPLES // 10)
@given(moves=schedules, admin_returns=st.booleans())
def test_the_same_schedule_gives_the_same_run(moves: Sequence[Move], admin_returns: bool) -> None:
    first = run(moves, admin_returns=admin_returns)
    assert run(moves, admin_returns=admin_returns) == first


# --- Faults --------------------------------------------------------------------------------------


def changed(operation: Operation, *steps: Any) -> Build:
    return Build(operations={operation.name: replace(operation, steps=steps)})


def summary_without_version_check() -> Build:
    (step,) = GATHER.steps
    return changed(GATHER, replace(step, vid="none"))


def end_before_the_index_write() -> Build:
    complete, list_it, end = COMMIT.steps
    assert end.vid == VidOfStep(1)
    return changed(COMMIT, complete, end, list_it)


class DropsCompletions(Wrapped):
    """Acknowledges the index's completions, and forgets them."""

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        **options: Any,
    ) -> Head:
        if chart == INDEX.identity and any(
            isinstance(codec_of(INDEX).decode(entry.data), PingRegistryCompleted)
            for entry in entries
        ):
            return replace(after, vid=entries[-1].id)
        return self._journal.commit(history, after, entries, chart=chart, **options)


def index_write_dropped() -> Build:
    return Build(journal=DropsCompletions)


def index_step_left_out() -> Build:
    # A noop in its place: the step runs, and writes nothing.
    complete, list_it, end = COMMIT.steps
    begin_again = replace(list_it, command=_begin_command(), on_refusal="continue")
    return changed(COMMIT, complete, begin_again, end)


def _begin_command() -> Any:
    return INDEX.commands["BeginPingRegistry"]


class LaxBehavior(Behavior):
    """The chart with a mistake: pings are welcome once they are summarized."""

    declaration = replace(
        DECLARATION,
        table={
            **DECLARATION.table,
            CmdAppendPing: {
                **DECLARATION.table[CmdAppendPing],
                StateCode.SUMMARIZED: DECLARATION.table[CmdAppendPing][StateCode.APPENDING],
            },
        },
    )


class LaxWorkflows(Workflows):
    behavior = LaxBehavior


def ping_after_the_summary() -> Build:
    return Build(workflows=LaxWorkflows)


class CredulousEngine(Engine[Any, Any]):
    """Believes its cache."""

    def _load(self, history: UUID) -> Any:
        return self._cache.get(history.int) or super()._load(history)


class CredulousWorkflows(Workflows):
    def __init__(self, journal: Journal, **options: Any) -> None:
        super().__init__(journal, **options)
        self.engine = CredulousEngine(self.behavior, journal, **options)


def stale_read_cached() -> Build:
    return Build(workflows=CredulousWorkflows)


class CredulousFinder(Engine[Any, Any]):
    """Believes its cache when it is asked for a state, and no longer when it writes."""

    def find(self, history: UUID) -> Any:
        cached = self._cache.get(history.int)
        return cached.state if cached else super().find(history)


class CredulousFinders(Workflows):
    def __init__(self, journal: Journal, **options: Any) -> None:
        super().__init__(journal, **options)
        self.engine = CredulousFinder(self.behavior, journal, **options)


def stale_state_found() -> Build:
    return Build(workflows=CredulousFinders)


class PostsByItself(Server):
    """Posts a ping in no declared operation."""

    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        self.registry.workflows.append_ping(workflow_id, NO_VC, 0, f"{self.name} ping 0")
        yield from super().take_part(workflow_id)


def write_outside_a_step() -> Build:
    return Build(server=PostsByItself)


class StartsOver(Server):
    """Counts none of its pings that the workflow holds already."""

    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        for number in range(1, self.pings + 1):
            self.registry.operations.ping(workflow_id, self.code, f"{self.name} ping {number}")
            yield self.registry.journal.clock() + self.interval


def pings_posted_twice() -> Build:
    return Build(server=StartsOver)


FAULTS = {
    summary_without_version_check: {"every acknowledged ping is counted"},
    end_before_the_index_write: {"terminated is listed as completed"},
    index_write_dropped: {"no command is lost", "terminated is listed as completed"},
    index_step_left_out: {"terminated is listed as completed"},
    ping_after_the_summary: {"the chains are sound"},
    stale_read_cached: {"no daemon fails"},
    stale_state_found: {"everything comes to an end", "replay gives the same states"},
    write_outside_a_step: {"every write is the one of a declared step"},
    pings_posted_twice: {"no ping is posted twice"},
}
"""Each fault, and the rules of which one must catch it."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_caught(fault: Any) -> None:
    build = fault()
    caught: list[str] = []
    tried = 0

    def bites(schedule: tuple[Sequence[Move], bool]) -> bool:
        nonlocal tried
        tried += not caught
        moves, admin_returns = schedule
        try:
            run(moves, build, admin_returns=admin_returns)
        except Violation as violation:
            if violation.rule in FAULTS[fault]:
                caught.append(violation.rule)
                return True
        return False

    shortest = find(
        st.tuples(schedules, st.booleans()),
        bites,
        settings=settings(
            each_setting,
            max_examples=EXAMPLES_OF_A_FAULT,
            phases=[Phase.generate, *([Phase.shrink] if EXHAUSTIVE else [])],
        ),
    )
    print(f"{fault.__name__}: {caught[-1]}; after {tried} examples", shortest if EXHAUSTIVE else "")
