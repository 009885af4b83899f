"""The shortest failing sequence: leave out what can be left out, until nothing can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pingregistrywf.conformance.run.result import CaseResult, Status
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.scenario import Action, Scenario

MOST_TRIED = 1_000
"""So many sequences are tried for one failure, and no more."""
MOST_SENT = 200_000
"""So many requests are sent for one failure, and no more."""


def shortest(
    result: CaseResult,
    compile: Callable[[Scenario], Case],
    execute: Callable[[Case], CaseResult],
    sound: Callable[[Case], bool],
) -> tuple[CaseResult, bool] | None:
    """Return the shortest part of a failed case that still fails: no action can be left out.

    ``sound`` tells whether a right implementation passes a part; one that it fails shows nothing.

    With it comes whether every action was seen to be needed: not if that would have taken too
    long, or if the adapter hung.  None if the case does not fail again.
    """
    best = execute(result.case)
    if best.status is not Status.FAILED:
        return None
    tried = sent = 0
    size = len(best.case.scenario.actions) // 2 or 1
    while True:
        start, left_out = 0, False
        while start < len(best.case.scenario.actions):
            actions = best.case.scenario.actions
            left: tuple[Action, ...] = (*actions[:start], *actions[start + size :])
            if not left:
                break
            case = compile(replace(best.case.scenario, actions=left))
            tried += 1
            sent += len(case.steps)
            if tried > MOST_TRIED or sent > MOST_SENT:
                return best, False
            found = execute(case)
            if found.status is Status.HANGS:
                return best, False
            if found.status is Status.FAILED and sound(case):
                best, left_out = found, True  # what followed has moved here
            else:
                start += size
        if size == 1 and not left_out:
            return best, True
        size = max(size // 2, 1)
