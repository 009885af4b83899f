"""A chart as SVG: readable in light and dark, in any usual font, by screen readers and scripts.

Graphviz says where things go (``layout``); what is drawn there, and how, is decided here.  The file
asks nothing of its surroundings: no font, no picture and no script is loaded, and it follows the
reader's colour scheme by itself.  It can stand in a page several times over: every id begins with
the chart's name, and every rule of style holds below the class ``chart-diagram`` only.  A page with
a colour scheme of its own sets the custom properties of ``COLOURS`` on that class.

For scripts, a state is ``g[data-state]``, and an arrow is ``g[data-source]`` with ``data-target``,
``data-event``, and ``data-command`` and ``data-rule``, which list what it holds and so are found by
``~=``; each command's own text has ``data-command`` and ``data-rule`` too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from pingregistrywf.chart.ir import DELETED, Cell, Chart
from pingregistrywf.generate.diagram import MEANING, Arrow, Kind, arrows, condition
from pingregistrywf.generate.layout import Box, Layout, Link, Point, Route, place
from pingregistrywf.generate.lettering import width

COLOURS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {  # in light, in dark; each text has a contrast of 4.5 to 1 or more, each line 3 to 1
        "paper": ("#ffffff", "#0d1117"),
        "box": ("#f3f6fa", "#1b222c"),
        "edge": ("#6e7781", "#7d8590"),
        "line": ("#57606a", "#a0a8b2"),
        "ink": ("#1f2328", "#f0f6fc"),
        "muted": ("#59636e", "#a0a8b2"),
        "event": ("#0550ae", "#79c0ff"),
        "gone": ("#b62324", "#ff8a80"),
    }
)

FONTS: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif'

# One rule a line.  The paper around the letters of an arrow's label keeps it readable where a line
# passes behind it.
STYLE: Final = """
.paper { fill: $paper }
text { font-size: 11px; fill: $muted }
.name { font-size: 14px; font-weight: 600; text-anchor: middle; fill: $ink }
.code { text-anchor: middle }
.label { font-size: 12px }
.move .label, .delete .label { paint-order: stroke; stroke-width: 4px; stroke: $paper }
.command { font-weight: 600; fill: $ink }
.event { fill: $event }
.state rect { stroke-width: 1.5px; fill: $box; stroke: $edge }
.state line { stroke-width: 1px; opacity: 0.5; stroke: $edge }
.line { fill: none; stroke-width: 1.5px; stroke: $line }
.head, .initial circle { fill: $line }
.loop .line { stroke-dasharray: 5 3 }
.noop .line { stroke-dasharray: 2 2.5 }
.noop .command { fill: $muted }
.delete .line { stroke-dasharray: 0.5 4.5; stroke-width: 2px; stroke-linecap: round; stroke: $gone }
.delete .head, .delete .command, .deleted .name { fill: $gone }
.deleted rect { stroke-dasharray: 0.5 4.5; stroke-width: 2px; stroke-linecap: round; stroke: $gone }
"""

# The sizes of the letters, as in the style.
NAME: Final = 14.0
LABEL: Final = 12.0
SMALL: Final = 11.0
LEADING: Final = 15.0
WRAP: Final = 170.0
MARGIN: Final = 14.0
PADDING: Final = 12.0
HEADER: Final = 34.0
DOT: Final = 12.0
LOOP: Final = 24.0
GAP: Final = 5.0
HEAD: Final = 8.0
LEGEND: Final = 500.0
STRAIGHT: Final = 8
"""The weight of an arrow to the next state, which keeps the main way in one line."""

INITIAL: Final = "initial"
"""Where the initial marker is; no state is named so, since states begin with a capital letter."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line of text; of a cell, if it is a command."""

    text: str
    style: str
    cell: Cell | None = None

    @property
    def width(self) -> float:
        """The most room that it takes."""
        return width(self.text, LABEL, bold=self.style == "command")


Line: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """The lines at an arrow."""

    lines: tuple[Line, ...]

    @property
    def width(self) -> float:
        """The most room that the widest line takes."""
        return max(sum(span.width for span in line) for line in self.lines)

    @property
    def height(self) -> float:
        """The height of the lines together."""
        return LEADING * len(self.lines)


@dataclass(slots=True)
class Drawing:
    """Elements of SVG, and the rectangle that they need so far."""

    elements: list[str] = field(default_factory=list)
    left: float = math.inf
    top: float = math.inf
    right: float = -math.inf
    bottom: float = -math.inf

    def cover(self, *points: Point) -> None:
        """Make the rectangle large enough for these points."""
        for x, y in points:
            self.left, self.right = min(self.left, x), max(self.right, x)
            self.top, self.bottom = min(self.top, y), max(self.bottom, y)


def svg(chart: Chart) -> str:
    """The chart as an SVG file.

    Raises:
        LayoutError: if Graphviz is not installed or fails.
    """
    drawn = arrows(chart)
    boxes, layout, routes = _laid_out(chart, drawn)
    drawing = Drawing()
    _initial(drawing, layout)
    for arrow, route in routes:
        _arrow(drawing, chart, arrow, route)
    # Boxes come last: no line is ever on top of a name.
    for state in chart.columns:
        _state(drawing, chart, boxes[state], layout.centres[state], _loops(drawn, state))
    _legend(drawing, chart, drawn)
    return "".join(f"{line}\n" for line in _file(drawing, chart, drawn))


# --- Where things go ------------------------------------------------------------------------------


def _laid_out(
    chart: Chart, drawn: Sequence[Arrow]
) -> tuple[dict[str, Box], Layout, list[tuple[Arrow, Route]]]:
    boxes = {INITIAL: Box(INITIAL, DOT, DOT)}
    boxes |= {state: _box(chart, state, _loops(drawn, state)) for state in chart.columns}
    links = [Link(INITIAL, chart.initial, weight=STRAIGHT)]
    moves = [arrow for arrow in drawn if arrow.source != arrow.target]
    for arrow in moves:
        label = _label(chart, arrow)
        step = chart.columns.index(arrow.target) - chart.columns.index(arrow.source)
        weight = STRAIGHT if step == 1 else 1
        size = (label.width + 2 * GAP, label.height)
        links.append(Link(arrow.source, arrow.target, *size, weight=weight))
    layout = place(list(boxes.values()), links)
    return boxes, layout, list(zip(moves, layout.routes[1:], strict=True))


def _loops(drawn: Iterable[Arrow], state: str) -> list[Arrow]:
    return [arrow for arrow in drawn if arrow.source == arrow.target == state]


def _box(chart: Chart, state: str, loops: Sequence[Arrow]) -> Box:
    """The size of a state: its name, and below it what happens without leaving it."""
    header = width(state, NAME, bold=True) + 2 * PADDING
    if state != DELETED:
        # Twice, so that the name is in the middle, where the arrows come in.
        header += 2 * _code_width(chart, state)
    labels = [_label(chart, arrow) for arrow in loops]
    inside = (LOOP + GAP + label.width + PADDING for label in labels)
    high = sum(label.height + GAP for label in labels)
    return Box(state, max(header, *inside, 0), HEADER + high + (GAP if loops else 0))


def _code_width(chart: Chart, state: str) -> float:
    return width(str(chart.states[state].code), SMALL) + PADDING


def _label(chart: Chart, arrow: Arrow) -> Label:
    lines: list[Line] = []
    line: Line = ()
    for number, cell in enumerate(arrow.cells, start=1):
        words = [Span(cell.command, "command", cell)]
        if asked := condition(chart, cell):
            words.append(Span(f" ({asked})", "condition"))
        if number < len(arrow.cells):
            words.append(Span(", ", "condition"))
        if line and sum(span.width for span in (*line, *words)) > WRAP:
            lines.append(line)
            line = ()
        line = (*line, *words)
    lines.append(line)
    if arrow.event:
        lines.append((Span(f"/ {arrow.event}", "event"),))
    return Label(tuple(lines))


# --- What is drawn there --------------------------------------------------------------------------


def _initial(drawing: Drawing, layout: Layout) -> None:
    (x, y), route = layout.centres[INITIAL], layout.routes[0]
    drawing.cover((x - DOT / 2, y - DOT / 2))
    drawing.elements += [
        '<g class="initial">',
        f'  <circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(DOT / 2)}"/>',
        *_stroke(route.path, route.tip),
        "</g>",
    ]


def _state(drawing: Drawing, chart: Chart, box: Box, centre: Point, loops: Sequence[Arrow]) -> None:
    state = box.name
    x, y = centre
    left, top, right = x - box.width / 2, y - box.height / 2, x + box.width / 2
    drawing.cover((left, top), (right, top + box.height))
    facts = {"data-state": state}
    if state != DELETED:
        facts["data-code"] = str(chart.states[state].code)
    if state == chart.initial:
        facts["data-initial"] = "true"
    doc = chart.states[state].doc if state != DELETED else "The history was deleted."
    size = _attributes(x=left, y=top, width=box.width, height=box.height)
    drawing.elements += [
        f"<g{_id(chart, 'state', state)}{_class('state', deleted=state == DELETED)}{_data(facts)}>",
        *_title(doc),
        f'  <rect {size} rx="8"/>',
    ]
    if state != DELETED:
        place = _attributes(x=left + _code_width(chart, state) / 2 + 2, y=top + HEADER * 0.62)
        drawing.elements.append(f'  <text class="code" {place}>{chart.states[state].code}</text>')
    place = _attributes(x=x, y=top + HEADER / 2 + NAME * 0.36)
    drawing.elements.append(f'  <text class="name" {place}>{escape(state)}</text>')
    if loops:
        rule = _attributes(x1=left, y1=top + HEADER, x2=right, y2=top + HEADER)
        drawing.elements.append(f"  <line {rule}/>")
    drawing.elements.append("</g>")
    below = top + HEADER + GAP / 2
    for arrow in loops:
        label = _label(chart, arrow)
        middle = below + (label.height + GAP) / 2
        below += label.height + GAP
        # The loop leaves the box's edge and comes back to it, inside of the box: there it is in
        # nobody's way, however many arrows leave the box.
        start, tip = (left + 1, middle - 5), (left + 1, middle + 5)
        path = (
            start,
            (left + LOOP, start[1] - 2),
            (left + LOOP, tip[1] + 2),
            (left + HEAD, tip[1]),
        )
        drawing.elements += [*_opened(chart, arrow), *_stroke(path, tip)]
        _text(drawing, label, left + LOOP + GAP, middle)
        drawing.elements.append("</g>")


def _arrow(drawing: Drawing, chart: Chart, arrow: Arrow, route: Route) -> None:
    label = _label(chart, arrow)
    drawing.cover(*route.path, route.tip)
    drawing.elements += [*_opened(chart, arrow), *_stroke(route.path, route.tip)]
    if route.label:
        x, y = route.label
        _text(drawing, label, x - label.width / 2, y)
    drawing.elements.append("</g>")


def _opened(chart: Chart, arrow: Arrow) -> Iterator[str]:
    facts = {
        "data-source": arrow.source,
        "data-target": arrow.target,
        "data-outcome": arrow.cells[0].outcome.value,
        "data-command": " ".join(arrow.commands),
        "data-rule": " ".join(cell.rule for cell in arrow.cells),
    }
    if arrow.event:
        facts["data-event"] = arrow.event
    name = (arrow.source, arrow.target, arrow.event or arrow.kind.value)
    yield f"<g{_id(chart, 'arrow', *name)}{_class('arrow', arrow.kind)}{_data(facts)}>"
    yield from _title("\n".join(_meaning(chart, cell) for cell in arrow.cells))


def _meaning(chart: Chart, cell: Cell) -> str:
    prose = chart.prose(cell.rule) or cell.reason
    return f"{cell.command}: {prose}" if prose else cell.command


def _text(drawing: Drawing, label: Label, x: float, middle: float) -> None:
    """Draw the lines of a label from x to the right, around a middle."""
    top = middle - label.height / 2
    drawing.cover((x, top), (x + label.width, top + label.height))
    for number, line in enumerate(label.lines):
        place = _attributes(x=x, y=top + LEADING * (number + 0.5) + LABEL * 0.34)
        spans = "".join(map(_span, line))
        drawing.elements.append(f'  <text class="label" {place}>{spans}</text>')


def _span(span: Span) -> str:
    facts = (
        {}
        if span.cell is None
        else {
            "data-command": span.cell.command,
            "data-rule": span.cell.rule,
        }
    )
    return f"<tspan{_class(span.style)}{_data(facts)}>{escape(span.text)}</tspan>"


def _stroke(path: Sequence[Point], tip: Point) -> Iterator[str]:
    """A Bézier path and the head of the arrow that ends it."""
    first, *rest = path
    (x, y), (base_x, base_y) = tip, path[-1]
    long = math.hypot(x - base_x, y - base_y) or 1.0
    along = ((x - base_x) / long, (y - base_y) / long)
    back = (x - along[0] * HEAD, y - along[1] * HEAD)
    side = (-along[1] * HEAD * 0.42, along[0] * HEAD * 0.42)
    corners = (tip, (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1]))
    curve = f"M{_pair(first)}C{' '.join(map(_pair, rest))}L{_pair(back)}"
    yield f'  <path class="line" d="{curve}"/>'
    yield f'  <path class="head" d="M{"L".join(map(_pair, corners))}Z"/>'


def _legend(drawing: Drawing, chart: Chart, drawn: Sequence[Arrow]) -> None:
    """Say below the diagram what its lines mean, for the kinds of lines that it has."""
    sample = 30.0
    used = [kind for kind in Kind if any(arrow.kind is kind for arrow in drawn)]
    room = max(drawing.right - drawing.left, LEGEND)
    x, y = drawing.left, drawing.bottom + 30
    drawing.elements.append('<g class="legend">')
    for kind in used:
        text = MEANING[kind]
        long = sample + GAP + width(text, SMALL)
        if x > drawing.left and x + long > drawing.left + room:
            x, y = drawing.left, y + LEADING + 4
        end = (x + sample, y)
        path = ((x, y), (x + 8, y), (x + 16, y), (x + sample - HEAD, y))
        place = _attributes(x=x + sample + GAP, y=y + SMALL * 0.36)
        drawing.elements += [
            f"  <g{_class('arrow', kind)}>",
            *(f"  {line}" for line in _stroke(path, end)),
            f"    <text {place}>{escape(text)}</text>",
            "  </g>",
        ]
        drawing.cover((x + long, y + SMALL))
        x += long + 3 * GAP
    for text in _wrapped(_remarks(chart), room):
        y += LEADING + 4
        drawing.elements.append(
            f"  <text {_attributes(x=drawing.left, y=y + SMALL * 0.36)}>{escape(text)}</text>"
        )
        drawing.cover((drawing.left + width(text, SMALL), y + SMALL))
    drawing.elements.append("</g>")


def _remarks(chart: Chart) -> str:
    keyed = chart.key.name if chart.key else ""
    each = f"Each {keyed} has a state of its own. " if keyed else ""
    return (
        f"{each}On an arrow: command / event. Inside a state: what does not leave it."
        " What has no arrow is rejected."
    )


def _wrapped(text: str, room: float) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and width(longer, SMALL) > room:
            yield line
            longer = word
        line = longer
    yield line


# --- The file -------------------------------------------------------------------------------------


def _file(drawing: Drawing, chart: Chart, drawn: Sequence[Arrow]) -> Iterator[str]:
    left, top = math.floor(drawing.left - MARGIN), math.floor(drawing.top - MARGIN)
    wide = math.ceil(drawing.right + MARGIN) - left
    high = math.ceil(drawing.bottom + MARGIN) - top
    named = f"{chart.name}-title {chart.name}-desc"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart-diagram"'
        f' viewBox="{left} {top} {wide} {high}" width="{wide}" height="{high}"'
        f' role="img" aria-labelledby={quoteattr(named)} data-chart={quoteattr(chart.name)}>'
    )
    yield f"<title{_id(chart, 'title')}>{escape(chart.title)}: states and commands</title>"
    yield f"<desc{_id(chart, 'desc')}>{escape(_prose(chart, drawn))}</desc>"
    yield "<style>"
    yield from stylesheet(STYLE)
    yield "</style>"
    size = f'x="{left}" y="{top}" width="{wide}" height="{high}"'
    yield f'<rect class="paper" {size} rx="10"/>'
    yield from drawing.elements
    yield "</svg>"


def _prose(chart: Chart, drawn: Iterable[Arrow]) -> str:
    """The whole diagram as sentences."""
    said = [f"The initial state is {chart.initial}."]
    for arrow in drawn:
        by = " or ".join(arrow.commands)
        match arrow.kind:
            case Kind.MOVE:
                what = f"From {arrow.source} to {arrow.target} by {by}, emitting {arrow.event}."
            case Kind.LOOP:
                what = f"In {arrow.source}, {by} emits {arrow.event} and stays."
            case Kind.NOOP:
                what = f"In {arrow.source}, {by} changes nothing."
            case Kind.DELETE:
                what = f"In {arrow.source}, {by} deletes the history."
        said.append(what)
    return " ".join([*said, "Every other command is rejected."])


def stylesheet(style: str) -> Iterator[str]:
    """The rules of a diagram, in light and in dark, below the class ``chart-diagram`` only.

    Args:
        style: one rule a line; ``$NAME`` is a colour of ``COLOURS``.
    """
    for scheme, rule in enumerate(("{}", "@media (prefers-color-scheme: dark) {{ {} }}")):
        colours = "; ".join(f"--{name}: {pair[scheme]}" for name, pair in COLOURS.items())
        yield rule.format(f".chart-diagram {{ {colours} }}")
    yield f".chart-diagram {{ max-width: 100%; height: auto; font-family: {FONTS} }}"
    for line in style.strip().splitlines():
        selectors, rules = line.split(" { ")
        scoped = ", ".join(f".chart-diagram {selector}" for selector in selectors.split(", "))
        yield f"{scoped} {{ {re.sub(r'(fill|stroke): [$]([a-z]+)', _paint, rules)}"


def _paint(match: re.Match[str]) -> str:
    # The plain colour is for viewers that know no custom properties; they pass over the second.
    what, name = match.groups()
    return f"{what}: {COLOURS[name][0]}; {what}: var(--{name})"


def _id(chart: Chart, *parts: str) -> str:
    return f" id={quoteattr('-'.join((chart.name, *parts)))}"


def _class(*names: str, deleted: bool = False) -> str:
    return f' class="{" ".join((*names, "deleted") if deleted else names)}"'


def _data(facts: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in facts.items())


def _title(text: str) -> Iterator[str]:
    if text:
        yield f"  <title>{escape(text)}</title>"


def _attributes(**numbers: float) -> str:
    return " ".join(f'{name}="{_number(value)}"' for name, value in numbers.items())


def _pair(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    return f"{round(value, 1) + 0.0:g}" if abs(value) < 100_000 else f"{value:.0f}"
