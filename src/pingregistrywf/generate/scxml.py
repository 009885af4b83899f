"""A chart as SCXML, the W3C's state chart XML, which many engines run.

Its events are the chart's commands.  Where a rule compares arguments with those carried, a command
has two names, ``COMMAND.same`` and ``COMMAND.other``: whoever sends it has compared, and so no data
model is needed.  What a command emits is raised as ``emitted.EVENT``, which no transition handles
and an observer sees.  A noop is a transition without a target.  What is rejected has no transition
at all: an engine ignores it, and the state stays.  An entry of a keyed chart runs by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from pingregistrywf.chart.ir import Chart
from pingregistrywf.generate.diagram import Arrow, Kind, arrows, sent


def scxml(chart: Chart) -> str:
    """The chart as an SCXML document."""
    return "".join(f"{line}\n" for line in _lines(chart))


def _lines(chart: Chart) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<!-- {escape(chart.title).replace('--', '- -')}, version {chart.version} -->"
    yield (
        '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="null"'
        f" name={quoteattr(chart.name)} initial={quoteattr(chart.initial)}>"
    )
    drawn = arrows(chart)
    for state in chart.columns:
        leaving = [arrow for arrow in drawn if arrow.source == state]
        if leaving:
            yield f"  <state id={quoteattr(state)}>"
            for arrow in leaving:
                yield from _transition(chart, arrow)
            yield "  </state>"
        else:
            yield f"  <state id={quoteattr(state)}/>"
    yield "</scxml>"


def _transition(chart: Chart, arrow: Arrow) -> Iterator[str]:
    told = " ".join(name for cell in arrow.cells for name in sent(chart, cell))
    opened = f"    <transition event={quoteattr(told)}"
    if arrow.kind is Kind.NOOP:
        yield f"{opened}/>"
        return
    opened += f" target={quoteattr(arrow.target)}"
    if arrow.event is None:
        yield f"{opened}/>"
        return
    yield f"{opened}>"
    yield f"      <raise event={quoteattr(f'emitted.{arrow.event}')}/>"
    yield "    </transition>"
