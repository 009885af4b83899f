"""A timeline on a terminal: lines as they come, and below them where in the chart we are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.coordination.timeline import Incident, Line

_COLORS: Final = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green")


def show(lines: Iterator[Line | Incident]) -> None:
    """Print the lines as they come."""
    console = Console(highlight=False)
    states = tuple(DECLARATION.state_names.values())
    colors: dict[str, str] = {}
    with Live(_path(states, states[0]), console=console, transient=True) as live:
        for line in lines:
            if isinstance(line, Incident):
                console.print(line.text(), style="bold red")
                continue
            color = colors.setdefault(line.who, _COLORS[len(colors) % len(_COLORS)])
            console.print(_styled(line, color), soft_wrap=True)
            live.update(_path(states, line.state or states[0]))


def _styled(line: Line, color: str) -> Text:
    when, event, who, state, what = line.columns()
    pieces = ((when, "dim"), (who, color), (event, "bold"), (state, "italic"), (what, ""))
    return Text("  ").join(Text(*piece) for piece in pieces)


def _path(states: tuple[str, ...], current: str) -> Text:
    reached = states.index(current) if current in states else 0
    path = Text("\n")
    for number, state in enumerate(states):
        if number:
            path.append(" → ", "dim")
        style = "bold reverse" if number == reached else "" if number < reached else "dim"
        path.append(f" {state} " if number == reached else state, style)
    return path
