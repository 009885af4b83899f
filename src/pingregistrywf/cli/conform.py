"""The command ``conform``: is an implementation what the chart says."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from typer import Option

from pingregistrywf.cli.common import (
    CannotRunError,
    ModelOption,
    answering,
    called,
    fail,
    handling_signals,
    json_wanted,
    print_error,
    print_json,
    require,
    with_json,
)
from pingregistrywf.cli.output import abandon_stopped_terminals
from pingregistrywf.cli.program import App
from pingregistrywf.cli.run_progress import run_progress
from pingregistrywf.cli.terminal import wrapped

if TYPE_CHECKING:
    from pingregistrywf.conformance.run.result import RunResult
    from pingregistrywf.conformance.run.runner import Plan
    from pingregistrywf.conformance.run.transport import Transport
    from pingregistrywf.conformance.suite.case import Case

RAISED_AGAIN: Final = 0.05
"""So many seconds after a signal it is raised again, if it was not heard."""

WHOLE_LINES: Final = ("replay:", "explore:", "expected ", "got ")
"""How the lines of a report begin that are not wrapped."""

conform = App(invoke_without_command=True, no_args_is_help=True)

BoundOption = Annotated[
    Literal["n", "n+1", "n+2", "n+3"],
    Option(
        metavar="n|n+1|n+2|n+3",
        help="How many states an implementation may have, if the chart has n: every implementation"
        " within the bound that departs from the chart fails. n+3 is beyond the suite and slow.",
    ),
]
JsonFileOption = Annotated[
    Path | None, Option("--json-report", metavar="FILE", help="Write a report as JSON.")
]


@conform.callback()
@with_json
def _conform(
    context: typer.Context,
    adapter: Annotated[
        str | None, Option(metavar="COMMAND", help="The command that starts the adapter.")
    ] = None,
    python: Annotated[
        str | None,
        Option(
            metavar="MODULE:FACTORY",
            help="An adapter in this process: FACTORY() gives a function from request to reply.",
        ),
    ] = None,
    level: Annotated[
        str, Option(metavar="LEVELS", help="The levels to run, as 1-3 or 1,4.")
    ] = "1-6",
    only: Annotated[
        list[str] | None,
        Option(
            metavar="PATTERN",
            help="Run only cases whose id, rule or title matches; * and ? are wildcards.",
        ),
    ] = None,
    bound: BoundOption = "n+2",
    expected_failures: Annotated[
        Path | None,
        Option(metavar="FILE", help="TOML that says what is known to fail, and until when."),
    ] = None,
    fail_fast: Annotated[
        int, Option(metavar="GROUPS", help="End after so many failing groups; 0 for never.", min=0)
    ] = 0,
    first_failure: Annotated[
        bool, Option("-x", help="End after the first failure, as --fail-fast 1 does.")
    ] = False,
    failed_first: Annotated[
        bool,
        Option("--failed-first", help="Run first what failed in the last run, and remember it."),
    ] = False,
    cache: Annotated[
        Path | None,
        Option(metavar="DIR", help="Where failures are remembered; .pingregistrywf unless given."),
    ] = None,
    watch: Annotated[
        list[Path] | None,
        Option(metavar="PATH", help="Run again whenever this file, or one below it, changes."),
    ] = None,
    profile: Annotated[
        bool, Option("--profile", help="Print how long the adapter takes to answer.")
    ] = False,
    explain: Annotated[
        int, Option(metavar="GROUPS", help="How many groups of failures to explain.", min=0)
    ] = 20,
    write_expected: Annotated[
        Path | None,
        Option(metavar="FILE", help="Write what failed as a new file of expected failures."),
    ] = None,
    replay: Annotated[
        str | None,
        Option(metavar="SCENARIO", help="Run just this sequence, copied from a report, or a case."),
    ] = None,
    case: Annotated[
        list[Path] | None,
        Option(metavar="FILE", help="Run just the cases of this file, one JSON object a line."),
    ] = None,
    save_cases: Annotated[
        Path | None,
        Option(metavar="DIR", help="Write the shortest case of each failing group as a file."),
    ] = None,
    junit: Annotated[
        Path | None, Option(metavar="FILE", help="Write a report as JUnit's XML.")
    ] = None,
    json_report: JsonFileOption = None,
    html: Annotated[
        Path | None, Option(metavar="FILE", help="Write a report as a page of HTML.")
    ] = None,
    badge: Annotated[Path | None, Option(metavar="FILE", help="Write a badge, as SVG.")] = None,
    seed: Annotated[
        int | None, Option(metavar="N", help="Use the same ids in every run with this number.")
    ] = None,
    timeout: Annotated[
        float,
        Option(metavar="SECONDS", help="How long to wait for an answer of the adapter.", min=0.1),
    ] = 30.0,
    model: ModelOption = None,
) -> None:
    """Run the suite on an implementation in any language: say whether it is what the chart says.

    Exit codes: 0 conforms; 1 deviates; 2 no verdict (the adapter cannot start, ends every time, is
    silent, speaks another protocol or is for another chart); 3 incomplete (a filter was used,
    nothing was run, or less than planned).
    """
    if context.invoked_subcommand is not None:
        return
    require("conformance")
    from dataclasses import replace
    from datetime import UTC, datetime

    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.conformance.assembly import committed_ids, suite_of
    from pingregistrywf.conformance.run.expected import ExpectedFailuresError, read_expected
    from pingregistrywf.conformance.run.reference import Reference
    from pingregistrywf.conformance.run.remembered import DIRECTORY, recall, remember
    from pingregistrywf.conformance.run.result import Exit, Scope
    from pingregistrywf.conformance.run.runner import Plan, run
    from pingregistrywf.conformance.run.transport import CannotStartError
    from pingregistrywf.conformance.suite.case_file import read_cases, replayed
    from pingregistrywf.conformance.suite.levels import LevelsError, SuiteError, levels_of

    files = {"--junit": junit, "--json-report": json_report, "--html": html, "--badge": badge}
    outputs = _Outputs(files | {"--write-expected": write_expected}, save_cases)
    watched = watch or []
    with answering(ChartError, CannotStartError, ExpectedFailuresError, LevelsError, SuiteError):
        if bool(adapter) is bool(python):
            raise CannotRunError("give --adapter COMMAND or --python MODULE:FACTORY, one of them")
        outputs.check()
        _check_expected(write_expected, bound)
        _check_watched(watched, python)
        scope = Scope(levels_of(level), bound, tuple(only or ()))
        today = datetime.now(UTC).date()
        remembered = (cache or DIRECTORY) if failed_first or cache else None
        with _ended_by_signals() as opened:
            transport = opened.enter_context(closing(_transport(adapter, python, timeout)))
            # It gets ready while the suite is read; what keeps it from starting, the run reports.
            with suppress(CannotStartError):
                transport.start()
            suite = suite_of(model or [])
            cases = [replayed(replay, suite.compiler, "--replay")] if replay else []
            cases += [each for file in case or [] for each in read_cases(file, suite.compiler)]
            models = [word for file in model or [] for word in ("--model", str(file))]
            tested = ["--adapter", adapter] if adapter else ["--python", python or ""]
            plan = Plan(
                suite=suite,
                scope=replace(scope, levels=_levels(cases)) if cases else scope,
                manifest=None if model else committed_ids(suite),
                expected=read_expected(expected_failures) if expected_failures else (),
                today=today,
                seed=seed,
                command=(*called(), "conform", *tested, *models),
                explore=(*called(), "explore", *models),
                cases=cases,
                reference=opened.enter_context(closing(Reference(suite, model or []))),
                fail_fast=fail_fast or int(first_failure),
                profile=profile,
                explain=explain,
            )
            written = [*outputs.files.values(), outputs.cases, remembered]
            for again in _rounds(watched, [path for path in written if path is not None]):
                if again:
                    transport = opened.enter_context(closing(_transport(adapter, python, timeout)))
                if failed_first and remembered:
                    plan = replace(plan, first=recall(remembered))
                with run_progress(plan) as shown:
                    report = run(shown, transport)
                outputs.write(report, plan)
                if remembered and not cases:
                    remember(remembered, report.results)
    if report.exit in (Exit.INFRASTRUCTURE, Exit.INCOMPLETE) and not _verdict_seen():
        print_error(report.verdict, int(report.exit), as_json=False)  # the report has it as JSON
    raise typer.Exit(int(report.exit))


@dataclass(frozen=True, slots=True)
class _Outputs:
    """What a run writes: its report on standard output, and files.

    Attributes:
        files: the reports, by the options that name them.
        cases: the directory for the shortest case of each failing group.
    """

    files: Mapping[str, Path | None]
    cases: Path | None

    def check(self) -> None:
        """Refuse what cannot be written, before the run."""
        check_files(self.files)
        if self.cases is not None and not self.cases.is_dir():
            raise CannotRunError(f"--save-cases: there is no directory {self.cases}: make it first")

    def write(self, report: RunResult, plan: Plan) -> None:
        """Print the report, and write the files that are asked for."""
        from pingregistrywf.conformance import reports
        from pingregistrywf.conformance.suite.case_file import saved

        if json_wanted():
            print_json(json.loads(reports.as_json(report)))
        else:
            typer.echo(_for_terminal(reports.text(report)), nl=False)

        writers: Mapping[str, Callable[[], str]] = {
            "--junit": lambda: reports.junit(report),
            "--json-report": lambda: reports.as_json(report),
            "--html": lambda: reports.page(report, plan.suite.chart),
            "--badge": lambda: reports.badge(report),
            "--write-expected": lambda: reports.expected_failures(report, plan.today),
        }
        for option, path in self.files.items():
            if path is not None:
                reports.put(path, writers[option]().encode())
        if self.cases is not None:
            for failure in report.failures:
                found = failure.shortest.case
                reports.put(self.cases / f"{found.id}.json", saved(found).encode())


def check_files(files: Mapping[str, Path | None]) -> None:
    """Refuse files that cannot be written, by their options, before the run that is to fill them.

    Raises:
        CannotRunError: there is no directory for one of them, or it is a directory itself.
    """
    for option, path in files.items():
        if path is not None and not path.parent.is_dir():
            raise CannotRunError(f"{option}: there is no directory {path.parent}")
        if path is not None and path.is_dir():
            raise CannotRunError(f"{option}: {path} is a directory, name a file")


def _check_expected(file: Path | None, bound: str) -> None:
    """Refuse to write a file of expected failures over another, or of cases without an id."""
    from pingregistrywf.conformance.suite.scenario import WHOLE, within

    if file is None:
        return
    if file.exists():
        raise CannotRunError(f"--write-expected: {file} exists, name a new file")
    if bound not in within(WHOLE):
        raise CannotRunError(
            f"--write-expected: not every case of bound {bound} is listed: give {WHOLE} or less"
        )


def _check_watched(paths: Sequence[Path], python: str | None) -> None:
    """Refuse to watch what is not there, or for an adapter that cannot be started again."""
    if paths and python:
        raise CannotRunError("--watch starts an adapter again: give it by --adapter")
    for path in paths:
        if not path.exists():
            raise CannotRunError(f"--watch: there is no {path}")


def _rounds(watched: Sequence[Path], written: Sequence[Path]) -> Iterator[bool]:
    """Yield False for the first run, and True whenever a watched file has changed after one.

    Args:
        watched: files and directories.
        written: what each run itself writes, which is no change.
    """
    from pingregistrywf.cli.changes import changed_files

    changes = changed_files(watched, written)
    yield False
    while watched:
        typer.echo("waiting for a change; Ctrl-C ends it", err=True)
        next(changes)
        yield True


def _for_terminal(report: str) -> str:
    """A report with its lines wrapped between words; what is copied, or JSON, stays in one line."""
    return "\n".join(
        line if line.lstrip().startswith(WHOLE_LINES) else wrapped(line)
        for line in report.split("\n")
    )


def _verdict_seen() -> bool:
    """Return whether whoever reads standard error has just read the report on the same terminal."""
    return not json_wanted() and sys.stdout.isatty() and sys.stderr.isatty()


def _levels(cases: Sequence[Case]) -> tuple[int, ...]:
    return tuple(sorted({each.level for each in cases}))


def _transport(adapter: str | None, python: str | None, timeout: float) -> Transport:
    from pingregistrywf.conformance.run.transport import ChildTransport, ObjectTransport

    if adapter:
        return ChildTransport(adapter, timeout)
    return ObjectTransport(_factory(python or ""))


def _factory(name: str) -> Callable[[], Any]:
    from importlib import import_module
    from operator import attrgetter

    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise CannotRunError(f"--python {name}: write MODULE:FACTORY")
    sys.path.insert(0, "")
    try:
        made: Any = attrgetter(attribute)(import_module(module))
    # Were its exit ours, a module could end the run with the code of conformance.
    except (Exception, SystemExit) as error:
        raise CannotRunError(
            f"--python {name}: {type(error).__name__}: {error}; name what can be imported from here"
        ) from None
    if not callable(made):
        raise CannotRunError(f"--python {name} cannot be called: name a factory")
    factory: Callable[[], Any] = made
    return factory


@contextmanager
def _ended_by_signals() -> Iterator[ExitStack]:
    """Leave at once when asked to: what is opened is closed, no adapter stays behind.

    Python drops what is raised in a finalizer or in a weak reference's callback, and each import
    runs one.  So the exception is raised again until it arrives here, where the system has timers.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        if number in asking:
            for each in asking:
                signal.signal(each, signal.SIG_IGN)
            asked.append(number)
            abandon_stopped_terminals()
            raise_again(RAISED_AGAIN)
        raise _LeaveError

    def raise_again(seconds: float) -> None:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, seconds, seconds)

    def unheard(lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_type is not _LeaveError:
            hook(lost)

    asking = (signal.SIGINT, signal.SIGTERM)
    timed = hasattr(signal, "setitimer")  # Windows has none
    asked: list[int] = []
    hook, sys.unraisablehook = sys.unraisablehook, unheard
    try:
        with handling_signals(leave, (*([signal.SIGALRM] if timed else []), *asking)):
            try:
                with ExitStack() as opened:
                    try:
                        yield opened
                    finally:
                        raise_again(0)
            except _LeaveError:
                fail("interrupted, there is no verdict", 128 + asked[0])
    finally:
        sys.unraisablehook = hook


class _LeaveError(BaseException):
    """A signal asks to leave; not an Exception, lest an adapter in this process catches it."""
