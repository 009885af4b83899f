"""Failures that a developer can act on: which are alike, and the shortest sequence of each."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from pingregistrywf.conformance.run import shrink
from pingregistrywf.conformance.run.result import CaseResult, Failure, Status
from pingregistrywf.conformance.run.session import BrokenOffError, InfrastructureError
from pingregistrywf.conformance.run.transport import CannotStartError
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.compile import Compiler
from pingregistrywf.conformance.suite.scenario import to_text

SHOWN: Final = (Status.FAILED, Status.HANGS)
"""What is explained: a hang is no verdict, but a developer wants to see where it was."""
ABOUT_DATA: Final = 3
"""From this level on, a wrong state or history is a matter of what was kept, not of the rule."""
UNTRIED: Final = "A shorter sequence was not tried, for each would be waited for."
FLAKY: Final = "It failed once and passed when run again: the answers are not always the same."
NOT_SHORTEST: Final = "A shorter sequence may fail, too: not every part of this one was tried."


def explained(
    alike: Sequence[CaseResult],
    compiler: Compiler,
    execute: Callable[[Case], CaseResult],
    sound: Callable[[Case], bool],
    command: Sequence[str],
) -> Failure:
    """Return one failure for results that are alike, at least one, shrunk.

    Args:
        compiler: makes cases of shorter sequences.
        execute: runs a case on the implementation under test.
        sound: tells whether a right implementation passes a case.
        command: the command line to which the replay is added.
    """
    first = min(alike, key=lambda each: len(each.case.scenario.actions))
    shortest, note = first, NOT_SHORTEST
    if first.status is Status.HANGS:
        note = UNTRIED
    else:
        with suppress(BrokenOffError, InfrastructureError, CannotStartError):
            found = shrink.shortest(first, compiler.compile, execute, sound)
            if found is None:
                note = FLAKY
            else:
                shortest, minimal = found
                note = "" if minimal else NOT_SHORTEST
    rule = _rule_of(shortest)
    return Failure(
        result=first,
        shortest=shortest,
        rule=rule,
        prose=compiler.prose(shortest.case.chart, rule),
        replay=shlex.join((*command, "--replay", to_text(shortest.case.scenario))),
        alike=tuple(each.case.id for each in alike if each is not first),
        note=note,
    )


def merged(failures: Iterable[Failure]) -> list[Failure]:
    """Failures that have the same shortest sequence are one, at whatever levels."""
    found: dict[str, Failure] = {}
    for each in failures:
        sequence = to_text(replace(each.shortest.case.scenario, level=0))
        same = found.setdefault(sequence, each)
        if same is not each:
            alike = (*same.alike, each.result.case.id, *each.alike)
            found[sequence] = replace(same, alike=alike)
    return list(found.values())


def groups(failed: Iterable[CaseResult], expected: Collection[str]) -> list[list[CaseResult]]:
    """Failures that were not expected, together where they look the same."""
    found: dict[tuple[str, ...], list[CaseResult]] = {}
    for result in failed:
        if result.status not in SHOWN or result.case.id in expected:
            continue
        last = result.exchanges[-1] if result.exchanges else None
        looks = (_kind(last.expect), _kind(last.got)) if last else ("", "")
        why = result.why.partition(":")[0]  # then comes what was received, which may vary
        found.setdefault((str(result.case.level), why, *looks), []).append(result)
    return sorted(found.values(), key=lambda group: (group[0].case.level, -len(group)))


def _kind(answer: object) -> str:
    match answer:
        case {"error": {"code": str(code)}}:
            return code
        case {"ok": {"events": [*events]}}:
            return f"{len(events)} events"
        case {"ok": {"state": str(state)}}:
            return state
        case _:
            return ""


def _rule_of(result: CaseResult) -> str:
    """The rule that says what should have been answered."""
    wrong = [each.step.rule for each in result.exchanges if not each.right]
    if wrong and (wrong[-1] != "find" or result.case.level >= ABOUT_DATA):
        return wrong[-1]
    # A look at a history fails because of the command before it.
    rules = [each.step.rule for each in result.exchanges if not each.step.observes]
    return rules[-1] if rules else result.case.rule
