"""A chart as Mermaid's ``stateDiagram-v2``, which GitHub and mkdocs render.

Mermaid has only one kind of arrow, so a noop is no arrow here: it is a line in its state's box.
Mermaid draws the label of a loop over other labels, so the box says too what a loop emits.  The
names of a chart need no escaping.  Its title is any text, and stands in the front matter as JSON,
which is YAML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from pingregistrywf.chart.ir import DELETED, Chart
from pingregistrywf.generate.diagram import Kind, arrows, conditional

RESERVED: Final = re.compile(
    "accdescr|acctitle|as|class|classdef|click|default|direction|end|hide|href|note|scale|state"
    "|statediagram|style",
    re.IGNORECASE,
)
"""The words that Mermaid keeps to itself, in any case (seen in its parser, version 11)."""


def mermaid(chart: Chart) -> str:
    """Return the chart as text for Mermaid."""
    return "".join(f"{line}\n" for line in _lines(chart))


def _lines(chart: Chart) -> Iterator[str]:
    yield from ("---", f"title: {json.dumps(chart.title)}", "---", "stateDiagram-v2")
    for state in chart.columns:
        code = "" if state == DELETED else f" ({chart.states[state].code})"
        yield f'    state "{state}{code}" as {_id(state)}'
    inside: list[str] = []
    loops: list[str] = []
    moves: list[str] = []
    for arrow in arrows(chart):
        source, target = _id(arrow.source), _id(arrow.target)
        commands = ", ".join(conditional(chart, arrow))
        match arrow.kind:
            case Kind.NOOP:
                inside.append(f"    {source} : no change by {commands}")
            case Kind.LOOP:
                inside.append(f"    {source} : stays by {commands} / {arrow.event}")
                loops.append(f"    {source} --> {source}")
            case Kind.MOVE | Kind.DELETE:
                effect = arrow.event or "deletes the history"
                moves.append(f"    {source} --> {target} : {commands} / {effect}")
    yield from (*inside, f"    [*] --> {_id(chart.initial)}", *dict.fromkeys(loops), *moves)
    if DELETED in chart.columns:
        yield "    classDef deleted stroke-dasharray:4 3"
        yield f"    class {_id(DELETED)} deleted"


def _id(state: str) -> str:
    return f"s_{state}" if RESERVED.fullmatch(state) else state
