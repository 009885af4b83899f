"""The arguments of a command that a scenario tells: ordinary ones, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from pingregistrywf.chart import ir
from pingregistrywf.chart.ir import Arguments, Chart
from pingregistrywf.conformance.oracle import History
from pingregistrywf.conformance.suite.scenario import Tell
from pingregistrywf.conformance.suite.values import ZERO, ordinary

Json: TypeAlias = Any


def arguments_of(
    chart: Chart, history: History, action: Tell, numbers: Iterator[int]
) -> dict[str, Json]:
    """Return the arguments of a command.

    Those that the action does not give are made of a new number.
    """
    command = chart.commands[action.command]
    if command.rewrite:
        return {command.rewrite.option: False, **action.args}
    number = next(numbers)
    key = chart.key.name if chart.key else ""
    args = {
        name: ordinary(argument.type, action.key if name == key else number, argument.nonzero)
        for name, argument in command.arguments.items()
    }
    if action.arguments is not Arguments.ANY:
        args |= _compared(command, history, action, args)
    return {**args, **action.args}


def _compared(
    command: ir.Command, history: History, action: Tell, args: Mapping[str, Json]
) -> dict[str, Json]:
    """The arguments that are compared: those carried, or the first pair of each type."""
    compared = {name: command.arguments[name] for name in command.compared}
    entry = history.entry(args)
    carries = entry.state not in (history.of.chart.initial, ir.DELETED)
    # Before anything is carried, two sets of values stand for the same and for others.
    first = {
        name: ordinary(each.type, 1001 + at, each.nonzero)
        for at, (name, each) in enumerate(compared.items())
    }
    same = {
        name: entry.carried.get(name)
        or (ZERO.get(each.type, first[name]) if carries and not each.nonzero else first[name])
        for name, each in compared.items()
    }
    if action.arguments is Arguments.SAME:
        return same
    differs = action.differs or command.compared[0]
    type_, nonzero = compared[differs].type, compared[differs].nonzero
    others = (ordinary(type_, 2001, nonzero), first[differs], ordinary(type_, 2002, nonzero))
    other = next((each for each in others if each != same[differs]), same[differs])
    return same | {differs: other}
