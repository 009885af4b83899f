"""Level 5: a keyed chart, of which one history holds many entries, and its snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pingregistrywf.chart.ir import Chart, Command, Outcome, Rewrite
from pingregistrywf.conformance.suite.data import data
from pingregistrywf.conformance.suite.scenario import WHOLE, Action, Bound, Scenario, Tell
from pingregistrywf.conformance.suite.sequential import reach, sequential
from pingregistrywf.conformance.suite.versions import versions
from pingregistrywf.conformance.suite.wire import wire


def index(chart: Chart, up_to: Bound = WHOLE) -> Iterator[Scenario]:
    """The scenarios of level 5; those of the n-complete suite up to a bound."""
    yield from sequential(chart, up_to)
    yield from versions(chart)
    yield from data(chart)
    yield from _entries(chart)
    if chart.rewriting and chart.rewriting.rewrite:
        yield from _snapshots(chart, chart.rewriting, chart.rewriting.rewrite)
    yield from wire(chart)


def _entries(chart: Chart) -> Iterator[Scenario]:
    """Entries side by side: each follows the chart by itself, and they are listed in order."""
    ways = [way for way in reach(chart).values() if way]
    for keys in ((1, 2, 3), (3, 1, 2), (2, 3, 1)):
        for way in ways:
            turns = tuple(replace(each, key=key) for each in way for key in keys)
            yield Scenario(f"entries {keys} in turns to {way[-1].command}", turns)
    longest = max(ways, key=len)
    mixed = tuple(
        replace(each, key=key) for key, way in enumerate((*ways, longest), start=1) for each in way
    )
    yield Scenario("entries in every state at once", mixed)
    two = tuple(replace(each, history=history) for each in longest for history in (1, 2))
    yield Scenario("two histories with an entry of the same key", two)


def _cycle(chart: Chart) -> tuple[Tell, ...]:
    """A way from the initial state back to it that emits at every step; () if there is none."""
    for state, way in reach(chart).items():
        for command in chart.stepping:
            cell = chart.cell(command, state)
            if cell.outcome is Outcome.EMIT and cell.target == chart.initial and way:
                return (*way, Tell(command))
    return ()


def crowded(chart: Chart, count: int) -> tuple[Tell, ...]:
    """What to tell so that so many entries are listed."""
    first = min((way for way in reach(chart).values() if way), key=len)
    return tuple(replace(each, key=key) for key in range(1, count + 1) for each in first)


def growth(chart: Chart, rewrite: Rewrite, listed: int) -> tuple[Tell, ...]:
    """What to tell so that a snapshot saves storage, and would not without the last of it.

    Args:
        listed: how many entries are listed all the while, beside the one that changes.

    Returns:
        Nothing, if no commands can be told again and again.
    """
    cycle = _cycle(chart)
    if not cycle:
        return ()
    first = tuple(replace(each, key=2) for each in crowded(chart, 1)) * listed
    saving = rewrite.saving
    enough = max(saving.events, saving.base + saving.per_entry * (listed + 1) + 1)
    rounds, rest = divmod(enough - 1 - len(first), len(cycle))
    return (*first, *cycle * rounds, *cycle[: rest + 1])


def _snapshots(chart: Chart, command: Command, rewrite: Rewrite) -> Iterator[Scenario]:
    ways = [way for way in reach(chart).values() if way]
    first, longest = min(ways, key=len), max(ways, key=len)
    always = Tell(command.name, args={rewrite.option: False})
    saving = Tell(command.name, args={rewrite.option: True})
    limit = rewrite.limit.entries

    def scenario(title: str, *actions: Action) -> Scenario:
        return Scenario(title, actions, command.rules[0].id)

    def at(key: int, way: tuple[Tell, ...]) -> tuple[Tell, ...]:
        return tuple(replace(each, key=key) for each in way)

    yield scenario("a snapshot of an empty index", always, saving)
    yield scenario("a snapshot, and another right after it", *first, always, always, saving)
    yield scenario("a snapshot too early to save storage", *first, saving)
    yield scenario(
        "a snapshot of entries in every state, and commands after it",
        *at(3, longest),
        *at(1, first),
        *at(2, longest),
        always,
        *at(1, longest[len(first) :]),
        *at(4, first),
        always,
    )
    cycle = _cycle(chart)
    if cycle:
        yield scenario("a snapshot when nothing is listed any more", *cycle, always, *first)
        # One event before a snapshot is worth it, and with that event.
        for listed in (0, 1):
            *before, last = growth(chart, rewrite, listed)
            title = f"a snapshot before and after its threshold, {listed} listed beside"
            yield scenario(title, *before, saving, last, saving)
    crowd = crowded(chart, limit)
    yield scenario(f"a snapshot of {limit} entries", *crowd, always)
    yield scenario(
        f"a snapshot of more than {limit} entries", *crowd, *at(limit + 1, first), always, saving
    )
