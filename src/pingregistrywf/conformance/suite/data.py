"""Level 3: data, derived from the types of a chart's arguments and fields.

What is asked: that every value comes out as it went in, stays through every later state, does not
leak into other histories, and that what is malformed is refused before anything is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from pingregistrywf.chart.ir import Argument, Arguments, Chart, Command, Outcome
from pingregistrywf.chart.types import Type
from pingregistrywf.conformance.suite.scenario import Invalid, Scenario, Tell
from pingregistrywf.conformance.suite.sequential import as_stored, reach
from pingregistrywf.conformance.suite.values import BAD_ULIDS, EXTREME, bad, ordinary

COUNTS: Final = (1, 2, 3, 100, 1000)
"""How many entries a list is given."""
INTERLEAVED: Final = 3
"""How many histories take turns."""
BAD_VERSIONS: Final[Mapping[str, object]] = {
    **BAD_ULIDS,
    "a number": 7,
    "empty": "",
    "in another case": "NO_VC",
}


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
                    follow = tuple(replace(each, args={name: value}) for each in follow)
                extreme = replace(tell, args={name: value})
                yield Scenario(f"{tell.command} with {name} {what}", (*way, extreme, *follow))


def _compared(chart: Chart) -> Iterator[Scenario]:
    """Each compared argument alone makes a difference, and is the one that is named."""
    ways = reach(chart)
    for ((command, arguments), state), cell in chart.cells.items():
        if state not in ways:
            continue
        if arguments is Arguments.OTHER and cell.compared and cell.outcome is Outcome.REJECT:
            for name in cell.compared:
                actions = (Tell(command, arguments, differs=name), Tell(command, Arguments.SAME))
                title = f"{command} in {state} with another {name}"
                yield Scenario(title, (*ways[state], *actions))


def _lists(chart: Chart) -> Iterator[Scenario]:
    """Lists of every length, looked at in every later state."""
    for _, tell, target, way in emitting(chart):
        cell = chart.cell(tell.command, target)
        carries = chart.events[cell.event].carries if cell.event else []
        if cell.target != target or all(each.operation != "append" for each in carries):
            continue
        for count in COUNTS:
            title = f"{tell.command} {'once' if count == 1 else f'{count:,} times'}"
            yield Scenario(title, (*way, *(tell,) * count, *onward(chart, target)))


def _interleaved(chart: Chart) -> Iterator[Scenario]:
    """Histories that take turns, each one command behind the one before it."""
    for state, way in reach(chart).items():
        if len(way) < 2:
            continue
        turns = tuple(
            replace(way[at - lag], history=lag + 1)
            for at in range(len(way) + INTERLEAVED - 1)
            for lag in range(INTERLEAVED)
            if 0 <= at - lag < len(way)
        )
        yield Scenario(f"{INTERLEAVED} histories in turns to {state}", turns)


def _invalid(chart: Chart) -> Iterator[Scenario]:
    """Malformed arguments, in a state in which the command would be accepted and with a version
    that would be refused; then malformed commands, versions and ids."""
    for state, tell, _, way in emitting(chart):
        command = chart.commands[tell.command]
        vid = None if command.starts else f"{1:026d}"
        for what, args in _bad_arguments(command):
            title = f"{tell.command} in {state} with {what}"
            yield Scenario(title, (*way, Invalid(tell.command, args, vid)))
    _, tell, _, way = next(emitting(chart))
    sound = _ordinary_arguments(chart.commands[tell.command])
    commands = {
        "an unknown command": "NoSuchCommand",
        "a command in lower case": tell.command.lower(),
        "an empty command": "",
        "a number as command": 7,
        "no command": None,
    }
    for what, name in commands.items():
        yield Scenario(what, (*way, Invalid(name, sound)))
    yield from _bad_versions(chart)
    for what, value in bad_ids():
        title = f"{tell.command} with a history's id {what}"
        yield Scenario(title, (*way, Invalid(tell.command, sound, id=value)))


def _bad_arguments(command: Command) -> Iterator[tuple[str, object]]:
    sound = _ordinary_arguments(command)
    for name, argument in command.arguments.items():
        for what, value in bad(argument):
            yield f"{name} {what}", sound | {name: value}
        yield f"no {name}", {key: value for key, value in sound.items() if key != name}
    yield "an unknown argument", sound | {"unknown": 1}
    yield "a list of arguments", []


def _bad_versions(chart: Chart) -> Iterator[Scenario]:
    """Malformed versions of one command: how a version is read does not depend on the command."""
    for _, tell, _, way in emitting(chart):
        command = chart.commands[tell.command]
        if not command.starts:
            for what, vid in BAD_VERSIONS.items():
                invalid = Invalid(tell.command, _ordinary_arguments(command), vid)
                yield Scenario(f"{tell.command} with a version {what}", (*way, invalid))
            return


def _ordinary_arguments(command: Command) -> dict[str, object]:
    return {name: ordinary(argument.type, 1) for name, argument in command.arguments.items()}


def bad_ids() -> Iterator[tuple[str, object]]:
    """Malformed ids of histories."""
    for what, value in bad(Argument(name="id", type=Type.UUID, nonzero=True, doc="")):
        if value is not None:
            yield what, value
