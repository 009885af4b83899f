"""What the steps of a generated system do: the histories that they change, and who runs what.

A step is read off the variables before and after it.  Their names are those of the generated
modules, as in ``timeline``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart, Model, Operation, OperationArgument
from pingregistrywf.chart.types import Type
from pingregistrywf.formal.timeline import AUTHOR
from pingregistrywf.formal.trace import Trace
from pingregistrywf.formal.values import tla_text
from pingregistrywf.generate.tla.spelling import pascal

Variables: TypeAlias = Mapping[Any, Any]
"""Variables of a state, or a record in one of them."""
LEFT_OUT: Final[Mapping[Type, Any]] = {Type.INT32: 0, Type.STRING: "", Type.BOOL: False}
"""The value of an argument that the model leaves out, by its type."""


@dataclass(frozen=True, slots=True)
class Written:
    """A history before and after a step that changes it; ``key`` is its id in the model."""

    chart: Chart
    key: Any
    before: Variables
    after: Variables

    @property
    def author(self) -> str:
        """The participant that the first new event names."""
        return str(self.after["events"][len(self.before["events"])][AUTHOR])

    @property
    def is_deleted(self) -> bool:
        return bool(self.after["deleted"] and not self.before["deleted"])

    @property
    def is_free_again(self) -> bool:
        return bool(self.before["deleted"] and not self.after["deleted"])


def charts_of(trace: Trace, model: Model) -> Mapping[str, Chart]:
    """Return the charts whose histories are in the states, by name."""
    variables = trace.states[0].variables
    return {name: chart for name, chart in model.charts.items() if name in variables}


def operations_of(model: Model) -> Mapping[str, Operation]:
    """Return all operations, by name."""
    return {
        name: operation
        for declared in model.operations.values()
        for name, operation in declared.operations.items()
    }


def written(before: Variables, after: Variables, charts: Mapping[str, Chart]) -> Iterator[Written]:
    """Yield the histories that a step changes."""
    for chart in charts.values():
        for key, history in by_name(after[chart.name]):
            if history != before[chart.name][key]:
                yield Written(chart, key, before[chart.name][key], history)


def run_at_once(action: str, written: Written, operations: Mapping[str, Operation]) -> Variables:
    """Return the run of an operation of one step, which begins and ends in this action."""
    ends = {f"Runs{pascal(name)}": operation for name, operation in operations.items()}
    operation = next(each for end, each in ends.items() if action.endswith(end))
    argument = operation.arguments[operation.steps[0].history]
    return {"operation": operation.name, "step": 1, input_of(argument): written.key}


def input_of(argument: OperationArgument) -> str:
    """Return the input from which an argument follows."""
    return argument.derived.name if argument.derived else str(argument.input)


def by_name(function: Variables) -> list[tuple[Any, Any]]:
    """Return the arguments of a function and its values, in the order of their texts."""
    return sorted(function.items(), key=lambda each: tla_text(each[0]))
