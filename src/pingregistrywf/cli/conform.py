"""The command ``conform``: is an implementation what the chart says."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from pingregistrywf.cli.common import (
    CannotRunError,
    ModelOption,
    answering,
    called,
    fail,
)

if TYPE_CHECKING:
    from pingregistrywf.conformance.run.result import RunResult
    from pingregistrywf.conformance.run.runner import Plan
    from pingregistrywf.conformance.run.transport import Transport
    from pingregistrywf.conformance.suite import Suite
    from pingregistrywf.conformance.suite.scenario import Scenario

conform = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=True,
)
_ALL_LEVELS: Final = "1-6"

BoundOption = Annotated[
    Literal["n", "n+1", "n+2"],
    typer.Option(
        "--bound",
        help="How many states an implementation may have, if the chart has n: every implementation"
        " within the bound that departs from the chart fails.",
    ),
]


@conform.callback()
def _conform(
    context: typer.Context,
    adapter: Annotated[
        str,
        typer.Option(
            "--adapter", metavar="COMMAND", help="Starts the adapter.", show_default=False
        ),
    ] = "",
    python: Annotated[
        str,
        typer.Option(
            "--python",
            metavar="MODULE:FACTORY",
            help="An adapter in this process: FACTORY() gives a function from request to reply.",
            show_default=False,
        ),
    ] = "",
    level: Annotated[
        str, typer.Option("--level", metavar="LEVELS", help="The levels to run, as 1-3 or 1,4.")
    ] = _ALL_LEVELS,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PATTERN",
            help="Run only cases whose id, rule or title is like this: * and ? are wild.",
            show_default=False,
        ),
    ] = None,
    bound: BoundOption = "n+2",
    expected: Annotated[
        Path | None,
        typer.Option(
            "--expected-failures",
            metavar="FILE",
            help="TOML: what is known to fail, and until when.",
            show_default=False,
        ),
    ] = None,
    replay: Annotated[
        str,
        typer.Option(
            "--replay",
            metavar="SCENARIO",
            help="Run just this sequence, copied from a report.",
            show_default=False,
        ),
    ] = "",
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", help="Write JUnit's XML.", show_default=False),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write JSON.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page.", show_default=False),
    ] = None,
    badge: Annotated[
        Path | None,
        typer.Option("--badge", metavar="FILE", help="Write a badge, as SVG.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", help="Makes the same ids in every run; else they differ.", show_default=False
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="SECONDS", help="An adapter that is silent hangs.", min=0.1
        ),
    ] = 30.0,
    model: ModelOption = None,
) -> None:
    """Whether an implementation, in any language, is what the chart says: run the suite on it.

    Exit codes: 0 conforms; 1 deviates; 2 no verdict (the adapter cannot start, ends every time, is
    silent, speaks another protocol or is for another chart); 3 incomplete (a filter was used,
    nothing was run, or less than planned).
    """
    if context.invoked_subcommand is not None:
        return
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.conformance.assembly import committed_ids, suite_of
    from pingregistrywf.conformance.run.expected import ExpectedFailuresError, read_expected
    from pingregistrywf.conformance.run.result import Scope
    from pingregistrywf.conformance.run.runner import Plan, run
    from pingregistrywf.conformance.run.transport import CannotStartError
    from pingregistrywf.conformance.suite.levels import (
        LAST_LEVEL,
        LevelsError,
        SuiteError,
        levels_of,
    )

    outputs = {"--junit": junit, "--json": json_file, "--html": html, "--badge": badge}
    errors = (ChartError, CannotStartError, ExpectedFailuresError, LevelsError, SuiteError)
    with answering(*errors):
        if bool(adapter) is bool(python):
            raise CannotRunError("give --adapter COMMAND or --python MODULE:FACTORY, one of them")
        for option, path in outputs.items():
            if path is not None and not path.parent.is_dir():
                raise CannotRunError(f"{option}: there is no directory {path.parent}")
            if path is not None and path.is_dir():
                raise CannotRunError(f"{option}: {path} is a directory, name a file")
        levels = levels_of(level)
        store = bool(replay) or LAST_LEVEL in levels
        with _ended_by_signals(), closing(_transport(adapter, python, timeout, store)) as transport:
            # It gets ready while the suite is read; what keeps it from starting, the run reports.
            with suppress(CannotStartError):
                transport.start()
            suite = suite_of(model or [])
            scope = Scope(levels, bound, tuple(only or ()))
            scenario = None
            if replay:
                scenario = _replayed(suite, replay)
                scope = Scope((scenario.level,), bound)
            command = [*called(), "conform"]
            command += ["--adapter", adapter] if adapter else ["--python", python]
            command += [word for file in model or [] for word in ("--model", str(file))]
            plan = Plan(
                suite=suite,
                scope=scope,
                manifest=None if model else committed_ids(suite),
                expected={} if expected is None else read_expected(expected),
                today=_today(),
                seed=seed,
                command=tuple(command),
                scenario=scenario,
            )
            with _progress(plan) as watched:
                report = run(watched, transport)
        _print(report)
        _write(report, suite, outputs)
    raise typer.Exit(int(report.exit))


def _transport(adapter: str, python: str, timeout: float, store: bool) -> Transport:
    from pingregistrywf.conformance.run.transport import ChildTransport, ObjectTransport

    return (
        ChildTransport(adapter, timeout, store=store)
        if adapter
        else ObjectTransport(_factory(python))
    )


def _factory(name: str) -> Callable[[], Any]:
    from importlib import import_module

    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise CannotRunError(f"--python {name}: write MODULE:FACTORY")
    sys.path.insert(0, "")
    try:
        made: Any = import_module(module)
        for part in attribute.split("."):
            made = getattr(made, part)
    # Were its exit ours, a module could end the run with the code of conformance.
    except (Exception, SystemExit) as error:
        raise CannotRunError(
            f"--python {name}: {type(error).__name__}: {error}; name what can be imported from here"
        ) from None
    if not callable(made):
        raise CannotRunError(f"--python {name} cannot be called: name a factory")
    factory: Callable[[], Any] = made
    return factory


def _replayed(suite: Suite, text: str) -> Scenario:
    """The scenario of a replay, which these charts can run."""
    from pingregistrywf.conformance.suite.levels import LEVELS
    from pingregistrywf.conformance.suite.scenario import from_text

    try:
        scenario = from_text(text)
        if scenario.level not in LEVELS:
            raise ValueError(f"there is no level {scenario.level!r}")
        suite.compiler.compile(scenario)
    except (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError) as error:
        raise CannotRunError(
            f"--replay: these charts cannot run it ({error!r}): copy the whole line of the report"
        ) from None
    except ValueError as error:
        raise CannotRunError(f"--replay: {error}") from None
    return scenario


def _today() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC).date()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Leave at once when asked to: what is open is closed, no adapter stays behind."""

    def leave(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise _LeaveError(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, leave)
    try:
        yield
    except _LeaveError as asked:
        fail("interrupted, there is no verdict", 128 + asked.number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _LeaveError(BaseException):
    """A signal asks to leave; not an Exception, lest an adapter in this process catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _progress(plan: Plan) -> Iterator[Plan]:
    """A bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield plan
        return
    from dataclasses import replace

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("cases"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cases", total=None)
        yield replace(
            plan, progress=lambda done, all_: bar.update(task, completed=done, total=all_)
        )


def _print(report: RunResult) -> None:
    from pingregistrywf.conformance.reports import text

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal has every character
    typer.echo(text(report), nl=False)


def _write(report: RunResult, suite: Suite, outputs: dict[str, Path | None]) -> None:
    from pingregistrywf.conformance import reports

    writers: dict[str, Callable[[], str]] = {
        "--junit": lambda: reports.junit(report),
        "--json": lambda: reports.as_json(report),
        "--html": lambda: reports.page(report, suite.chart),
        "--badge": lambda: reports.badge(report),
    }
    for option, path in outputs.items():
        if path is not None:
            reports.put(path, writers[option]().encode())
