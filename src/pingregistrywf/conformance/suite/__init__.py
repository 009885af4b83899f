"""The suite: cases as data, made from any chart.

``sequences`` decides which commands to tell, the levels (``sequential``, ``versions``, ``data``,
``wire``, ``index``, ``servers``) write scripts, and ``play`` turns each script into a case with all
its expected answers.  Nothing here talks to an adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pingregistrywf.chart.reader import Model
from pingregistrywf.chart.table import Table
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.data import data
from pingregistrywf.conformance.suite.index import index
from pingregistrywf.conformance.suite.levels import LEVELS
from pingregistrywf.conformance.suite.operations import Site
from pingregistrywf.conformance.suite.play import Player
from pingregistrywf.conformance.suite.script import BOUNDS, Bound, Script
from pingregistrywf.conformance.suite.sequential import sequential
from pingregistrywf.conformance.suite.servers import servers
from pingregistrywf.conformance.suite.versions import versions
from pingregistrywf.conformance.suite.wire import wire

VERSION: Final = "1.0.0"
"""The suite's version: a new id is a new minor version, a removed one a new major version."""


class Suite:
    """The suite of a model's charts.

    Args:
        model: the charts; the first that is not keyed is under test, keyed ones are level 5.
        site: how operations name histories, if they are to be run.
    """

    def __init__(self, model: Model, site: Site | None = None) -> None:
        self.player = Player(model, site)
        self.model = model
        self.main = self.player.main

    def cases(
        self, levels: frozenset[int] = frozenset(LEVELS), bound: Bound = "n+2"
    ) -> Iterator[Case]:
        """The cases of some levels, each once, level by level.

        Args:
            levels: which levels.
            bound: how many states an implementation may have, for the n-complete suites.

        Raises:
            NotMinimalError: two states of a chart cannot be told apart.
        """
        within = BOUNDS[: BOUNDS.index(bound) + 1]
        seen: set[str] = set()
        for script in self._scripts(levels):
            if script.bound and script.bound not in within:
                continue
            case = self.player.play(script)
            if case.id not in seen:
                seen.add(case.id)
                yield case

    def _scripts(self, levels: frozenset[int]) -> Iterator[Script]:
        tables = dict(self.player.tables)
        main = tables.pop(self.main)
        of_main: Mapping[int, Callable[[Table, int], Iterator[Script]]] = {
            1: sequential,
            2: versions,
            3: data,
            4: wire,
        }
        for level, scripts in of_main.items():
            if level in levels:
                yield from scripts(main, level)
        if 5 in levels:
            for table in tables.values():
                yield from index(table, 5)
        if 6 in levels:
            yield from servers(main, 6, self.player.site)
