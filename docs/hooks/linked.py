"""Links between what is drawn of a chart, the reference, and the explorer.

What is drawn does not know the page that it stands on: its addresses begin with ``SITE``, and
``placed`` makes them relative to a page.
"""

from __future__ import annotations

import re
from posixpath import relpath
from typing import Final, Literal

from pingregistrywf.chart.ir import Cell, Chart, Outcome
from pingregistrywf.explorer import Site

SITE: Final = "site:"
EXPLORER: Final = "explorer/index.html"
OWN: Final = Site(home="../explorer.html", state="../reference/states.html#{chart}-{state}")
"""Where the site's explorer leads back to."""

_STATE: Final = re.compile(r'<g id="[^"]*" class="state[^"]*" data-state="(\w+)".*?</g>', re.DOTALL)


def placed(markdown: str, page: str) -> str:
    """Return what stands on a page with addresses that are relative to it.

    Args:
        markdown: the page, or a part of it.
        page: its path below the directory of the pages.
    """
    root = relpath(".", start=page.rpartition("/")[0] or ".")
    return markdown.replace(f'href="{SITE}', f'href="{root}/')


def reference(kind: Literal["states", "commands", "events"], chart: Chart, name: str) -> str:
    """Return the address of what the reference says about a part of a chart."""
    return f"{SITE}reference/{kind}.html#{chart.name}-{name}"


def explorer_state(chart: Chart, state: str, command: str = "", *, other: bool = False) -> str:
    """Return the address of the explorer with a workflow in a state and a command at hand.

    Args:
        chart: a chart.
        state: a column of its table.
        command: a command to have ready, if any.
        other: whether its arguments are to differ from those that the state carries.
    """
    words = [
        "state",
        chart.name,
        state,
        *([command] if command else []),
        *(["other"] if other else []),
    ]
    return f"{SITE}{EXPLORER}#{'.'.join(words)}"


def with_links(chart: Chart, drawn: str) -> str:
    """Return a chart's diagram in which each state links to its reference."""
    linked = _STATE.sub(lambda found: _state_link(chart, found[1], found[0]), drawn)
    # A picture hides what is in it from screen readers, and a group does not.
    return linked.replace('role="img"', 'role="group"', 1)


def _state_link(chart: Chart, state: str, drawn: str) -> str:
    address = reference("states", chart, state)
    # What is read aloud is what is written in the box.
    name = f"{chart.states[state].code} {state}" if state in chart.states else state
    return f'<a href="{address}" aria-label="{name}">{drawn}</a>'


def try_state(chart: Chart, state: str) -> str:
    """Return a link that opens the explorer in a state."""
    return _tried(explorer_state(chart, state), f"Try this: {state}")


def try_command(chart: Chart, command: str) -> str:
    """Return a link that opens the explorer where a command first changes something."""
    idle = (Outcome.NOOP, Outcome.REJECT)
    cells = (each for each in chart.table if each.command == command and each.outcome not in idle)
    return _try_cell(chart, next(cells), f"Try this: {command}")


def try_event(chart: Chart, event: str) -> str:
    """Return a link that opens the explorer where an event is appended, if it can be."""
    cell = next((each for each in chart.table if each.event == event), None)
    return _try_cell(chart, cell, f"Try this: append {event}") if cell else ""


def try_operation(name: str, operation: str) -> str:
    """Return a link that opens the explorer where an operation does something."""
    address = f"{SITE}{EXPLORER}#operation.{name}.{operation}"
    return _tried(address, f"Try this: {operation}")


def _try_cell(chart: Chart, cell: Cell, text: str) -> str:
    return _tried(explorer_state(chart, cell.state, cell.command), text)


def _tried(address: str, text: str) -> str:
    return f'<p data-search-exclude><a class="try" href="{address}">{text}</a></p>'
