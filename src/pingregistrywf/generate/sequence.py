"""A declared operation as a sequence diagram: who tells which history what, and in which order.

Whoever runs the operation is on the left, and each history that it writes is a line to the right of
it.  A step is an arrow to its history, with the command, where its arguments come from and which
version it expects; the answer is the vid after it.  The file is an SVG like a chart's (``svg``): it
asks nothing of its surroundings, follows the colour scheme, and every id begins with the name of
the operation.  How wide a text can be is known beforehand, so none crosses a line or another text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from pingregistrywf.chart.ir import Chart, Constant, FromArgument, Operation, Step, VidOfStep
from pingregistrywf.generate.lettering import width
from pingregistrywf.generate.svg import stylesheet

STYLE: Final = """
.paper { fill: $paper }
text { font-size: 11px; fill: $muted }
.name { font-size: 14px; font-weight: 600; text-anchor: middle; fill: $ink }
.history { text-anchor: middle }
.command { font-size: 12px; font-weight: 600; fill: $ink }
.answer text { fill: $event }
.participant rect { stroke-width: 1.5px; fill: $box; stroke: $edge }
.life { stroke-width: 1px; stroke-dasharray: 2 4; stroke: $edge }
.line { stroke-width: 1.5px; stroke: $line }
.head { fill: $line }
.answer .line { stroke-dasharray: 5 3 }
"""

NAME: Final = 14.0
COMMAND: Final = 12.0
SMALL: Final = 11.0
LEADING: Final = 15.0
PADDING: Final = 12.0
MARGIN: Final = 14.0
BOX: Final = 46.0
GAP: Final = 14.0
ANSWER: Final = 28.0
HEAD: Final = 8.0

CALLER: Final = "whoever runs it"

VERSION: Final[Mapping[str, str]] = {
    "given": "expects the vid that was given; if none was, tries again",
    "none": "expects no version",
    "retry": "expects no version, and tries again when it loses a race",
}


@dataclass(frozen=True, slots=True)
class _Participant:
    """A column: a box with two lines of text, and the line of life below its centre."""

    key: tuple[str, str]
    name: str
    x: float

    @property
    def history(self) -> str:
        """The argument that names its history; empty for the caller."""
        return self.key[1]

    @property
    def wide(self) -> float:
        """The width of its box."""
        return _box_width(self.name, self.history)


def sequence(operation: Operation, charts: Mapping[str, Chart]) -> str:
    """The sequence diagram of an operation as an SVG file.

    Args:
        operation: an operation that the reader accepted.
        charts: the charts that it names.
    """
    return "".join(f"{line}\n" for line in _file(operation, charts))


def remarks(step: Step) -> list[str]:
    """What stands below a step's command: arguments, version, what follows a refusal."""
    lines = []
    if step.sources:
        lines.append(f"with {', '.join(_argument(*each) for each in step.sources.items())}")
    if isinstance(step.vid, VidOfStep):
        lines.append(f"expects the vid of step {step.vid.step}")
    else:
        lines.append("begins the history" if step.starts else VERSION[step.vid])
    if step.on_refusal != "stop":
        lines.append(
            {"done": "refused: that is no failure", "continue": "refused: go on"}[step.on_refusal]
        )
    return lines


def _argument(name: str, source: FromArgument | Constant | VidOfStep) -> str:
    match source:
        case VidOfStep(step=number):
            return f"{name} = vid of step {number}"
        case Constant(constant=value):
            return f"{name} = {str(value).lower() if isinstance(value, bool) else value}"
        case FromArgument(argument=argument):
            return name if argument == name else f"{name} = {argument}"


def _participants(operation: Operation, charts: Mapping[str, Chart]) -> list[_Participant]:
    histories = dict.fromkeys((step.chart, step.history) for step in operation.steps)
    room = max(
        width(text, size, bold=bold)
        for number, step in enumerate(operation.steps, start=1)
        for text, size, bold in _lines(number, step)
    )
    x = _box_width(CALLER, "") / 2
    columns = [_Participant(("", ""), CALLER, x)]
    # The texts of every step stand between the caller and the first history.
    x += room + 2 * GAP
    for chart, history in histories:
        title = charts[chart].title
        wide = _box_width(title, history)
        previous = columns[-1]
        x = max(x, previous.x + previous.wide / 2 + GAP + wide / 2)
        columns.append(_Participant((chart, history), title, x))
        x += wide / 2
    return columns


def _box_width(name: str, history: str) -> float:
    return max(width(name, NAME, bold=True), width(history, SMALL)) + 2 * PADDING


def _lines(number: int, step: Step) -> Iterator[tuple[str, float, bool]]:
    yield f"{number}  {step.command}", COMMAND, True
    for text in remarks(step):
        yield text, SMALL, False


def _file(operation: Operation, charts: Mapping[str, Chart]) -> Iterator[str]:
    name = operation.name
    columns = _participants(operation, charts)
    places = {each.key: each.x for each in columns}
    drawn: list[str] = []
    caller = columns[0].x
    y = BOX + GAP
    for number, step in enumerate(operation.steps, start=1):
        far = places[step.chart, step.history]
        drawn += [f"<g{_data(step=str(number), command=step.command, history=step.history)}>"]
        drawn.append(f"  <title>{escape(step.doc or step.command)}</title>")
        for text, _, bold in _lines(number, step):
            y += LEADING
            style = ' class="command"' if bold else ""
            drawn.append(f'  <text{style} x="{_n(caller + GAP)}" y="{_n(y)}">{escape(text)}</text>')
        y += GAP / 2
        drawn += _arrow(caller, far, y)
        y += ANSWER
        drawn.append('  <g class="answer">')
        drawn.append(f'  <text x="{_n(caller + GAP)}" y="{_n(y - 5)}">vid of step {number}</text>')
        drawn += [*_arrow(far, caller, y), "  </g>", "</g>"]
        y += GAP
    left, top = -MARGIN, -MARGIN
    right = max(each.x + each.wide / 2 for each in columns)
    wide, high = math.ceil(right + 2 * MARGIN), math.ceil(y + 2 * MARGIN)
    yield (
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart-diagram sequence"'
        f' viewBox="{_n(left)} {_n(top)} {wide} {high}" width="{wide}" height="{high}" role="img"'
        f" aria-labelledby={quoteattr(f'{name}-title {name}-desc')}>"
    )
    yield f'<title id="{name}-title">{escape(name)}: who tells which history what</title>'
    yield f'<desc id="{name}-desc">{escape(_prose(operation))}</desc>'
    yield "<style>"
    yield from stylesheet(STYLE)
    yield "</style>"
    size = f'x="{_n(left)}" y="{_n(top)}" width="{wide}" height="{high}"'
    yield f'<rect class="paper" {size} rx="10"/>'
    for each in columns:
        yield f'<line class="life" x1="{_n(each.x)}" y1="{BOX:g}" x2="{_n(each.x)}" y2="{_n(y)}"/>'
        yield from _head(each)
    yield from drawn
    yield "</svg>"


def _head(each: _Participant) -> Iterator[str]:
    left, middle = each.x - each.wide / 2, BOX / 2
    yield '<g class="participant">'
    yield f'  <rect x="{_n(left)}" y="0" width="{_n(each.wide)}" height="{BOX:g}" rx="8"/>'
    up = 4 if each.history else -NAME * 0.36
    yield f'  <text class="name" x="{_n(each.x)}" y="{_n(middle - up)}">{escape(each.name)}</text>'
    if each.history:
        at = f'x="{_n(each.x)}" y="{_n(middle + LEADING)}"'
        yield f'  <text class="history" {at}>{escape(each.history)}</text>'
    yield "</g>"


def _arrow(start: float, end: float, y: float) -> Iterator[str]:
    back = end - math.copysign(HEAD, end - start)
    yield f'  <line class="line" x1="{_n(start)}" y1="{_n(y)}" x2="{_n(back)}" y2="{_n(y)}"/>'
    side = HEAD * 0.42
    corners = f"M{_n(end)},{_n(y)}L{_n(back)},{_n(y + side)}L{_n(back)},{_n(y - side)}Z"
    yield f'  <path class="head" d="{corners}"/>'


def _prose(operation: Operation) -> str:
    """The whole diagram as sentences."""
    return " ".join(
        f"Step {number}: {step.command} on history {step.history}; {'; '.join(remarks(step))}."
        for number, step in enumerate(operation.steps, start=1)
    )


def _data(**facts: str) -> str:
    return "".join(f" data-{name}={quoteattr(value)}" for name, value in facts.items())


def _n(value: float) -> str:
    return f"{round(value, 1) + 0.0:g}"
