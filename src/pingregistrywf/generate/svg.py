"""A chart as SVG: readable in light and dark, in any usual font, by screen readers and scripts.

Graphviz says where things go (``layout``), the sizes are decided here, and ``chart.svg.jinja``
draws.  The file loads no font, no picture and no script, and follows the reader's colour scheme by
itself.  It can stand in a page several times over: every id begins with the chart's name, and every
rule of style holds below the class ``chart-diagram`` only.  A page with a colour scheme of its own
sets the custom properties of ``COLOURS`` on that class.

For scripts, a state is ``g[data-state]``, and an arrow is ``g[data-source]`` with ``data-target``,
``data-event``, and ``data-command`` and ``data-rule``, which list what it holds and so are found by
``~=``; each command's own text has ``data-command`` and ``data-rule`` too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from pingregistrywf.chart.ir import Cell, Chart, State
from pingregistrywf.chart.layout import (
    Circle,
    DrawnArrow,
    DrawnLine,
    DrawnWord,
    LabelLine,
    Layout,
    Rectangle,
)
from pingregistrywf.generate.diagram import MEANING, Arrow, Kind, arrows, condition, unshown
from pingregistrywf.generate.layout import Box, Link, Point, Route, place
from pingregistrywf.generate.lettering import width
from pingregistrywf.generate.rendering import number, templates

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

# The sizes of the letters, as in the style.
NAME: Final = 14.0
LABEL: Final = 12.0
SMALL: Final = 12.0
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
SAMPLE: Final = 30.0
STRAIGHT: Final = 8
"""The weight of an arrow to the next state, which keeps the main way in one line."""

INITIAL: Final = "initial"
"""Where the initial marker is; no state is named so, since states begin with a capital letter."""


class Span(NamedTuple):
    """A piece of a line of text; of a cell, if it is a command."""

    text: str
    style: Literal["command", "condition", "event"]
    cell: Cell | None = None

    @property
    def width(self) -> float:
        """The most room that it takes."""
        return width(self.text, LABEL, bold=self.style == "command")


Line: TypeAlias = tuple[Span, ...]


class Label(NamedTuple):
    """An arrow, and the lines of text at it."""

    arrow: Arrow
    lines: tuple[Line, ...]

    @property
    def width(self) -> float:
        """The most room that the widest line takes."""
        return max(sum(span.width for span in line) for line in self.lines)

    @property
    def height(self) -> float:
        """The height of the lines together."""
        return LEADING * len(self.lines)


class Stroke(NamedTuple):
    """The data of two paths: a curve, and the head of the arrow that ends it."""

    curve: str
    head: str


class Figure(NamedTuple):
    """An arrow as it is drawn: its line, and the left upper corner of its label."""

    label: Label
    stroke: Stroke
    x: float
    top: float


@dataclass(slots=True)
class Area:
    """The rectangle that a drawing needs so far."""

    left: float = math.inf
    top: float = math.inf
    right: float = -math.inf
    bottom: float = -math.inf

    def cover(self, *points: Point) -> None:
        """Make the rectangle large enough for these points."""
        for x, y in points:
            self.left, self.right = min(self.left, x), max(self.right, x)
            self.top, self.bottom = min(self.top, y), max(self.bottom, y)


class Placed(NamedTuple):
    """A chart with the place of everything that its diagram shows."""

    arrows: tuple[Arrow, ...]
    initial: Point
    begin: Stroke
    moves: list[Figure]
    boxes: list[tuple[Box, Point, list[Figure]]]
    area: Area


def svg(chart: Chart) -> str:
    """Return the chart as an SVG file.

    Raises:
        LayoutError: if Graphviz is not installed or fails.
    """
    placed = _placed(chart)
    area = placed.area
    samples, remarks = _legend(area, chart, {arrow.kind for arrow in placed.arrows})
    left, top, width, height = _frame(area)
    return TEMPLATES.get_template("chart.svg.jinja").render(
        name=chart.name,
        chart=chart,
        arrows=placed.arrows,
        initial=placed.initial,
        begin=placed.begin,
        moves=placed.moves,
        boxes=placed.boxes,
        samples=samples,
        remarks=remarks,
        unshown=unshown(chart),
        left=left,
        top=top,
        width=width,
        height=height,
    )


def layout(chart: Chart) -> Layout:
    """Return the layout of the chart's SVG, which ``chart.json`` carries; without the legend.

    Raises:
        LayoutError: if Graphviz is not installed or fails.
    """
    placed = _placed(chart)
    left, top, width, height = _frame(placed.area)
    marker = placed.initial
    inside = [figure for _, _, loops in placed.boxes for figure in loops]
    return Layout(
        area=Rectangle(x=left, y=top, width=width, height=height),
        header=HEADER,
        marker=Circle(x=round(marker[0], 1), y=round(marker[1], 1), radius=DOT / 2),
        initial=DrawnLine(curve=placed.begin.curve, head=placed.begin.head),
        states={
            box.name: Rectangle(
                x=round(x - box.width / 2, 1),
                y=round(y - box.height / 2, 1),
                width=round(box.width, 1),
                height=round(box.height, 1),
            )
            for box, (x, y), _ in placed.boxes
        },
        arrows=[_drawn(figure) for figure in (*placed.moves, *inside)],
    )


def _drawn(figure: Figure) -> DrawnArrow:
    arrow = figure.label.arrow
    return DrawnArrow(
        kind=arrow.kind.value,
        source=arrow.source,
        target=arrow.target,
        event=arrow.event,
        commands=list(arrow.commands),
        line=DrawnLine(curve=figure.stroke.curve, head=figure.stroke.head),
        label=[
            LabelLine(
                x=round(figure.x, 1),
                y=round(_baseline(figure, place), 1),
                words=[
                    DrawnWord(
                        text=span.text,
                        style=span.style,
                        command=span.cell.command if span.cell else None,
                    )
                    for span in line
                ],
            )
            for place, line in enumerate(figure.label.lines)
        ],
    )


def _baseline(figure: Figure, line: int) -> float:
    """Where the letters of a line of an arrow's label stand."""
    return figure.top + LEADING * (line + 0.5) + LABEL * 0.34


def _placed(chart: Chart) -> Placed:
    drawn = arrows(chart)
    labels = [_label(chart, arrow) for arrow in drawn]
    moves = [label for label in labels if label.arrow.source != label.arrow.target]
    loops: dict[str, list[Label]] = {state: [] for state in chart.columns}
    for label in labels:
        if label.arrow.source == label.arrow.target:
            loops[label.arrow.source].append(label)
    boxes = [_box(chart, state, inside) for state, inside in loops.items()]
    links = [Link(INITIAL, chart.initial, weight=STRAIGHT), *(_link(chart, each) for each in moves)]
    centres, (begin, *routes) = place([Box(INITIAL, DOT, DOT), *boxes], links)
    area = Area()
    x, y = centres[INITIAL]
    area.cover((x - DOT / 2, y - DOT / 2))
    figures = [_move(area, label, route) for label, route in zip(moves, routes, strict=True)]
    placed = [
        (box, centres[box.name], _inside(area, box, centres[box.name], loops[box.name]))
        for box in boxes
    ]
    return Placed(drawn, (x, y), _stroke(begin.path, begin.tip), figures, placed, area)


def _frame(area: Area) -> tuple[int, int, int, int]:
    """The left upper corner and the size of a drawing, in whole pixels, with its margin."""
    left, top = math.floor(area.left - MARGIN), math.floor(area.top - MARGIN)
    return (
        left,
        top,
        math.ceil(area.right + MARGIN) - left,
        math.ceil(area.bottom + MARGIN) - top,
    )


# --- Where things go ------------------------------------------------------------------------------


def _box(chart: Chart, state: str, loops: Sequence[Label]) -> Box:
    """The size of a state: its name, and below it what happens without leaving it."""
    header = width(state, NAME, bold=True) + 2 * PADDING
    if state in chart.states:
        # Twice, so that the name is in the middle, where the arrows come in.
        header += 2 * _code_width(chart.states[state])
    inside = (LOOP + GAP + label.width + PADDING for label in loops)
    high = sum(label.height + GAP for label in loops)
    return Box(state, max(header, *inside, 0), HEADER + high + (GAP if loops else 0))


def _code_width(state: State) -> float:
    return width(str(state.code), SMALL) + PADDING


def _link(chart: Chart, label: Label) -> Link:
    source, target = label.arrow.source, label.arrow.target
    step = chart.columns.index(target) - chart.columns.index(source)
    weight = STRAIGHT if step == 1 else 1
    return Link(source, target, label.width + 2 * GAP, label.height, weight=weight)


def _label(chart: Chart, arrow: Arrow) -> Label:
    lines: list[Line] = []
    line: Line = ()
    for count, cell in enumerate(arrow.cells, start=1):
        words = [Span(cell.command, "command", cell)]
        if asked := condition(chart, cell):
            words.append(Span(f" ({asked})", "condition"))
        if count < len(arrow.cells):
            words.append(Span(", ", "condition"))
        if line and sum(span.width for span in (*line, *words)) > WRAP:
            lines.append(line)
            line = ()
        line = (*line, *words)
    lines.append(line)
    if arrow.event:
        lines.append((Span(f"/ {arrow.event}", "event"),))
    return Label(arrow, tuple(lines))


# --- What is drawn there --------------------------------------------------------------------------


def _move(area: Area, label: Label, route: Route) -> Figure:
    area.cover(*route.path, route.tip)
    x, y = route.label
    return _figure(area, label, _stroke(route.path, route.tip), x - label.width / 2, y)


def _inside(area: Area, box: Box, centre: Point, labels: Sequence[Label]) -> list[Figure]:
    x, y = centre
    left, top = x - box.width / 2, y - box.height / 2
    area.cover((left, top), (x + box.width / 2, top + box.height))
    figures = []
    below = top + HEADER + GAP / 2
    for label in labels:
        middle = below + (label.height + GAP) / 2
        below += label.height + GAP
        # The loop leaves the box's edge and comes back to it, inside of the box: there it is in
        # nobody's way, however many arrows leave the box.
        start, tip = (left + 1, middle - 5), (left + 1, middle + 5)
        turn = ((left + LOOP, start[1] - 2), (left + LOOP, tip[1] + 2))
        stroke = _stroke((start, *turn, (left + HEAD, tip[1])), tip)
        figures.append(_figure(area, label, stroke, left + LOOP + GAP, middle))
    return figures


def _figure(area: Area, label: Label, stroke: Stroke, x: float, middle: float) -> Figure:
    top = middle - label.height / 2
    area.cover((x, top), (x + label.width, top + label.height))
    return Figure(label, stroke, x, top)


def _stroke(path: Sequence[Point], tip: Point) -> Stroke:
    """A Bézier path and the head of the arrow that ends it."""
    first, *rest = path
    (x, y), (base_x, base_y) = tip, path[-1]
    long = math.hypot(x - base_x, y - base_y) or 1.0
    along = ((x - base_x) / long, (y - base_y) / long)
    back = (x - along[0] * HEAD, y - along[1] * HEAD)
    side = (-along[1] * HEAD * 0.42, along[0] * HEAD * 0.42)
    corners = (tip, (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1]))
    curve = f"M{_pair(first)}C{' '.join(map(_pair, rest))}L{_pair(back)}"
    return Stroke(curve, f"M{'L'.join(map(_pair, corners))}Z")


def _pair(point: Point) -> str:
    return f"{number(point[0])},{number(point[1])}"


# --- What its lines mean --------------------------------------------------------------------------


def _legend(
    area: Area, chart: Chart, kinds: set[Kind]
) -> tuple[list[tuple[Kind, Stroke, Point]], list[tuple[str, Point]]]:
    """A sample of each kind of line and the place of its meaning; and remarks with their places."""
    room = max(area.right - area.left, LEGEND)
    left = x = area.left
    y = area.bottom + 30
    samples = []
    for kind in (kind for kind in Kind if kind in kinds):
        long = SAMPLE + GAP + width(MEANING[kind], SMALL)
        if x > left and x + long > left + room:
            x, y = left, y + LEADING + 4
        path = ((x, y), (x + 8, y), (x + 16, y), (x + SAMPLE - HEAD, y))
        place = (x + SAMPLE + GAP, y + SMALL * 0.36)
        samples.append((kind, _stroke(path, (x + SAMPLE, y)), place))
        area.cover((x + long, y + SMALL))
        x += long + 3 * GAP
    remarks = []
    for text in _wrapped(_reading(chart), room):
        y += LEADING + 4
        remarks.append((text, (left, y + SMALL * 0.36)))
        area.cover((left + width(text, SMALL), y + SMALL))
    return samples, remarks


def _reading(chart: Chart) -> str:
    each = f"Each {chart.key.name} has a state of its own. " if chart.key else ""
    return (
        f"{each}On an arrow: command / event. Inside a state: commands that do not leave it."
        f" {unshown(chart)}"
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


TEMPLATES: Final = templates(
    COLOURS=COLOURS,
    DOT=DOT,
    HEADER=HEADER,
    LABEL=LABEL,
    LEADING=LEADING,
    MEANING=MEANING,
    NAME=NAME,
    baseline=_baseline,
    code_width=_code_width,
)
"""The templates of drawings, with their colours and sizes."""
