"""Level 6: each operation run to its end, and killed after each step and run again.

A file of operations may say what comes before and after each.  Where it does not, the shortest way
is searched, with the oracle, to a state in which every step of the operation is accepted and one of
them appends or deletes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from pingregistrywf.chart import ir
from pingregistrywf.conformance.oracle import Result
from pingregistrywf.conformance.suite.compile import Compilation, Compiler
from pingregistrywf.conformance.suite.scenario import Action, Run, Scenario, Tell
from pingregistrywf.conformance.suite.sequential import as_stored

Actions: TypeAlias = tuple[Action, ...]

WIDEST_SEARCH: Final = 1_000
"""After so many different states the search for a way ends."""


def trials(compiler: Compiler) -> Iterator[Scenario]:
    """The scenarios of all operations."""
    for operations in compiler.model.operations.values():
        for name, before, after in _ways(compiler, operations):
            actions = (*before, Run(name), *after)
            yield Scenario(f"{name}, run to its end", actions, "operation")
            # A crash that the operation does not come to would wait for the next run.
            steps = len(operations.operations[name].steps)
            done = len(_compiled(compiler, (*before, Run(name))).ran)
            for step in range(min(steps, done + 1)):
                killed = (*before, Run(name, crash=step), Run(name), *after)
                title = f"{name}, killed after step {step} and run again"
                yield Scenario(title, killed, "operation")


def _compiled(compiler: Compiler, actions: Actions) -> Compilation:
    compilation = Compilation(compiler, Scenario("", actions, chart=compiler.chart.name))
    compilation.case()
    return compilation


def _ways(compiler: Compiler, operations: ir.Operations) -> Iterator[tuple[str, Actions, Actions]]:
    """Each operation that is tried, what comes before it, and what comes after it."""
    if operations.trials is None:
        for name, way in _found(compiler, operations).items():
            yield name, way, ()
        return

    def actions(names: Sequence[str]) -> Actions:
        return tuple(Run(each) if each in operations.operations else Tell(each) for each in names)

    for trial in operations.trials:
        yield trial.operation, actions(trial.after), actions(trial.then)


def _found(compiler: Compiler, operations: ir.Operations) -> Mapping[str, Actions]:
    """The shortest way to each operation, breadth first; the best that was found if none is whole.

    What comes before an operation are the operations of its file and the commands of the chart
    under test, on each of its histories.
    """
    chart = compiler.chart
    numbers = {number for name, number in compiler.places.values() if name == chart.name} or {1}
    possible: list[Action] = [Run(name) for name in operations.operations]
    possible += [
        replace(as_stored(chart, command), history=number)
        for number in sorted(numbers)
        for command in chart.stepping
    ]
    best: dict[str, tuple[int, Actions]] = {}
    ways: deque[Actions] = deque([()])
    seen = {_compiled(compiler, ()).states}
    while ways and len(seen) < WIDEST_SEARCH:
        way = ways.popleft()
        for action in possible:
            done = _compiled(compiler, (*way, action))
            if isinstance(action, Run):
                score = _score(operations.operations[action.operation], done.ran)
                if action.operation not in best or score > best[action.operation][0]:
                    best[action.operation] = (score, way)
            if done.states not in seen:
                seen.add(done.states)
                ways.append((*way, action))
    return {name: best[name][1] for name in operations.operations}


def _score(operation: ir.Operation, ran: Sequence[Result]) -> int:
    """How many steps were accepted; one more if all were, and one of them appended or deleted."""
    accepted = sum(not each.error for each in ran)
    whole = accepted == len(operation.steps) and any(each.events or each.deleted for each in ran)
    return accepted + whole
