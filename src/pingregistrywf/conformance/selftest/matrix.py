"""The suite on all that is broken on purpose, and what it found: the kill matrix."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart
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
        self._cases: Mapping[int, list[Case]] = {
            level: [
                case
                for case in suite.cases(frozenset({level}), bound)
                if set(case.needs) <= self._capabilities
            ]
            for level in LEVELS
        }
        self._random = Random(0)  # noqa: S311 (ids of a test)

    def run(self, progress: Progress = _quietly) -> Matrix:
        """Run all of it."""
        progress("reference")
        reference = tuple(self._failing(self._reference()))
        mutants = self.run_mutants(progress)
        return Matrix(reference, (*mutants.classes, *self.run_faults(progress).classes))

    def run_mutants(self, progress: Progress = _quietly) -> Matrix:
        """Run level 1 on every mutant of the chart."""
        classes: dict[str, Killed] = {}
        for mutant in (*first_order(self._chart), *extra_state(self._chart)):
            if mutant.group not in classes:
                progress(mutant.group)
            found = (1,) if self.kills(mutant) else ()
            self._enter(classes, mutant.group, mutant.name, (1,), found)
        return Matrix((), tuple(classes.values()))

    def run_faults(self, progress: Progress = _quietly) -> Matrix:
        """Run every level on every fault of journals and data."""
        classes: dict[str, Killed] = {}
        levels = tuple(level for level, cases in self._cases.items() if cases)
        for fault in faults():
            if fault.needs and fault.needs not in self._capabilities:
                continue
            if fault.group not in classes:
                progress(fault.group)
            found = (level for level in levels if self.finds(level, fault))
            self._enter(classes, fault.group, fault.name, levels, found)
        return Matrix((), tuple(classes.values()))

    def finds(self, level: int, fault: Fault) -> bool:
        """Whether a level finds a fault."""
        answer = fault.around(self._reference())
        return any(not self._passes(case, answer) for case in self._cases[level])

    def kills(self, mutant: Mutant) -> bool:
        """Whether level 1 finds a mutant; the cases first that can be seen to find it."""
        cases = itertools.chain(self._promising(mutant.cells), self._cases[1])
        return any(not self._passes(case, Subject(self._chart, mutant.cells)) for case in cases)

    @staticmethod
    def _enter(
        classes: dict[str, Killed],
        group: str,
        name: str,
        asked: tuple[int, ...],
        found: Iterable[int],
    ) -> None:
        killed = classes.setdefault(group, Killed(group, asked))
        killed.made += 1
        levels = tuple(found)
        for level in levels:
            killed.by_level[level] = killed.by_level.get(level, 0) + 1
        if not levels:
            killed.survivors.append(name)

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
                if (right.outcome, right.event, right.error) != (
                    wrong.outcome,
                    wrong.event,
                    wrong.error,
                ):
                    yield case
                    return
                state, mine = right.target, wrong.target

    def _passes(self, case: Case, answer: Answer) -> bool:
        execution = execute(case, self._crosscheck, self._random)
        number = 0
        batch = next(execution)
        while True:
            replies = []
            for request in batch:
                number += 1
                replies.append(answer({"id": number, **request}))
            try:
                batch = execution.send(replies)
            except StopIteration as end:
                return bool(end.value.status is Status.PASSED)
