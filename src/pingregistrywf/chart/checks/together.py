"""Charts and operations side by side: names of their own, and one wire for those that share it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from pingregistrywf.chart.checks.wire import wire_fields, wire_values
from pingregistrywf.chart.mistakes import Report
from pingregistrywf.chart.vocabulary import Chart, Operations

_AGREE: Final = "write the same in both, or another wire package"


def check_together(
    charts: Sequence[tuple[Chart, Report]], operations: Sequence[tuple[Operations, Report]]
) -> None:
    """Check what only a whole model can have wrong."""
    names: dict[str, str] = {}
    named: list[tuple[str, str, Report]] = [
        *((chart.chart, "chart", report) for chart, report in charts),
        *((each.operations_of, "operations_of", report) for each, report in operations),
    ]
    for name, key, report in named:
        other = names.setdefault(name, report.file)
        if other != report.file:
            what = f"{name} is the name of what {other} holds already"
            report.say((key,), what, "write another name: each is a package of that name")
    for (other_chart, _), (chart, report) in combinations(charts, 2):
        if _wire(chart) == _wire(other_chart):
            _check_shared_wire(chart, report, other_chart)


def _wire(chart: Chart) -> tuple[str, str]:
    return chart.wire.package, chart.wire.message


def _check_shared_wire(chart: Chart, report: Report, other: Chart) -> None:
    """Check that two charts' forms of one message agree."""
    known_fields = list(wire_fields(other))
    by_name = {each.name: each for each in known_fields}
    by_number = {each.number: each for each in known_fields}
    for field in wire_fields(chart):
        for known in (by_name.get(field.name), by_number.get(field.number)):
            mine, theirs = (
                f"{each.name} {each.type} = {each.number}" for each in (field, known or field)
            )
            if mine != theirs:
                what = f"the field {mine} is {theirs} in {other.chart}, on the same wire"
                report.say(field.at, what, _AGREE)
                break
    known_values = [each for _, each, _ in wire_values(other)]
    numbers = {each.name: each.number for each in known_values}
    names = {each.number: each.name for each in known_values}
    for _, value, at in wire_values(chart):
        number = numbers.get(value.name, value.number)
        name = value.name if number != value.number else names.get(number, value.name)
        if (name, number) != (value.name, value.number):
            theirs = f"{name} = {number} in {other.chart}, on the same wire"
            report.say(at, f"the event {value.name} = {value.number} is {theirs}", _AGREE)
