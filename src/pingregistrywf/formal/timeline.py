"""A behaviour, line by line: the step, who takes it, what it is, and what it changes.

``timeline`` makes the lines of any module, from the values that change.  Who takes a step and the
state that it leads to are empty there, since only the author of a module knows where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from pyrsistent import PMap

from pingregistrywf.formal.trace import Trace
from pingregistrywf.formal.values import Value, tla_text


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a behaviour.

    Attributes:
        step: its number, from 1 for the initial state.
        who: who takes it; empty if nobody is known.
        what: what happens.
        state: the state that it leads to; empty if it leads nowhere.
        details: what else is worth knowing, in words.
    """

    step: int
    who: str
    what: str
    state: str
    details: tuple[str, ...]


def timeline(trace: Trace) -> Iterator[Line]:
    """Yield a line for each state of a behaviour, and one that says how it goes on for ever."""
    before: Mapping[str, Value] = {}
    for state in trace.states:
        changed = (
            _changes(name, before.get(name), state.variables[name]) for name in state.variables
        )
        details = tuple(chain.from_iterable(changed))
        yield Line(state.number, "", state.action or "initial state", "", details)
        before = state.variables
    if trace.lasso is not None:
        step, lasso = len(trace.states) + 1, trace.lasso
        if lasso.action:
            yield Line(step, "", lasso.action, "", (f"back to step {lasso.number}, for ever",))
        else:
            yield Line(step, "", "stuttering", "", ("nothing happens any more",))


def _changes(place: str, before: Value | None, after: Value) -> Iterator[str]:
    """Yield what has changed at a place, each change where it is in records and functions."""
    if before == after:
        return
    match before, after:
        case PMap(), PMap() if before.keys() == after.keys():
            for key in sorted(after, key=tla_text):
                inner = f"{place}.{key}" if isinstance(key, str) else f"{place}[{tla_text(key)}]"
                yield from _changes(inner, before[key], after[key])
        case tuple(), tuple() if before == after[: len(before)]:
            yield from (f"{place} + {tla_text(each)}" for each in after[len(before) :])
        case _:
            yield f"{place} = {tla_text(after)}"
