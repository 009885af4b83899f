"""What a run says: a result for every case, and one verdict.

The verdict follows from counts alone.  It names its scope and what was not claimed, for a run of
fewer levels, or of an adapter that can do less, says less than a whole one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Final, TypeAlias

from pingregistrywf.conformance.run.execute import CaseResult, Exchange, Status
from pingregistrywf.conformance.run.expected import ExpectedFailures
from pingregistrywf.conformance.run.session import Hello
from pingregistrywf.conformance.suite import VERSION
from pingregistrywf.conformance.suite.levels import LEVELS, spoken_levels
from pingregistrywf.conformance.suite.scenario import Bound

Json: TypeAlias = Any
LOOKS: Final = ("find", "events")
AROUND: Final = 5
"""So many steps are shown at the beginning and at the end of a long sequence."""


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

    def document(self) -> dict[str, Json]:
        """The report as JSON."""
        return {
            "format": "pingregistrywf-report/1",
            "verdict": self.verdict,
            "exit": int(self.exit),
            "not_claimed": self.unclaimed,
            "suite": VERSION,
            "chart": self.chart,
            "chart_sha256": self.sha256,
            "adapter": self.hello and self.hello.document(),
            "scope": {
                "levels": list(self.scope.levels),
                "bound": self.scope.bound,
                "only": list(self.scope.only),
            },
            "levels": self.by_level(),
            "failures": [_failure(each) for each in self.failures],
            "differences": list(self.differences),
            "expected_failures": self.excused,
            "complaints": list(self.complaints),
            "missing": list(self.missing),
            "trouble": self.trouble,
            "cases": {each.case.id: each.status for each in self.results},
            "seconds": round(self.seconds, 3),
        }


def _failure(failure: Failure) -> dict[str, Json]:
    case = failure.result.case
    return {
        "id": case.id,
        "level": case.level,
        "title": case.title,
        "rule": failure.rule,
        "prose": failure.prose,
        "why": failure.shortest.why,
        "steps": steps_of(failure.shortest),
        "replay": failure.replay,
        "alike": list(failure.alike),
        "note": failure.note,
        "log": failure.shortest.log,
    }


def difference(expect: Json, got: Json, where: str = "") -> str:
    """Where an answer first differs from the one expected, in words; empty if it does not.

    Of an error, only the expected keys count; an event's bytes, only where they are expected.
    """
    if isinstance(expect, dict) and isinstance(got, dict):
        for key, value in expect.items():
            inside = f"{where}.{key}".lstrip(".")
            if key not in got:
                return f"{inside} is missing"
            if found := difference(value, got[key], inside):
                return found
        ignored = set(got) if where == "error" else {"wire"}
        more = [key for key in got if key not in expect and key not in ignored]
        return f"{where} has {', '.join(more)}, too" if more else ""
    if isinstance(expect, list) and isinstance(got, list):
        for number, (one, other) in enumerate(zip(expect, got, strict=False)):
            if found := difference(one, other, f"{where}[{number}]"):
                return found
        if len(expect) == len(got):
            return ""
        return f"{where} has {counted(len(got), 'part')}, should have {len(expect)}"
    if type(expect) is type(got) and expect == got:
        return ""
    return f"{where} is {_shown(got)}, should be {_shown(expect)}"


def aligned(got: Json, expect: Json) -> Json:
    """An answer with its keys in the order of those expected, so that the eye can compare them."""
    if isinstance(expect, dict) and isinstance(got, dict):
        keys = [key for key in expect if key in got] + [key for key in got if key not in expect]
        return {key: aligned(got[key], expect.get(key)) for key in keys}
    if isinstance(expect, list) and isinstance(got, list):
        rest = [None] * (len(got) - len(expect))
        return [aligned(one, other) for one, other in zip(got, [*expect, *rest], strict=False)]
    return got


def _differs(exchange: Exchange) -> str:
    expect, got = exchange.expect, exchange.got
    if exchange.right or not expect or not got or not set(expect) & set(got):
        return ""  # that it is of another kind is plain to see
    return difference(expect, got)


def _shown(value: Json) -> str:
    return json.dumps(cut(value, 60), ensure_ascii=False)


def steps_of(result: CaseResult) -> list[dict[str, Json]]:
    """What was sent and answered in a failed case, step by step, long texts cut."""
    return [
        {
            "state": each.step.state,
            "rule": each.step.rule,
            "send": cut(each.send),
            "expect": cut(each.expect),
            "got": cut(aligned(each.got, each.expect)),
            "right": each.right,
            "differs": _differs(each),
        }
        for each in result.exchanges
    ]


def abridged(steps: Sequence[dict[str, Json]]) -> Iterator[tuple[int, dict[str, Json]] | int]:
    """The steps that readers are shown, with their numbers: no looks that were right.

    Where many in a row were right, all but the first and last few are left out; a number says how
    many.
    """
    shown = [
        (number, each)
        for number, each in enumerate(
            (each for each in steps if not each["right"] or each["send"].get("op") not in LOOKS),
            start=1,
        )
    ]
    left_out = len(shown) - 2 * AROUND
    if left_out <= AROUND:
        yield from shown
        return
    yield from shown[:AROUND]
    yield left_out
    yield from shown[-AROUND:]


def cut(value: Json, most: int = 200) -> Json:
    """A value, with long texts and lists cut in the middle."""
    match value:
        case str() if len(value) > most:
            return f"{value[: most // 2]}… ({len(value):,} characters)"
        case list() if len(value) > 10:
            left = f"… {len(value) - 6} more …"
            return [*(cut(each) for each in value[:3]), left, *(cut(each) for each in value[-3:])]
        case list():
            return [cut(each) for each in value]
        case dict():
            return {key: cut(each) for key, each in value.items()}
        case _:
            return value


def counted(number: int, thing: str) -> str:
    """A number of things in words."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _named(levels: Sequence[int]) -> str:
    return f"level{'s' if len(levels) > 1 else ''} {spoken_levels(levels)}"
