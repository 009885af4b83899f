"""The verdict as a badge."""

from __future__ import annotations

from typing import Final

from pingregistrywf.conformance.run.result import Exit, RunResult, counted
from pingregistrywf.conformance.suite.levels import spoken_levels

_COLORS: Final = {
    Exit.CONFORMS: "#2e7d32",
    Exit.DEVIATES: "#b71c1c",
    Exit.INFRASTRUCTURE: "#616161",
    Exit.INCOMPLETE: "#616161",
}


def badge(run: RunResult) -> str:
    """Return the badge, as SVG."""
    from anybadge import Badge  # only this report needs it

    match run.exit:
        case Exit.CONFORMS:
            but = f" except {run.excused}" if run.excused else ""
            levels = "levels" if len(run.claimed) > 1 else "level"
            lacking = sorted(
                {name for each in run.by_level() if each["claimed"] for name in each["lacking"]}
            )
            without = f", without {', '.join(lacking)}" if lacking else ""
            value = f"conforms{but}: {levels} {spoken_levels(run.claimed)}{without}"
        case Exit.DEVIATES:
            failed = run.deviating
            value = f"deviates: {counted(failed, 'case')}" if failed else "deviates"
        case Exit.INFRASTRUCTURE:
            value = "no verdict"
        case Exit.INCOMPLETE:
            value = "incomplete"
    made = Badge(run.chart, value, default_color=_COLORS[run.exit])
    return str(made.badge_svg_text)
