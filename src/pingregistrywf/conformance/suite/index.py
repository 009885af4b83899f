"""Level 5: a keyed chart, of which one history holds many entries, and its snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pingregistrywf.chart.table import Outcome, Table
from pingregistrywf.chart.vocabulary import Snapshot
from pingregistrywf.conformance.suite.data import data
from pingregistrywf.conformance.suite.script import Action, Script, Tell
from pingregistrywf.conformance.suite.sequential import reach, sequential
from pingregistrywf.conformance.suite.versions import versions
from pingregistrywf.conformance.suite.wire import wire


def index(table: Table, level: int) -> Iterator[Script]:
    """The scripts of level 5."""
    yield from sequential(table, level)
    yield from versions(table, level)
    yield from data(table, level)
    yield from _entries(table, level)
    if table.chart.snapshot:
        yield from _snapshots(table, table.chart.snapshot, level)
    yield from wire(table, level)


def _entries(table: Table, level: int) -> Iterator[Script]:
    """Entries side by side: each follows the chart by itself, and they are listed in order."""
    name = table.chart.chart
    ways = [way for way in reach(table).values() if way]
    for keys in ((1, 2, 3), (3, 1, 2), (2, 3, 1)):
        for way in ways:
            turns = tuple(replace(each, key=key) for each in way for key in keys)
            yield Script(level, name, f"entries {keys} in turns to {way[-1].command}", turns)
    longest = max(ways, key=len)
    mixed = tuple(
        replace(each, key=key) for key, way in enumerate((*ways, longest), start=1) for each in way
    )
    yield Script(level, name, "entries in every state at once", mixed)
    two = tuple(replace(each, history=history) for each in longest for history in (1, 2))
    yield Script(level, name, "two histories with an entry of the same key", two)


def _cycle(table: Table) -> tuple[Tell, ...]:
    """A way from the initial state back to it that emits at every step; () if there is none."""
    for state, way in reach(table).items():
        for command in table.chart.commands:
            cell = table.cell(command, state)
            if cell.outcome is Outcome.EMIT and cell.target == table.chart.initial and way:
                return (*way, Tell(command))
    return ()


def _snapshots(table: Table, said: Snapshot, level: int) -> Iterator[Script]:
    chart = table.chart
    name = chart.chart
    ways = [way for way in reach(table).values() if way]
    first, longest = min(ways, key=len), max(ways, key=len)
    command, option = said.command.name, said.command.option
    always = Tell(command, args={option: False})
    saving = Tell(command, args={option: True})

    def script(title: str, *actions: Action) -> Script:
        return Script(level, name, title, actions, "snapshot")

    def at(key: int, way: tuple[Tell, ...]) -> tuple[Tell, ...]:
        return tuple(replace(each, key=key) for each in way)

    yield script("a snapshot of an empty index", always, saving)
    yield script("a snapshot, and another right after it", *first, always, always, saving)
    yield script("a snapshot too early to save storage", *first, saving)
    yield script(
        "a snapshot of entries in every state, and commands after it",
        *at(3, longest),
        *at(1, first),
        *at(2, longest),
        always,
        *at(1, longest[len(first) :]),
        *at(4, first),
        always,
    )
    cycle = _cycle(table)
    if cycle:
        yield script("a snapshot when nothing is listed any more", *cycle, always, *first)
        # One event before a snapshot is worth it, and with that event.
        for listed in (0, 1):
            cost = said.saving.base + said.saving.per_entry * (listed + 1)
            enough = max(said.saving.events, cost + 1)
            rounds, rest = divmod(enough - 1 - listed * len(first), len(cycle))
            yield script(
                f"a snapshot before and after its threshold, {listed} listed beside",
                *at(2, first) * listed,
                *cycle * rounds,
                *cycle[:rest],
                saving,
                cycle[rest],
                saving,
            )
    crowd = tuple(each for key in range(1, said.limit.entries + 1) for each in at(key, first))
    yield script(f"a snapshot of {said.limit.entries} entries", *crowd, always)
    yield script(
        f"a snapshot of more than {said.limit.entries} entries",
        *crowd,
        *at(said.limit.entries + 1, first),
        always,
        saving,
    )
