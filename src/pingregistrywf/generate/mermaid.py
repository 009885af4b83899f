"""A chart as Mermaid's ``stateDiagram-v2``, which GitHub and mkdocs render.

Mermaid knows one kind of arrow only and cannot dash it, so a noop is no arrow here: it is a line
in its state's box, which says that nothing changes.  It draws the label of a loop over other
labels, so what a loop emits stands in the box too, and the loop is bare.  The names of a chart are
letters and digits and need no escaping; its title is any text, and stands in the front matter as
JSON, which is YAML.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from pingregistrywf.chart.ir import DELETED, Chart
from pingregistrywf.generate.diagram import Kind, arrows, told

KEPT: Final = frozenset(
    [
        "accdescr",
        "acctitle",
        "as",
        "class",
        "classdef",
        "click",
        "default",
        "direction",
        "end",
        "hide",
        "href",
        "note",
        "scale",
        "state",
        "statediagram",
        "style",
    ]
)
"""The words that Mermaid keeps to itself, in any case (seen in its parser, version 11)."""


def mermaid(chart: Chart) -> str:
    """The chart as text for Mermaid."""
    return "".join(f"{line}\n" for line in _lines(chart))


def _lines(chart: Chart) -> Iterator[str]:
    drawn = arrows(chart)
    yield from ("---", f"title: {json.dumps(chart.title)}", "---", "stateDiagram-v2")
    for state in chart.columns:
        code = "" if state == DELETED else f" ({chart.states[state].code})"
        yield f'    state "{state}{code}" as {_id(state)}'
    for arrow in drawn:
        commands = ", ".join(told(chart, arrow))
        if arrow.kind is Kind.NOOP:
            yield f"    {_id(arrow.source)} : no change by {commands}"
        elif arrow.kind is Kind.LOOP:
            yield f"    {_id(arrow.source)} : stays by {commands} / {arrow.event}"
    yield f"    [*] --> {_id(chart.initial)}"
    for state in dict.fromkeys(arrow.source for arrow in drawn if arrow.kind is Kind.LOOP):
        yield f"    {_id(state)} --> {_id(state)}"
    for arrow in drawn:
        if arrow.kind in (Kind.MOVE, Kind.DELETE):
            label = f"{', '.join(told(chart, arrow))} / {arrow.event or 'deletes the history'}"
            yield f"    {_id(arrow.source)} --> {_id(arrow.target)} : {label}"
    if DELETED in chart.columns:
        yield "    classDef deleted stroke-dasharray:4 3"
        yield f"    class {_id(DELETED)} deleted"


def _id(state: str) -> str:
    return f"s_{state}" if state.lower() in KEPT else state
