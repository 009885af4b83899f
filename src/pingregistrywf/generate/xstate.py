"""A chart as the JSON of an XState machine (version 5), to run or to draw in JavaScript.

``createMachine`` takes it as it is.  Its events are the chart's commands, named as in the SCXML
(``scxml``): one of which a rule compares arguments is ``COMMAND.same`` or ``COMMAND.other``.  What
a command emits is an action ``emits`` with the event as its parameter, for which a program may
provide an implementation.  A noop is a transition without a target; what is rejected has none at
all, and is ignored.
"""

from __future__ import annotations

import json
from typing import Any

from pingregistrywf.chart.ir import DELETED, Cell, Chart
from pingregistrywf.generate.diagram import Arrow, Kind, arrows, sent


def xstate(chart: Chart) -> str:
    """The chart as JSON for XState."""
    machine = {
        "id": chart.name,
        "version": chart.version,
        "description": chart.doc,
        "initial": chart.initial,
        "states": {state: _state(chart, state) for state in chart.columns},
    }
    return json.dumps(machine, indent=2, ensure_ascii=False) + "\n"


def _state(chart: Chart, state: str) -> dict[str, Any]:
    on: dict[str, Any] = {}
    for arrow in arrows(chart):
        if arrow.source == state:
            for cell in arrow.cells:
                on |= {name: _transition(chart, arrow, cell) for name in sent(chart, cell)}
    if state == DELETED:
        return {"description": "The history was deleted.", "on": on}
    said = chart.states[state]
    return {"description": said.doc, "meta": {"code": said.code}, "on": on}


def _transition(chart: Chart, arrow: Arrow, cell: Cell) -> dict[str, Any]:
    made: dict[str, Any] = {"description": cell.reason or chart.prose(cell.rule)}
    if arrow.kind is not Kind.NOOP:
        made["target"] = arrow.target
    if arrow.kind is Kind.LOOP:
        # An event that leads to the state that it came from enters that state anew.
        made["reenter"] = True
    if arrow.event:
        made["actions"] = [{"type": "emits", "params": {"event": arrow.event}}]
    return made
