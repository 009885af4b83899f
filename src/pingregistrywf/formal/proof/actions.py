"""What may happen in a system: the actions of its formal model, for any number of participants.

A participant begins an operation, runs its next step, or crashes and forgets what it was doing; and
a mark of deletion expires.  All of them are made from the lowered charts, the operations and the
system.  They allow more than the system does: any participant runs any operation, as often as it
likes, and what it saw in the past is not asked for.  What is safe here is safe in the system.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import z3

from pingregistrywf.chart.invariant import PARTICIPANT
from pingregistrywf.chart.ir import DELETED
from pingregistrywf.chart.system import Condition, Run
from pingregistrywf.formal.proof.moments import (
    IDLE,
    RUNNING,
    Action,
    Change,
    Symbols,
    Term,
    histories,
)
from pingregistrywf.formal.proof.steps import StepAction
from pingregistrywf.generate.tla.charts import ChartModule
from pingregistrywf.generate.tla.spelling import pascal


def actions(symbols: Symbols) -> Iterator[Action]:
    """Yield all actions of a system."""
    module = symbols.module
    for kind, participant in module.system.participants.items():
        for run in participant.runs:
            yield _begin(symbols, kind, run)
    for operation in module.used.values():
        for number in range(1, len(operation.steps) + 1):
            yield StepAction(symbols, operation, number).action()
    yield _crash(symbols)
    for each in module.charts.values():
        if each.chart.deletes:
            yield _free(symbols, each)


def _begin(symbols: Symbols, kind: str, run: Run) -> Action:
    """A participant sees that it may run an operation, and begins."""
    module, now = symbols.module, symbols.any
    operation = module.used[run.operation]
    participant = symbols.constant(kind, PARTICIPANT)
    constants = {name: symbols.constant(name, name) for name in module.inputs(operation)}

    def input_of(argument: str) -> Term:
        return constants[module.input_of(operation, argument)]

    guards = [now.value(RUNNING, "next", participant) == symbols.steps.members[IDLE]]
    guards += [_holds(symbols, constants, each) for each in run.when if each.now]
    known = dict(constants)
    if module.reads(operation) and run.reads:
        known["read"] = now.value(histories(run.reads.chart), "vid", constants[run.reads.history])
    if later := module.given_later(operation):
        keys = [input_of(later.history)]
        if key := module.key_of(operation, later):
            keys.append(constants[key])
        known["before"] = now.value((later.chart, len(keys)), "vid", *keys)
    if about := operation.about:
        keys = [input_of(about.history), input_of(about.entry)]
        known["first"] = now.value((about.chart, 2), about.began_with, *keys)
    known["next"] = symbols.steps.members[module.action(operation, 1)]
    fields = {
        name: known.get(name, symbols.nothing(now.value(RUNNING, name, participant).sort()))
        for name in now.columns[RUNNING]
    }
    return Action(
        name=f"{pascal(kind)}Begins{pascal(operation.name)}",
        guards=guards,
        constants=[(PARTICIPANT, participant), *constants.items()],
        changes=[Change(RUNNING, [participant], fields)],
    )


def _holds(symbols: Symbols, constants: Mapping[str, Term], condition: Condition) -> Term:
    """What a participant sees when it begins: one of some states, now."""
    names = [name for name in (condition.history, condition.entry) if name]
    keys = [constants.get(name, symbols.constant(f"some {name}", name)) for name in names]
    state = symbols.any.value((condition.chart, len(keys)), "state", *keys)
    members = symbols.states[condition.chart].members
    return z3.Or([state == members[name] for name in condition.now])


def _crash(symbols: Symbols) -> Action:
    """A participant crashes at any time, also before it learns that a step has taken effect."""
    participant = symbols.constant(PARTICIPANT, PARTICIPANT)
    changes = [Change(RUNNING, [participant], {"next": symbols.steps.members[IDLE]})]
    return Action("Crash", [], [(PARTICIPANT, participant)], changes)


def _free(symbols: Symbols, module: ChartModule) -> Action:
    """A mark of deletion expires, and the id may be used again."""
    name, table = symbols.module.indexed[module.chart.name], histories(module.chart.name)
    freed = symbols.constant(name, name)
    members = symbols.states[module.chart.name].members
    return Action(
        name=f"Free{module.name}",
        guards=[symbols.any.value(table, "state", freed) == members[DELETED]],
        constants=[(name, freed)],
        changes=[Change(table, [freed], {"state": members[module.chart.initial]})],
    )
