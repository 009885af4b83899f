"""What the words of a chart mean together, where one part cannot tell alone whether it is right.

Each check reports through the file's ``Report``, with the line and what to write instead, and goes
on.  ``Report.say`` drops what a hole in the file would make untrue.
"""

from __future__ import annotations

from pingregistrywf.chart.checks.events import check_events
from pingregistrywf.chart.checks.keyed import check_keyed
from pingregistrywf.chart.checks.names import check_names
from pingregistrywf.chart.checks.operations import Known, check_operations
from pingregistrywf.chart.checks.rules import check_rules
from pingregistrywf.chart.checks.states import check_leads, check_states
from pingregistrywf.chart.checks.together import check_together
from pingregistrywf.chart.checks.tools import Inquiry
from pingregistrywf.chart.checks.wire import check_wire
from pingregistrywf.chart.mistakes import Report
from pingregistrywf.chart.vocabulary import Chart

__all__ = ["Known", "check_chart", "check_operations", "check_together"]


def check_chart(chart: Chart, report: Report) -> None:
    """Check a chart by itself."""
    inquiry = Inquiry(chart, report)
    check_states(inquiry)
    check_rules(inquiry)
    check_leads(inquiry)
    check_events(inquiry)
    check_wire(inquiry)
    check_names(inquiry)
    check_keyed(inquiry)
