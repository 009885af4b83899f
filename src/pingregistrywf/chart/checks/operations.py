"""Operations: what comes from outside has one meaning, and each step is a command of a chart.

Names with their ids, renamed arguments and trials come from outside.  A step has its arguments, and
a version that is possible.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pingregistrywf.chart.checks.values import Offer
from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.parts import Incarnation, VidOfStep
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import (
    Again,
    Argument,
    Chart,
    Name,
    Operation,
    Operations,
    Step,
)

_VID: Final = "vid"
_PARAMETERS: Final = ("arguments", "read", "self", _VID)
_METHODS: Final = ("bool", "int", "str", "declared", "facade", "facades", "on", "run", "run_from")


def check_operations(
    operations: Operations, charts: Mapping[str, Chart], report: Report, all_charts: bool
) -> None:
    """Check operations on the charts without mistakes, by name.

    Unless these are all charts, an operation that names another is not checked: what would be
    reported may follow from that chart's mistakes.
    """
    _check_inputs(operations, report)
    if all_charts:
        _check_trials(operations, charts, report)
        _check_daemons(operations, charts, report)
    for name, operation in operations.operations.items():
        if name in _METHODS:
            what = f"{name} is no possible name for an operation"
            report.say(("operations", name), what, "write another name")
        listed = operation.again.listed if operation.again else None
        places = (operation.about, listed, *operation.steps)
        named = {each.chart for each in places if each is not None}
        if all_charts or named <= set(charts):
            names = operations.names
            _OperationChecker(name, operation, names, charts, report).check()


def _check_inputs(operations: Operations, report: Report) -> None:
    """Check that every argument has one input, and every input one meaning."""
    arguments = {name for each in operations.operations.values() for name in each.args}
    derived: dict[str, str] = {}
    for name, declared in operations.names.items():
        _check_name(name, declared, operations, report)
        for argument in declared.ids:
            at: Path = ("names", name, "ids", argument)
            report.resolve(argument, arguments, at, "argument of an operation")
            other = derived.setdefault(argument, name)
            if other != name:
                what = f"{argument} follows from {other} already"
                report.say(at, what, "remove it from one of the two")
    for argument, given in operations.inputs.items():
        at = ("inputs", argument)
        report.resolve(argument, arguments, at, "argument of an operation")
        if argument in derived:
            what = f"{argument} follows from {derived[argument]}, so nobody gives it"
            report.say(at, what, f"remove it here, or from the ids of {derived[argument]}")
        elif given in (_VID, *operations.names):
            what = f"{given} is the name of another input"
            report.say(at, what, "write another name")
    for name, operation in operations.operations.items():
        given_by: dict[str, str] = {}
        for argument in operation.args:
            if argument in derived:
                continue
            given = operations.inputs.get(argument, argument)
            other = given_by.setdefault(given, argument)
            at = ("operations", name, "args", argument)
            if other != argument:
                what = f"{other} and {argument} of {name} are both given as {given}"
                report.say(at, what, "give one of them another name in inputs")
            elif given in operations.names and argument not in operations.inputs:
                what = f"{given} is a name, from which {argument} does not follow"
                report.say(at, what, f"add it to the ids of {given}, or write another name")


def _check_trials(operations: Operations, charts: Mapping[str, Chart], report: Report) -> None:
    """Check that trials name operations, and commands of the chart under test."""
    main = next((chart for chart in charts.values() if chart.keyed_by is None), None)
    runnable = [*operations.operations, *(main.commands if main else ())]
    for number, trial in enumerate(operations.trials or (), start=1):
        at = ("trials", number)
        report.resolve(trial.run, operations.operations, (*at, "run"), "operation")
        for key, names in (("after", trial.after), ("then", trial.then)):
            for position, name in enumerate(names, start=1):
                what = "operation or command of the chart under test"
                report.resolve(name, runnable, (*at, key, position), what)


def _check_daemons(operations: Operations, charts: Mapping[str, Chart], report: Report) -> None:
    """Check that daemons name operations, and states and carried values of the charts."""
    daemons = operations.daemons
    if daemons is None:
        return
    main = next((chart for chart in charts.values() if chart.keyed_by is None), None)
    posting, summing, collecting = daemons.posting, daemons.summing, daemons.collecting
    for key, named in (("posting", posting.operation), ("summing", summing.operation)):
        report.resolve(named, operations.operations, ("daemons", key, "operation"), "operation")
    carried = main.carried if main else {}
    report.resolve(posting.held, carried, ("daemons", "posting", "held"), "carried value")
    for number, each in enumerate(collecting.ages, start=1):
        at: Path = ("daemons", "collecting", "ages", number)
        report.resolve(each.operation, operations.operations, (*at, "operation"), "operation")
        operation = operations.operations.get(each.operation)
        about = operation.about if operation else None
        if operation and about is None:
            what = f"{each.operation} is about no listed history, which could grow old"
            report.say((*at, "operation"), what, "name an operation that has about")
        if about and about.chart in charts:
            listing = charts[about.chart]
            report.resolve(each.state, listing.states, (*at, "in"), "state")
            report.resolve(each.since, listing.carried, (*at, "since"), "carried value")
    for number, name in enumerate(collecting.then, start=1):
        at = ("daemons", "collecting", "then", number)
        report.resolve(name, operations.operations, at, "operation")


def _check_name(name: str, of: Name, operations: Operations, report: Report) -> None:
    try:
        re.compile(of.pattern)
    except re.error as error:
        what = f"the pattern of {name} is not a regular expression: {error}"
        report.say(("names", name, "pattern"), what, "correct it")
    if name == _VID:
        report.say(("names", name), f"{name} is the name of another input", "write another name")
    for argument in of.ids:
        for owner, operation in operations.operations.items():
            declared = operation.args.get(argument)
            if declared is not None and declared.type is not Type.UUID:
                what = f"{argument} of {owner} is of type {declared.type}, and follows from {name}"
                at = ("operations", owner, "args", argument, "type")
                report.say(at, what, "write uuid: an id that follows from a name is one")


def _arguments(chart: Chart) -> dict[str, dict[str, Argument]]:
    """The arguments of every command of a chart, by the command's name."""
    arguments: dict[str, dict[str, Argument]] = {
        name: dict(command.args) for name, command in chart.commands.items()
    }
    if chart.snapshot:
        asking = chart.snapshot.command
        arguments[asking.name] = {asking.option: Argument(type=Type.BOOL, doc="")}
    return arguments


class _OperationChecker:
    def __init__(
        self,
        name: str,
        operation: Operation,
        names: Mapping[str, Name],
        charts: Mapping[str, Chart],
        report: Report,
    ) -> None:
        self._name = name
        self._operation = operation
        self._names = names
        self._charts = charts
        self._report = report
        self._at: Path = ("operations", name)
        self._offer = Offer(name, operation.args)

    def check(self) -> None:
        commands = [
            self._check_step(number, step, (*self._at, "steps", number))
            for number, step in enumerate(self._operation.steps, start=1)
        ]
        if self._operation.about is not None:
            self._check_about(self._operation.about, (*self._at, "about"))
        if self._operation.again is not None:
            self._check_again(self._operation.again, (*self._at, "again"))
        for argument in self._operation.args:
            at = (*self._at, "args", argument)
            if argument in _PARAMETERS:
                what = f"{argument} is no possible name for an argument"
                self._report.say(at, what, "write another name")
            elif argument not in self._offer.taken and None not in commands:
                what = f"no step of {self._name} takes its argument {argument}"
                self._report.say(at, what, "name it in a step, or remove it")

    def _check_step(self, number: int, step: Step, at: Path) -> str | None:
        """Check a step; its command, or None if nobody knows which it is."""
        self._check_history(step.history, (*at, "history"))
        self._check_vid(number, step, (*at, "vid"))
        for name, source in step.args.items():
            if isinstance(source, VidOfStep):
                self._earlier(number, source, (*at, "args", name))
        chart = self._report.resolve(step.chart, self._charts, (*at, "chart"), "chart")
        if chart is None:
            return None
        arguments = _arguments(self._charts[chart])
        what = f"command of {chart}"
        command = self._report.resolve(step.command, arguments, (*at, "command"), what)
        if command is None:
            return None
        begins = command in self._charts[chart].commands and self._charts[chart].starts(command)
        if begins and step.vid not in ("none", "retry"):
            what = f"{command} begins a history, so there is no version to expect"
            self._report.say((*at, "vid"), what, "write vid: none, or remove it")
        at = (*at, "args")
        self._offer.fill(self._report, at, command, "argument", arguments[command], step.args)
        return command

    def _check_about(self, about: Incarnation, at: Path) -> None:
        self._check_history(about.history, (*at, "history"))
        self._check_history(about.entry, (*at, "entry"))
        for number, step in enumerate(self._operation.steps, start=1):
            if step.history == about.entry and self._is_keyed(step.chart):
                what = f"{step.chart} is keyed, and the first event of its histories may be trimmed"
                place: Path = (*self._at, "steps", number, "history")
                self._report.say(place, what, f"name another argument than {about.entry}")
        if all(step.history != about.entry for step in self._operation.steps):
            what = f"no step of {self._name} is about the history {about.entry}"
            self._report.say((*at, "entry"), what, "name the history of a step, or remove about")
        self._check_listing(about, at)

    def _check_listing(self, about: Incarnation, at: Path) -> None:
        name = self._report.resolve(about.chart, self._charts, (*at, "chart"), "chart")
        if name is None:
            return
        chart = self._charts[name]
        if chart.keyed_by is None:
            what = f"{name} is not keyed, so it lists no histories"
            self._report.say((*at, "chart"), what, "name a chart with keyed_by")
            return
        key = next(iter(chart.events.values())).fields[chart.keyed_by].type
        if key is not Type.UUID:
            what = f"the key {chart.keyed_by} of {name} is of type {key}, and no history's id"
            self._report.say((*at, "chart"), what, "name a chart whose key is of type uuid")
        ids = [each for each, carried in chart.carried.items() if carried.type is Type.ULID]
        what = f"carried ulid of {name}"
        self._report.resolve(about.began_with, ids, (*at, "began_with"), what)

    def _check_again(self, again: Again, at: Path) -> None:
        chart = next((s.chart for s in self._operation.steps if s.history == again.history), None)
        if chart is None:
            what = f"no step of {self._name} is about the history {again.history}"
            self._report.say((*at, "history"), what, "name the history of a step")
        if (again.listed is None) is (not again.states):
            what = "in and listed say both, or neither, when nothing is left to be done"
            self._report.say(at, what, "write one of them")
        if again.listed is not None:
            self._check_listing(again.listed, (*at, "listed"))
            if again.listed.entry != again.history:
                what = f"{again.listed.entry} is another history than {again.history}"
                self._report.say((*at, "listed", "entry"), what, f"write {again.history}")
        if chart is None or chart not in self._charts:
            return
        if self._is_keyed(chart):
            what = f"{chart} is keyed, so a history of it is in no single state"
            self._report.say((*at, "history"), what, "name a history of a chart without keyed_by")
            return
        for number, state in enumerate(again.states, start=1):
            place: Path = (*at, "in", number)
            self._report.resolve(state, self._charts[chart].states, place, f"state of {chart}")
        if again.own is not None:
            ids = [name for each in self._names.values() for name in each.ids]
            carried = self._charts[chart].carried
            what = f"carried value of {chart} that follows from a name"
            own = [name for name in carried if name in ids]
            self._report.resolve(again.own, own, (*at, "own"), what)

    def _is_keyed(self, chart: str) -> bool:
        return chart in self._charts and self._charts[chart].keyed_by is not None

    def _check_history(self, history: str, at: Path) -> None:
        name = self._offer.take(self._report, history, at)
        if name is not None and self._offer.args[name].type is not Type.UUID:
            kind = self._offer.args[name].type
            what = f"{name} is of type {kind}, and the id of a history is a uuid"
            self._report.say(at, what, "name an argument of type uuid")

    def _check_vid(self, number: int, step: Step, at: Path) -> None:
        steps = enumerate(self._operation.steps, start=1)
        given = [position for position, each in steps if each.vid == "given"]
        if isinstance(step.vid, VidOfStep):
            earlier = self._earlier(number, step.vid, at)
            if (
                earlier is not None
                and {step.chart, earlier.chart} <= set(self._charts)
                and (earlier.chart, earlier.history) != (step.chart, step.history)
            ):
                what = f"step {step.vid.step} is about another history, with versions of its own"
                self._report.say(at, what, "name a step about the same history")
        elif step.vid == "given" and given[0] < number:
            what = f"the version given is that of step {given[0]} already"
            self._report.say(at, what, "write none, retry, or {step: N}")
        elif step.vid == "given":
            self._check_untouched(number, step, at)

    def _check_untouched(self, number: int, step: Step, at: Path) -> None:
        """Check that no earlier step changes the history of a step that takes the vid given."""
        earlier = enumerate(self._operation.steps[: number - 1], start=1)
        touched = [position for position, each in earlier if each.history == step.history]
        if touched:
            what = f"step {touched[-1]} is about the same history, and may change its version"
            self._report.say(at, what, f"write {{step: {touched[-1]}}}")

    def _earlier(self, number: int, vid: VidOfStep, at: Path) -> Step | None:
        """The step that a vid is of; None, and a mistake, if it does not come before."""
        if vid.step < number:
            return self._operation.steps[vid.step - 1]
        what = f"step {vid.step} does not come before step {number}"
        remedy = f"write a step from 1 to {number - 1}" if number > 1 else "the first can name none"
        self._report.say(at, what, remedy)
        return None
