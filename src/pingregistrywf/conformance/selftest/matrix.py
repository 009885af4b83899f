"""The suite on all that is broken on purpose, and what it found: the kill matrix."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeAlias, TypeVar

from pingregistrywf.chart.ir import Cell, Chart
from pingregistrywf.conformance.oracle import Cells
from pingregistrywf.conformance.run.crosscheck import CrossCheck
from pingregistrywf.conformance.run.execute import execute
from pingregistrywf.conformance.run.result import Status
from pingregistrywf.conformance.selftest.faults import Answer, Fault, faults
from pingregistrywf.conformance.selftest.mutants import Mutant, extra_state, first_order
from pingregistrywf.conformance.selftest.subject import CAPABILITIES, Subject
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.levels import LEVELS
from pingregistrywf.conformance.suite.scenario import Bound, Tell

Json: TypeAlias = Any

Progress: TypeAlias = Callable[[str], None]
_Broken = TypeVar("_Broken", Mutant, Fault)

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
    """

    reference: tuple[str, ...]
    classes: tuple[Killed, ...]

    @property
    def sound(self) -> bool:
        """True if what is right passed and nothing broken survived."""
        return not self.reference and not any(each.survivors for each in self.classes)


class SelfTest:
    """Runs the suite on everything that is broken on purpose.

    Args:
        suite: the suite.
        reference: makes an implementation that is right; the chart's oracle unless given.
        capabilities: what it claims.
        bound: the bound of the n-complete suites.
    """

    def __init__(
        self,
        suite: Suite,
        reference: Callable[[], Answer] | None = None,
        capabilities: Collection[str] = CAPABILITIES,
        bound: Bound = "n+1",
    ) -> None:
        self._chart: Chart = suite.chart
        self._reference = reference or (lambda: Subject(self._chart))
        self._capabilities = frozenset(capabilities) - OUT_OF_PROCESS
        self._crosscheck = CrossCheck(suite.model)
        self._cases: dict[int, list[Case]] = {level: [] for level in LEVELS}
        for case in suite.cases(bound=bound):
            if self._capabilities.issuperset(case.needs):
                self._cases[case.level].append(case)
        self._random = Random(0)  # noqa: S311 (ids of a test)

    def run(self, progress: Progress = _quietly) -> Matrix:
        """Run all of it."""
        progress("reference")
        reference = tuple(self._failing(self._reference()))
        mutants = self.run_mutants(progress)
        return Matrix(reference, (*mutants.classes, *self.run_faults(progress).classes))

    def run_mutants(self, progress: Progress = _quietly) -> Matrix:
        """Run level 1 on every mutant of the chart."""
        mutants = (*first_order(self._chart), *extra_state(self._chart))
        return _matrix(mutants, (1,), lambda _, mutant: self.kills(mutant), progress)

    def run_faults(self, progress: Progress = _quietly) -> Matrix:
        """Run every level on every fault of journals and data."""
        levels = tuple(level for level, cases in self._cases.items() if cases)
        met = [each for each in faults() if not each.needs or each.needs in self._capabilities]
        return _matrix(met, levels, self.finds, progress)

    def finds(self, level: int, fault: Fault) -> bool:
        """Whether a level finds a fault."""
        answer = fault.around(self._reference())
        return any(not self._passes(case, answer) for case in self._cases[level])

    def kills(self, mutant: Mutant) -> bool:
        """Whether level 1 finds a mutant; the cases first that can be seen to find it."""
        cases = itertools.chain(self._promising(mutant.cells), self._cases[1])
        return any(not self._passes(case, Subject(self._chart, mutant.cells)) for case in cases)

    def _failing(self, answer: Answer) -> Iterator[str]:
        for cases in self._cases.values():
            for case in cases:
                if not self._passes(case, answer):
                    yield f"{case.id} {case.title}"

    def _promising(self, cells: Cells) -> Iterator[Case]:
        """A case whose answers are seen to be others by walking the tables alone."""
        for case in self._cases[1]:
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
