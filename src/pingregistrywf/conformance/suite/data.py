"""Level 3: data, derived from the types of a chart's arguments and fields.

What is asked: that every value comes out as it went in, stays through every later state, does not
leak into other histories, and that what is malformed is refused before anything is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pingregistrywf.chart.table import Arguments, Outcome, Table
from pingregistrywf.chart.vocabulary import Argument, Type
from pingregistrywf.conformance.suite.script import Action, Invalid, Script, Tell
from pingregistrywf.conformance.suite.sequential import as_stored, reach
from pingregistrywf.conformance.suite.values import BAD_ULIDS, EXTREME, bad, ordinary

COUNTS: Final = (1, 2, 3, 100, 1000)
"""How many entries a list is given."""
INTERLEAVED: Final = 3
"""How many histories are told in turns."""


def data(table: Table, level: int) -> Iterator[Script]:
    """The scripts of level 3."""
    yield from _extremes(table, level)
    yield from _compared(table, level)
    yield from _lists(table, level)
    yield from _interleaved(table, level)
    yield from _invalid(table, level)


def emitting(table: Table) -> Iterator[tuple[str, Tell, str, tuple[Tell, ...]]]:
    """Where each command first emits: the state, the telling, the state after it, the way there."""
    ways = reach(table)
    for command in table.chart.commands:
        for state, way in ways.items():
            cell = table.cell(command, state)
            if cell.outcome is Outcome.EMIT:
                yield state, as_stored(table, command), cell.target, way
                break


def onward(table: Table, state: str) -> tuple[Tell, ...]:
    """A walk from a state through as many others as it comes by, each move once, none deleting."""
    walk: list[Tell] = []
    seen = {state}
    while True:
        moves = [
            cell
            for cell in table.moves()
            if cell.state == state and cell.outcome is Outcome.EMIT and cell.target not in seen
        ]
        if not moves:
            return tuple(walk)
        # The nearest first, so that the walk comes by as many states as it can.
        nearest = min(moves, key=lambda cell: table.states.index(cell.target))
        walk.append(as_stored(table, nearest.command))
        state = nearest.target
        seen.add(state)


def _extremes(table: Table, level: int) -> Iterator[Script]:
    """Each extreme value of each argument, looked at in every later state."""
    chart = table.chart
    for _, tell, target, way in emitting(table):
        for name, argument in chart.commands[tell.command].args.items():
            for what, value in EXTREME[argument.type].items():
                if argument.nonzero and not value:
                    continue
                follow = onward(table, target)
                if name == chart.keyed_by:
                    if way or isinstance(value, Mapping):
                        continue  # no entry of that key has come here; and keys are short
                    follow = tuple(
                        Tell(each.command, each.arguments, {name: value}) for each in follow
                    )
                yield Script(
                    level,
                    chart.chart,
                    f"{tell.command} with {name} {what}",
                    (*way, Tell(tell.command, tell.arguments, {name: value}), *follow),
                )


def _compared(table: Table, level: int) -> Iterator[Script]:
    """Each compared argument alone makes a difference, and is the one that is named."""
    chart = table.chart
    ways = reach(table)
    for (command, arguments), state in table.cells:
        cell = table.cells[(command, arguments), state]
        if arguments is Arguments.OTHER and cell.compared and cell.outcome is Outcome.REJECT:
            for name in cell.compared:
                differing = Tell(command, Arguments.OTHER, differs=name)
                yield Script(
                    level,
                    chart.chart,
                    f"{command} in {state} with another {name}",
                    (*ways[state], differing, Tell(command, Arguments.SAME)),
                )


def _lists(table: Table, level: int) -> Iterator[Script]:
    """Lists of every length, looked at in every later state."""
    chart = table.chart
    for _, tell, target, way in emitting(table):
        cell = table.cell(tell.command, target)
        event = chart.events.get(str(cell.event))
        if event is None or not event.append or cell.target != target:
            continue
        for count in COUNTS:
            yield Script(
                level,
                chart.chart,
                f"{tell.command} {'once' if count == 1 else f'{count:,} times'}",
                (*way, *(tell,) * count, *onward(table, target)),
            )


def _interleaved(table: Table, level: int) -> Iterator[Script]:
    """Histories that are told in turns, each one command behind the one before it."""
    chart = table.chart
    for state, way in reach(table).items():
        if len(way) < 2:
            continue
        turns: list[Action] = [
            Tell(way[at - lag].command, way[at - lag].arguments, history=lag + 1)
            for at in range(len(way) + INTERLEAVED - 1)
            for lag in range(INTERLEAVED)
            if 0 <= at - lag < len(way)
        ]
        yield Script(
            level, chart.chart, f"{INTERLEAVED} histories in turns to {state}", tuple(turns)
        )


def _invalid(table: Table, level: int) -> Iterator[Script]:
    """What is malformed is refused, in a state in which the command would be accepted and with a
    version that would be refused."""
    chart = table.chart
    stale = f"{1:026d}"
    for state, tell, _, way in emitting(table):
        said = chart.commands[tell.command].args
        sound = {name: ordinary(argument.type, 1) for name, argument in said.items()}
        vid = None if chart.starts(tell.command) else stale
        asked: list[tuple[str, Invalid]] = []
        for name, argument in said.items():
            for what, value in bad(argument):
                asked.append((f"{name} {what}", Invalid(tell.command, sound | {name: value}, vid)))
            rest = {key: value for key, value in sound.items() if key != name}
            asked.append((f"no {name}", Invalid(tell.command, rest, vid)))
        asked.append(("an unknown argument", Invalid(tell.command, sound | {"unknown": 1}, vid)))
        asked.append(("a list of arguments", Invalid(tell.command, [], vid)))
        for what, invalid in asked:
            yield Script(
                level, chart.chart, f"{tell.command} in {state} with {what}", (*way, invalid)
            )
    yield from _invalid_anywhere(table, level)


def _invalid_anywhere(table: Table, level: int) -> Iterator[Script]:
    """Malformed commands, versions and ids."""
    chart = table.chart
    _, tell, _, way = next(iter(emitting(table)))
    args = {
        name: ordinary(argument.type, 1)
        for name, argument in chart.commands[tell.command].args.items()
    }
    commands = {
        "an unknown command": "NoSuchCommand",
        "a command in lower case": tell.command.lower(),
        "an empty command": "",
        "a number as command": 7,
        "no command": None,
    }
    for what, command in commands.items():
        yield Script(level, chart.chart, what, (*way, Invalid(command, args)))
    for _, told, _, before in emitting(table):
        if chart.starts(told.command):
            continue
        said = chart.commands[told.command].args
        sound = {name: ordinary(argument.type, 1) for name, argument in said.items()}
        others = {"a number": 7, "empty": "", "in another case": "NO_VC"}
        vids: dict[str, object] = {**BAD_ULIDS, **others}
        for what, vid in vids.items():
            yield Script(
                level,
                chart.chart,
                f"{told.command} with a version {what}",
                (*before, Invalid(told.command, sound, vid)),
            )
        break  # how a version is read does not depend on the command
    for what, value in bad_ids():
        yield Script(
            level,
            chart.chart,
            f"{tell.command} with a history's id {what}",
            (*way, Invalid(tell.command, args, id=value)),
        )


def bad_ids() -> Iterator[tuple[str, object]]:
    """Malformed ids of histories."""
    for what, value in bad(Argument(type=Type.UUID, nonzero=True, doc="")):
        if value is not None:
            yield what, value
