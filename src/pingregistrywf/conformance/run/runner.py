"""A run: executes the cases of a plan on an adapter, and gives one result for all of them."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from random import Random

from pingregistrywf.conformance.run import learn
from pingregistrywf.conformance.run.beyond import Beyond
from pingregistrywf.conformance.run.capabilities import CRASH
from pingregistrywf.conformance.run.child import ProtocolError
from pingregistrywf.conformance.run.expected import (
    ExpectedFailures,
    complaints,
    is_expected,
    is_like,
)
from pingregistrywf.conformance.run.profile import Stopwatch
from pingregistrywf.conformance.run.reference import Reference
from pingregistrywf.conformance.run.result import (
    CaseResult,
    Failure,
    Hello,
    RunResult,
    Scope,
    Status,
    WrongCell,
    counted,
)
from pingregistrywf.conformance.run.session import (
    SIDE_BY_SIDE,
    AlwaysEndsError,
    BrokenOffError,
    InfrastructureError,
    Session,
)
from pingregistrywf.conformance.run.transport import CannotStartError, Transport
from pingregistrywf.conformance.run.triage import Group, alike, explained, groups, merged
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.scenario import WHOLE, Scenario, within

MOST_EXPLAINED = 20
"""So many groups of failures are shrunk and explained; the others are counted."""
RARELY = (100_000, 50, 1_000)
"""When the garbage collector looks for cycles: cases have millions of parts, and none."""
Progress = Callable[[int, int | None, int], None]


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        scope: which cases of the suite.
        manifest: the ids that the whole suite must have; None if nobody wrote them down.
        today: the day, for the failures that are expected.
        seed: makes the ids up; None for others in every run.
        command: how the run was asked for, to which a replay is added.
        explore: how the explorer is opened, to which a link is added; empty for no links.
        cases: cases to run in place of the suite.
        reference: judges the sequences to which failures are shrunk; None to believe all of them.
        fail_fast: the run ends after so many failing groups; 0 to go on.
        first: what to run first, such as what failed in the last run.
        profile: whether to take the time of each answer; cases are then run one by one.
        explain: so many groups of failures are shrunk and explained.
        progress: called with how many cases of how many have ended, None if it is not known (own
            charts, a filter), and with the level of the last one.  Cases that are not claimed are
            taken from the number as they are made, so that at the end of a run that was not broken
            off the two numbers are the same.
        failed: called with each failure that was not expected, as it comes, and whether it is the
            first that looks so.
    """

    suite: Suite
    scope: Scope
    manifest: Collection[str] | None = None
    expected: ExpectedFailures = ()
    today: date = date.min
    seed: int | None = None
    command: tuple[str, ...] = ()
    explore: tuple[str, ...] = ()
    cases: Sequence[Case] = ()
    reference: Reference | None = None
    fail_fast: int = 0
    first: Sequence[Scenario] = ()
    profile: bool = False
    explain: int = MOST_EXPLAINED
    progress: Progress = field(default=lambda _done, _all, _level: None)
    failed: Callable[[CaseResult, bool], None] = field(default=lambda _result, _first: None)


def run(plan: Plan, transport: Transport) -> RunResult:
    """Run the suite on an adapter, and close the transport that leads to it.

    Raises:
        NotMinimalError: two states of the chart cannot be distinguished.
    """
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        return _Run(plan, transport).result()
    finally:
        gc.set_threshold(*before)


class _Run:
    def __init__(self, plan: Plan, transport: Transport) -> None:
        self._plan = plan
        self._chart = plan.suite.chart
        self._stopwatch = Stopwatch() if plan.profile else None
        ids = Random(plan.seed)  # noqa: S311
        self._session = Session(plan.suite, transport, ids, self._stopwatch)
        self._missing: list[str] = []
        self._trouble = ""
        self._planned: list[tuple[Case, frozenset[str]]] = []
        """The cases that are listed one by one, and what the adapter lacks for each."""
        self._claimed: set[str] = set()
        self._killing: list[Case] = []
        self._found: dict[str, CaseResult] = {}
        self._beyond = Beyond()
        self._failing: set[Hashable] = set()
        self._level_seconds: dict[int, float] = {}
        self._level_started = 0.0
        self._level = 0
        """That of the case which ended last."""
        self._left_out = 0
        """So many cases that were made so far are not sent, for they are not claimed."""

    def result(self) -> RunResult:
        plan, started = self._plan, time.monotonic()
        found = RunResult(self._chart.name, self._chart.sha256, plan.scope)
        try:
            hello = self._session.hello()
            found = replace(found, hello=hello)
            hello = self._executed(hello)
            results = self._results(hello)
            found = replace(found, hello=hello, level_seconds=self._level_seconds)
            found = replace(found, counted=self._beyond.counted)
            expected = {each.case.id for each in results if is_expected(each.case, plan.expected)}
            found = replace(found, results=results, expected=expected)
            found = replace(found, complaints=self._complaints(results))
            if self._stopwatch:
                found = replace(found, timings=self._stopwatch.timings())
            if not plan.fail_fast:  # to learn takes thousands of requests
                found = replace(found, differences=self._learned(hello, found.unexpected))
            kinds = groups(results, expected, found.differences)
            most = plan.explain
            failures = merged(map(self._explained, kinds[:most]))
            untold = max(len(kinds) - most, 0)
            found = replace(found, failures=failures, groups=len(kinds), untold=untold)
            self._session.bye()
        except (InfrastructureError, CannotStartError) as error:
            self._trouble = str(error)
        except ProtocolError as error:
            if not found.failures:  # else it is only more of the same
                self._trouble = f"at the end: {error}"
        finally:
            self._session.close()
        seconds = time.monotonic() - started
        return replace(found, missing=self._missing, trouble=self._trouble, seconds=seconds)

    # --- Which cases ----------------------------------------------------------------------------

    def _cases(self) -> Iterator[Case]:
        """The cases of the plan, made while the first of them are executed already."""
        plan, scope = self._plan, self._plan.scope
        if plan.cases:
            self._missing.append("a replay is not the suite")
            yield from plan.cases
            return
        first: set[str] = set()
        not_made = set(self._listed())
        chosen = False
        for case in self._first():
            first.add(case.id)
            yield case
        for case in plan.suite.cases(frozenset(scope.levels), scope.bound):
            not_made.discard(case.id)
            if case.id in first:
                continue
            if not scope.only or _chosen(case, scope.only):
                chosen = True
                yield case
        gone = sorted(not_made)
        if gone:
            self._missing.append(
                f"{counted(len(gone), 'case')} of the manifest not in the suite: "
                + ", ".join(gone[:3])
            )
        if scope.only:
            why = "a filter was used" if chosen else "no case is like"
            self._missing.append(f"{why}: {' '.join(scope.only)}")

    def _first(self) -> Iterator[Case]:
        """The cases to run first, those that are in scope."""
        plan, scope = self._plan, self._plan.scope
        bounds = ("", *within(scope.bound))
        for scenario in plan.first:
            try:
                case = plan.suite.compiler.compile(scenario)
            except (ArithmeticError, LookupError, TypeError, ValueError):
                continue  # it is about another chart
            known = plan.manifest is None or case.id in plan.manifest
            chosen = not scope.only or _chosen(case, scope.only)
            if known and chosen and case.level in scope.levels and case.bound in bounds:
                yield case

    def _listed(self) -> frozenset[str]:
        """The manifest's ids that are in scope; none if the bound leaves some of them out."""
        plan = self._plan
        if plan.manifest is None or WHOLE not in within(plan.scope.bound):
            return frozenset()
        return self._of_levels(plan.manifest)

    def _of_levels(self, ids: Iterable[str]) -> frozenset[str]:
        levels = tuple(f"{level}-" for level in self._plan.scope.levels)
        return frozenset(each for each in ids if each.startswith(levels))

    @cached_property
    def _total(self) -> int | None:
        """How many cases will be made; None if that is not known before."""
        plan, scope = self._plan, self._plan.scope
        if plan.cases:
            return len(plan.cases)
        if plan.manifest is None or scope.only:
            return None
        more = plan.suite.more_than_whole(scope.levels, scope.bound)
        return None if more is None else len(self._of_levels(plan.manifest)) + more

    def _asked(self, hello: Hello) -> Iterator[Case]:
        """The cases to execute, of those of the plan; what becomes of the others is noted.

        Cases that kill the adapter are put aside, for it is started in another way to run them.
        """
        for case in self._cases():
            lacking = hello.lacking(case)
            if case.beyond and not is_expected(case, self._plan.expected):
                if lacking:
                    self._left_out += 1
                    self._beyond.unclaimed(case)
                else:
                    self._beyond.asked(case)
                    yield case
                continue
            self._planned.append((case.bare(), lacking))
            if lacking - {CRASH}:
                self._left_out += 1
                continue
            if CRASH in case.needs:
                self._killing.append(case)
            else:
                self._claimed.add(case.id)
                yield case

    def _executed(self, hello: Hello) -> Hello:
        """Execute the cases; return what the adapter claims."""
        one_by_one = self._plan.fail_fast or self._plan.profile
        beside = 1 if one_by_one or "concurrent" not in hello.capabilities else SIDE_BY_SIDE
        going = self._asked(hello)
        self._level_started = time.monotonic()
        try:
            if self._go_through(going, beside):
                _exhaust(going)  # what the run does not come to is planned none the less
                if self._killing:
                    again = self._session.hello(store=True).capabilities & {CRASH}
                    hello = replace(hello, capabilities=hello.capabilities | again)
                    if again:
                        self._claimed.update(case.id for case in self._killing)
                        self._go_through(self._killing, 1)
                    else:
                        self._left_out += len(self._killing)
                self._show_progress()  # the last cases that are not claimed were made meanwhile
        except BrokenOffError as error:
            self._missing.append(str(error))
        except InfrastructureError as error:
            self._trouble = str(error)
            if isinstance(error, AlwaysEndsError):
                self._found.clear()  # it says nothing of any case
        if len(self._failing) < (self._plan.fail_fast or sys.maxsize):
            _exhaust(going)
        self._miss_unanswered()
        return hello

    def _miss_unanswered(self) -> None:
        """Note how many cases were not run, or not answered although they are claimed."""
        left = len(self._claimed - self._found.keys()) + self._beyond.left
        if left:
            all_claimed = len(self._claimed) + self._beyond.planned
            self._missing.append(f"{left:,} of {counted(all_claimed, 'case')} not run")
        unsupported = sum(each.status is Status.UNSUPPORTED for each in self._found.values())
        unsupported += self._beyond.count(Status.UNSUPPORTED)
        if unsupported:
            self._missing.append(
                f"{counted(unsupported, 'case')} answered unsupported, though claimed"
            )

    def _results(self, hello: Hello) -> list[CaseResult]:
        """The results of all cases that were run, or that the adapter does not claim."""
        return [
            self._found.get(case.id)
            or CaseResult(case, Status.NOT_CLAIMED, lacking=lacking - hello.capabilities)
            for case, lacking in self._planned
            if case.id in self._found or lacking - hello.capabilities
        ] + self._beyond.kept()

    def _go_through(self, cases: Iterable[Case], beside: int) -> bool:
        """Execute cases, so many of them side by side; False if that is the end of the run."""
        plan = self._plan
        for result in self._session.execute(cases, side_by_side=beside):
            if result.status is Status.PASSED:
                result = replace(result, case=result.case.bare())
            if not self._beyond.take(result):
                self._found[result.case.id] = result
            self._level, now = result.case.level, time.monotonic()
            self._level_seconds[self._level] = self._level_seconds.get(self._level, 0.0) + (
                now - self._level_started
            )
            self._level_started = now
            if result.status is Status.FAILED and not is_expected(result.case, plan.expected):
                look = alike(result)
                plan.failed(result, look not in self._failing)
                self._failing.add(look)
            self._show_progress()
            if plan.fail_fast and len(self._failing) == plan.fail_fast:
                self._missing.append(f"ended after {counted(plan.fail_fast, 'failing group')}")
                return False
        return True

    def _show_progress(self) -> None:
        sent = None if self._total is None else self._total - self._left_out
        self._plan.progress(len(self._found) + self._beyond.done, sent, self._level)

    def _complaints(self, results: Iterable[CaseResult]) -> list[str]:
        expected = self._plan.expected
        if not expected or self._trouble:
            return []
        known = self._plan.manifest
        if known is None:
            known = {case.id for case in self._plan.suite.cases()}
        scope = self._plan.scope
        planned = [each.case for each in results]
        known = {*known, *(each.id for each in planned if each.beyond)}
        passed = {each.case.id for each in results if each.status is Status.PASSED}
        part = scope.only or self._plan.cases or WHOLE not in within(scope.bound)
        whole = () if part else scope.levels
        return complaints(expected, known, planned, passed, whole, self._plan.today)

    # --- What failed ----------------------------------------------------------------------------

    def _explained(self, group: Group) -> Failure:
        execute = self._as_it_failed if self._trouble else self._session.execute_alone
        plan = self._plan
        sound = plan.reference.passes if plan.reference else (lambda _: True)
        failure = explained(group, plan.suite.compiler, execute, sound, plan.command, plan.explore)
        if not failure.explained:
            raise InfrastructureError(
                f"case {failure.result.case.id} fails, and the runner cannot say what differs: "
                "this is a fault of the runner, please report it"
            )
        return failure

    def _as_it_failed(self, case: Case) -> CaseResult:
        raise InfrastructureError(f"{case.id} is not run again: {self._trouble}")

    def _learned(self, hello: Hello, failed: Iterable[CaseResult]) -> list[WrongCell]:
        sequential = any(each.case.level == 1 for each in failed)
        if not sequential or self._chart.key or self._trouble:
            return []
        with suppress(ProtocolError, InfrastructureError, CannotStartError):
            return learn.wrong_cells(self._chart, hello.capabilities, self._session)
        return []


def _exhaust(cases: Iterator[Case]) -> None:
    """Go on to the end, without executing what comes."""
    for _ in cases:
        pass


def _chosen(case: Case, patterns: Iterable[str]) -> bool:
    return any(is_like(case, pattern) for pattern in patterns)
