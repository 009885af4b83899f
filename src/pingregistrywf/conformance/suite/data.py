"""Level 3: data, derived from the types of a chart's arguments and fields.

What is asked: that every value comes out as it went in, stays through every later state, does not
leak into other histories, and that what is malformed is refused before anything is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pingregistrywf.chart.ir import Argument, Arguments, Chart, Command, Outcome
from pingregistrywf.chart.types import Type
from pingregistrywf.conformance.suite.scenario import Action, Invalid, Scenario, Tell
from pingregistrywf.conformance.suite.sequential import as_stored, reach
from pingregistrywf.conformance.suite.values import BAD_ULIDS, EXTREME, bad, ordinary

COUNTS: Final = (1, 2, 3, 100, 1000)
"""How many entries a list is given."""
INTERLEAVED: Final = 3
"""How many histories take turns."""


def data(chart: Chart) -> Iterator[Scenario]:
    """The scenarios of level 3."""
    yield from _extremes(chart)
    yield from _compared(chart)
    yield from _lists(chart)
    yield from _interleaved(chart)
    yield from _invalid(chart)


def emitting(chart: Chart) -> Iterator[tuple[str, Tell, str, tuple[Tell, ...]]]:
    """Where each command first emits: the state, the telling, the state after it, the way there."""
    ways = reach(chart)
    for command in chart.stepping:
        for state, way in ways.items():
            cell = chart.cell(command, state)
            if cell.outcome is Outcome.EMIT:
                yield state, as_stored(chart, command), cell.target, way
                break


def onward(chart: Chart, state: str) -> tuple[Tell, ...]:
    """A walk from a state through as many others as it comes by, each move once, none deleting."""
    walk: list[Tell] = []
    seen = {state}
    while True:
        moves = [
            cell
            for cell in chart.moves()
            if cell.state == state and cell.outcome is Outcome.EMIT and cell.target not in seen
        ]
        if not moves:
            return tuple(walk)
        # The nearest first, so that the walk comes by as many states as it can.
        nearest = min(moves, key=lambda cell: chart.columns.index(cell.target))
        walk.append(as_stored(chart, nearest.command))
        state = nearest.target
        seen.add(state)


def _extremes(chart: Chart) -> Iterator[Scenario]:
    """Each extreme value of each argument, looked at in every later state."""
    for _, tell, target, way in emitting(chart):
        for name, argument in chart.commands[tell.command].arguments.items():
            for what, value in EXTREME[argument.type].items():
                if argument.nonzero and not value:
                    continue
                follow = onward(chart, target)
                if chart.key and name == chart.key.name:
                    if way or isinstance(value, Mapping):
                        continue  # no entry of that key has come here; and keys are short
                    follow = tuple(
                        Tell(each.command, each.arguments, {name: value}) for each in follow
                    )
                yield Scenario(
                    f"{tell.command} with {name} {what}",
                    (*way, Tell(tell.command, tell.arguments, {name: value}), *follow),
                )


def _compared(chart: Chart) -> Iterator[Scenario]:
    """Each compared argument alone makes a difference, and is the one that is named."""
    ways = reach(chart)
    for (command, arguments), state in chart.cells:
        cell = chart.cells[(command, arguments), state]
        if arguments is Arguments.OTHER and cell.compared and cell.outcome is Outcome.REJECT:
            for name in cell.compared:
                differing = Tell(command, Arguments.OTHER, differs=name)
                yield Scenario(
                    f"{command} in {state} with another {name}",
                    (*ways[state], differing, Tell(command, Arguments.SAME)),
                )


def _lists(chart: Chart) -> Iterator[Scenario]:
    """Lists of every length, looked at in every later state."""
    for _, tell, target, way in emitting(chart):
        cell = chart.cell(tell.command, target)
        carries = chart.events[cell.event].carries if cell.event else []
        if cell.target != target or all(each.operation != "append" for each in carries):
            continue
        for count in COUNTS:
            yield Scenario(
                f"{tell.command} {'once' if count == 1 else f'{count:,} times'}",
                (*way, *(tell,) * count, *onward(chart, target)),
            )


def _interleaved(chart: Chart) -> Iterator[Scenario]:
    """Histories that take turns, each one command behind the one before it."""
    for state, way in reach(chart).items():
        if len(way) < 2:
            continue
        turns: list[Action] = [
            Tell(way[at - lag].command, way[at - lag].arguments, history=lag + 1)
            for at in range(len(way) + INTERLEAVED - 1)
            for lag in range(INTERLEAVED)
            if 0 <= at - lag < len(way)
        ]
        yield Scenario(f"{INTERLEAVED} histories in turns to {state}", tuple(turns))


def _invalid(chart: Chart) -> Iterator[Scenario]:
    """What is malformed is refused, in a state in which the command would be accepted and with a
    version that would be refused."""
    stale = f"{1:026d}"
    for state, tell, _, way in emitting(chart):
        command = chart.commands[tell.command]
        sound = _ordinary_arguments(command)
        vid = None if command.starts else stale
        asked: list[tuple[str, Invalid]] = []
        for name, argument in command.arguments.items():
            for what, value in bad(argument):
                asked.append((f"{name} {what}", Invalid(tell.command, sound | {name: value}, vid)))
            rest = {key: value for key, value in sound.items() if key != name}
            asked.append((f"no {name}", Invalid(tell.command, rest, vid)))
        asked.append(("an unknown argument", Invalid(tell.command, sound | {"unknown": 1}, vid)))
        asked.append(("a list of arguments", Invalid(tell.command, [], vid)))
        for what, invalid in asked:
            yield Scenario(f"{tell.command} in {state} with {what}", (*way, invalid))
    yield from _invalid_anywhere(chart)


def _invalid_anywhere(chart: Chart) -> Iterator[Scenario]:
    """Malformed commands, versions and ids."""
    _, tell, _, way = next(iter(emitting(chart)))
    args = _ordinary_arguments(chart.commands[tell.command])
    commands = {
        "an unknown command": "NoSuchCommand",
        "a command in lower case": tell.command.lower(),
        "an empty command": "",
        "a number as command": 7,
        "no command": None,
    }
    for what, command in commands.items():
        yield Scenario(what, (*way, Invalid(command, args)))
    for _, later, _, before in emitting(chart):
        versioned = chart.commands[later.command]
        if versioned.starts:
            continue
        sound = _ordinary_arguments(versioned)
        others = {"a number": 7, "empty": "", "in another case": "NO_VC"}
        vids: dict[str, object] = {**BAD_ULIDS, **others}
        for what, vid in vids.items():
            yield Scenario(
                f"{later.command} with a version {what}",
                (*before, Invalid(later.command, sound, vid)),
            )
        break  # how a version is read does not depend on the command
    for what, value in bad_ids():
        yield Scenario(
            f"{tell.command} with a history's id {what}",
            (*way, Invalid(tell.command, args, id=value)),
        )


def _ordinary_arguments(command: Command) -> dict[str, object]:
    return {name: ordinary(argument.type, 1) for name, argument in command.arguments.items()}


def bad_ids() -> Iterator[tuple[str, object]]:
    """Malformed ids of histories."""
    for what, value in bad(Argument(name="id", type=Type.UUID, nonzero=True, doc="")):
        if value is not None:
            yield what, value
