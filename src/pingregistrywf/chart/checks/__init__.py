"""Check what the parts of a chart mean together, where no part can tell alone if it is right.

Each check is given a chart whose shape is right.  It reports mistakes to the file's ``Report`` and
goes on.  Where a name is misspelt, it goes on with the name that was probably meant, so that one
mistake is not reported twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from pingregistrywf.chart.checks.errors import check_errors
from pingregistrywf.chart.checks.keyed import check_keyed
from pingregistrywf.chart.checks.names import check_names
from pingregistrywf.chart.checks.operations import check_operations
from pingregistrywf.chart.checks.renames import check_renames
from pingregistrywf.chart.checks.rules import check_rules
from pingregistrywf.chart.checks.service import check_service
from pingregistrywf.chart.checks.states import check_events, check_leads, check_states
from pingregistrywf.chart.checks.system import (
    check_invariant,
    check_properties,
    check_system,
)
from pingregistrywf.chart.checks.wire import check_shared_wire, check_wire
from pingregistrywf.chart.mistakes import Report
from pingregistrywf.chart.vocabulary import Chart, Operations

__all__ = [
    "check_chart",
    "check_invariant",
    "check_operations",
    "check_properties",
    "check_service",
    "check_system",
    "check_together",
]


def check_chart(chart: Chart, report: Report) -> None:
    """Check a chart by itself."""
    for check in (check_states, check_rules, check_errors, check_leads):
        check(chart, report)
    for check in (check_events, check_wire, check_names, check_keyed, check_renames):
        check(chart, report)


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
        check_shared_wire(chart, report, other_chart)
