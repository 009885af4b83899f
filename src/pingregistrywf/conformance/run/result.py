"""The result of a run: the result of every case, and one verdict.

The verdict follows from counts alone.  It names the scope of the run and what the adapter did not
claim, because a run of fewer levels, or of an adapter that can do less, proves less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

from pingregistrywf.chart.ir import Row
from pingregistrywf.conformance.run.limits import Limits
from pingregistrywf.conformance.run.profile import Timing
from pingregistrywf.conformance.suite.case import Case, Step
from pingregistrywf.conformance.suite.levels import LEVELS, named_levels
from pingregistrywf.conformance.suite.scenario import Bound
from pingregistrywf.conformance.suite.sequential import spoken

Json: TypeAlias = Any


class Status(StrEnum):
    """How a case came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    HANGS = "hangs"
    NOT_CLAIMED = "not claimed"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A step of a case as it went, with the names of the ids, for readers.

    Attributes:
        got: what was answered; None if nothing was.
        right: whether it is the answer expected.
        differs: if it is not, how it differs, in words.
    """

    step: Step
    send: Json
    expect: Json
    got: Json
    right: bool
    differs: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case came out.

    Attributes:
        why: one line that says what was wrong, if anything was.
        exchanges: what was sent and answered up to there, for a case that failed.
        log: the end of what the adapter wrote to standard error meanwhile.
        lacking: the capabilities and requests for want of which it was not asked.
    """

    case: Case
    status: Status
    why: str = ""
    exchanges: tuple[Exchange, ...] = ()
    log: str = ""
    lacking: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hello:
    """What the adapter says of itself, which capabilities it claims, and its limits if any."""

    implementation: str
    version: str
    language: str
    capabilities: frozenset[str]
    limits: Limits | None = None

    def lacking(self, case: Case) -> frozenset[str]:
        """Return the capabilities, or else the first request, that a case asks for in vain."""
        needs = frozenset(case.needs) - self.capabilities
        if needs or self.limits is None:
            return needs
        missing = self.limits.missing(case)
        return frozenset({missing} if missing else ())


class Exit(IntEnum):
    """How a run ends, for scripts."""

    CONFORMS = 0
    DEVIATES = 1
    INFRASTRUCTURE = 2
    INCOMPLETE = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is meant to cover.

    Attributes:
        bound: how many states an implementation may have.
        only: the patterns of the cases to run; a filtered run never claims conformance.
    """

    levels: tuple[int, ...]
    bound: Bound
    only: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{named_levels(self.levels)} at bound {self.bound}"


@dataclass(frozen=True, slots=True)
class WrongCell:
    """A cell of the chart's table that the implementation has otherwise.

    Attributes:
        state: the cell's state.
        row: its command, with the same or other arguments where that matters.
        what: what the implementation has there, and what it should have.
        answer: what the implementation answers, in words, if its machine was learned.
        target: where it leads then.
    """

    state: str
    row: Row
    what: str
    answer: str = field(default="", compare=False)
    target: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"from {self.state}, {spoken(self.row)} {self.what}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that a developer can act on.

    Attributes:
        result: the case as it failed in the run.
        shortest: the shortest sequence that fails, as it failed.
        rule: the rule that says what should have been answered.
        prose: the rule in words.
        replay: the command line that runs just the shortest sequence.
        explorer: the command line that opens the explorer after that sequence; empty if a link
            cannot show it.
        alike: the other cases that failed in the same way.
        note: a remark, such as that it fails only sometimes.
        causes: the cells of the learned machine from which it follows.
        first: if there are none, the first cell that was seen to differ.
    """

    result: CaseResult
    shortest: CaseResult
    rule: str
    prose: str
    replay: str
    explorer: str = ""
    alike: tuple[Case, ...] = ()
    note: str = ""
    causes: tuple[WrongCell, ...] = ()
    first: WrongCell | None = None

    @property
    def explained(self) -> bool:
        """Whether a reader is told what is wrong: a failure that shows nothing is never printed."""
        wrong = [each for each in self.shortest.exchanges if not each.right]
        if not self.shortest.exchanges:
            return bool(self.shortest.why)
        return bool(wrong) and all(each.differs for each in wrong)


@dataclass(frozen=True)
class RunResult:
    """The result of a run; but for times, it is the same in every run with the same answers.

    Attributes:
        chart: the name of the chart under test.
        sha256: its hash.
        hello: what the adapter says of itself; None if it could not be greeted.
        scope: what the run is meant to cover.
        results: the result of each case that was planned, in the suite's order.
        failures: the failures, one for all that are alike.
        counted: the cases beyond the whole suite that are counted and not kept, by level and by how
            they came out: those that passed, and those that failed as one before did.
        differences: the cells in which the machine that the implementation has differs from the
            chart.
        groups: how many groups of failures there are.
        untold: how many of them are not among the failures, for there are too many.
        complaints: what is wrong with the list of expected failures.
        expected: the ids of the cases that it is about.
        missing: what keeps the run from being complete, in words.
        trouble: what is wrong with the infrastructure, in words; empty if nothing is.
        timings: how long the answers took, by operation, if that was asked for.
        level_seconds: how long each level took.
        seconds: how long it took.
    """

    chart: str
    sha256: str
    scope: Scope
    expected: Collection[str] = frozenset()
    hello: Hello | None = None
    results: Sequence[CaseResult] = ()
    counted: Mapping[int, Mapping[Status, int]] = field(default_factory=dict)
    failures: Sequence[Failure] = ()
    differences: Sequence[WrongCell] = ()
    groups: int = 0
    untold: int = 0
    complaints: Sequence[str] = ()
    missing: Sequence[str] = ()
    trouble: str = ""
    timings: Sequence[Timing] = ()
    level_seconds: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0

    def count(self, *statuses: Status, level: int | None = None) -> int:
        """How many cases came out so."""
        return sum(
            result.status in statuses and level in (None, result.case.level)
            for result in self.results
        ) + sum(
            number
            for at, counts in self.counted.items()
            for status, number in counts.items()
            if status in statuses and level in (None, at)
        )

    @property
    def unexpected(self) -> list[CaseResult]:
        """The cases that failed and were not expected to."""
        return [
            result
            for result in self.results
            if result.status is Status.FAILED and result.case.id not in self.expected
        ]

    @property
    def deviating(self) -> int:
        """How many cases failed and were not expected to."""
        return len(self.unexpected) + sum(each[Status.FAILED] for each in self.counted.values())

    @property
    def excused(self) -> int:
        """How many cases failed as expected."""
        return self.count(Status.FAILED) - self.deviating

    @property
    def exit(self) -> Exit:
        """The exit code."""
        if self.unexpected or self.complaints:
            return Exit.DEVIATES
        if self.trouble or self.count(Status.HANGS):
            return Exit.INFRASTRUCTURE
        if self.missing or not self.count(Status.PASSED, Status.FAILED):
            return Exit.INCOMPLETE
        return Exit.CONFORMS

    @property
    def verdict(self) -> str:
        """The verdict in one line."""
        cases = counted(self.count(Status.PASSED, Status.FAILED), "case")
        without = f"not claimed: {self.unclaimed}" if self.unclaimed else ""
        match self.exit:
            case Exit.CONFORMS:
                but = f" except {self.excused} listed" if self.excused else ""
                scope = replace(self.scope, levels=self.claimed)
                return _joined(f"conforms{but}: {scope}, {cases}", without)
            case Exit.DEVIATES if self.unexpected:
                but = f", beside {self.excused} listed" if self.excused else ""
                return f"deviates: {self.deviating:,} of {cases} failed{but}; {self.scope}"
            case Exit.DEVIATES:
                more = len(self.complaints) - 1
                return _joined(f"deviates: {self.complaints[0]}", f"{more} more" if more else "")
            case Exit.INFRASTRUCTURE:
                hangs = counted(self.count(Status.HANGS), "case")
                return f"no verdict: {self.trouble or f'{hangs} not answered in time'}"
            case Exit.INCOMPLETE:
                return _joined(f"incomplete: {cases} run", *self.missing, without)

    @property
    def claimed(self) -> tuple[int, ...]:
        """The levels of which something was claimed."""
        return tuple(each["level"] for each in self.by_level() if each["claimed"])

    @property
    def unclaimed(self) -> str:
        """What the adapter does not claim of the run's scope, in words."""
        lacking: dict[str, list[int]] = {}
        for each in self.by_level():
            for capability in each["lacking"] if each["claimed"] else ():
                lacking.setdefault(capability, []).append(each["level"])
        whole = [
            each["level"] for each in self.by_level() if each["lacking"] and not each["claimed"]
        ]
        parts = [f"{name} in {named_levels(levels)}" for name, levels in sorted(lacking.items())]
        return ", ".join([named_levels(whole), *parts] if whole else parts)

    def by_level(self) -> list[dict[str, Json]]:
        """The counts of each level in scope, and the capabilities that it lacks."""
        counts = {level: Counter(self.counted.get(level)) for level in self.scope.levels}
        lacking: dict[int, set[str]] = {level: set() for level in self.scope.levels}
        for result in self.results:
            counts[result.case.level][result.status] += 1
            lacking[result.case.level].update(result.lacking)
        return [
            {
                "level": level,
                "name": LEVELS[level],
                "claimed": bool(sum(of.values()) - of[Status.NOT_CLAIMED]),
                "lacking": sorted(lacking[level]),
                **{status.name.lower(): of[status] for status in Status},
            }
            for level, of in counts.items()
        ]


def counted(number: int, thing: str) -> str:
    """A number of things in words."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _joined(*parts: str) -> str:
    return "; ".join(each for each in parts if each)
