"""Level 6: what daemons do at a given time, made from their declaration.

A server posts what is missing, whoever posted the rest and wherever it comes back.  A gatherer
posts until it is time, and then sums up.  A collector does to each listed history what its age
asks for: a millisecond before a limit, on it, and a millisecond after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, cast

from pingregistrywf.chart import ir
from pingregistrywf.chart.ir import Arguments, Outcome
from pingregistrywf.chart.parts import Ageing, Daemons, Incarnation
from pingregistrywf.conformance.daemons import DAY, TRIM_DAYS, daemons_of
from pingregistrywf.conformance.oracle import MARK_DAYS
from pingregistrywf.conformance.suite.compile import Compiler, origin_of
from pingregistrywf.conformance.suite.index import growth
from pingregistrywf.conformance.suite.scenario import Action, Collect, Daemon, Run, Scenario, Tell
from pingregistrywf.conformance.suite.sequential import as_stored, reach
from pingregistrywf.conformance.suite.tours import Machine

Actions: TypeAlias = tuple[Action, ...]

ONE: Final = "fs1"
OTHER: Final = "fs11"
"""Two names, of which one begins with the other."""
COUNT: Final = 3
"""So many does each post."""
DURATION: Final = 5
"""From the first event to the summary, in milliseconds: short, so that the clock is soon there."""
CODES: Final = ((0,), (0, 0, 7), (-1, 0), (1, 2, 0))
"""The codes of what others have posted when a summary is due."""
SIDES: Final = {"a millisecond before": -1, "at": 0, "a millisecond after": 1}
"""The sides of a limit, and by how many milliseconds they differ from it."""
GHOST: Final = "00000000-0000-4000-8000-000000000001"
"""The id of a history that is listed and was never begun; it sorts before any that is made up."""


def daemons(compiler: Compiler) -> Iterator[Scenario]:
    """The scenarios of the daemons, if the model declares them.

    Those that set the clock far ahead come last.
    """
    found = daemons_of(compiler.model)
    if found is None:
        return
    made = _Daemons(compiler, *found)
    places = [*made.places()]
    for place in places:
        yield from made.posts(place)
        yield from made.sums(place)
    yield from made.collects(places)


@dataclass(frozen=True, slots=True)
class _Place:
    """A state of a history and of its entry, and the shortest way to it."""

    way: Actions
    state: str
    listed: str
    name: str


class _Daemons:
    def __init__(self, compiler: Compiler, declared: Daemons, operations: ir.Operations) -> None:
        self._declared = declared
        self._machine = Machine(compiler, operations)
        self._operations = operations.operations
        self._chart = compiler.chart
        first = self._operations[declared.collecting.ages[0].operation]
        listing = cast("Incarnation", first.about).history  # checked when it was read
        self._listing, self._number = compiler.places[origin_of(first.arguments[listing])]
        self._listed = compiler.model.charts[self._listing]

    def places(self) -> Iterator[_Place]:
        """Every state in which the history has events and is listed, so that a daemon finds it.

        Garbage collection is on no way.
        """
        for reached in self._machine.states():
            if any(isinstance(each, Collect) for each in reached.way):
                continue
            compilation = self._machine.compiled(reached.way)
            if (self._chart.name, 1) not in compilation.history:
                continue
            states = dict(compilation.states)
            ((_, state),) = states[self._chart.name, 1]
            for _, listed in states.get((self._listing, self._number), ()):
                yield _Place(reached.way, state, listed, reached.name)

    # --- Who posts ------------------------------------------------------------------------------

    def posts(self, place: _Place) -> Iterator[Scenario]:
        """A server in a state: what it posts, and that it posts no more than it has to."""
        ping = Daemon("ping", name=ONE, count=COUNT)

        def scenario(what: str, *actions: Action) -> Scenario:
            return Scenario(f"{what}, {place.name}", (*place.way, *actions), "ping")

        if not self._takes(self._declared.posting.operation, place):
            yield scenario("a server posts nothing", ping)
            return
        other = replace(ping, name=OTHER)
        yield scenario("a server posts all and no more", *[ping] * (COUNT + 1))
        turns = (other, ping, other, ping, ping, ping, other, other)
        yield scenario("two servers post, of similar names", *turns)
        yield scenario(
            "a server that is to post fewer, and then more",
            *[ping] * 2,
            replace(ping, count=1),
            replace(ping, count=COUNT + 1),
            *[replace(ping, count=COUNT + 1)] * 2,
        )
        second = self._posted(2, code=7)
        yield scenario("a server whose second is there already", second, *[ping] * COUNT)
        near = [self._said(said) for said in self._near()]
        yield scenario("a server beside texts like its own", *near, *[ping] * (COUNT + 1))
        away = [replace(ping, server=server) for server in (1, 2, 0, 1)]
        yield scenario("a server that comes back as another instance", ping, *away)
        killed = Run(self._machine.tried[0], crash=0)
        yield scenario("a server that was killed and comes back", ping, killed, *[ping] * COUNT)

    def _near(self) -> tuple[str, ...]:
        """Texts that are like what a server posts first, and are not."""
        first = self._declared.posting.message.format(name=ONE, number=1)
        return f"{first} ", f"{first}0", f"x{first}", first[:-1], first.upper()

    # --- Who sums up ----------------------------------------------------------------------------

    def sums(self, place: _Place) -> Iterator[Scenario]:
        """A gatherer in a state: until when it posts, and what it says of all that was posted."""
        gather = Daemon("gather", name="gatherer", count=COUNT, duration=DURATION)

        def scenario(what: str, *actions: Action) -> Scenario:
            return Scenario(f"{what}, {place.name}", (*place.way, *actions), "gather")

        early, due = replace(gather, now=DURATION - 1), replace(gather, now=DURATION)
        if not self._takes(self._declared.summing.operation, place):
            yield scenario("a gatherer does nothing", early, due)
            return
        yield scenario("a gatherer posts, and sums up in time", *[early] * (COUNT + 1), due, due)
        for side, milliseconds in SIDES.items():
            at = replace(gather, now=DURATION + milliseconds)
            yield scenario(f"a gatherer {side} its time", at, at)
        for codes in CODES:
            told = [self._said(f"text {at}", code) for at, code in enumerate(codes, start=1)]
            yield scenario(f"a gatherer sums up the codes {codes}", *told, due)
        away = [replace(early, server=1), replace(early, server=2), replace(due, server=1)]
        yield scenario("a gatherer that comes back as another instance", early, *away)

    # --- Who collects ---------------------------------------------------------------------------

    def collects(self, places: list[_Place]) -> Iterator[Scenario]:
        """A collector: what it does at which age, and to what it does nothing."""

        def scenario(what: str, *actions: Action) -> Scenario:
            return Scenario(what, actions, "collect")

        run = Daemon("collect")
        ages = self._declared.collecting.ages
        for age in ages:
            for place in places:
                if place.listed == age.state:
                    walk = self._around(age)
                    title = f"{age.operation} around its age, {place.name}"
                    yield scenario(title, *place.way, *walk, walk[-1])
        active = next(each for each in places if each.listed == ages[0].state)
        whole = [each for age in ages for each in self._around(age)]
        last = whole[-1]
        free = [replace(last, now=last.now + MARK_DAYS * DAY + more) for more in (0, 1)]
        begin = next(
            as_stored(self._chart, name)
            for name, each in self._chart.stepping.items()
            if each.starts
        )
        yield scenario(
            "every age after the other, until the id is free",
            *active.way,
            *whole,
            *(each for at in free for each in (at, begin)),
        )
        old = replace(run, now=ages[0].days * DAY + 1)
        ghost = self._ghost(1)
        yield scenario(
            f"{ages[0].operation} of one that was never begun, and of the next",
            *ghost,
            *active.way,
            old,
            old,
        )
        longest = max(reach(self._listed).values(), key=len)
        for count in range(2, len(longest) + 1):
            title = f"a listed one that was never begun, after {count} events"
            yield scenario(title, *active.way, *self._ghost(count), run, run)
        other = replace(old, other=True)
        yield scenario("a collector of another name", *active.way, other, old)
        yield from self._trims(active, run)

    def _trims(self, active: _Place, run: Daemon) -> Iterator[Scenario]:
        """A collector that rewrites what it lists, and moves its start."""
        command = self._listed.rewriting
        if command is None or command.rewrite is None:
            return
        rewrite = self._there(Tell(command.name))
        month = replace(run, now=TRIM_DAYS * DAY)
        yield Scenario(
            "a collector trims around its interval",
            (
                *active.way,
                rewrite,
                run,
                *self._ghost(1),
                rewrite,
                run,
                month,
                replace(month, now=month.now + 1),
            ),
            "collect",
        )
        begin = next(name for name in self._machine.tried if self._operations[name].steps[0].starts)
        growing = [self._there(each) for each in growth(self._listed, command.rewrite, listed=1)]
        title = "a collector rewrites what is worth it, and trims"
        yield Scenario(title, (Run(begin, steps=1), *growing, run), "collect")

    def _around(self, age: Ageing) -> list[Daemon]:
        """A run on each side of an age."""
        limit = age.days * DAY
        return [Daemon("collect", now=limit + side, since=age.since) for side in SIDES.values()]

    # --- Commands -------------------------------------------------------------------------------

    def _takes(self, operation: str, place: _Place) -> bool:
        command = self._operations[operation].steps[0].command
        cell = self._chart.cells[(command, Arguments.ANY), place.state]
        return cell.outcome is Outcome.EMIT

    def _posted(self, number: int, code: int) -> Tell:
        """What a server posts, told by somebody else."""
        return self._said(self._declared.posting.message.format(name=ONE, number=number), code)

    def _said(self, message: str, code: int = 0) -> Tell:
        """The command by which a message is posted."""
        step = self._operations[self._declared.posting.operation].steps[0]
        given = {"code": code, "message": message}
        named = {
            name: source.argument
            for name, source in step.sources.items()
            if isinstance(source, ir.FromArgument)
        }
        args = {name: given[argument] for name, argument in named.items() if argument in given}
        return Tell(step.command, args=args)

    def _there(self, tell: Tell) -> Tell:
        """A command of the keyed chart, on the history that lists."""
        return replace(tell, chart=self._listing, history=self._number)

    def _ghost(self, events: int) -> list[Tell]:
        """The first commands by which a history is listed that was never begun."""
        key = self._listed.key.name if self._listed.key else ""
        longest = max(reach(self._listed).values(), key=len)
        return [self._there(replace(each, args={key: GHOST})) for each in longest[:events]]
