"""Which cells of a chart's table the tests reached: commands, run in states, with their outcomes.

It is a plugin for pytest, named in the outermost ``conftest.py``::

    pytest_plugins = ["pingregistrywf.testing.cells"]

``pytest --cells-of workflows.parcel`` reports the cells that no test reached, and fails if fewer
are reached than ``--cells-minimum`` asks for, in percent.  With pytest-xdist, the workers' cells
are taken together.  A cell is reached when a command was decided in it, by whatever way: a facade,
``given``, a state machine, or ``Behavior``.  What the journal decides by itself, for a history that
was deleted, is no cell of this report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import pytest

from pingregistrywf.chart.ir import DELETED, Cell, Chart, Outcome
from pingregistrywf.generate.readme import row_name
from pingregistrywf.runtime.decisions import Decision, Verdict, observed
from pingregistrywf.runtime.values import Command, command_name
from pingregistrywf.testing.generated import chart_in

_REWRITES: Final = "rewrites the history"
_NOTHING: Final = "does nothing"


class ReachedCells:
    """The cells of a package's chart, and which of them were reached.

    Args:
        package: the generated package.

    Attributes:
        cells: for each cell, in words and in the chart's order, whether it was reached.
    """

    def __init__(self, package: ModuleType) -> None:
        self._chart = chart_in(package)
        self._declaration = package.DECLARATION
        self.cells: Final = dict.fromkeys(_cells(self._chart), False)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what is decided inside, in this process."""
        with observed(self._declaration, self._note):
            yield

    def _note(self, state: Any, command: Command, verdict: Verdict) -> None:
        name = command_name(type(command))
        if self._chart.commands[name].rewrite:
            self.cells[f"{name}: {_outcome_of(verdict)}"] = True
            return
        keyed = self._declaration.keyed
        at = self._chart.initial
        if keyed is None or (state := state.entries.get(getattr(command, keyed.key))) is not None:
            at = self._declaration.state_names[state.state_code]
        cell = self._chart.cell(name, at)
        if cell.guard and not isinstance(verdict, Decision):
            cell = self._chart.cell(name, at, same=False)
        self.cells[_words(self._chart, cell)] = True


def _cells(chart: Chart) -> Iterator[str]:
    """Every cell in words; where no guard decides, the same and other arguments have one."""
    for command in chart.commands.values():
        if command.rewrite:
            errors = (command.rewrite.limit.error, command.rewrite.saving.error)
            for outcome in dict.fromkeys((_REWRITES, _NOTHING, *errors)):
                yield f"{command.name}: {outcome}"
    for cell in chart.table:
        if cell.state != DELETED and cell.command in chart.stepping:
            yield _words(chart, cell)


def _words(chart: Chart, cell: Cell) -> str:
    compares = chart.commands[cell.command].compared
    guarded = compares and chart.cell(cell.command, cell.state).guard
    row = row_name(chart, cell.command, cell.arguments) if guarded else cell.command
    outcomes = {
        Outcome.EMIT: f"appends {cell.event}",
        Outcome.NOOP: _NOTHING,
        Outcome.REJECT: cell.error,
        Outcome.DELETE: "deletes the history",
    }
    return f"{row}, in {cell.state}: {outcomes[cell.outcome]}"


def _outcome_of(verdict: Verdict) -> str:
    """What a command that rewrites a history did."""
    if isinstance(verdict, Decision):
        return _REWRITES if verdict.drafts else _NOTHING
    return type(verdict()).__name__


# --- The plugin -----------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cells", "cells of a chart that the tests reach")
    group.addoption(
        "--cells-of",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="Report the cells that no test reaches, of a generated package. May be repeated.",
    )
    group.addoption(
        "--cells-minimum",
        type=float,
        default=0.0,
        metavar="PERCENT",
        help="Fail if fewer cells of a package are reached.",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.option.cells_of:
        config.pluginmanager.register(_Recorder(config), "pingregistrywf-cells")


class _Recorder:
    """Records the cells of one run, or of one worker of it."""

    def __init__(self, config: pytest.Config) -> None:
        self._packages: list[str] = config.option.cells_of
        self._minimum: float = config.option.cells_minimum
        self._recording = ExitStack()
        self._cells: dict[str, dict[str, bool]] = {name: {} for name in self._packages}

    def pytest_collection_finish(self) -> None:
        """Begin, now that the tests' directories can be imported from."""
        for name in self._packages:
            try:
                reached = ReachedCells(import_module(name))
            except (ImportError, AttributeError, OSError) as error:
                raise pytest.UsageError(
                    f"--cells-of {name}: no generated package: {error}"
                ) from error
            self._recording.enter_context(reached.recording())
            self._cells[name] = reached.cells

    def pytest_unconfigure(self) -> None:
        self._recording.close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take a worker's cells."""
        for name, cells in getattr(node, "workeroutput", {}).get("cells", {}).items():
            ours = self._cells[name]
            ours.update({cell: reached or ours.get(cell, False) for cell, reached in cells.items()})

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["cells"] = self._cells
        elif session.exitstatus == pytest.ExitCode.OK and any(map(self._fails, self._packages)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for name in self._packages:
            cells = self._cells[name]
            terminalreporter.section(f"cells of {name}")
            terminalreporter.line(
                f"reached {sum(cells.values())} of {len(cells)} cells ({_percent(cells):.1f} %)"
            )
            for cell, reached in cells.items():
                if not reached:
                    terminalreporter.line(f"  not reached: {cell}")
            if self._fails(name):
                terminalreporter.line(
                    f"FAILED: --cells-minimum asks for {self._minimum:g} %", red=True
                )

    def _fails(self, name: str) -> bool:
        return _percent(self._cells[name]) < self._minimum


def _percent(cells: Mapping[str, bool]) -> float:
    return 100 * sum(cells.values()) / len(cells) if cells else 0.0
