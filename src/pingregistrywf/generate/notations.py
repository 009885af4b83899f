"""A chart in the notations of other programs; a template each, and JSON for XState.

- DOT, for whoever wants to lay the diagram out anew or restyle it.
- PlantUML's state diagram.
- SCXML, the W3C's state chart XML, which many engines run.
- The JSON that XState's ``createMachine`` (version 5) takes as it is.

In DOT and PlantUML a move is solid, what stays in its state is dashed, and what deletes the history
is dotted and red.  In SCXML and XState the events are the chart's commands; a noop is a transition
without a target, and a rejection has no transition, so that engines ignore it.  What a command
emits is raised as ``emitted.EVENT`` in SCXML, which no transition handles and an observer sees; in
XState it is the parameter of an action ``emits``, which a program may implement.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pingregistrywf.chart.ir import DELETED, Arguments, Cell, Chart
from pingregistrywf.generate.diagram import MEANING, Arrow, Kind, arrows, condition, conditional
from pingregistrywf.generate.rendering import templates


def dot(chart: Chart) -> str:
    """Return the chart as text for Graphviz."""
    return _rendered("chart.dot.jinja", chart)


def plantuml(chart: Chart) -> str:
    """Return the chart as text for PlantUML."""
    return _rendered("chart.puml.jinja", chart)


def scxml(chart: Chart) -> str:
    """Return the chart as an SCXML document."""
    return _rendered("chart.scxml.jinja", chart)


def xstate(chart: Chart) -> str:
    """Return the chart as JSON for XState."""
    machine = {
        "id": chart.name,
        "version": chart.version,
        "description": chart.doc,
        "initial": chart.initial,
        "states": {state: _state(chart, state) for state in chart.columns},
    }
    return json.dumps(machine, indent=2, ensure_ascii=False) + "\n"


def sent(chart: Chart, cell: Cell) -> tuple[str, ...]:
    """Return the names under which an engine is sent the command of an arrow's cell.

    Where a rule compares arguments, these are ``COMMAND.same`` and ``COMMAND.other``, or the one of
    them that the cell is about: the sender has compared, so an engine needs no data model.
    """
    if cell.arguments is Arguments.ANY:
        return (cell.command,)
    variants = [cell.arguments] if condition(chart, cell) else [Arguments.SAME, Arguments.OTHER]
    return tuple(f"{cell.command}.{variant}" for variant in variants)


def label(chart: Chart, arrow: Arrow) -> list[str]:
    """Return the lines beside an arrow: its commands, and what they do."""
    effect = f"/ {arrow.event}" if arrow.event else f"({MEANING[arrow.kind]})"
    return [*conditional(chart, arrow), effect]


def quoted(text: str) -> str:
    """Return the text as a quoted string of DOT, which shows each of its lines as a line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def plain(text: str) -> str:
    """Return the text with a tilde before what PlantUML would read as markup."""
    return re.sub(r"<|~|\*\*|//|__|--|\"\"", r"~\g<0>", text)


_TEMPLATES: Final = templates(plain, quoted, DELETED=DELETED, label=label, sent=sent)


def _rendered(template: str, chart: Chart) -> str:
    return _TEMPLATES.get_template(template).render(chart=chart, arrows=arrows(chart))


def _state(chart: Chart, state: str) -> dict[str, Any]:
    on = {
        name: _transition(chart, arrow, cell)
        for arrow in arrows(chart)
        if arrow.source == state
        for cell in arrow.cells
        for name in sent(chart, cell)
    }
    if state == DELETED:
        return {"description": "The history was deleted.", "on": on}
    declared = chart.states[state]
    return {"description": declared.doc, "meta": {"code": declared.code}, "on": on}


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
