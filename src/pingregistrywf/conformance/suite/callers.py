"""Level 6: what callers ask for from outside, each request in every state that requests lead to.

Callers run the operations that answer again what an earlier run has done, and those of one step.
They tell no other command.  So every case can be asked of a server that takes operations alone.
After a request, each of them is made once without a vid, which shows the state that it led to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pingregistrywf.conformance.suite.compile import Compiler
from pingregistrywf.conformance.suite.scenario import SPOKEN_VIDS, Run, Scenario, Tell
from pingregistrywf.conformance.suite.sequential import as_stored
from pingregistrywf.conformance.suite.tours import Machine, Reached, runs, spoken_run

_VIDS: Final = ("right", "stale", "epoch")


def callers(compiler: Compiler) -> Iterator[Scenario]:
    """The scenarios of all operations.

    Raises:
        SuiteError: the machine of some operations has too many states.
    """
    for operations in compiler.model.operations.values():
        machine = Machine(compiler, operations)
        requests = _requests(machine)
        if any(isinstance(each, Run) for each in requests):
            for state in machine.states(requests):
                yield from _asked(machine, requests, state)


def _requests(machine: Machine) -> tuple[Run | Tell, ...]:
    """What is asked for, without a vid: what begins a history first."""
    chart = machine.compiler.chart
    begins: list[Run | Tell] = []
    tells: list[Run | Tell] = []
    others: list[Run | Tell] = []
    for name, operation in machine.operations.items():
        first, *rest = operation.steps
        if name in machine.tried and operation.again:
            (begins if first.starts else others).append(Run(name))
        elif name not in machine.tried and not rest and first.chart == chart.name:
            tells.append(as_stored(chart, first.command))
    return (*begins, *tells, *others)


def _asked(
    machine: Machine, requests: tuple[Run | Tell, ...], state: Reached
) -> Iterator[Scenario]:
    """Every request in a state; of a history that was never begun nobody has a vid to tell by."""
    before = machine.compiled(state.way)
    for each in requests:
        if isinstance(each, Tell):
            for told in _tells(each) if state.way else ():
                asked = f"{told.command} {SPOKEN_VIDS[told.vid]}"
                title = f"{asked} and then every request, {state.name}"
                yield Scenario(title, (*state.way, told, *requests))
        else:
            starts = machine.operations[each.operation].steps[0].starts
            for run in runs(machine, before, (each.operation,)):
                if (starts or not run.other) and (state.way or not run.vid):
                    title = f"{spoken_run(run)} and then every request, {state.name}"
                    begun_so = run.other and not state.way
                    then = (_named(each, other=begun_so) for each in requests)
                    yield Scenario(title, (*state.way, run, *then), "operation")


def _named(request: Run | Tell, *, other: bool) -> Run | Tell:
    """A request that gives the first names, or the others."""
    return replace(request, other=other) if isinstance(request, Run) else request


def _tells(tell: Tell) -> Iterator[Tell]:
    yield tell
    for vid in _VIDS:
        yield replace(tell, vid=vid)
