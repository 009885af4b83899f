"""A registry's workflows at a glance, as they change: state, pings, age, summary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.waiting import Stop, wake_ups
from pingregistrywf.runtime.errors import UninitializedError
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.render import printable
from pingregistrywf.runtime.values import command_name

TICK: Final = 1.0
"""How often ages are shown anew, in seconds."""
_COLORS: Final = {"Summarized": "yellow", "Completed": "magenta", "Terminated": "dim"}


@dataclass(frozen=True, slots=True)
class Row:
    """One workflow that the index lists; ``started`` is the id of its first event.

    Pings have failed whose code is not zero.  The summary is empty until there is one.  ``allowed``
    has the names of the commands that the chart allows now.
    """

    workflow: UUID
    state: str
    pings: int
    failed: int
    started: Ulid
    summary: str
    allowed: tuple[str, ...]

    def text(self) -> str:
        """The row as plain text."""
        pings = f"{self.pings} pings, {self.failed} failed"
        allowed = f"allows {', '.join(self.allowed)}"
        known = (f"{self.workflow}", f"{self.state:<13}", pings, self.summary, allowed)
        return "  ".join(filter(None, known))


def rows(registry: PingRegistry) -> list[Row]:
    """Return the workflows that the index lists now, the newest first."""
    found = []
    for entry in registry.index().entries.values():
        try:
            state = registry.workflows.find_id(entry.workflow_id)
        except UninitializedError:
            continue  # deleted, and soon to be removed from the index
        status = state.summary_status
        found.append(
            Row(
                entry.workflow_id,
                DECLARATION.state_names[state.state_code],
                state.num_pings,
                sum(ping.code != 0 for ping in state.pings),
                entry.started_workflow_event_id,
                f"{status.code} {printable(status.message)}" if status.event_id else "",
                tuple(map(command_name, state.allowed)),
            )
        )
    return sorted(found, key=lambda row: row.started, reverse=True)


def changes(registry: PingRegistry, stop: Stop) -> Iterator[Row]:
    """Yield each row when it is new or changed, the oldest first, until stopped."""
    before: dict[UUID, Row] = {}
    for _ in wake_ups(registry.journal, stop=stop):
        now = {row.workflow: row for row in reversed(rows(registry))}
        yield from (row for row in now.values() if before.get(row.workflow) != row)
        before = now


def show(registry: PingRegistry, stop: Stop) -> None:
    """Show the rows on a terminal until stopped, ages ticking."""
    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False, screen=False) as live:
        for _ in wake_ups(registry.journal, stop=stop, timeout=lambda: TICK):
            live.update(_table(registry, rows(registry), console.height - 4), refresh=True)


def _table(registry: PingRegistry, view: list[Row], room: int) -> Table:
    now = registry.journal.clock()
    hidden = len(view) - room
    table = Table(
        title=f"registry {registry.name}",
        caption=f"and {hidden} older" if hidden > 0 else f"workflows: {len(view)}; Ctrl-C ends",
        box=None,
        padding=(0, 2, 0, 0),
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("workflow", min_width=36)
    table.add_column("state", min_width=max(map(len, DECLARATION.state_names.values())))
    for name in ("pings", "failed", "age"):
        table.add_column(name, min_width=6, justify="right")
    for name in ("summary", "allows"):
        table.add_column(name, no_wrap=True)  # cut where the terminal is narrow
    for row in view[: max(room, 1)]:
        table.add_row(
            str(row.workflow),
            Text(row.state, _COLORS.get(row.state, "green")),
            str(row.pings),
            Text(str(row.failed), "red" if row.failed else ""),
            _age(now - row.started.milliseconds / 1000),
            Text(row.summary),  # of others' words: no markup
            ", ".join(row.allowed),
        )
    return table


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"
