"""Level 6: several instances on one journal, garbage, races and interrupted operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pingregistrywf.chart.table import Outcome, Table
from pingregistrywf.conformance.suite.data import emitting
from pingregistrywf.conformance.suite.operations import Site
from pingregistrywf.conformance.suite.script import Action, Collect, Look, Race, Run, Script, Tell
from pingregistrywf.conformance.suite.sequential import as_stored, reach

INSTANCES = 3
"""Through so many instances histories are told and looked at."""
RACERS = 4
EACH = 5
"""In a race so many instances tell a command so many times each."""


def servers(table: Table, level: int, site: Site | None) -> Iterator[Script]:
    """The scripts of level 6."""
    yield from _visible(table, level)
    yield from _garbage(table, level)
    yield from _races(table, level)
    if site is not None:
        yield from _operations(table, level, site)


def _through(tell: Tell, server: int, vid: str = "no_vc") -> Tell:
    return replace(tell, server=server, vid=vid)


def _visible(table: Table, level: int) -> Iterator[Script]:
    """What one instance does, every other sees at once, and builds upon."""
    name = table.chart.chart
    for state, way in reach(table).items():
        if not way:
            continue
        looked = tuple(Look(server=server) for server in range(INSTANCES))
        turns = tuple(_through(each, at % INSTANCES) for at, each in enumerate(way))
        yield Script(
            level,
            name,
            f"to {state}, each command through the next instance",
            (*looked, *turns),
            servers=INSTANCES,
        )
        versioned = tuple(_through(each, at % INSTANCES, "right") for at, each in enumerate(way))
        stale = _through(way[-1], len(way) % INSTANCES, "stale")
        yield Script(
            level,
            name,
            f"to {state} with versions that other instances answered",
            (*looked, *versioned, *((stale,) if len(way) > 2 else ())),
            servers=INSTANCES,
        )
        for command in table.chart.commands:
            tell = as_stored(table, command)
            yield Script(
                level,
                name,
                f"{command} in {state} through an instance that did not bring it there",
                (*looked, *way, _through(tell, 1), _through(tell, 2)),
                servers=INSTANCES,
            )


def _garbage(table: Table, level: int) -> Iterator[Script]:
    """A deleted history's id is free after its mark is removed, through every instance."""
    name = table.chart.chart
    deletes = [cell for cell in table.moves() if cell.outcome is Outcome.DELETE]
    if not deletes:
        return
    ways = reach(table)
    begin = next(way[0] for way in ways.values() if way)
    for cell in deletes:
        gone = (*ways[cell.state], Tell(cell.command))
        for days in (1, 16, 29):
            yield Script(
                level,
                name,
                f"deleted in {cell.state}, garbage collected {days} days later",
                (*gone, Collect(days), begin, Tell(cell.command)),
                "garbage",
            )
        yield Script(
            level,
            name,
            f"deleted in {cell.state}, and begun again when the id is free",
            (*gone, Collect(31), *ways[cell.state], Tell(cell.command)),
            "garbage",
        )
        yield Script(
            level,
            name,
            f"deleted in {cell.state} through one instance, begun again through another",
            (
                *(Look(server=server) for server in range(INSTANCES)),
                *gone,
                Collect(31),
                _through(begin, 1),
                *(_through(each, 2) for each in ways[cell.state][1:]),
            ),
            "garbage",
            servers=INSTANCES,
        )
        yield Script(
            level,
            name,
            f"days do not add up, deleted in {cell.state}",
            (*gone, Collect(16), Collect(16), begin),
            "garbage",
        )
    for state, way in ways.items():
        if way and state in table.chart.states:
            yield Script(
                level,
                name,
                f"garbage collection leaves a history in {state} alone",
                (*way, Collect(31)),
                "garbage",
            )


def _races(table: Table, level: int) -> Iterator[Script]:
    """A command that may be told again and again, told by several at once."""
    name = table.chart.chart
    for _, tell, target, way in emitting(table):
        again = table.cell(tell.command, target)
        if again.outcome is Outcome.EMIT and again.target == target:
            for vid in ("retry_no_vc", "no_vc"):
                race = Race(tell.command, RACERS, EACH, vid)
                yield Script(level, name, f"{tell.command} at once, {vid}", (*way, race), "race")


def _operations(table: Table, level: int, site: Site) -> Iterator[Script]:
    """Each operation, killed after each step and run again."""
    name = table.chart.chart
    declared = site.operations.operations

    def acts(names: tuple[str, ...]) -> tuple[Action, ...]:
        return tuple(Run(each) if each in declared else Tell(each) for each in names)

    for operation, before, after in site.plan:
        start, then = acts(before), acts(after)
        yield Script(
            level,
            name,
            f"{operation}, run to its end",
            (*start, Run(operation), *then),
            "operation",
        )
        for step in range(len(declared[operation].steps)):
            yield Script(
                level,
                name,
                f"{operation}, killed after step {step} and run again",
                (*start, Run(operation, crash=step), Run(operation), *then),
                "operation",
            )
