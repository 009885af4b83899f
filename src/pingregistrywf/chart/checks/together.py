"""Charts and operations side by side: names of their own, and one wire for those that share it."""

from __future__ import annotations

from collections.abc import Sequence

from pingregistrywf.chart.checks.wire import wire_fields, wire_values
from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.vocabulary import Chart, Operations


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
    for position, (chart, report) in enumerate(charts):
        for other_chart, other_report in charts[:position]:
            if _wire(chart) == _wire(other_chart):
                _check_shared_wire(chart, report, other_chart, other_report)


def _wire(chart: Chart) -> tuple[str, str]:
    return chart.wire.package, chart.wire.message


def _check_shared_wire(chart: Chart, report: Report, other: Chart, other_report: Report) -> None:
    """Check that two charts' forms of one message agree."""
    by_name = {each.name: each for each in wire_fields(other)}
    by_number = {each.number: each for each in wire_fields(other)}
    for field in wire_fields(chart):
        for known in (by_name.get(field.name), by_number.get(field.number)):
            if known is None or other_report.lost(known.at):
                continue
            mine, theirs = (f"{each.name} {each.type} = {each.number}" for each in (field, known))
            if mine != theirs:
                what = f"the field {mine} is {theirs} in {other.chart}, on the same wire"
                _say(report, field.at, what, other_report, known.at)
                break
    values = {each.name: each.number for _, each, _ in wire_values(other)}
    numbers = {each.number: each.name for _, each, _ in wire_values(other)}
    for _, value, at in wire_values(chart):
        number = values.get(value.name, value.number)
        name = numbers.get(value.number, value.name)
        if (number, name) != (value.number, value.name):
            theirs = f"{value.name} = {number}" if number != value.number else f"{name} = {number}"
            what = f"the event {value.name} = {value.number} is {theirs} in {other.chart}"
            _say(report, at, what, other_report, ())


def _say(report: Report, at: Path, what: str, other: Report, other_at: Path) -> None:
    if other.whole(other_at):
        report.say(at, what, "write the same in both, or another wire package")
