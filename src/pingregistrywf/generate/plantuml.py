"""A chart as PlantUML's state diagram, for documents that draw with it.

Moves are solid, what stays in its state is dashed, what deletes the history is dotted and red: the
same as in every other format (``diagram``).  A state stands under an alias, since PlantUML keeps
words such as ``End`` to itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pingregistrywf.chart.ir import DELETED, Chart
from pingregistrywf.generate.diagram import Kind, arrows, label

GONE: Final = "#b62324"
LINE: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.MOVE: "-->",
        Kind.LOOP: "-[dashed]->",
        Kind.NOOP: "-[#6e7781,dashed]->",
        Kind.DELETE: f"-[{GONE},dotted]->",
    }
)


def plantuml(chart: Chart) -> str:
    """The chart as text for PlantUML."""
    return "".join(f"{line}\n" for line in _lines(chart))


def _lines(chart: Chart) -> Iterator[str]:
    yield f"@startuml {chart.name}"
    yield f"title {_plain(chart.title)}"
    yield "hide empty description"
    for state in chart.columns:
        if state == DELETED:
            yield f"skinparam stateBorderColor<<gone>> {GONE}"
            yield f"skinparam stateFontColor<<gone>> {GONE}"
            yield "hide stereotype"
            yield f'state "{state}" as {_id(state)} <<gone>>'
        else:
            yield f'state "{state} ({chart.states[state].code})" as {_id(state)}'
    yield f"[*] --> {_id(chart.initial)}"
    for arrow in arrows(chart):
        ends = f"{_id(arrow.source)} {LINE[arrow.kind]} {_id(arrow.target)}"
        lines = "\\n".join(label(chart, arrow))
        yield f"{ends} : {lines}"
    yield "@enduml"


def _id(state: str) -> str:
    return f"s_{state}"


def _plain(text: str) -> str:
    # A tilde takes the meaning from what PlantUML would read as markup.
    return re.sub(r"<|~|\*\*|//|__|--|\"\"", r"~\g<0>", text)
