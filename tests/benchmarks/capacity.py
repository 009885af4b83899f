"""How much one file carries, derived from what was measured."""

from __future__ import annotations

from dataclasses import dataclass

from pingregistrywf.coordination import INTERVAL, PINGS

from .figures import Findings

SERVERS = 10
"""Of the registry that is taken as an example."""
DAY = 86_400
INDEXED = 3
"""The events of a workflow in its registry's index: begun, completed, deleted."""
AROUND = 4
"""The events of a workflow around its pings: begun, summarized, completed, committed."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: what is asked, the answer, and how it follows."""

    question: str
    answer: str
    follows: str


def lines(findings: Findings) -> list[Line]:
    """Return what one file carries by these figures."""
    figures = {row.key: row.ours.value for row in findings.rows}
    rate = 1 / figures["append.processes"]
    events = (SERVERS + 1) * PINGS + AROUND + INDEXED
    workflows = rate * DAY / events
    idle, look = figures["watch.idle"], figures["look"]
    at_once = rate * INTERVAL
    return [
        Line(
            "appends a second, by all processes together",
            rounded(rate),
            f"measured with {findings.scale.writers} processes on one workflow",
        ),
        Line(
            "servers that post pings at the same time, in all workflows and registries",
            rounded(at_once),
            f"each posts one ping in {INTERVAL:g} s",
        ),
        Line(
            f"workflows a day, of registries with {SERVERS} servers",
            rounded(workflows),
            f"each is {events} events: {PINGS} pings of each server and of the gatherer,"
            f" {AROUND} more, and {INDEXED} in the index",
        ),
        Line(
            "bytes of such a workflow",
            rounded(events * figures["file"]),
            f"{events} events of the size of a ping",
        ),
        Line(
            "daemons that wait, for each core",
            rounded(1 / idle),
            f"each takes {idle:.2%} of a core while nobody writes",
        ),
        Line(
            "workflows that an index lists until a daemon's first look takes a second",
            rounded(findings.scale.listed / look),
            "the cost is linear in what the index holds since its newest snapshot",
        ),
    ]


def rounded(value: float) -> str:
    """Return a number with two digits that count."""
    return f"{float(f'{value:.2g}'):,.0f}"
