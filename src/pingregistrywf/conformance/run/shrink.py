"""The shortest failing sequence: leave out what can be left out, until nothing can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pingregistrywf.conformance.run.result import CaseResult, Status
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.scenario import Action, Scenario

SHORT = 8
"""In sequences of up to so many actions, single ones are left out from the start."""
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
    best = execute(cut := _cut(result, compile))
    if cut is not result.case and (best.status is not Status.FAILED or not sound(cut)):
        best = execute(result.case)
    if best.status is not Status.FAILED:
        return None
    tried = sent = 0
    length = len(best.case.scenario.actions)
    size = length // 2 if length > SHORT else 1
    kept, end = 0, length  # from the back, round and round: what identifies a state comes last
    while True:
        actions = best.case.scenario.actions
        if kept >= len(actions):
            if size == 1:
                return best, True
            size, kept = size // 2, 0
        end = end or len(actions)
        start = max(end - size, 0)
        left: tuple[Action, ...] = (*actions[:start], *actions[end:])
        if left and not (len(left) == start and _is_right_before(best, start)):
            case = compile(replace(best.case.scenario, actions=left))
            tried += 1
            sent += len(case.steps)
            if tried > MOST_TRIED or sent > MOST_SENT:
                return best, False
            found = execute(case)
            if found.status is Status.HANGS:
                return best, False
            if found.status is Status.FAILED and sound(case):
                best, kept, end = found, 0, start
                continue
        kept += end - start
        end = start


def _is_right_before(failed: CaseResult, number: int) -> bool:
    """Whether the first actions were all answered rightly, so that they need not be tried alone."""
    if not failed.exchanges:
        return False
    *before, last = failed.exchanges
    asked = sum(not each.step.observes for each in before)
    return asked >= number and not last.step.observes and not last.step.together


def _cut(failed: CaseResult, compile: Callable[[Scenario], Case]) -> Case:
    """The case without what comes after the request at which it failed."""
    scenario = failed.case.scenario
    asked = sum(not each.step.observes for each in failed.exchanges)
    if not 0 < asked < len(scenario.actions):
        return failed.case
    return compile(replace(scenario, actions=scenario.actions[:asked]))
