"""Check what the parts of a chart mean together, where no part can tell alone if it is right.

Each check is given a chart whose shape is right.  It reports mistakes to the file's ``Report`` and
goes on.  Where a name is misspelt, it goes on with the name that was probably meant, so that one
mistake is not reported twice.
"""

from __future__ import annotations

from pingregistrywf.chart.checks.errors import check_errors
from pingregistrywf.chart.checks.events import check_events
from pingregistrywf.chart.checks.keyed import check_keyed
from pingregistrywf.chart.checks.names import check_names
from pingregistrywf.chart.checks.operations import check_operations
from pingregistrywf.chart.checks.rules import check_rules
from pingregistrywf.chart.checks.states import check_leads, check_states
from pingregistrywf.chart.checks.together import check_together
from pingregistrywf.chart.checks.wire import check_wire
from pingregistrywf.chart.mistakes import Report
from pingregistrywf.chart.vocabulary import Chart

__all__ = ["check_chart", "check_operations", "check_together"]

_CHECKS = (
    check_states,
    check_rules,
    check_errors,
    check_leads,
    check_events,
    check_wire,
    check_names,
    check_keyed,
)


def check_chart(chart: Chart, report: Report) -> None:
    """Check a chart by itself."""
    for check in _CHECKS:
        check(chart, report)
