"""Random suites, the yardstick of a level: as many cases, of as many actions, each drawn evenly.

What is drawn is what the level sends: commands with vids, values of the arguments' types, entries,
instances, runs of operations, or requests to daemons.  The oracle says what is expected, as of
every case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart
from pingregistrywf.chart.parts import Daemons
from pingregistrywf.chart.types import Type
from pingregistrywf.conformance.daemons import DAY
from pingregistrywf.conformance.oracle import MARK_DAYS
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.compile import Compiler
from pingregistrywf.conformance.suite.scenario import (
    RUN_VIDS,
    VIDS,
    Action,
    Collect,
    Daemon,
    Run,
    Scenario,
    Tell,
)
from pingregistrywf.conformance.suite.sequences import Mealy
from pingregistrywf.conformance.suite.sequential import tell_of
from pingregistrywf.conformance.suite.values import INT32_MAX, INT32_MIN

Draw: TypeAlias = Callable[[Random], Action]
DrawTell: TypeAlias = Callable[[Random], Tell]

SEED: Final = 1
"""Makes the same random suites in every run."""
LONGEST_TEXT: Final = 20
LAST_LETTER: Final = 0xD7FF
"""The last character before the surrogates."""
KEYS: Final = 3
"""So many entries take part."""
INSTANCES: Final = 3
"""So many instances take part."""
COUNT: Final = 3
"""A server or a gatherer posts so many at most."""


def like(
    cases: Iterable[Case], compiler: Compiler, draw: Draw, begin: Sequence[Action] = (), **more: Any
) -> Iterator[Case]:
    """A random case for each case: of its level and chart, and of as many actions.

    Args:
        cases: the suite that is measured.
        compiler: says what is expected.
        draw: draws an action.
        begin: what each case begins with.
        more: what the scenarios have beside their actions.
    """
    random = Random(SEED)  # noqa: S311
    for case in cases:
        drawn = (draw(random) for _ in case.scenario.actions[len(begin) :])
        scenario = Scenario("random actions", (*begin, *_in_time(list(drawn))), **more)
        yield compiler.compile(replace(scenario, level=case.level, chart=case.chart))


def commands(chart: Chart) -> DrawTell:
    """Commands of a chart, with ordinary arguments."""
    inputs = Mealy(chart).inputs
    return lambda random: tell_of(random.choice(inputs))


def with_vids(draw: DrawTell) -> DrawTell:
    """The same, with vids of every kind."""
    return lambda random: replace(draw(random), vid=random.choice(VIDS))


def with_values(chart: Chart, draw: DrawTell) -> DrawTell:
    """The same, with numbers and texts drawn from all that their types allow."""

    def drawn(random: Random) -> Tell:
        tell = draw(random)
        args = {
            name: _value(each.type, random)
            for name, each in chart.commands[tell.command].arguments.items()
            if each.type in (Type.INT32, Type.STRING)
        }
        return replace(tell, args=args)

    return drawn


def with_keys(draw: DrawTell) -> DrawTell:
    """The same, about several entries of a keyed chart."""
    return lambda random: replace(draw(random), key=random.randint(1, KEYS))


def through_instances(draw: DrawTell) -> Draw:
    """The same through several instances, and now and then garbage is collected."""

    def drawn(random: Random) -> Action:
        tell = replace(draw(random), server=random.randrange(INSTANCES))
        # After exactly so many days a mark may be gone or not: it takes a while to ask.
        days = random.choice([each for each in range(2 * MARK_DAYS) if each != MARK_DAYS])
        return _now_and_then(Collect(days), tell, random)

    return drawn


def runs(names: Sequence[str], draw: DrawTell) -> Draw:
    """Runs of operations, with vids and names of every kind, among commands."""

    def drawn(random: Random) -> Action:
        vid = random.choice(RUN_VIDS[:-1])
        run = Run(random.choice(names), vid=vid, other=random.random() < 0.5)
        return _now_and_then(draw(random), run, random)

    return drawn


def daemons(declared: Daemons, draw: Draw) -> Draw:
    """Requests to daemons at any time up to twice the limit, among runs and commands."""
    ages = declared.collecting.ages

    def drawn(random: Random) -> Action:
        age, count = random.choice(ages), random.randint(1, COUNT)
        server = random.randrange(INSTANCES)
        asked = random.choice(
            [
                Daemon("ping", count=count, server=server),
                Daemon("gather", now=random.randrange(10), count=count, server=server),
                Daemon("collect", now=random.randrange(2 * age.days * DAY), since=age.since),
            ]
        )
        return _now_and_then(draw(random), asked, random)

    return drawn


def _in_time(actions: Sequence[Action]) -> Iterator[Action]:
    """The same actions, but daemons are asked in the order of time, which never goes back."""
    asked = sorted(
        (each for each in actions if isinstance(each, Daemon)), key=lambda each: each.now
    )
    following = iter(asked)
    return (next(following) if isinstance(each, Daemon) else each for each in actions)


def _now_and_then(seldom: Action, often: Action, random: Random) -> Action:
    return seldom if random.random() < 0.25 else often


def _value(type_: Type, random: Random) -> int | str:
    if type_ is Type.INT32:
        return random.randint(INT32_MIN, INT32_MAX)
    length = random.randint(0, LONGEST_TEXT)
    return "".join(chr(random.randint(0, LAST_LETTER)) for _ in range(length))
