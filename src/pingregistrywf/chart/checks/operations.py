"""Operations: each step a command of a chart, with its arguments and a possible version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pingregistrywf.chart.checks.tools import Offer, Target, check_value, known
from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.vocabulary import (
    Argument,
    Chart,
    Operation,
    Operations,
    Step,
    StepVid,
    Type,
)

_PARAMETERS: Final = ("self", "vid")
_METHODS: Final = ("run",)


@dataclass(frozen=True, slots=True)
class Known:
    """A chart that operations may name.

    Attributes:
        chart: the chart.
        whole: False if there are holes in it, so that what is missing may be there.
    """

    chart: Chart
    whole: bool = True

    def args(self, command: str) -> Mapping[str, Argument] | None:
        """The arguments of a command, if there is one of that name."""
        snapshot = self.chart.snapshot
        if command in self.chart.commands:
            return self.chart.commands[command].args
        if snapshot and command == snapshot.command.name:
            return {snapshot.command.option: Argument(type=Type.BOOL, doc="")}
        return None

    def begins(self, command: str) -> bool:
        """Whether a command begins a history, as far as the chart can be read."""
        chart = self.chart
        initial = any(state.initial for state in chart.states.values())
        return self.whole and initial and command in chart.commands and chart.starts(command)

    @property
    def commands(self) -> list[str]:
        """The names of the commands."""
        snapshot = self.chart.snapshot
        return [*self.chart.commands, *([snapshot.command.name] if snapshot else [])]


def check_operations(operations: Operations, charts: Mapping[str, Known], report: Report) -> None:
    """Check operations on charts."""
    for name, operation in operations.operations.items():
        if name in _METHODS:
            what = f"{name} is no possible name for an operation"
            report.say(("operations", name), what, "write another name")
        _Checker(name, operation, charts, report).check()


class _Checker:
    """Checks one operation."""

    def __init__(
        self, name: str, operation: Operation, charts: Mapping[str, Known], report: Report
    ) -> None:
        self._name = name
        self._operation = operation
        self._charts = charts
        self._report = report
        self._at: Path = ("operations", name)
        self._offer = Offer(name, operation.args, (*self._at, "args"))
        self._taken: set[str | None] = set()
        self._sure = report.whole((*self._at, "steps"))

    def check(self) -> None:
        for number, step in enumerate(self._operation.steps, start=1):
            at = (*self._at, "steps", number)
            self._check_history(step, at)
            self._check_vid(number, step, (*at, "vid"))
            chart = self._chart(step, at)
            if chart is not None:
                self._check_command(number, step, chart, at)
        for argument in self._operation.args:
            at = (*self._offer.at, argument)
            if argument in _PARAMETERS:
                self._report.say(
                    at, f"{argument} is no possible name for an argument", "write another name"
                )
            elif argument not in self._taken and self._sure:
                what = f"no step of {self._name} takes its argument {argument}"
                self._report.say(at, what, "name it in a step, or remove it")

    def _check_history(self, step: Step, at: Path) -> None:
        args, place = self._operation.args, (*at, "history")
        what = f"argument of {self._name}"
        name = known(self._report, step.history, args, place, what, self._offer.at)
        self._taken.add(name)
        if name is not None and args[name].type is not Type.UUID:
            what = f"{name} is of type {args[name].type}, and the id of a history is a uuid"
            given = (*self._offer.at, name, "type")
            self._report.say(place, what, "name an argument of type uuid", given)

    def _check_vid(self, number: int, step: Step, at: Path) -> None:
        if isinstance(step.vid, StepVid):
            earlier = self._earlier(number, step.vid, at)
            charts = {step.chart, earlier.chart if earlier else step.chart}
            same = earlier is None or (len(charts) == 1 and earlier.history == step.history)
            if not same and charts <= set(self._charts):
                what = f"step {step.vid.step} is about another history, with versions of its own"
                self._report.say(at, what, "name a step about the same history")
        elif step.vid == "given":
            others = [
                each
                for each, other in enumerate(self._operation.steps[: number - 1], start=1)
                if other.vid == "given"
            ]
            if others:
                what = f"the version given is that of step {others[0]} already"
                self._report.say(at, what, "write none, retry, or {step: N}")

    def _earlier(self, number: int, vid: StepVid, at: Path) -> Step | None:
        if 1 <= vid.step < number:
            return self._operation.steps[vid.step - 1]
        what = f"step {vid.step} does not come before step {number}"
        remedy = f"write a step from 1 to {number - 1}" if number > 1 else "the first can name none"
        self._report.say(at, what, remedy)
        return None

    def _chart(self, step: Step, at: Path) -> Known | None:
        if step.chart not in self._charts and not all(each.whole for each in self._charts.values()):
            name = None  # it may be the name of a chart that could not be read
        else:
            name = known(self._report, step.chart, self._charts, (*at, "chart"), "chart", ())
        if name is None:
            self._sure = False
            return None
        return self._charts[name]

    def _check_command(self, number: int, step: Step, chart: Known, at: Path) -> None:
        command: str | None = step.command
        if chart.args(step.command) is None and not chart.whole:
            command = None
        else:
            what = f"command of {chart.chart.chart}"
            command = known(self._report, step.command, chart.commands, (*at, "command"), what, ())
        wanted = chart.args(command) if command else None
        if command is None or wanted is None:
            self._sure = False
            return
        if chart.begins(command):
            self._check_beginning(step, command, at)
        self._check_args(number, step, command, wanted, at, chart.whole)

    def _check_beginning(self, step: Step, command: str, at: Path) -> None:
        if step.vid not in ("none", "retry"):
            what = f"{command} begins a history, so there is no version to expect"
            self._report.say((*at, "vid"), what, "write vid: none, or remove it")

    def _check_args(
        self,
        number: int,
        step: Step,
        command: str,
        wanted: Mapping[str, Argument],
        at: Path,
        whole: bool,
    ) -> None:
        given = set()
        for name, source in step.args.items():
            place = (*at, "args", name)
            argument = (
                name
                if name in wanted or not whole
                else known(self._report, name, wanted, place, f"argument of {command}", ())
            )
            given.add(argument)
            if isinstance(source, StepVid):
                self._earlier(number, source, place)
            elif argument not in wanted:
                self._taken.add(source if isinstance(source, str) else None)
                continue
            if argument is None or argument not in wanted:
                continue
            declared = wanted[argument]
            target = Target(f"{command}.{argument}", declared.type, declared.nonzero, at)
            if not isinstance(source, StepVid):
                self._taken.add(check_value(self._report, place, source, target, self._offer))
            elif declared.type is not Type.ULID:
                what = f"{target.name} is of type {declared.type}, and the vid of a step is a ulid"
                self._report.say(place, what, "name an argument, or a constant")
        for name, declared in wanted.items():
            if name in given:
                continue
            if name in self._operation.args:
                target = Target(f"{command}.{name}", declared.type, declared.nonzero, at)
                self._taken.add(check_value(self._report, at, name, target, self._offer))
            else:
                self._report.say(
                    at,
                    f"{command}.{name} gets no value: {self._name} has no argument {name}",
                    f"add {name}: to the args of the step, or to those of {self._name}",
                    (*at, "args", "*"),
                    (*self._offer.at, "*"),
                )
