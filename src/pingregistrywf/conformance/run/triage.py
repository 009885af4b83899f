"""Failures that a developer can act on: which are alike, and the shortest sequence of each."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from pingregistrywf.chart.ir import Row
from pingregistrywf.conformance.run import shrink
from pingregistrywf.conformance.run.explorer_link import explorer_link
from pingregistrywf.conformance.run.repair import answered, otherwise
from pingregistrywf.conformance.run.result import (
    CaseResult,
    Exchange,
    Failure,
    Status,
    WrongCell,
    counted,
)
from pingregistrywf.conformance.run.session import BrokenOffError, InfrastructureError
from pingregistrywf.conformance.run.transport import CannotStartError
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.compile import Compiler
from pingregistrywf.conformance.suite.scenario import to_text

Cell: TypeAlias = tuple[str, Row]

SHOWN: Final = (Status.FAILED, Status.HANGS)
"""What is explained: a hang is no verdict, but a developer wants to see where it was."""
ABOUT_DATA: Final = 3
"""From this level on, a wrong state or history is a matter of what was kept, not of the rule."""
AS_IT_IS: Final = "A shorter sequence was not tried: the file holds no scenario."
UNTRIED: Final = "A shorter sequence was not tried, for each would be waited for."
FLAKY: Final = "It failed once and passed when run again: the answers are not always the same."
NOT_SHORTEST: Final = "A shorter sequence may fail, too: not every part of this one was tried."


def explained(
    group: Group,
    compiler: Compiler,
    execute: Callable[[Case], CaseResult],
    sound: Callable[[Case], bool],
    command: Sequence[str],
    explore: Sequence[str] = (),
) -> Failure:
    """Return one failure for a group of them, shrunk.

    Args:
        compiler: makes cases of shorter sequences.
        execute: runs a case on the implementation under test.
        sound: tells whether a right implementation passes a case.
        command: the command line to which the replay is added.
        explore: the command line of the explorer, to which the link is added; empty for no link.
    """
    first = min(group.alike, key=lambda each: len(each.case.scenario.actions))
    shortest, note = first, NOT_SHORTEST
    if first.status is Status.HANGS:
        note = UNTRIED
    elif not first.case.again:
        note = AS_IT_IS
    else:
        with suppress(BrokenOffError, InfrastructureError, CannotStartError):
            found = shrink.shortest(first, compiler.compile, execute, sound)
            if found is None:
                note = FLAKY
            else:
                shortest, minimal = found
                note = "" if minimal else NOT_SHORTEST
    rule = _rule_of(shortest)
    link = explorer_link(shortest.case, compiler.model)
    return Failure(
        result=first,
        shortest=shortest,
        rule=rule,
        prose=compiler.prose(shortest.case.chart, rule),
        replay=shlex.join((*command, *_again(shortest.case))),
        explorer=shlex.join((*explore, "--link", link)) if explore and link else "",
        alike=tuple(each.case.bare() for each in group.alike if each is not first),
        note=note,
        causes=(group.cause,) if group.cause else (),
        first=None if group.cause else first_difference(shortest),
    )


def merged(failures: Iterable[Failure]) -> list[Failure]:
    """Failures that have the same shortest sequence are one, at whatever levels."""
    found: dict[str, Failure] = {}
    for each in failures:
        case = each.shortest.case
        sequence = to_text(replace(case.scenario, level=0)) if case.again else case.id
        same = found.setdefault(sequence, each)
        if same is not each:
            alike = (*same.alike, each.result.case.bare(), *each.alike)
            causes = (*same.causes, *each.causes)
            found[sequence] = replace(same, alike=alike, causes=causes)
    return list(found.values())


def _again(case: Case) -> tuple[str, str]:
    """The option that runs a case again; one without a scenario is written out."""
    text = to_text(case.scenario) if case.again else json.dumps(case.document())
    return "--replay", text


@dataclass(slots=True)
class Group:
    """Failures that look the same, or that follow from the same cell."""

    cause: WrongCell | None
    alike: list[CaseResult] = field(default_factory=list)


def groups(
    failed: Iterable[CaseResult], expected: Collection[str], wrong: Iterable[WrongCell]
) -> list[Group]:
    """Failures that were not expected, in groups.

    A case that comes by a wrong cell before it fails, fails because of it.
    """
    cells = {(each.state, each.row): each for each in wrong}
    found: dict[Hashable, Group] = {}
    for result in failed:
        if result.status in SHOWN and result.case.id not in expected:
            cause = _cause(result, cells)
            found.setdefault(cause or alike(result), Group(cause)).alike.append(result)
    return sorted(found.values(), key=lambda each: (each.alike[0].case.level, -len(each.alike)))


def _cause(result: CaseResult, cells: Mapping[Cell, WrongCell]) -> WrongCell | None:
    """The wrong cell of the last command, or the first one that the case came by."""
    met = [cells.get(each.step.cell) for each in result.exchanges if each.step.cell]
    if met and met[-1]:
        return met[-1]
    return next(filter(None, met), None)


def alike(result: CaseResult) -> Hashable:
    """What failures have in common that are one group if no machine was learned."""
    return first_difference(result) or looks(result)


def first_difference(result: CaseResult) -> WrongCell | None:
    """The first cell that was seen to differ; None if it is no cell of the table that does.

    A cell that leads elsewhere makes those behind it differ.  To tell which is wrong, the machine
    must be learned.
    """
    commands = [each for each in result.exchanges if each.step.cell]
    if result.case.level >= ABOUT_DATA or not commands:
        return None
    last, wrong = commands[-1], result.exchanges[-1]
    if last is wrong:
        got, declared = answered(wrong.got), answered(wrong.expect)
        what = otherwise(got, declared) if got and got != declared else ""
    elif wrong.step.observes and _command_before(result) is last:
        got, declared = _left(wrong.got), _left(wrong.expect)
        verb = "leave" if wrong.send.get("op") == "events" else "go to"
        finite = "leaves" if verb == "leave" else "goes to"
        what = f"{finite} {got}, should {verb} {declared}" if got != declared else ""
    else:
        what = ""  # a request after it is answered otherwise, which says nothing of its cell
    return WrongCell(*last.step.cell, what) if last.step.cell and what else None


def _command_before(result: CaseResult) -> Exchange:
    """The last exchange that is no look at a history."""
    return next(each for each in reversed(result.exchanges) if not each.step.observes)


def _left(answer: object) -> str:
    """The state or the number of events that a look at a history shows, in words."""
    match answer:
        case {"error": {"code": "Uninitialized"}}:
            return "an empty history"  # the code of an error, not the state of that name
        case {"ok": {"events": [*events]}}:
            return counted(len(events), "event")
        case _:
            return _kind(answer)


def looks(result: CaseResult) -> tuple[str, ...]:
    """How a failure looks: those that look the same are likely to have one cause."""
    last = result.exchanges[-1] if result.exchanges else None
    # Where nothing was answered, ``why`` says all there is to say.
    kinds = ("", "") if last is None or last.got is None else (_kind(last.expect), _kind(last.got))
    why = result.why.partition(":")[0]  # then comes what was received, which may vary
    return (str(result.case.level), why, *kinds)


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
    collected = any(each.send.get("op") == "gc" for each in result.exchanges)
    if collected and any(_is_marked(each.got) and not each.right for each in result.exchanges):
        return "garbage"  # the command's own rule never had its turn
    if wrong and (wrong[-1] != "find" or result.case.level >= ABOUT_DATA):
        return wrong[-1]
    # A look at a history fails because of the command before it.
    rules = [each.step.rule for each in result.exchanges if not each.step.observes]
    if rules and rules[-1] == "otherwise":
        return "find"  # a refusal changes nothing, and says nothing of what is found
    return rules[-1] if rules else result.case.rule


def _is_marked(answer: object) -> bool:
    """True if an answer says that the id belongs to a deleted history."""
    match answer:
        case {"error": {"code": "HistoryDeleted"}}:
            return True
        case _:
            return False
