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
    participants = SERVERS + 1
    events = participants * PINGS + AROUND + INDEXED
    idle, busy = figures["watch.idle"], figures["watch.busy"]
    registry = f"a registry with {SERVERS} servers and a gatherer"
    return [
        Line(
            "appends a second, by all processes together",
            rounded(rate),
            f"measured with {findings.scale.writers} processes on one workflow",
        ),
        Line(
            f"active workflows at once, each of {registry}",
            rounded(rate * INTERVAL / participants),
            f"each participant posts a ping in {INTERVAL:g} s",
        ),
        Line(
            f"workflows a day, each of {registry}",
            rounded(rate * DAY / events),
            f"each has {events} events: {PINGS} pings of each participant, {AROUND} more, and"
            f" {INDEXED} in the index",
        ),
        Line(
            "bytes of such a workflow",
            rounded(events * figures["file"]),
            f"{events} events of the size of a ping",
        ),
        Line(
            "daemons for each core, while nobody writes",
            rounded(1 / idle),
            f"a process that waits takes {idle:.1%} of a core",
        ),
        Line(
            "daemons for each core, while others write as fast as they can",
            rounded(1 / busy),
            f"a process that waits takes {busy:.1%} of a core then",
        ),
        Line(
            f"registries for each core, each {registry.removeprefix('a registry ')}",
            rounded(1 / busy / participants),
            f"each has {participants} daemons; registries without daemons cost disk alone",
        ),
        Line(
            "workflows listed until a daemon's first look takes a second",
            rounded(findings.scale.listed / figures["look"]),
            "it grows with the events of the index since its newest snapshot",
        ),
    ]


def rounded(value: float) -> str:
    """Return a number with two digits that count."""
    return f"{float(f'{value:.2g}'):,.0f}"
