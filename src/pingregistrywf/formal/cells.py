"""The cells of the charts' tables that a system reaches, and those that it cannot reach.

While the checker explores a size, each decision is noted: the command, the state that it meets, and
what it does.  A step that expects another version decides nothing, so its cell is not reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Cell, Chart, Model, Outcome
from pingregistrywf.chart.system import Unreached
from pingregistrywf.formal.plan import PlanError
from pingregistrywf.formal.tlc import Progress, check
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.formal.values import parse_value
from pingregistrywf.generate.tla import formal_model
from pingregistrywf.generate.tla.charts import ChartModule
from pingregistrywf.generate.tla.checks import ModelCheck, checks_of_cells
from pingregistrywf.generate.tla.systems import SystemModule

Decision: TypeAlias = tuple[str, str, str, str]
"""A chart, a command, the state that it meets, and its outcome."""

_NOTES: Final = r"""
\* Print a decision that was not made before.
Notes(decision) ==
    \/ decision \in TLCGet(1)
    \/ TLCSet(1, TLCGet(1) \union {decision}) /\ PrintT(ToString(decision))

ASSUME TLCSet(1, {})
"""


@dataclass(frozen=True, slots=True)
class Reached:
    """A cell of a table, and whether the system reaches it.

    Attributes:
        chart: the chart of the table.
        cell: the cell.
        size: the first size at which it is reached, None if it is reached at none.
        why: why it cannot be reached: as the file of properties says, or because nobody runs the
            command; empty if there is no reason.
    """

    chart: Chart
    cell: Cell
    size: str | None
    why: str

    @property
    def is_right(self) -> bool:
        """True if the cell is reached, or else there is a reason why it is not."""
        return (self.size is None) is bool(self.why)


def reached_cells(
    toolchain: Toolchain,
    model: Model,
    *,
    progress: Callable[[ModelCheck, Progress], None] = lambda _check, _progress: None,
) -> Iterator[Reached]:
    """Explore the sizes that check cells, and yield each cell of the charts of every system.

    Args:
        toolchain: the TLA+ tools.
        model: the model.
        progress: as for ``run_plan`` of ``pingregistrywf.formal.verification``.

    Raises:
        ModelError: TLC cannot check the model.
        PlanError: no size of a system with properties checks cells.
    """
    runs = {name: list(checks_of_cells(model.systems[name])) for name in model.properties}
    if not any(runs.values()):
        raise PlanError("there is nothing to check: no size of a system checks cells")
    for name, checks in runs.items():
        files = noting_decisions(model, name)
        sizes: dict[Decision, str] = {}
        for each in checks:
            shown = partial(progress, each)
            shown(Progress(0, 0, 0, 0.0))
            outcome = check(toolchain, files, each.module, each.configuration, progress=shown)
            for decision in _decisions(outcome.printed):
                sizes.setdefault(decision, each.size)
        yield from _compared(model, name, sizes)


def noting_decisions(model: Model, system: str) -> Mapping[str, str]:
    """Return the files of a system's formal model, in which every decision is noted."""
    files = dict(formal_model(model, system))
    files["Journal.tla"] = _extended(files["Journal.tla"], _NOTES)
    for module in SystemModule(model.systems[system], model).charts.values():
        text = files[f"{module.name}.tla"]
        for command in module.chart.commands:
            text = text.replace(f"\nDecide{command}(", f"\nDecidesOn{command}(")
        noting = "".join(_noting(module, command) for command in module.chart.commands)
        files[f"{module.name}.tla"] = _extended(text, noting)
    return files


def _extended(module: str, definitions: str) -> str:
    """Return the text of a module with more definitions before its last line."""
    *lines, end = module.splitlines(keepends=True)
    return "".join((*lines, definitions, end))


def _noting(module: ChartModule, name: str) -> str:
    """The definition that decides a command and notes it."""
    command, keyed = module.chart.commands[name], module.chart.key is not None
    parameters = ", ".join(module.parameters(command))
    state = "entry.state" if keyed else "State(history)"
    every = ""
    if command.rewrite:  # it meets all entries
        state, every = "Entry(history, key).state", r"\A key \in keys : "
    noted = f'<<"{module.chart.name}", "{name}", {state}, result.outcome>>'
    return (
        f"\nDecide{name}({parameters}) ==\n"
        f"    LET result == DecidesOn{name}({parameters})\n"
        f"    IN  CASE {every}Notes({noted}) -> result\n"
    )


def _decisions(printed: tuple[str, ...]) -> Iterator[Decision]:
    """The decisions among the lines that a module has printed."""
    for line in printed:
        if line.startswith('"<<'):
            text: Any = parse_value(line)
            decision: Any = parse_value(text)
            yield decision


def _compared(model: Model, system: str, sizes: Mapping[Decision, str]) -> Iterator[Reached]:
    module = SystemModule(model.systems[system], model)
    run = {(step.chart, step.command) for each in module.used.values() for step in each.steps}
    for chart in (each.chart for each in module.charts.values()):
        unreached = [
            each for each in model.properties[system].unreached if each.chart == chart.name
        ]
        for cell in chart.table:
            place = (chart.name, cell.command, cell.state)
            rewrites = cell.outcome is Outcome.REWRITE
            outcomes = (Outcome.EMIT, Outcome.NOOP) if rewrites else (cell.outcome,)
            found = (sizes.get((*place, outcome.value)) for outcome in outcomes)
            why = [each.doc for each in unreached if _is_meant(each, cell)]
            if place[:2] not in run:
                why.append("Nobody runs this command.")
            yield Reached(chart, cell, next(filter(None, found), None), next(iter(why), ""))


def _is_meant(each: Unreached, cell: Cell) -> bool:
    """Whether a cell is one of those that cannot be reached, as the file of properties says."""
    arguments = each.arguments in (None, cell.arguments.value)
    return arguments and each.command == cell.command and cell.state in each.states
