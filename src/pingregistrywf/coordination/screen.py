"""A timeline on a terminal: lines as they come, and below them the path through the chart."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.text import Text

from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.coordination.palette import PARTICIPANTS, RED, state_style
from pingregistrywf.coordination.timeline import Incident, Line, zoned

_STATES: Final = tuple(DECLARATION.state_names.values())


def show(lines: Iterable[Line | Incident], *, utc: bool, seconds: float | None = None) -> None:
    """Print the lines as they come, and the date and time zone whenever these change.

    Args:
        lines: what to print.
        utc: whether times are in UTC.
        seconds: how long it will take; a clock below the path then shows how much of it is over.
    """
    console = Console(highlight=False)
    colors: dict[str, str] = {}
    day = ""
    clock = None if seconds is None else _Clock(seconds)
    with Live(
        Text() if clock is None else _below(Text("\nstarting", "dim"), clock),
        console=console,
        transient=True,
        auto_refresh=clock is not None,
    ) as live:
        for line in lines:
            if isinstance(line, Incident):
                console.print(f"{'':12}  {line.who:<10}  {line.what}", style=f"bold {RED}")
                continue
            moment = zoned(line.event.id.time, utc=utc)
            if day != (day := f"{moment:%Y-%m-%d}, times in UTC{moment.isoformat()[-6:]}"):
                console.print(day, style="dim")
            color = colors.setdefault(line.who, PARTICIPANTS[len(colors) % len(PARTICIPANTS)])
            who, event, state = line.columns()
            row = Text().append(f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}", "dim")
            for piece, style in ((who, color), (event, "bold"), (state, _style(line))):
                row.append(f"  {piece}", style)
            details = "  ".join(line.details)
            failed = RED if line.failed else ""
            if row.cell_len + 2 + cell_len(details) <= console.width:
                row.append(f"  {details}", failed)
                row.rstrip()
                console.print(row)
            else:
                row.rstrip()
                console.print(row)
                for detail in line.details:
                    console.print(Padding(Text(detail, failed), (0, 0, 0, 14), expand=False))
            if line.declaration is DECLARATION:
                live.update(_below(_path(line.state), clock), refresh=True)


class _Clock:
    """How many seconds are over, of how many, beside a spinner."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = time.monotonic()
        self._spinner = Spinner("dots")

    def __rich__(self) -> Spinner:
        over = time.monotonic() - self._began
        self._spinner.update(text=Text(f"{over:.0f} s of about {self._seconds:.0f} s", "dim"))
        return self._spinner


def _below(path: Text, clock: _Clock | None) -> RenderableType:
    return path if clock is None else Group(path, clock)


def _style(line: Line) -> str:
    return state_style(line.state) if line.declaration is DECLARATION else ""


def _path(current: str) -> Text:
    path = Text("\n")
    reached = _STATES.index(current)
    for number, state in enumerate(_STATES):
        if number:
            path.append(" → ", "dim")
        style = "bold reverse" if number == reached else "" if number < reached else "dim"
        path.append(f" {state} " if number == reached else state, style)
    return path
