"""Links between what is drawn of a chart, the reference, and the explorer.

What is drawn does not know the page that it stands on: its addresses begin with ``SITE``, and
``placed`` makes them relative to a page.
"""

from __future__ import annotations

import re
from posixpath import relpath
from typing import Final, Literal

from pingregistrywf.chart.ir import Chart
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
    linked = _STATE.sub(
        lambda found: f'<a href="{reference("states", chart, found[1])}">{found[0]}</a>', drawn
    )
    # A picture hides what is in it from screen readers, and a group does not.
    return linked.replace('role="img"', 'role="group"', 1)
