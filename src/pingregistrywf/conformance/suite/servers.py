"""Level 6: several instances on one journal, garbage and races."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pingregistrywf.chart.ir import Chart, Outcome
from pingregistrywf.conformance.suite.data import emitting
from pingregistrywf.conformance.suite.scenario import Action, Collect, Look, Race, Scenario, Tell
from pingregistrywf.conformance.suite.sequential import as_stored, reach

INSTANCES = 3
"""Commands and looks go through so many instances."""
RACERS = 4
EACH = 5
"""In a race so many instances tell a command so many times each."""


def servers(chart: Chart) -> Iterator[Scenario]:
    """The scenarios of level 6, without operations."""
    yield from _visible(chart)
    yield from _garbage(chart)
    yield from _races(chart)


def _through(tell: Tell, server: int, vid: str = "no_vc") -> Tell:
    return replace(tell, server=server, vid=vid)


def _seen_by_all(title: str, actions: tuple[Action, ...], rule: str = "") -> Scenario:
    """A scenario in which every instance looks at a history before anything is done with it."""
    looks = tuple(Look(server=server) for server in range(INSTANCES))
    return Scenario(title, (*looks, *actions), rule, servers=INSTANCES)


def _visible(chart: Chart) -> Iterator[Scenario]:
    """What one instance does, every other sees at once, and builds upon."""
    for state, way in reach(chart).items():
        if not way:
            continue
        turns = tuple(_through(each, at % INSTANCES) for at, each in enumerate(way))
        yield _seen_by_all(f"to {state}, each command through the next instance", turns)
        versioned = tuple(_through(each, at % INSTANCES, "right") for at, each in enumerate(way))
        stale = (_through(way[-1], len(way) % INSTANCES, "stale"),) if len(way) > 2 else ()
        title = f"to {state} with versions that other instances answered"
        yield _seen_by_all(title, (*versioned, *stale))
        for command in chart.stepping:
            tell = as_stored(chart, command)
            title = f"{command} in {state} through an instance that did not bring it there"
            yield _seen_by_all(title, (*way, _through(tell, 1), _through(tell, 2)))


def _garbage(chart: Chart) -> Iterator[Scenario]:
    """A deleted history's id is free after its mark is removed, through every instance."""
    ways = reach(chart)
    deletes = [
        cell for cell in chart.moves() if cell.outcome is Outcome.DELETE and cell.state in ways
    ]
    if not deletes:
        return

    def scenario(title: str, *actions: Action) -> Scenario:
        return Scenario(title, actions, "garbage")

    begin = next(way[0] for way in ways.values() if way)
    for cell in deletes:
        deleted, delete = f"deleted in {cell.state}", Tell(cell.command)
        gone = (*ways[cell.state], delete)
        for days in (1, 16, 29):
            title = f"{deleted}, garbage collected {days} days later"
            yield scenario(title, *gone, Collect(days), begin, delete)
        title = f"{deleted}, and begun again when the id is free"
        yield scenario(title, *gone, Collect(31), *gone)
        again = (_through(begin, 1), *(_through(each, 2) for each in ways[cell.state][1:]))
        title = f"{deleted} through one instance, begun again through another"
        yield _seen_by_all(title, (*gone, Collect(31), *again), "garbage")
        title = f"days do not add up, deleted in {cell.state}"
        yield scenario(title, *gone, Collect(16), Collect(16), begin)
    for state, way in ways.items():
        if way and state in chart.states:
            title = f"garbage collection leaves a history in {state} alone"
            yield scenario(title, *way, Collect(31))


def _races(chart: Chart) -> Iterator[Scenario]:
    """A command that may be repeated, sent by several instances at once."""
    for _, tell, target, way in emitting(chart):
        again = chart.cell(tell.command, target)
        if again.outcome is Outcome.EMIT and again.target == target:
            for vid in ("retry_no_vc", "no_vc"):
                race = Race(tell.command, RACERS, EACH, vid)
                yield Scenario(f"{tell.command} at once, {vid}", (*way, race), "race")
