"""The suite on all that is broken on purpose, and what it found: the kill matrix."""

from __future__ import annotations

import copy
import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from typing import Any, Final, TypeAlias, TypeVar

from pingregistrywf.chart.ir import Cell, Chart
from pingregistrywf.conformance.daemons import daemons_of
from pingregistrywf.conformance.oracle import Cells
from pingregistrywf.conformance.run.capabilities import DAEMONS
from pingregistrywf.conformance.run.crosscheck import CrossCheck
from pingregistrywf.conformance.run.execute import execute
from pingregistrywf.conformance.run.result import Status
from pingregistrywf.conformance.selftest.daemoned import Daemoned
from pingregistrywf.conformance.selftest.daemons import DaemonDeparture, daemon_departures
from pingregistrywf.conformance.selftest.faults import Answer, Fault, faults
from pingregistrywf.conformance.selftest.mutants import Mutant, extra_state, first_order
from pingregistrywf.conformance.selftest.operated import Operated
from pingregistrywf.conformance.selftest.operations import Departure, departures
from pingregistrywf.conformance.selftest.power import Power, power
from pingregistrywf.conformance.selftest.power import departures as departures_of
from pingregistrywf.conformance.selftest.subject import CAPABILITIES, Subject
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.levels import LEVELS
from pingregistrywf.conformance.suite.scenario import Bound, Run, Scenario, Tell
from pingregistrywf.conformance.suite.tours import Machine, pairs

Json: TypeAlias = Any

Progress: TypeAlias = Callable[[str], None]
_Broken = TypeVar("_Broken", Mutant, Fault, Departure, DaemonDeparture)

OUT_OF_PROCESS: Final = frozenset({"crash"})
"""What an implementation in this process cannot do."""


def _quietly(_group: str) -> None:
    """Tell nobody which class is next."""


@dataclass
class Killed:
    """What was found of one class.

    Attributes:
        group: the class.
        asked: the levels that were run.
        made: how many there are.
        by_level: how many each level found.
        survivors: the names of those that none found.
    """

    group: str
    asked: tuple[int, ...]
    made: int = 0
    by_level: dict[int, int] = field(default_factory=dict)
    survivors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Matrix:
    """The kill matrix.

    Attributes:
        reference: the titles of the cases that fail on what is right; there must be none.
        classes: what was found, by class.
        power: what each suite finds by itself of the departures from the chart; None if it was not
            measured.
        idle: the faults that change no message of any case, so that implementations of this chart
            cannot have them; they are not counted.
        alike: the departures from operations that no two runs, one after the other, tell from what
            is right; they are not counted.
    """

    reference: tuple[str, ...]
    classes: tuple[Killed, ...]
    power: Power | None = None
    alike: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """True if what is right passed and nothing broken survived."""
        return not self.reference and not any(each.survivors for each in self.classes)


class SelfTest:
    """Runs the suite on everything that is broken on purpose.

    Args:
        suite: the suite.
        reference: makes an implementation that is right.  Without it, it is the chart's oracle,
            which answers well-formed requests of levels 1 and 2 only.
        capabilities: what it claims.
        bound: the bound of the n-complete suites.

    Attributes:
        suite: the suite.
        cases: those of its cases that such an implementation can be asked, by level.
    """

    def __init__(
        self,
        suite: Suite,
        reference: Callable[[], Answer] | None = None,
        capabilities: Collection[str] = CAPABILITIES,
        bound: Bound = "n+1",
    ) -> None:
        self.suite = suite
        self._chart: Chart = suite.chart
        self._pairs: dict[str, list[Case]] = {}
        self._reference = reference or (lambda: Subject(self._chart))
        self._capabilities = frozenset(capabilities) - OUT_OF_PROCESS
        self._crosscheck = CrossCheck(suite.model)
        self.cases: dict[int, list[Case]] = {level: [] for level in LEVELS}
        for case in suite.cases(bound=bound):
            if self._capabilities.issuperset(case.needs):
                self.cases[case.level].append(case)
        self._random = Random(0)  # noqa: S311 (ids of a test)

    def run(self, progress: Progress = _quietly) -> Matrix:
        """Run all of it."""
        progress("reference")
        reference = tuple(self._failing(self._reference()))
        found = [self.run_mutants(progress), self.run_faults(progress)]
        if self.suite.model.operations:
            found.append(self.run_operations(progress))
        found.append(self.run_daemons(progress))
        classes = tuple(itertools.chain.from_iterable(each.classes for each in found))
        alike = tuple(itertools.chain.from_iterable(each.alike for each in found))
        progress("power")
        measured = power(self.suite, departures_of(self._chart))
        idle = tuple(itertools.chain.from_iterable(each.idle for each in found))
        return Matrix(reference, classes, measured, alike, idle)

    def groups(self) -> int:
        """Return how often ``run`` says what it does: for groups, reference and power."""
        departures = self.departures() if self.suite.model.operations else ()
        made = (self._mutants(), self.faults(), departures, self.daemon_departures())
        return 2 + sum(len({each.group for each in broken}) for broken in made)

    def _mutants(self) -> Iterator[Mutant]:
        yield from first_order(self._chart)
        yield from extra_state(self._chart)

    def faults(self) -> Iterator[Fault]:
        """The faults that an implementation of these capabilities can have."""
        return (each for each in faults() if not each.needs or each.needs in self._capabilities)

    def run_mutants(self, progress: Progress = _quietly) -> Matrix:
        """Run level 1 on every mutant of the chart."""
        return _matrix(self._mutants(), (1,), lambda _, mutant: self.kills(mutant), progress)

    def run_faults(self, progress: Progress = _quietly) -> Matrix:
        """Run every level on every fault of journals and data."""
        levels = tuple(level for level, cases in self.cases.items() if cases)
        made = {each.name: each for each in self.faults()}
        found = _matrix(made.values(), levels, self.finds, progress)
        return replace(found, idle=_uncounted(found, lambda name: self.is_idle(made[name])))

    def is_idle(self, fault: Fault) -> bool:
        """Whether a fault changes no message of any case: this chart gives it nothing to change."""
        reference, passed = self._reference(), list[tuple[Json, Json]]()

        def noting(request: Mapping[str, Json]) -> dict[str, Json]:
            reply = reference(request)
            passed.append(copy.deepcopy((self._read(request), reply)))
            return reply

        faulty, idle = fault.around(noting), True

        def compared(request: Mapping[str, Json]) -> dict[str, Json]:
            nonlocal idle
            passed.clear()
            asked = copy.deepcopy(self._read(request))
            reply = faulty(request)
            beside = [each for each in passed if each != (asked, reply)]
            looks = all(each["op"] in ("find", "events") for each, _ in beside)
            idle = idle and (asked, reply) in passed and looks
            return reply

        for case in itertools.chain.from_iterable(self.cases.values()):
            self._passes(case, compared)
            if not idle:
                return False
        return True

    def _read(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """What an implementation reads of a request: a command that begins takes no vid."""
        command = request.get("command")
        declared = self._chart.commands.get(command) if isinstance(command, str) else None
        unread = ("vid",) if declared and declared.starts else ()
        return {key: each for key, each in request.items() if key not in unread}

    def run_operations(self, progress: Progress = _quietly) -> Matrix:
        """Run level 6 on every departure from the operations that it asks for."""
        made = {each.name: each for each in self.departures()}
        found = _matrix(made.values(), (6,), lambda _, each: self.finds_departure(each), progress)
        return replace(found, alike=_uncounted(found, lambda name: self.is_alike(made[name])))

    def run_daemons(self, progress: Progress = _quietly) -> Matrix:
        """Run level 6 on every departure from the daemons, if they are declared."""
        cases = self.daemon_cases()

        def finds(_: int, departure: DaemonDeparture) -> bool:
            return self.is_found(departure, cases)

        return _matrix(self.daemon_departures(), (6,), finds, progress)

    def daemon_cases(self) -> list[Case]:
        """The cases of level 6 that ask for a daemon, the shortest first."""
        cases = [each for each in self.suite.cases(frozenset({6})) if DAEMONS in each.needs]
        return sorted(cases, key=lambda case: len(case.steps))

    def daemon_departures(self) -> Iterator[DaemonDeparture]:
        """Every departure from the daemons, if they are declared."""
        declared = daemons_of(self.suite.model)
        return daemon_departures(*declared) if declared else iter(())

    def departures(self) -> Iterator[Departure]:
        """Every departure from an operation that an implementation may be asked to run."""
        for machine in self.machines:
            for name in machine.tried:
                yield from departures(self.suite.model, machine.operations[name])

    def finds_departure(self, departure: Departure) -> bool:
        """Whether level 6 finds a departure from an operation."""
        name = departure.operation.name
        return self.is_found(departure, self.operation_cases[name])

    def is_alike(self, departure: Departure) -> bool:
        """Whether a departure passes all pairs of runs, too."""
        name = departure.operation.name
        if name not in self._pairs:
            machine = next(each for each in self.machines if name in each.operations)
            self._pairs[name] = [self.compiled(each) for each in pairs(machine, name)]
        return not self.is_found(departure, self._pairs[name])

    @cached_property
    def machines(self) -> list[Machine]:
        """The machines of the declared operations."""
        model, compiler = self.suite.model, self.suite.compiler
        return [Machine(compiler, each) for each in model.operations.values()]

    @cached_property
    def operation_cases(self) -> Mapping[str, list[Case]]:
        """The cases of level 6 that run an operation, by its name."""
        cases: defaultdict[str, list[Case]] = defaultdict(list)
        for case in self.suite.cases(frozenset({6})):
            ran = [each.operation for each in case.scenario.actions if isinstance(each, Run)]
            for name in dict.fromkeys(ran):
                cases[name].append(case)
        return cases

    def compiled(self, scenario: Scenario) -> Case:
        """A scenario of level 6 of the chart under test as a case."""
        chart = self._chart.name
        return self.suite.compiler.compile(replace(scenario, level=6, chart=chart))

    def finds(self, level: int, fault: Fault) -> bool:
        """Whether a level finds a fault."""
        return self.is_found(fault, self.cases[level])

    def is_found(self, broken: Fault | Departure | DaemonDeparture, cases: Iterable[Case]) -> bool:
        """Whether one of some cases finds what is broken."""
        model = self.suite.model
        match broken:
            case Fault():
                answer = broken.around(self._reference())
                return any(not self._passes(case, answer) for case in cases)
            case Departure():
                return any(not self._passes(case, Operated(model, broken)) for case in cases)
            case DaemonDeparture():
                return any(not self._passes(case, Daemoned(model, broken)) for case in cases)

    def kills(self, mutant: Mutant) -> bool:
        """Whether level 1 finds a mutant; the cases first that can be seen to find it."""
        cases = itertools.chain(self._promising(mutant.cells), self.cases[1])
        return any(not self._passes(case, Subject(self._chart, mutant.cells)) for case in cases)

    def _failing(self, answer: Answer) -> Iterator[str]:
        for cases in self.cases.values():
            for case in cases:
                if not self._passes(case, answer):
                    yield f"{case.id} {case.title}"

    def _promising(self, cells: Cells) -> Iterator[Case]:
        """A case whose answers are seen to be others by walking the tables alone."""
        for case in self.cases[1]:
            state = mine = self._chart.initial
            for action in case.scenario.actions:
                if not isinstance(action, Tell):
                    break
                row = (action.command, action.arguments)
                right, wrong = self._chart.cells[row, state], cells[row, mine]
                if _output(right) != _output(wrong):
                    yield case
                    return
                state, mine = right.target, wrong.target

    def _passes(self, case: Case, answer: Answer) -> bool:
        execution = execute(case, self._crosscheck, self._random)
        numbers = itertools.count(1)
        batch = next(execution)
        while True:
            replies = [answer({"id": next(numbers), **request}) for request in batch]
            try:
                batch = execution.send(replies)
            except StopIteration as end:
                return bool(end.value.status is Status.PASSED)


def _output(cell: Cell) -> tuple[object, ...]:
    return cell.outcome, cell.event, cell.error


def _uncounted(found: Matrix, is_sound: Callable[[str], bool]) -> tuple[str, ...]:
    """Take survivors that are no faults at all out of what was made; return their names."""
    sound: list[str] = []
    for killed in found.classes:
        same = [name for name in killed.survivors if is_sound(name)]
        killed.survivors = [name for name in killed.survivors if name not in same]
        killed.made -= len(same)
        sound += same
    return tuple(sound)


def _matrix(
    broken: Iterable[_Broken],
    levels: tuple[int, ...],
    finds: Callable[[int, _Broken], bool],
    progress: Progress,
) -> Matrix:
    """Count what some levels find, class by class."""
    classes: dict[str, Killed] = {}
    for each in broken:
        if each.group not in classes:
            progress(each.group)
            classes[each.group] = Killed(each.group, levels)
        killed = classes[each.group]
        killed.made += 1
        found = [level for level in levels if finds(level, each)]
        for level in found:
            killed.by_level[level] = killed.by_level.get(level, 0) + 1
        if not found:
            killed.survivors.append(each.name)
    return Matrix((), tuple(classes.values()))
