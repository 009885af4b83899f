"""The suite: cases as data, made from any chart.

``sequences`` decides which commands to send, the levels (``sequential``, ``versions``, ``data``,
``wire``, ``index``, ``servers``, ``trials``, ``tours``, ``daemons``, ``callers``) write scenarios,
and ``compile`` turns each scenario into a case with all its expected answers.  Nothing here talks
to an adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

from pingregistrywf.chart.ir import Chart, Model
from pingregistrywf.conformance.suite.callers import callers
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.compile import Compiler
from pingregistrywf.conformance.suite.daemons import daemons
from pingregistrywf.conformance.suite.data import data
from pingregistrywf.conformance.suite.index import index
from pingregistrywf.conformance.suite.levels import LEVELS
from pingregistrywf.conformance.suite.scenario import WHOLE, Bound, Scenario
from pingregistrywf.conformance.suite.sequences import Mealy, size
from pingregistrywf.conformance.suite.sequential import sequential
from pingregistrywf.conformance.suite.servers import servers
from pingregistrywf.conformance.suite.tours import tours
from pingregistrywf.conformance.suite.trials import trials
from pingregistrywf.conformance.suite.versions import versions
from pingregistrywf.conformance.suite.wire import wire

VERSION: Final = "1.2.0"
"""The suite's version: a new id is a new minor version, a removed one a new major version."""

OF_MAIN: Final[Mapping[int, Callable[[Chart], Iterator[Scenario]]]] = {
    2: versions,
    3: data,
    4: wire,
    6: servers,
}
"""The levels, beside the first, that the chart under test has by itself."""


class Suite:
    """The suite of a model's charts and operations.

    Args:
        model: the charts; the first that is not keyed is under test, the others are level 5.
        default_chart: the chart that a request need not name (see the adapter protocol).

    Attributes:
        chart: the chart under test.
    """

    def __init__(self, model: Model, default_chart: str = "") -> None:
        self.model = model
        self.compiler = Compiler(model, default_chart)
        self.chart = self.compiler.chart

    def cases(
        self, levels: frozenset[int] = frozenset(LEVELS), bound: Bound = WHOLE
    ) -> Iterator[Case]:
        """The cases of some levels, each once, level by level.

        Args:
            levels: which levels.
            bound: how many states an implementation may have, for the n-complete suites.

        Raises:
            NotMinimalError: two states of a chart cannot be told apart.
        """
        seen: set[str] = set()
        for scenario in self._scenarios(levels, bound):
            case = self.compiler.compile(scenario)
            if case.id in seen:
                continue
            if not case.beyond:  # there are many, and each of their sequences comes once
                seen.add(case.id)
            yield case

    def more_than_whole(self, levels: Collection[int], bound: Bound) -> int | None:
        """How many cases more some levels have at a bound than the whole suite has; fewer below 0.

        No case is made.  None if the cases of one of the charts must be made to be counted.

        Raises:
            NotMinimalError: two states of a chart cannot be told apart.
        """
        main = [self.chart] if 1 in levels else []
        others = [each for each in self.model.charts.values() if each is not self.chart]
        more = 0
        for chart in main + (others if 5 in levels else []):
            machine = Mealy(chart)
            at_bound, whole = size(machine, bound), size(machine, WHOLE)
            if at_bound is None or whole is None:
                return None
            more += at_bound - whole
        return more

    def _scenarios(self, levels: frozenset[int], bound: Bound) -> Iterator[Scenario]:
        for level in sorted(levels):
            for chart, scenarios in self._of_level(level, bound):
                for scenario in scenarios:
                    yield replace(scenario, level=level, chart=chart.name)

    def _of_level(self, level: int, bound: Bound) -> Iterator[tuple[Chart, Iterator[Scenario]]]:
        if level == 1:
            yield self.chart, sequential(self.chart, bound)
        if level in OF_MAIN:
            yield self.chart, OF_MAIN[level](self.chart)
        if level == 5:
            for chart in self.model.charts.values():
                if chart is not self.chart:
                    yield chart, index(chart, bound)
        if level == 6:
            yield self.chart, trials(self.compiler)
            yield self.chart, tours(self.compiler)
            yield self.chart, daemons(self.compiler)
            yield self.chart, callers(self.compiler)
