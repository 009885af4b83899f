"""What has to be proved: each clause at first, and each clause and consequence for each action."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import z3

from pingregistrywf.chart.invariant import Invariant
from pingregistrywf.chart.ir import Model
from pingregistrywf.formal.proof.actions import actions
from pingregistrywf.formal.proof.counterexample import Counterexample, counterexample
from pingregistrywf.formal.proof.formulas import Formulas
from pingregistrywf.formal.proof.moments import Action, Moment, Symbols, Term

INITIALLY: Final = "initially"
"""What stands in the place of an action where a clause must hold at first."""
_TIMEOUT: Final = 20_000
"""The milliseconds that z3 may take for one obligation; it takes less than a hundredth of that."""


class ProofError(Exception):
    """There is nothing to prove, or z3 cannot decide it."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something that has to be proved.

    Attributes:
        clause: the clause or the consequence.
        action: the action that has to keep it, or ``initially``.
        seconds: how long it took to decide.
        counterexample: how the action breaks it; None if it is proved.
    """

    clause: str
    action: str
    seconds: float
    counterexample: Counterexample | None


def decided(model: Model) -> Iterator[Obligation]:
    """Yield all obligations of the invariants of a model, each as soon as it is decided.

    Raises:
        ProofError: the model has no invariant, or z3 gives up.
        FormulaError: a clause is not well formed.
    """
    if not model.invariants:
        raise ProofError("there is nothing to prove: the model has no invariant of a system")
    for system, invariant in model.invariants.items():
        yield from _Proof(invariant, Symbols(model, system)).obligations()


class _Proof:
    def __init__(self, invariant: Invariant, symbols: Symbols) -> None:
        self._invariant = invariant
        self._symbols = symbols
        self._formulas = Formulas(invariant, symbols)
        now = symbols.any
        self._assumed = [
            self._formulas.everywhere(each, now) for each in invariant.clauses.values()
        ]

    def obligations(self) -> Iterator[Obligation]:
        yield from self._decide(Action(INITIALLY, [], [], []), self._symbols.initial)
        for action in actions(self._symbols):
            yield from self._decide(action, self._symbols.any)

    def _decide(self, action: Action, before: Moment) -> Iterator[Obligation]:
        """Decide what an action has to keep; for no action, what holds at first."""
        after = before.after(action.changes)
        solver = z3.SimpleSolver(ctx=self._symbols.context)
        solver.set(timeout=_TIMEOUT)
        clauses = dict(self._invariant.clauses)
        if before is self._symbols.any:
            solver.add(*self._assumed, *action.guards)
            clauses |= self._invariant.consequences
        for name, clause in clauses.items():
            if name in self._invariant.clauses:
                goal = self._formulas.formula(clause, after)
            else:
                goal = self._formulas.formula(clause, before, after)
            began = perf_counter()
            solver.push()
            solver.add(z3.Not(goal))
            constants = [*action.constants, *self._formulas.variables(clause)]
            found = None
            if self._satisfiable(solver, f"{action.name} keeps {name}"):
                model = self._readable(solver, constants)
                found = counterexample(self._symbols, model, constants, before, after)
            solver.pop()
            yield Obligation(name, action.name, perf_counter() - began, found)

    def _satisfiable(self, solver: Term, question: str) -> bool:
        if (answer := solver.check()) == z3.unknown:
            why = solver.reason_unknown()
            raise ProofError(f"z3 cannot tell whether {question}: {why}")
        return bool(answer == z3.sat)

    def _readable(self, solver: Term, constants: Sequence[tuple[str, Term]]) -> Term:
        """A model in which nothing stands for one of some ids, if there is such a model."""
        found = solver.model()
        solver.add([term != self._symbols.nothing(term.sort()) for _, term in constants])
        return solver.model() if solver.check() == z3.sat else found
