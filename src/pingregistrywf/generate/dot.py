"""A chart as Graphviz's DOT, for whoever wants to lay it out or restyle it.

The text is complete by itself: moves are solid, what stays in its state is dashed, what deletes the
history is dotted.  Every text is quoted.  The SVG of the documentation has a layout of its own
(``svg``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pingregistrywf.chart.ir import DELETED, Chart
from pingregistrywf.generate.diagram import Kind, arrows, label

GONE: Final = "#cf222e"
STYLE: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.MOVE: "",
        Kind.LOOP: ", style=dashed",
        Kind.NOOP: ', style=dashed, color="#6e7781", fontcolor="#59636e"',
        Kind.DELETE: f', style=dotted, color="{GONE}", fontcolor="{GONE}"',
    }
)


def quoted(text: str) -> str:
    """The text as a quoted string of DOT, which shows each of its lines as a line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def dot(chart: Chart) -> str:
    """The chart as text for Graphviz."""
    return "".join(f"{line}\n" for line in _lines(chart))


def _lines(chart: Chart) -> Iterator[str]:
    yield f"digraph {quoted(chart.name)} {{"
    title = quoted(chart.title)
    yield f"  graph [label={title}, labelloc=t, fontname=Helvetica, bgcolor=transparent]"
    yield "  node [shape=box, style=rounded, fontname=Helvetica]"
    yield "  edge [fontname=Helvetica, fontsize=11]"
    # The one name here that cannot be a state's, since states begin with a capital letter.
    yield '  "initial" [shape=point, width=0.15, label=""]'
    for state in chart.columns:
        if state == DELETED:
            yield f'  {quoted(state)} [style="rounded,dotted", color="{GONE}", fontcolor="{GONE}"]'
        else:
            name = quoted(f"{state}\n{chart.states[state].code}")
            yield f"  {quoted(state)} [label={name}]"
    yield f'  "initial" -> {quoted(chart.initial)}'
    for arrow in arrows(chart):
        ends = f"{quoted(arrow.source)} -> {quoted(arrow.target)}"
        lines = quoted("\n".join(label(chart, arrow)))
        yield f"  {ends} [label={lines}{STYLE[arrow.kind]}]"
    yield "}"
