"""The suite of this project's charts, and runs of it on adapters that go wrong."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.run.result import RunResult, Scope
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ChildTransport, ObjectTransport
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case import Case

from .adversary import answering, is_extreme

Runs: TypeAlias = Callable[..., RunResult]
FEW = (
    "with code zero",
    "with code one",
    "with code the greatest",
    "with message quotes",
    "2 times",
    "3 times",
    "100 times",
)
"""The ends of the titles of the few cases; at the third some adapters go wrong."""
HARDLY = 0.5
ADVERSARY = Path(__file__).with_name("adversary.py")


def command(name: str) -> str:
    """The command that starts an adapter which goes wrong in that way."""
    return shlex.join([sys.executable, str(ADVERSARY), name])


@pytest.fixture(scope="session")
def suite() -> Suite:
    return suite_of()


class Impatient(ChildTransport):
    """Has all the time that an answer may need, but little for those that will never come."""

    def send(self, request: dict[str, Any]) -> None:
        if self._command[-1] == "hangs:at one":
            self._timeout = HARDLY if is_extreme(request) else 60
        super().send(request)

    def bye(self) -> None:
        if self._command[-1] == "hangs after bye":
            self._timeout = HARDLY
        super().bye()


class Few(Suite):
    """A few cases of the suite, for what is seen in any of them."""

    titles: frozenset[str] = frozenset()

    def cases(self, *scope: Any) -> Iterator[Case]:
        return (case for case in super().cases(*scope) if case.title in self.titles)


@pytest.fixture(scope="session")
def few(suite: Suite) -> Suite:
    """A few cases of level 3, all of them about AppendPing."""
    chosen = Few(suite.model, suite.chart.name)
    chosen.titles = frozenset(f"AppendPing {each}" for each in FEW)
    return chosen


@pytest.fixture(scope="session")
def run_child(suite: Suite) -> Runs:
    """Runs levels at bound n on a child process that goes wrong in the way that is named."""

    def ran(name: str, *levels: int, timeout: float = 60, **plan: Any) -> RunResult:
        scope = plan.pop("scope", Scope(levels or (1,), "n"))
        transport = Impatient(command(name), timeout)
        return run(replace(Plan(suite, scope), **plan), transport)

    return ran


@pytest.fixture(scope="session")
def run_object(suite: Suite) -> Runs:
    """The same in this process, for ways that concern answers only."""

    def ran(name: str, *levels: int, **plan: Any) -> RunResult:
        scope = plan.pop("scope", Scope(levels or (1,), "n"))
        return run(replace(Plan(suite, scope), **plan), ObjectTransport(lambda: answering(name)))

    return ran
