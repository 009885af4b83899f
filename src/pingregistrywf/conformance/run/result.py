"""The result of a run: the result of every case, and one verdict.

The verdict follows from counts alone.  It names the scope of the run and what the adapter did not
claim, because a run of fewer levels, or of an adapter that can do less, proves less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

from pingregistrywf.conformance.run.expected import ExpectedFailures
from pingregistrywf.conformance.suite.case import Case, Step
from pingregistrywf.conformance.suite.levels import LEVELS, spoken_levels
from pingregistrywf.conformance.suite.scenario import Bound

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
    """A request and its answer, with the names of the ids, for readers.

    Attributes:
        step: the step of the case.
        send: what was sent.
        expect: what was expected.
        got: what was answered; None if nothing was.
        right: whether it is the answer expected.
    """

    step: Step
    send: Json
    expect: Json
    got: Json
    right: bool


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case came out.

    Attributes:
        case: the case.
        status: how it came out.
        why: one line that says what was wrong, if anything was.
        exchanges: what was said up to there, for a case that failed.
        log: the end of what the adapter wrote to standard error meanwhile.
    """

    case: Case
    status: Status
    why: str = ""
    exchanges: tuple[Exchange, ...] = ()
    log: str = ""


@dataclass(frozen=True, slots=True)
class Hello:
    """What the adapter says of itself.

    Attributes:
        implementation: its name.
        version: its version.
        language: what it is written in.
        capabilities: what it claims.
    """

    implementation: str
    version: str
    language: str
    capabilities: frozenset[str]


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
        levels: the levels.
        bound: how many states an implementation may have.
        only: the patterns of the cases to run; a filtered run never claims conformance.
    """

    levels: tuple[int, ...]
    bound: Bound
    only: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{_named(self.levels)} at bound {self.bound}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that a developer can act on.

    Attributes:
        result: the case as it failed in the run.
        shortest: the shortest sequence that fails, as it failed.
        rule: the rule that says what should have been answered.
        prose: what it says.
        replay: the command line that runs just the shortest sequence.
        alike: the ids of other cases that failed in the same way.
        note: a remark, such as that it fails only sometimes.
    """

    result: CaseResult
    shortest: CaseResult
    rule: str
    prose: str
    replay: str
    alike: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class RunResult:
    """What a run says.

    Attributes:
        chart: the name of the chart under test.
        sha256: its hash.
        hello: what the adapter says of itself; None if it could not be greeted.
        scope: what the run is meant to cover.
        results: the result of each case that was planned, in the suite's order.
        failures: the failures, one for all that are alike.
        differences: how the machine that the implementation has differs from the chart, in words.
        complaints: what is wrong with the list of expected failures.
        expected: that list.
        missing: what keeps the run from being complete, in words.
        trouble: what is wrong with the infrastructure, in words; empty if nothing is.
        seconds: how long it took; the one thing that differs from run to run.
    """

    chart: str
    sha256: str
    hello: Hello | None
    scope: Scope
    results: Sequence[CaseResult]
    failures: Sequence[Failure] = ()
    differences: Sequence[str] = ()
    complaints: Sequence[str] = ()
    expected: ExpectedFailures = field(default_factory=lambda: ExpectedFailures({}))
    missing: Sequence[str] = ()
    trouble: str = ""
    seconds: float = 0.0

    def count(self, *statuses: Status, level: int | None = None) -> int:
        """How many cases came out so."""
        return sum(
            result.status in statuses and level in (None, result.case.level)
            for result in self.results
        )

    @property
    def unexpected(self) -> list[CaseResult]:
        """The cases that failed and were not expected to."""
        return [
            result
            for result in self.results
            if result.status is Status.FAILED and result.case.id not in self.expected.entries
        ]

    @property
    def excused(self) -> int:
        """How many cases failed as expected."""
        return self.count(Status.FAILED) - len(self.unexpected)

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
        run = self.count(Status.PASSED, Status.FAILED)
        cases = counted(run, "case")
        match self.exit:
            case Exit.CONFORMS:
                but = f" except {self.excused} listed" if self.excused else ""
                scope = replace(self.scope, levels=self.claimed)
                without = f"; not claimed: {self.unclaimed}" if self.unclaimed else ""
                return f"conforms{but}: {scope}, {cases}{without}"
            case Exit.DEVIATES:
                failed = len(self.unexpected)
                if not failed:
                    more = len(self.complaints) - 1
                    return f"deviates: {self.complaints[0]}" + (f"; {more} more" if more else "")
                but = f", beside {self.excused} listed" if self.excused else ""
                return f"deviates: {failed:,} of {cases} failed{but}; {self.scope}"
            case Exit.INFRASTRUCTURE:
                hangs = counted(self.count(Status.HANGS), "case")
                return f"no verdict: {self.trouble or f'{hangs} not answered in time'}"
            case Exit.INCOMPLETE:
                without = f"not claimed: {self.unclaimed}" if self.unclaimed else ""
                why = "; ".join(each for each in (*self.missing, without) if each)
                return f"incomplete: {cases} run" + (f"; {why}" if why else "")

    @property
    def claimed(self) -> tuple[int, ...]:
        """The levels of which something was claimed."""
        return tuple(each["level"] for each in self.by_level() if each["claimed"])

    @property
    def unclaimed(self) -> str:
        """What the adapter does not claim of the run's scope, in words."""
        levels = [each["level"] for each in self.by_level() if each["lacking"]]
        whole = [level for level in levels if level not in self.claimed]
        lacks = [_named(whole)] if whole else []
        lacking: dict[str, list[int]] = {}
        for each in self.by_level():
            if each["claimed"]:
                for capability in each["lacking"]:
                    lacking.setdefault(capability, []).append(each["level"])
        lacks += [f"{name} in {_named(levels)}" for name, levels in sorted(lacking.items())]
        return ", ".join(lacks)

    def by_level(self) -> list[dict[str, Json]]:
        """The counts of each level in scope, and the capabilities that it lacks."""
        counts: dict[int, Counter[Status]] = {level: Counter() for level in self.scope.levels}
        lacking: dict[int, set[str]] = {level: set() for level in self.scope.levels}
        claimed = self.hello.capabilities if self.hello else frozenset()
        for result in self.results:
            counts[result.case.level][result.status] += 1
            if result.status is Status.NOT_CLAIMED:
                lacking[result.case.level].update(set(result.case.needs) - claimed)
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


def _named(levels: Sequence[int]) -> str:
    return f"level{'s' if len(levels) > 1 else ''} {spoken_levels(levels)}"
