"""What suites find by themselves of the faults that are no wrong cell of the table.

The suites are the level that is there for a class of faults, what it has at each bound where a
bound is about such faults, and a random one of as many cases and actions.  Other than for the cells
of the table, the suites are run on everything that is broken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pingregistrywf.conformance.daemons import daemons_of
from pingregistrywf.conformance.selftest import random_suites as drawn
from pingregistrywf.conformance.selftest.daemons import DaemonDeparture
from pingregistrywf.conformance.selftest.faults import Fault
from pingregistrywf.conformance.selftest.matrix import SelfTest
from pingregistrywf.conformance.selftest.operations import Departure
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.scenario import WHOLE, Daemon, Run, Scenario, within
from pingregistrywf.conformance.suite.tours import runs

Broken: TypeAlias = Fault | Departure | DaemonDeparture
WITHOUT_BOUND: Final[Mapping[str, str]] = {
    "versions": "level 1 sends no vid at any bound",
    "data": "every bound sends the same values",
    "wire": "level 1 compares no bytes",
    "servers": "level 1 asks one instance",
    "daemons": "a daemon depends on times, not on hidden states",
}
"""Why a bound is not about a class."""


@dataclass(frozen=True)
class Found:
    """What one suite finds by itself of one class.

    Attributes:
        group: the class.
        made: how many of the class there are.
        suite: the suite, in words.
        cases: how many cases it has.
        actions: how many actions are in them.
        found: how many of the class it finds.
    """

    group: str
    made: int
    suite: str
    cases: int
    actions: int
    found: int


def yardsticks(test: SelfTest, groups: Collection[str] = ()) -> Iterator[Found]:
    """Measure each suite on each class, or on some classes.

    Args:
        test: a self-test of the whole suite on the reference.
        groups: the classes; all unless given.
    """
    departures = {each.name: each for each in test.departures()}
    broken: dict[str, list[Broken]] = {}
    every: list[Broken] = [*test.faults(), *departures.values(), *test.daemon_departures()]
    for each in every:
        if each.group in (groups or (each.group,)):
            broken.setdefault(each.group, []).append(each)
    if "operations" in broken:
        broken["operations"] = [
            departure
            for departure in departures.values()
            if test.finds_departure(departure) or not test.is_alike(departure)
        ]
    for group, name, cases in _suites(test):
        if group in broken:
            made = broken[group]
            actions = sum(len(case.scenario.actions) for case in cases)
            found = sum(test.is_found(each, cases) for each in made)
            yield Found(group, len(made), name, len(cases), actions, found)


def _suites(test: SelfTest) -> Iterator[tuple[str, str, Sequence[Case]]]:
    """The suites that are run on each class: the class, the name of the suite, and its cases."""
    compiler, main = test.suite.compiler, test.suite.chart
    commands = drawn.commands(main)
    values = drawn.with_values(main, commands)

    def beside(
        group: str, name: str, cases: Sequence[Case], draw: drawn.Draw, **more: Any
    ) -> Iterator[tuple[str, str, Sequence[Case]]]:
        yield group, name, cases
        like = drawn.like(cases, compiler, draw, **more)
        yield group, f"random, as long as {name}", list(like)

    yield from beside("versions", "level 2", test.cases[2], drawn.with_vids(commands))
    for bound in within(WHOLE):
        chosen = [each for each in test.cases[1] if each.bound in within(bound)]
        yield from beside("journal", f"level 1 at bound {bound}", chosen, commands)
    yield from beside("data", "level 3", test.cases[3], values)
    yield from beside("wire", "level 4", test.cases[4], values, wire=True)
    for bound in within(WHOLE):
        chosen = [each for each in test.cases[5] if each.bound in within(bound)]
        yield "index", f"level 5 at bound {bound}, sequences alone", chosen
    for chart in test.suite.model.charts.values():
        if chart.key:
            about = [each for each in test.cases[5] if each.chart == chart.name]
            keyed = drawn.with_keys(drawn.with_vids(drawn.commands(chart)))
            yield from beside("index", "level 5", about, keyed)
    alone = [each for each in test.cases[6] if not _runs(each)]
    instances = drawn.through_instances(commands)
    yield from beside("servers", "level 6", alone, instances, servers=drawn.INSTANCES)
    names = [name for machine in test.machines for name in machine.tried]
    if names:
        yield "operations", "level 6 with one run, from every state", list(_one_run(test))
        by_id = {each.id: each for of in test.operation_cases.values() for each in of}
        whole = list(by_id.values())
        runs_drawn = drawn.runs(names, commands)
        yield from beside("operations", "level 6", whole, runs_drawn)
        declared = daemons_of(test.suite.model)
        if declared:
            draw, begin = drawn.daemons(declared[0], runs_drawn), [Run(names[0])]
            yield from beside("daemons", "level 6", test.daemon_cases(), draw, begin=begin)


def _one_run(test: SelfTest) -> Iterator[Case]:
    """Each operation from every state, once: what a bound is for cells, the second run is here."""
    for machine in test.machines:
        for state in machine.states():
            before = machine.compiled(state.way)
            for run in runs(machine, before, machine.tried):
                yield test.compiled(Scenario("one run", (*state.way, run), "operation"))


def _runs(case: Case) -> bool:
    """Whether a case runs an operation or asks for a daemon."""
    return any(isinstance(each, Run | Daemon) for each in case.scenario.actions)
