"""A declared operation as a sequence diagram: which history receives which command, in which order.

Whoever runs the operation is on the left, and each history that it writes is a line to the right of
it.  A step is an arrow to its history, with the command, where its arguments come from and which
version it expects; the answer is the vid after it.  The file is an SVG like a chart's (``svg``),
drawn by ``operation.svg.jinja``.  The places depend on how wide a text can be at most, so none
crosses a line or another text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from pingregistrywf.chart.ir import Chart, FromArgument, Operation, Step
from pingregistrywf.chart.parts import Constant, Incarnation, VidOfStep
from pingregistrywf.generate.lettering import width
from pingregistrywf.generate.svg import (
    HEAD,
    LABEL,
    LEADING,
    MARGIN,
    NAME,
    PADDING,
    SMALL,
    TEMPLATES,
)

BOX: Final = 46.0
GAP: Final = 14.0
ANSWER: Final = 28.0

CALLER: Final = "whoever runs it"

FIRST: Final = "tries again"
LATER: Final = "the vid before step 1"
LATER_KEYED: Final = "that the entry is as before step 1"
VERSION: Final[Mapping[str, str]] = {
    "given": "expects the vid that was given; if none was, {otherwise}",
    "none": "expects no version",
    "retry": "expects no version, and tries again when it loses a race",
}
REFUSAL: Final[Mapping[str, str]] = {
    "done": "refused: that is no failure",
    "continue": "refused: go on",
}


class _Participant(NamedTuple):
    """A box with two lines of text, and the line of life below its centre."""

    name: str
    history: str  # empty for the caller
    x: float
    width: float


class _Step(NamedTuple):
    """A step, its lines of text, where they begin, and where its arrow and the answer's are."""

    step: Step
    lines: list[str]
    x: float
    top: float
    there: float
    back: float


def sequence(operation: Operation, charts: Mapping[str, Chart]) -> str:
    """Return the sequence diagram of an operation on these charts as an SVG file."""
    texts = [
        [f"{number}  {step.command}", *remarks(operation, number, charts)]
        for number, step in enumerate(operation.steps, start=1)
    ]
    columns = _participants(operation, charts, texts)
    steps = []
    y = BOX + GAP
    for step, lines in zip(operation.steps, texts, strict=True):
        there = y + LEADING * len(lines) + GAP / 2
        x = columns[step.chart, step.history].x
        steps.append(_Step(step, lines, x, y, there, there + ANSWER))
        y = there + ANSWER + GAP
    right = max(each.x + each.width / 2 for each in columns.values())
    return TEMPLATES.get_template("operation.svg.jinja").render(
        name=operation.name,
        columns=list(columns.values()),
        steps=steps,
        bottom=y,
        left=f"{-MARGIN:g}",
        top=f"{-MARGIN:g}",
        width=math.ceil(right + 2 * MARGIN),
        height=math.ceil(y + 2 * MARGIN),
        BOX=BOX,
        GAP=GAP,
        HEAD=HEAD,
    )


def remarks(operation: Operation, number: int, charts: Mapping[str, Chart]) -> list[str]:
    """Return the lines below a step's command.

    They name its arguments, what it sees, the version that it expects, and what follows a refusal.
    """
    step = operation.steps[number - 1]
    lines = []
    if step.sources:
        lines.append(f"with {', '.join(_argument(*each) for each in step.sources.items())}")
    if seen := _seen(operation.about, step):
        lines.append(f"sees only the {seen} that was listed before step 1")
    if isinstance(step.vid, VidOfStep):
        lines.append(f"expects the vid of step {step.vid.step}")
    else:
        later = LATER_KEYED if charts[step.chart].key else LATER
        version = VERSION[step.vid].format(otherwise=FIRST if number == 1 else later)
        lines.append("begins the history" if step.starts else version)
    if step.on_refusal != "stop":
        lines.append(REFUSAL[step.on_refusal])
    return lines


def _seen(about: Incarnation | None, step: Step) -> str:
    """Name what a step sees only one of, if it does."""
    if about is None or not step.incarnation:
        return ""
    return "history" if step.history == about.entry else "entry"


def _argument(name: str, source: FromArgument | Constant | VidOfStep) -> str:
    match source:
        case VidOfStep(step=number):
            return f"{name} = vid of step {number}"
        case Constant(constant=value):
            return f"{name} = {str(value).lower() if isinstance(value, bool) else value}"
        case FromArgument(argument=argument):
            return name if argument == name else f"{name} = {argument}"


def _participants(
    operation: Operation, charts: Mapping[str, Chart], texts: list[list[str]]
) -> dict[tuple[str, str], _Participant]:
    """The caller, and the histories by chart and name, from left to right."""
    wide = _box_width(CALLER, "")
    x = wide / 2
    columns = {("", ""): _Participant(CALLER, "", x, wide)}
    # The texts of every step stand between the caller and the first history.
    rooms = (
        max(width(command, LABEL, bold=True), *(width(text, SMALL) for text in more))
        for command, *more in texts
    )
    x += max(rooms) + 2 * GAP
    edge = wide
    for chart, history in dict.fromkeys((step.chart, step.history) for step in operation.steps):
        title = charts[chart].title
        wide = _box_width(title, history)
        x = max(x, edge + GAP + wide / 2)
        columns[chart, history] = _Participant(title, history, x, wide)
        x = edge = x + wide / 2
    return columns


def _box_width(name: str, history: str) -> float:
    return max(width(name, NAME, bold=True), width(history, SMALL)) + 2 * PADDING
