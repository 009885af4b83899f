"""The shortest failing sequence: leave out what can be left out, until nothing can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pingregistrywf.conformance.run.perform import Result, Status
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.script import Action, Script

MOST = 400
"""So many sequences are tried for one failure."""


def shortest(
    result: Result, play: Callable[[Script], Case], perform: Callable[[Case], Result]
) -> Result | None:
    """The shortest part of a failed case that still fails: no action of it can be left out.

    Args:
        result: a case that failed.
        play: makes a case of a script.
        perform: performs a case.

    Returns:
        None if the case does not fail again.
    """
    best = perform(result.case)
    if best.status is not Status.FAILED:
        return None
    tried = 0
    size = len(best.case.script.actions) // 2 or 1
    while tried < MOST:
        actions = best.case.script.actions
        for start in range(0, len(actions), size):
            left: tuple[Action, ...] = (*actions[:start], *actions[start + size :])
            if not left or tried >= MOST:
                continue
            tried += 1
            found = perform(play(replace(best.case.script, actions=left)))
            if found.status is Status.FAILED:
                best = found
                break
        else:
            if size == 1:
                return best
            size //= 2
            continue
        size = min(size, len(best.case.script.actions) // 2 or 1)
    return best
