"""A registry's workflows at a glance, as they change: state, pings, age, summary.

A terminal gets what fits its width, and nothing is cut: where whole ids do not fit, it shows the
shortest beginnings that tell the listed ids apart, which every command takes in their place.

A workflow whose history cannot be read has a row that says so, and the others have theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.coordination.palette import GREY, RED, state_style
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.waiting import Stop, wake_ups
from pingregistrywf.runtime.counts import counted
from pingregistrywf.runtime.errors import CorruptedDataError, JournalError, UninitializedError
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.render import printable
from pingregistrywf.runtime.values import command_name

TICK: Final = 1.0
"""How often ages are shown anew, in seconds."""
DELETED: Final = "Deleted"
"""What is shown as the state of a workflow whose history is deleted and that is still listed."""
UNREADABLE: Final = "Unreadable"
"""What is shown as the state of a workflow whose history is corrupted, or of a changed chart."""
STATES: Final = (*DECLARATION.state_names.values(), DELETED, UNREADABLE)
"""The states that a listed workflow can be in."""
SHORTEST: Final = 8
"""The fewest characters of an id that are shown."""
WITH_IDS: Final = 96
"""The width from which whole ids are shown, in columns."""
ROOMY: Final = 80
"""The width from which columns stand two spaces apart, in columns."""
WITH_ALLOWED: Final = 132
"""The width from which the allowed commands are shown, in columns."""
_TALLEST: Final = 4
"""As many lines as a row may take, in a guess of how many rows fit."""


@dataclass(frozen=True, slots=True)
class Row:
    """One workflow that the index lists; ``started`` is the id of its first event.

    Pings have failed whose code is not zero.  The summary is empty until there is one.  ``allowed``
    has the names of the commands that the chart allows now.  ``listed`` is the state of its entry
    in the index, and ``completed`` the id of the event that completed it, if one did.  ``error``
    says why the history cannot be read; then nothing is known of its pings, and they count as none.
    """

    workflow: UUID
    state: str
    pings: int
    failed: int
    started: Ulid
    summary: str
    allowed: tuple[str, ...]
    listed: str
    completed: Ulid | None
    error: str | None = None

    @property
    def remark(self) -> str:
        """What there is to say of the workflow: its summary, or why it cannot be read."""
        return self.summary if self.error is None else self.error

    def text(self) -> str:
        """The row as plain text."""
        pings = "" if self.error else f"{counted(self.pings, 'ping')}, {self.failed:,} failed"
        allowed = f"allows {', '.join(self.allowed)}" if self.allowed else ""
        known = (f"{self.workflow}", f"{self.state:<13}", pings, self.remark, allowed)
        return "  ".join(filter(None, known))


def rows(registry: PingRegistry) -> list[Row]:
    """Return the workflows that the index lists now, in the order in which they began.

    Raises:
        JournalError: the index cannot be read, or another error of the journal than damage to one
            workflow, which is the ``error`` of its row.
    """
    return list(each_row(registry))


def each_row(registry: PingRegistry) -> Iterator[Row]:
    """Yield the rows one by one: each takes a look at a workflow's history.

    Raises:
        JournalError: as for ``rows``.
    """
    names = registry.indexes.engine.declaration.state_names
    for entry in registry.list():
        listed = names[entry.state_code].lower(), entry.completed_workflow_event_id or None
        known = entry.workflow_id, entry.started_workflow_event_id
        try:
            state = registry.workflows.find_id(entry.workflow_id)
        except UninitializedError:  # deleted, and soon to be removed from the index
            yield Row(known[0], DELETED, 0, 0, known[1], "", (), *listed)
            continue
        except CorruptedDataError as error:
            why = str(error.err if isinstance(error, JournalError) else error)
            yield Row(known[0], UNREADABLE, 0, 0, known[1], "", (), *listed, printable(why))
            continue
        status = state.summary_status
        yield Row(
            known[0],
            DECLARATION.state_names[state.state_code],
            state.num_pings,
            sum(ping.code != 0 for ping in state.pings),
            known[1],
            f"{status.code} {printable(status.message)}" if status.event_id else "",
            tuple(map(command_name, state.allowed)),
            *listed,
        )


def changes(registry: PingRegistry, stop: Stop) -> Iterator[Row]:
    """Yield each row when it is new or changed, the oldest first, until stopped."""
    before: dict[UUID, Row] = {}
    for _ in wake_ups(registry.journal, stop=stop):
        now = {row.workflow: row for row in rows(registry)}
        yield from (row for row in now.values() if before.get(row.workflow) != row)
        before = now


def show(registry: PingRegistry, stop: Stop) -> None:
    """Show the rows on a terminal until stopped, ages ticking."""
    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False, screen=False) as live:
        for _ in wake_ups(registry.journal, stop=stop, timeout=lambda: TICK):
            live.update(screen(registry, console), refresh=True)


def screen(registry: PingRegistry, console: Console) -> Table:
    """Return what a terminal shows of a registry now: the newest workflows, as many as fit."""
    found = rows(registry)
    now = registry.journal.clock()
    shown = min(len(found), console.height)
    while True:
        view = found[: -shown - 1 : -1]
        table = overview(view, now, console.width)
        hidden = len(found) - shown
        older = f"{hidden:,} older not shown; " if hidden else ""
        table.title = Text(f"registry {registry.name}", "bold")
        table.caption = Text(f"{counted(len(found), 'workflow')}; {older}Ctrl-C ends", "dim")
        height = len(console.render_lines(table, pad=False))
        if shown <= 1 or height < console.height:
            return table
        shown -= max(1, (height - console.height) // _TALLEST)


def overview(view: Sequence[Row], now: float, width: int) -> Table:
    """Return a table of rows for a terminal of that many columns; now is seconds since 1970."""
    ids = [str(row.workflow) for row in view]
    if width < WITH_IDS:
        ids = beginnings(ids)
    apart = 2 if width >= ROOMY else 1
    table = Table(
        box=None,
        padding=(0, apart, 0, 0),
        pad_edge=False,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("workflow", no_wrap=True, min_width=max(map(len, ids), default=SHORTEST))
    table.add_column("state", no_wrap=True, min_width=max(map(len, STATES)) if apart > 1 else None)
    for name in ("pings", "failed", "age"):
        table.add_column(name, no_wrap=True, min_width=len(name), justify="right")
    table.add_column("summary", overflow="fold")
    if width >= WITH_ALLOWED:
        table.add_column("allows")
    for name, row in zip(ids, view, strict=True):
        remark = Text(row.remark, RED if row.remark[:2] not in ("", "0 ") else "")
        cells = (
            name,
            Text(row.state, state_style(row.state)),
            "" if row.error else f"{row.pings:,}",
            Text("" if row.error else f"{row.failed:,}", RED if row.failed else GREY),
            age(now - row.started.milliseconds / 1000),
            remark,  # of others' words: no markup
        )
        allowed = (", ".join(row.allowed),) if width >= WITH_ALLOWED else ()
        table.add_row(*cells, *allowed)
    return table


def beginnings(ids: Sequence[str]) -> list[str]:
    """Return the ids, shortened to the fewest characters that tell all of them apart."""
    length = SHORTEST
    while len({each[:length] for each in ids}) < len(set(ids)):
        length += 1
    return [each[:length].rstrip("-") for each in ids]


def age(seconds: float) -> str:
    """Return a time span in its largest unit, for people."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"
