"""The power of suites in numbers: how many departures from the chart each suite finds by itself.

The suites are level 1 at each bound, random ones of as many sequences and commands, and each other
level alone.  A suite finds a departure if one of its sequences is answered otherwise: both tables
are walked side by side, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from pingregistrywf.chart.ir import Cell, Chart, Row
from pingregistrywf.conformance.oracle import Cells
from pingregistrywf.conformance.selftest.mutants import (
    Mutant,
    extra_state,
    first_order,
    two_extra_states,
)
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.levels import LEVELS
from pingregistrywf.conformance.suite.scenario import (
    WHOLE,
    Collect,
    Race,
    Run,
    Scenario,
    Tell,
    within,
)
from pingregistrywf.conformance.suite.sequences import Mealy
from pingregistrywf.conformance.suite.sequential import sequential, tell_of

Output: TypeAlias = tuple[object, ...]
Table: TypeAlias = Mapping[tuple[Row, str], tuple[Output, str]]
"""What each row answers in each state, and the state that it leads to."""

SEED: Final = 1
"""Makes the same random suites in every run."""
BY_CELL: Final = ("no_vc", "retry_no_vc", "right")
"""The vids with which a cell of the table decides."""


SAMPLE: Final = 1_000
"""So many of the departures with two extra states are looked for."""


@dataclass(frozen=True)
class Strength:
    """What one suite finds by itself.

    Attributes:
        suite: its name.
        sequences: how many sequences of commands it has.
        commands: how many commands are in them.
        found: how many departures it finds, by their class.
    """

    suite: str
    sequences: int
    commands: int
    found: Mapping[str, int]


@dataclass(frozen=True)
class Power:
    """What each suite finds.

    Attributes:
        made: how many departures there are, by their class.
        strengths: one for each suite.
    """

    made: Mapping[str, int]
    strengths: Sequence[Strength]


def power(suite: Suite, mutants: Iterable[Mutant]) -> Power:
    """Measure what each suite finds by itself of some departures from the chart under test."""
    chart = suite.chart
    departing = [(each.group, _table(each.cells)) for each in mutants]
    made: dict[str, int] = {}
    for group, _ in departing:
        made[group] = made.get(group, 0) + 1
    strengths = []
    for name, scenarios in _suites(suite):
        walks = [_Walk(chart, each) for each in scenarios]
        walks = [each for each in walks if each.steps]
        found = dict.fromkeys(made, 0)
        for group, table in departing:
            found[group] += any(each.differs(table) for each in walks)
        commands = sum(len(each.steps) for each in walks)
        strengths.append(Strength(name, len(walks), commands, found))
    return Power(made, strengths)


def departures(chart: Chart) -> Iterator[Mutant]:
    """Every departure that the self-test looks for, and a sample of those with two extra states."""
    yield from first_order(chart)
    yield from extra_state(chart)
    yield from two_extra_states(chart, SAMPLE, Random(SEED))  # noqa: S311


def percent(found: int, made: int) -> str:
    """How many of them were found, in percent; 100 only if all were."""
    if found == made:
        return "100 %"
    return f"{min(100 * found / made, 99.9):.1f} %"


def _suites(suite: Suite) -> Iterator[tuple[str, list[Scenario]]]:
    """Each suite with its name."""
    every = list(sequential(suite.chart))
    inputs = Mealy(suite.chart).inputs
    for bound in within(WHOLE):
        chosen = [each for each in every if each.bound in within(bound)]
        yield f"level 1 at bound {bound}", chosen
        random = Random(SEED)  # noqa: S311
        yield f"random, as long as {bound}", [_drawn(each, inputs, random) for each in chosen]
    for level in sorted(set(LEVELS) - {1}):
        yield f"level {level} alone", [each.scenario for each in suite.cases(frozenset({level}))]


def _drawn(like: Scenario, inputs: Sequence[Row], random: Random) -> Scenario:
    """A scenario of as many commands, each of them drawn evenly."""
    drawn = random.choices(inputs, k=len(like.actions))
    return Scenario("random commands", tuple(map(tell_of, drawn)))


class _Walk:
    """The commands of a scenario that cells of the chart under test decide, up to an operation.

    Attributes:
        steps: the number of each one's history, its row, and the answer that is right.
    """

    def __init__(self, chart: Chart, scenario: Scenario) -> None:
        self._initial = chart.initial
        self.steps: list[tuple[int, Row, Output]] = []
        states: dict[int, str] = {}
        for action in scenario.actions if scenario.chart in ("", chart.name) else ():
            if isinstance(action, Run | Race | Collect):
                break  # what it does, no single cell says
            if not isinstance(action, Tell) or action.chart not in ("", chart.name):
                continue
            if action.vid in BY_CELL or chart.commands[action.command].starts:
                row = (action.command, action.arguments)
                cell = chart.cells[row, states.get(action.history, chart.initial)]
                states[action.history] = cell.target
                self.steps.append((action.history, row, _output(cell)))

    def differs(self, table: Table) -> bool:
        """Whether an implementation of another table answers one of them otherwise."""
        states: dict[int, str] = {}
        for history, row, right in self.steps:
            answer, target = table[row, states.get(history, self._initial)]
            if answer != right:
                return True
            states[history] = target
        return False


def _output(cell: Cell) -> Output:
    return cell.outcome, cell.event, cell.error


def _table(cells: Cells) -> Table:
    return {at: (_output(cell), cell.target) for at, cell in cells.items()}
