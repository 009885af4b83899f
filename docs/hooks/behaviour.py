"""A behaviour of the formal model as a sequence diagram: who takes which step, on which history.

It is drawn from a timeline, as ``verify`` prints it.  Participants are on the left and histories to
the right of them.  Each step is a row, with its name in front of the lines of life and what it does
to a history behind them, so that no text crosses a line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pingregistrywf.formal.timeline import Line
from pingregistrywf.generate.lettering import width
from pingregistrywf.generate.svg import (
    HEAD,
    LEADING,
    MARGIN,
    NAME,
    PADDING,
    SMALL,
    TEMPLATES,
)

BOX: Final = 46.0
ROW: Final = 22.0
GAP: Final = 16.0

_CHANGE: Final = re.compile(r"^(?P<chart>\w+)\[(?P<name>\w+)\] (?P<effect>\+ \w+|is .*)")
"""What a timeline says of a history that changes."""
_TEMPLATE: Final = Path(__file__).with_suffix(".svg.jinja")


class _Column(NamedTuple):
    """A box, and the line of life below its centre."""

    name: str
    chart: str  # empty for a participant
    x: float
    width: float


class _Row(NamedTuple):
    """A step, and the lines of life at which it starts and ends, if it does."""

    step: int
    label: str
    effect: str
    start: float | None
    end: float | None
    y: float


def drawn(name: str, lines: Sequence[Line]) -> str:
    """Return the diagram of a timeline as an SVG file."""
    steps = lines[1:]  # the first is the initial state
    changes = {line.step: found for line in steps if (found := _change(line))}
    labels = {line.step: f"{line.what} {_remark(line)}".strip() for line in steps}
    left = max(width(f"{step}  {label}", SMALL, bold=True) for step, label in labels.items())
    columns = _columns(steps, changes, left + GAP)
    right = max(each.x + each.width / 2 for each in columns.values()) + GAP
    rows = []
    for number, line in enumerate(steps, start=1):
        change = changes.get(line.step)
        who = columns.get(("", line.who))
        history = columns[change["chart"], change["name"]] if change else None
        rows.append(
            _Row(
                step=line.step,
                label=labels[line.step],
                effect=change["effect"] if change else "",
                start=who.x if who else None,
                end=history.x if history else None,
                y=BOX + ROW * number,
            )
        )
    bottom = BOX + ROW * (len(rows) + 1)
    wide = right + max(width(row.effect, SMALL) for row in rows)
    return TEMPLATES.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        name=name,
        columns=list(columns.values()),
        rows=rows,
        right=right,
        bottom=bottom,
        left=f"{-MARGIN:g}",
        top=f"{-MARGIN:g}",
        width=math.ceil(wide + 2 * MARGIN),
        height=math.ceil(bottom + 2 * MARGIN),
        BOX=BOX,
        HEAD=HEAD,
        LEADING=LEADING,
        NAME=NAME,
    )


def _change(line: Line) -> re.Match[str] | None:
    return next(filter(None, map(_CHANGE.match, line.details)), None)


def _remark(line: Line) -> str:
    """What a reader must know of a step beside its name."""
    if any(each.startswith("crashes") for each in line.details):
        return "(crashes)"
    return next((f"({each})" for each in line.details if each.startswith("back to")), "")


def _columns(
    steps: Sequence[Line], changes: dict[int, re.Match[str]], x: float
) -> dict[tuple[str, str], _Column]:
    """The participants and the histories, from left to right."""
    participants = sorted({("", line.who) for line in steps if line.who})
    histories = dict.fromkeys((each["chart"], each["name"]) for each in changes.values())
    columns = {}
    for chart, name in (*participants, *sorted(histories)):
        wide = max(width(name, NAME, bold=True), width(chart, SMALL)) + 2 * PADDING
        columns[chart, name] = _Column(name, chart, x + wide / 2, wide)
        x += wide + GAP
    return columns
