"""Level 6: each operation from every state that its histories can be in, and at once again.

One machine follows from the declaration of the operations and from both tables.  A state of it is
the state of every history that they are about, with the ids that one history keeps of another's
events.  Operations lead from one to another, and so do runs that end after a step, commands of the
chart under test, and garbage collection.  From every state that is reached, by the shortest way,
every operation is run without a vid, with the right, a stale, a foreign and the epoch one, with the
names that are stored and with others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from pingregistrywf.chart import ir
from pingregistrywf.conformance.oracle import MARK_DAYS
from pingregistrywf.conformance.suite.compile import Compilation, Compiler, World, origin_of
from pingregistrywf.conformance.suite.index import crowded, growth
from pingregistrywf.conformance.suite.levels import SuiteError
from pingregistrywf.conformance.suite.scenario import (
    RUN_VIDS,
    SPOKEN_VIDS,
    Action,
    Collect,
    Run,
    Scenario,
    Tell,
)
from pingregistrywf.conformance.suite.sequential import as_stored

Actions: TypeAlias = tuple[Action, ...]

MOST_STATES: Final = 1_000
"""A machine of more states is not toured."""


def tours(compiler: Compiler) -> Iterator[Scenario]:
    """The scenarios of all operations.

    Raises:
        SuiteError: the machine of some operations has too many states.
    """
    for operations in compiler.model.operations.values():
        machine = Machine(compiler, operations)
        for state in machine.states():
            yield from _tour(machine, state)
        yield from _rewrites(machine)


def pairs(machine: Machine, name: str) -> Iterator[Scenario]:
    """Every two runs of an operation, one after the other, from each state; the first acts.

    They are more than the suite asks: what passes them, too, can hardly be told from what is right.
    """
    for state in machine.states():
        before = machine.compiled(state.way)
        for first in runs(machine, before, (name,)):
            way = (*state.way, first)
            after = machine.compiled(way)
            if after.history == before.history:
                continue
            for second in runs(machine, after, (name,)):
                yield Scenario(f"two runs of {name}, {state.name}", (*way, second), "operation")


@dataclass(frozen=True, slots=True)
class Reached:
    """A state of the machine, and the shortest way to it."""

    way: Actions
    world: World
    name: str


class Machine:
    """The machine of some operations.

    Args:
        compiler: compiles ways, and so tells where they lead.
        operations: the operations.

    Attributes:
        tried: the names of the operations that an implementation may be asked to run.
    """

    def __init__(self, compiler: Compiler, operations: ir.Operations) -> None:
        self.compiler = compiler
        self.operations = operations.operations
        trials = operations.trials
        named = self.operations if trials is None else (each.operation for each in trials)
        self.tried = tuple(dict.fromkeys(named))

    def states(self, moves: Sequence[Action] = ()) -> Iterator[Reached]:
        """Every state, nearest first.

        Args:
            moves: what leads from one state to another; all that may unless given.

        Raises:
            SuiteError: there are too many.
        """
        moves = moves or tuple(self._moves())
        first = self._reached(())
        ways: deque[Reached] = deque([first])
        seen = {first.world}
        while ways:
            at = ways.popleft()
            yield at
            for move in moves:
                then = self._reached((*at.way, move))
                if then.world not in seen:
                    seen.add(then.world)
                    ways.append(then)
            if len(seen) > MOST_STATES:
                raise SuiteError(
                    f"the operations {', '.join(self.tried)} have more than {MOST_STATES:,} states "
                    "together: name fewer of them in trials"
                )

    def compiled(self, actions: Actions) -> Compilation:
        """Some actions, compiled."""
        compilation = Compilation(
            self.compiler, Scenario("", actions, chart=self.compiler.chart.name), looks=False
        )
        compilation.case()
        return compilation

    def _reached(self, way: Actions) -> Reached:
        compilation = self.compiled(way)
        return Reached(way, compilation.world, compilation.name)

    def _moves(self) -> Iterator[Action]:
        """What leads from one state to another."""
        begun = set()
        for name in self.tried:
            steps = self.operations[name].steps
            begun |= {step.command for step in steps if step.starts}
            yield Run(name)
            for count in range(1, len(steps)):
                yield Run(name, steps=count)
        chart = self.compiler.chart
        numbers = sorted({at for name, at in self.compiler.places.values() if name == chart.name})
        for number in numbers:
            for command, each in chart.stepping.items():
                if not each.starts or command not in begun:
                    yield replace(as_stored(chart, command), history=number)
        if chart.deletes:
            yield Collect(MARK_DAYS + 1)


def _tour(machine: Machine, state: Reached) -> Iterator[Scenario]:
    """Every run from a state: those that change nothing in one case, any other in its own."""
    before = machine.compiled(state.way)
    idle: list[Run] = []
    for run in runs(machine, before, machine.tried):
        after = machine.compiled((*state.way, run))
        if after.history == before.history:
            idle.append(run)
            continue
        again = replace(run, vid="again" if run.vid else "")
        title = f"{spoken_run(run)} and at once again, {state.name}"
        yield Scenario(title, (*state.way, run, again), "operation")
    if idle:
        title = f"runs that change nothing, {state.name}"
        yield Scenario(title, (*state.way, *idle), "operation")


def _rewrites(machine: Machine) -> Iterator[Scenario]:
    """Runs that rewrite a keyed history: when that is too much, not worth it yet, and worth it."""
    for name in machine.tried:
        for step in machine.operations[name].steps:
            chart = machine.compiler.model.charts[step.chart]
            rewrite = chart.commands[step.command].rewrite
            if rewrite is None:
                continue
            argument = machine.operations[name].arguments[step.history]
            _, number = machine.compiler.places[origin_of(argument)]

            def there(tells: Iterable[Tell], chart: str = chart.name, at: int = number) -> Actions:
                return tuple(replace(each, chart=chart, history=at) for each in tells)

            crowd = there(crowded(chart, rewrite.limit.entries + 1))
            title = f"{name} of more than {rewrite.limit.entries} entries"
            yield Scenario(title, (*crowd, Run(name)), "operation")
            growing = there(growth(chart, rewrite, listed=1))
            if growing:
                title = f"{name} before and after it is worth it"
                actions = (*growing[:-1], Run(name), growing[-1], Run(name), Run(name))
                yield Scenario(title, actions, "operation")


def runs(machine: Machine, before: Compilation, names: Iterable[str]) -> Iterator[Run]:
    """Every run of these operations that differs from the others in what is sent."""
    for name in names:
        operation = machine.operations[name]
        named = any(argument.derived for argument in operation.arguments.values())
        sent = []
        for other in (False, True)[: 1 + named]:
            for vid in RUN_VIDS[:-1] if operation.versioned else RUN_VIDS[:1]:
                run = Run(name, vid=vid, other=other)
                request = before.request(run)
                if request not in sent:
                    sent.append(request)
                    yield run


def spoken_run(run: Run) -> str:
    """A run in words."""
    how = f" {SPOKEN_VIDS[run.vid]}" if run.vid else ""
    return run.operation + how + (" for another name" if run.other else "")
