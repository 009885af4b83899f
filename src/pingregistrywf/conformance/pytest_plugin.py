"""The suite in pytest: ``pytest -p pingregistrywf.conformance --pingregistrywf-adapter COMMAND``.

Each case is a test, below the rule that it is there for, so that ``-k`` and reports work as usual.
One adapter serves the whole session, or one each worker of pytest-xdist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import pytest

from pingregistrywf.chart.mistakes import ChartError
from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.reports.rendered import failure_text
from pingregistrywf.conformance.run.capabilities import CRASH
from pingregistrywf.conformance.run.child import ProtocolError
from pingregistrywf.conformance.run.reference import Reference
from pingregistrywf.conformance.run.result import CaseResult, Failure, Hello, Status
from pingregistrywf.conformance.run.session import InfrastructureError, Session
from pingregistrywf.conformance.run.transport import CannotStartError, ChildTransport
from pingregistrywf.conformance.run.triage import Group, explained
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.levels import LAST_LEVEL, LEVELS, LevelsError, levels_of
from pingregistrywf.conformance.suite.scenario import BOUNDS, WHOLE, within

_PREFIX: Final = "--pingregistrywf"
T = TypeVar("T")
_UNDER_TEST: Final = pytest.StashKey["UnderTest"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("pingregistrywf", "conformance to a chart")

    def add(name: str, help: str, **more: Any) -> None:
        group.addoption(f"{_PREFIX}-{name}", help=help, **more)

    add("adapter", "starts the adapter", metavar="COMMAND")
    add("level", "the levels, as 1-3 or 1,4", metavar="LEVELS", default="1-6")
    bounds = ", ".join(within(WHOLE))
    allowed = f"how many states are allowed for: {bounds}; more only with pingregistrywf conform"
    add("bound", allowed, metavar="BOUND", choices=BOUNDS, default=WHOLE)
    add("model", "charts of your own", metavar="FILE", action="append")
    add("timeout", "a silent adapter hangs", metavar="SECONDS", type=float, default=30.0)


class UnderTest:
    """The adapter of this session, started when it is first needed.

    Raises:
        CannotStartError: the adapter's command line is no command.
        OSError, ChartError: there is no chart, or there are mistakes in it.
        LevelsError: the levels are none.
        pytest.UsageError: the bound has too many cases.
    """

    def __init__(self, config: pytest.Config) -> None:
        option = config.getoption
        self.bound = option(f"{_PREFIX}-bound")
        if self.bound not in within(WHOLE):
            raise pytest.UsageError(
                f"{_PREFIX}-bound={self.bound}: pytest makes all tests before it runs the first,"
                f" and these are too many: give {WHOLE} or less here, and run"
                f" pingregistrywf conform --bound {self.bound} beside it"
            )
        self.command: str = option(f"{_PREFIX}-adapter")
        files = [Path(file) for file in option(f"{_PREFIX}-model") or []]
        self.suite = suite_of(files)
        self.reference = Reference(self.suite, files)
        self.levels = levels_of(option(f"{_PREFIX}-level"))
        transport = ChildTransport(self.command, option(f"{_PREFIX}-timeout"))
        self.session = Session(self.suite, transport, Random())  # noqa: S311 (ids of a test)
        self._gone: Exception | None = None

    @cached_property
    def hello(self) -> Hello:
        """What the adapter says of itself, and claims."""
        hello = self._once(self.session.hello)
        if LAST_LEVEL not in self.levels:
            return hello
        stored = self._once(lambda: self.session.hello(store=True)).capabilities
        return replace(hello, capabilities=hello.capabilities | (stored & {CRASH}))

    def execute(self, case: Case) -> CaseResult:
        """Execute a case."""
        return self._once(lambda: next(iter(self.session.execute([case]))))

    def _once(self, ask: Callable[[], T]) -> T:
        """Ask the adapter; once there is none to ask, every test says so at once."""
        if self._gone is not None:
            raise self._gone
        try:
            return ask()
        except (CannotStartError, InfrastructureError) as error:
            self._gone = error
            raise

    def explained(self, result: CaseResult) -> Failure:
        """A failure, shrunk."""
        command = ("pingregistrywf", "conform", "--adapter", self.command)
        sound = self.reference.passes
        return explained(Group(None, [result]), self.suite.compiler, self.execute, sound, command)


class RuleGroup(pytest.Collector):
    """The cases that are there for one rule."""

    def collect(self) -> Iterator[pytest.Item]:
        """Nothing is found here: the cases are added when all else has been collected."""
        return iter(())


class DeviationError(Exception):
    """An implementation departs from the chart; the failure shows how."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.shortest.why)
        self.failure = failure


class CaseItem(pytest.Item):
    """One case, and the adapter to execute it on."""

    def __init__(self, *, case: Case, under_test: UnderTest, **more: Any) -> None:
        super().__init__(**more)
        self.case = case
        self._under_test = under_test
        self.add_marker(f"level{case.level}")

    def runtest(self) -> None:
        """Execute the case."""
        lacking = self._under_test.hello.lacking(self.case)
        if lacking:
            pytest.skip(f"not claimed: {', '.join(sorted(lacking))}")
        result = self._under_test.execute(self.case)
        if result.status is Status.FAILED:
            raise DeviationError(self._under_test.explained(result))
        if result.status is not Status.PASSED:
            pytest.fail(f"{result.status}: {result.why}", pytrace=False)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What a developer can act on, in place of a traceback."""
        if isinstance(excinfo.value, DeviationError):
            return failure_text(excinfo.value.failure)
        if isinstance(excinfo.value, InfrastructureError | CannotStartError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it comes from, for people."""
        return self.path, None, f"{self.case.rule}: {self.case.title}"


def pytest_configure(config: pytest.Config) -> None:
    """Make the session's adapter, and the markers of levels."""
    for level, name in LEVELS.items():
        config.addinivalue_line("markers", f"level{level}: conformance, {name}")
    if config.getoption(f"{_PREFIX}-adapter"):
        try:
            config.stash[_UNDER_TEST] = UnderTest(config)
        except (OSError, CannotStartError, ChartError, LevelsError) as error:
            raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the cases to what was collected."""
    under_test = config.stash.get(_UNDER_TEST, None)
    if under_test is None:
        return
    groups: dict[str, RuleGroup] = {}
    for case in under_test.suite.cases(frozenset(under_test.levels), under_test.bound):
        name = f"{case.chart}::{case.rule}"
        if name not in groups:
            groups[name] = RuleGroup.from_parent(session, name=name, nodeid=name)
        items.append(
            CaseItem.from_parent(
                groups[name], name=f"{case.id} {case.title}", case=case, under_test=under_test
            )
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the adapter."""
    under_test = session.config.stash.get(_UNDER_TEST, None)
    if under_test is not None:
        with suppress(ProtocolError):  # how it ends is what the command line judges
            under_test.session.bye()
        under_test.session.close()
        under_test.reference.close()
