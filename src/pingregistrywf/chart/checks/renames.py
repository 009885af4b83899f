"""Earlier names: each part had its own, and none is in use again."""

from __future__ import annotations

from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.vocabulary import Chart, renamable


def check_renames(chart: Chart, report: Report) -> None:
    """Check the earlier names of a chart and its parts."""
    if chart.was == chart.chart:
        report.say(("was",), f"{chart.was} is the chart's name now", "remove was")
    parts = dict(renamable(chart))
    first: dict[Path, str] = {}
    for path, part in parts.items():
        if part.was is None:
            continue
        *place, name = path
        earlier = (*place, part.was)
        other = first.setdefault(earlier, name)
        if earlier in parts:
            what = f"{name} was {part.was}, but another part has that name now"
            report.say((*path, "was"), what, "rename that part, or remove was")
        elif other != name:
            what = f"{other} and {name} were both {part.was}"
            report.say((*path, "was"), what, "remove was from one of the two")
