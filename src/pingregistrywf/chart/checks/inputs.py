"""What comes from outside of operations: names with their ids, renamed arguments, and trials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import Chart, Name, Operations

_VID: Final = "vid"


def check_inputs(operations: Operations, report: Report) -> None:
    """Check that every argument has one input, and every input one meaning."""
    arguments = {name for each in operations.operations.values() for name in each.args}
    derived: dict[str, str] = {}
    for name, said in operations.names.items():
        _check_name(name, said, operations, report)
        for argument in said.ids:
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


def check_trials(operations: Operations, charts: Mapping[str, Chart], report: Report) -> None:
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


def _check_name(name: str, said: Name, operations: Operations, report: Report) -> None:
    try:
        re.compile(said.pattern)
    except re.error as error:
        what = f"the pattern of {name} is not a regular expression: {error}"
        report.say(("names", name, "pattern"), what, "correct it")
    if name == _VID:
        report.say(("names", name), f"{name} is the name of another input", "write another name")
    for argument in said.ids:
        for owner, operation in operations.operations.items():
            declared = operation.args.get(argument)
            if declared is not None and declared.type is not Type.UUID:
                what = f"{argument} of {owner} is of type {declared.type}, and follows from {name}"
                at = ("operations", owner, "args", argument, "type")
                report.say(at, what, "write uuid: an id that follows from a name is one")
