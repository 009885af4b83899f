"""The typed Python package of a chart: declarations and one-line methods, nothing that decides.

One module here writes one module of the package; ``modules`` gives them all.
"""

from __future__ import annotations

from collections.abc import Iterable

from pingregistrywf.chart.table import Table
from pingregistrywf.chart.vocabulary import Chart
from pingregistrywf.generate.document import ChartDocument
from pingregistrywf.generate.python.commands import commands
from pingregistrywf.generate.python.errors import errors
from pingregistrywf.generate.python.events import events
from pingregistrywf.generate.python.facade import facade
from pingregistrywf.generate.python.shape import SNAPSHOT_EVENTS, methods, own_errors
from pingregistrywf.generate.python.states import states
from pingregistrywf.generate.python.table import decision_table
from pingregistrywf.generate.python.text import docstring


def modules(table: Table, document: ChartDocument) -> dict[str, str]:
    """Every module of the package, by file name."""
    made = {
        "states.py": states(table),
        "events.py": events(table),
        "commands.py": commands(table),
        "errors.py": errors(table),
        "table.py": decision_table(table, document),
        "facade.py": facade(table),
        "__init__.py": package(table),
    }
    return {name: header(table.chart) + text for name, text in made.items()}


def header(chart: Chart) -> str:
    """The comment that opens every generated module."""
    return f"# Generated from chart {chart.chart} {chart.version}. Do not edit: change the chart.\n"


def package(table: Table) -> str:
    """The package's public names."""
    chart = table.chart
    snapshot_events = SNAPSHOT_EVENTS if chart.snapshot is not None else ()
    entry = ("Entry",) if chart.keyed_by is not None else ()
    by_module = {
        "commands": [f"Cmd{each.name}" for each in methods(chart)],
        "errors": ["PACKAGE_ERRORS", "is_package_error", *own_errors(chart)],
        "events": ["Event", *chart.events, *snapshot_events],
        "facade": ["Advancer", "Behavior", chart.facade],
        "states": [*entry, *chart.records, "State", "StateCode"],
        "table": ["DECLARATION", "TABLE"],
    }
    lines = [*docstring(f"{chart.title}. {chart.doc}"), ""]
    for name, names in by_module.items():
        lines.append(f"from .{name} import (")
        lines += [f"    {each}," for each in _isorted(names)]
        lines.append(")")
    everything = [name for names in by_module.values() for name in names]
    lines += ["", "__all__ = [", *(f'    "{name}",' for name in _isorted(everything)), "]"]
    return "\n".join(lines) + "\n"


def _isorted(names: Iterable[str]) -> list[str]:
    """Constants, then classes, then functions, as import sorters have them."""

    def key(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    return sorted(names, key=key)
