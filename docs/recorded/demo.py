"""Record a run of ``make demo`` as a drawing that plays once, for the first page of the site.

``python docs/recorded/demo.py`` runs ``pingregistrywf demo``, and writes
``docs/assets/demo.svg``: a terminal whose lines appear when they appeared, with long waits
shortened, and below them the states that the workflow reaches.  The first event is there from the
beginning.  For readers who ask their system for less motion, all of it is there at once: as it is
at ``demo.svg#end``, which the page names for them, because Chromium does not tell a picture what
its readers ask for.  The drawing holds no script and needs no font of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
DRAWING: Final = HERE.parent / "assets" / "demo.svg"
ARGUMENTS: Final = ("--servers", "2", "--pings", "2")

WIDTH: Final = 760
MARGIN: Final = 20
LEADING: Final = 22
COLUMNS: Final = (MARGIN, 100, 188, 380, 478)
"""Where the columns of a line begin: time, who, event, state and details."""
FIRST_WAIT: Final = 1.0
"""Seconds that the drawing shows the first event alone."""
LONGEST_WAIT: Final = 0.9
"""Seconds that the drawing waits at most between two lines."""
STRIP: Final = 74
COLOURS: Final = {"admin": "who-0", "gatherer": "who-1", "server-1": "who-2", "server-2": "who-3"}
STYLE: Final = """
svg { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.screen { fill: #10161f; } .bar { fill: #1d2633; } .lamp { fill: #465468; }
text { fill: #d9e1ea; white-space: pre; } .dim { fill: #93a1b2; } .bad { fill: #ff9d8f; }
.state { fill: #a9c7ff; } .event { font-weight: 600; }
.who-0 { fill: #ffd479; } .who-1 { fill: #d5b3ff; } .who-2 { fill: #7fe0c3; }
.who-3 { fill: #8ecbff; }
.box { fill: none; stroke: #465468; } .reached { fill: #2a6df4; stroke: #2a6df4; }
.on { fill: #ffffff; font-weight: 600; }
.later { opacity: 0; animation: appear 0.15s ease-out forwards; }
@keyframes appear { to { opacity: 1; } }
#end:target .later { opacity: 1; animation: none; }
@media (prefers-reduced-motion: reduce) { .later { opacity: 1; animation: none; } }
"""


def run() -> list[dict[str, Any]]:
    """Return what a demo prints as JSON: its events, and the line that sums it up."""
    program = Path(sys.executable).with_name("pingregistrywf")
    ran = subprocess.run(
        [program, "demo", "--json", *ARGUMENTS], check=True, capture_output=True, text=True
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def moments(events: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return after how many seconds each event appears in the drawing."""
    times = [datetime.fromisoformat(each["time"]).timestamp() for each in events]
    shown = [FIRST_WAIT]
    for before, after in pairwise(times):
        shown.append(shown[-1] + min(after - before, LONGEST_WAIT))
    return [0.0, *shown[1:]]


def drawn(ran: Sequence[Mapping[str, Any]], states: Sequence[str]) -> str:
    """Return the drawing of a demo's events and its sum; ``states`` are those on the way."""
    *events, end = ran
    height = 40 + LEADING * (len(events) + 4) + STRIP
    body = "\n".join([*_lines(events, end), *_states(events, states, height - STRIP)])
    label = f"A terminal: make demo runs a workflow of {len(events)} events to its end"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="end" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}" role="img" aria-label="{label}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect class="screen" width="{WIDTH}" height="{height}" rx="10"/>\n'
        f'<path class="bar" d="M0 30V10A10 10 0 0 1 10 0H{WIDTH - 10}A10 10 0 0 1 {WIDTH} 10V30Z"/>'
        '<circle class="lamp" cx="18" cy="15" r="5"/><circle class="lamp" cx="36" cy="15" r="5"/>'
        f'<circle class="lamp" cx="54" cy="15" r="5"/>\n{body}\n</svg>\n'
    )


def _lines(events: Sequence[Mapping[str, Any]], end: Mapping[str, Any]) -> Iterator[str]:
    y = 56
    yield _text(MARGIN, y, f'$ make demo ARGS="{" ".join(ARGUMENTS)}"', "event")
    first = datetime.fromisoformat(events[0]["time"])
    shown = moments(events)
    for event, moment in zip(events, shown, strict=True):
        y += LEADING
        fields = event["fields"]
        seconds = (datetime.fromisoformat(event["time"]) - first).total_seconds()
        failed = fields.get("status_code", 0) != 0
        details = f"{fields['status_code']} {fields['status_message']}" if len(fields) > 1 else ""
        cells = (
            (f"+{seconds:.2f} s", "dim"),
            (event["who"], COLOURS[event["who"]]),
            (event["event"], "event"),
            (event["state"], "state"),
            (details, "bad" if failed else ""),
        )
        texts = "".join(_text(x, y, *cell) for x, cell in zip(COLUMNS, cells, strict=True))
        yield _later(moment, texts)
    y += int(LEADING * 1.5)
    sum_ = f"{end['state']} after {end['pings']} pings; the summary is {end['summary']['message']}"
    yield _later(shown[-1] + 0.3, _text(MARGIN, y, sum_, "event"))


def _states(events: Sequence[Mapping[str, Any]], states: Sequence[str], top: int) -> Iterator[str]:
    reached: dict[str, float] = {}
    for event, moment in zip(events, moments(events), strict=True):
        reached.setdefault(event["state"], moment)
    wide = (WIDTH - 2 * MARGIN - 12 * (len(states) - 1)) / len(states)
    for number, state in enumerate(states):
        x = MARGIN + number * (wide + 12)
        middle = f'x="{x + wide / 2:.1f}" y="{top + 34}" text-anchor="middle"'
        place = f'x="{x:.1f}" y="{top + 14}" width="{wide:.1f}" height="30" rx="6"'
        yield f'<rect class="box" {place}/><text class="dim" {middle}>{escape(state)}</text>'
        if state in reached:
            lit = f'<rect class="reached" {place}/><text class="on" {middle}>{escape(state)}</text>'
            yield _later(reached[state], lit)


def _later(moment: float, drawn: str) -> str:
    if not moment:
        return f"<g>{drawn}</g>"
    return f'<g class="later" style="animation-delay: {moment:.2f}s">{drawn}</g>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>' if text else ""


def main() -> None:
    """Write the drawing of a new run."""
    ran = run()
    states = list(dict.fromkeys(each["state"] for each in ran[:-1]))
    DRAWING.write_text(drawn(ran, states), encoding="utf-8")


if __name__ == "__main__":
    main()
