"""The verdict as a badge."""

from __future__ import annotations

from typing import Final

from anybadge import Badge

from pingregistrywf.conformance.run.report import Exit, Report
from pingregistrywf.conformance.suite.levels import spoken_levels

_COLORS: Final = {
    Exit.CONFORMS: "#2e7d32",
    Exit.DEVIATES: "#b71c1c",
    Exit.INFRASTRUCTURE: "#616161",
    Exit.INCOMPLETE: "#616161",
}


def badge(report: Report) -> str:
    """The badge, as SVG."""
    match report.exit:
        case Exit.CONFORMS:
            claimed = [each["level"] for each in report.by_level() if each["claimed"]]
            but = f", {report.excused} excused" if report.excused else ""
            value = f"conforms, levels {spoken_levels(claimed)}{but}"
        case Exit.DEVIATES:
            value = f"deviates, {len(report.unexpected):,} cases"
        case Exit.INFRASTRUCTURE:
            value = "no verdict"
        case Exit.INCOMPLETE:
            value = "incomplete"
    made = Badge(report.chart, value, default_color=_COLORS[report.exit])
    return str(made.badge_svg_text)
