"""The command ``verify``: does the model in TLA+ have its properties."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from pingregistrywf.cli.charts import files_of_checkout
from pingregistrywf.cli.common import (
    CANNOT_RUN,
    REFUSED,
    ModelOption,
    answering,
    fail,
    json_wanted,
    print_json,
    with_json,
)
from pingregistrywf.cli.trace import follow_journal

if TYPE_CHECKING:
    from pingregistrywf.chart.ir import Model
    from pingregistrywf.formal.tlc import Progress
    from pingregistrywf.formal.verification import Result
    from pingregistrywf.generate.tla.checks import ModelCheck


@with_json
def verify(
    size: Annotated[
        str | None, Option(metavar="NAME", help="Check the model at this size only.")
    ] = None,
    property: Annotated[
        str | None, Option(metavar="NAME", help="Check this property only.")
    ] = None,
    exhaustive: Annotated[
        bool, Option("--exhaustive", help="Check also at the sizes that take minutes.")
    ] = False,
    cells: Annotated[
        bool,
        Option(
            "--cells",
            help="Check only that each cell of the charts' tables is reached, or cannot be.",
        ),
    ] = False,
    trace: Annotated[
        str | None,
        Option(metavar="URL", help="Check only whether the model could have written this journal."),
    ] = None,
    jar: Annotated[
        Path | None,
        Option(
            metavar="PATH",
            help="tla2tools.jar to use; that of TLA2TOOLS_JAR or of the extra formal unless given.",
        ),
    ] = None,
    scenarios: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="Write each violation there, as a scenario that the tests replay on the product.",
        ),
    ] = None,
    model: ModelOption = None,
) -> None:
    """Check the model in TLA+ exhaustively; show step by step how a property is broken.

    In a checkout the model is that of its model/.  Needs Java, and the extra formal.  Exits with 1
    if a property does not hold, if a cell is neither reached nor explained, or if the model could
    not have written the journal.
    """
    if trace is not None or cells:
        if size or property or exhaustive or scenarios or (trace is not None and cells):
            alone = "--cells" if cells else "--trace"
            fail(f"{alone} goes with --jar, --model and --json only", CANNOT_RUN)
        if trace is not None:
            follow_journal(trace, model, jar)
        else:
            _check_cells(model, jar)
        return
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.formal.plan import PlanError, plan_of
    from pingregistrywf.formal.report import result_json, show_violation, table
    from pingregistrywf.formal.tlc import ModelError
    from pingregistrywf.formal.toolchain import MissingToolError, find_toolchain
    from pingregistrywf.formal.verification import run_plan

    with answering(ChartError, MissingToolError, ModelError, PlanError):
        read = load_model(model or files_of_checkout())
        plan = plan_of(read).select(size, property, exhaustive=exhaustive)
        toolchain = find_toolchain(jar)
        results: list[tuple[Result, dict[str, str]]] = []
        with _progress() as progress:
            for result in run_plan(toolchain, plan, progress=progress):
                places = _places(result, read, model or [], scenarios)
                results.append((result, places))
                if json_wanted():
                    print_json(result_json(result, read.charts) | places)
    if not json_wanted():
        for result, places in results:
            show_violation(result, read.charts, places)
        typer.echo(table([result for result, _ in results]))
    if any(result.violation for result, _ in results):
        raise typer.Exit(REFUSED)


def _check_cells(model: list[Path] | None, jar: Path | None) -> None:
    """Say which cells of the tables the model reaches."""
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.formal.cells import reached_cells
    from pingregistrywf.formal.plan import PlanError
    from pingregistrywf.formal.report import cell_json, cells_report
    from pingregistrywf.formal.tlc import ModelError
    from pingregistrywf.formal.toolchain import MissingToolError, find_toolchain

    with answering(ChartError, MissingToolError, ModelError, PlanError):
        read, toolchain = load_model(model or files_of_checkout()), find_toolchain(jar)
        with _progress() as progress:
            found = list(reached_cells(toolchain, read, progress=progress))
    if json_wanted():
        for each in found:
            print_json(cell_json(each))
    else:
        typer.echo(cells_report(found))
    if not all(each.is_right for each in found):
        raise typer.Exit(REFUSED)


def _places(
    result: Result, model: Model, files: Sequence[Path], scenarios: Path | None
) -> dict[str, str]:
    """Return where a violation of a system can be seen, by names; write its scenario, if wanted."""
    from pingregistrywf.formal.behaviour import charts_of
    from pingregistrywf.formal.explorer_link import LinkError, explorer_link
    from pingregistrywf.formal.scenario import scenario

    violation = result.violation
    places: dict[str, str] = {}
    if violation is None or not charts_of(violation.trace, model):
        return places
    with suppress(LinkError):
        words = [word for file in files for word in ("--model", str(file))]
        words += ["--link", explorer_link(violation.trace, model)]
        places["explorer"] = shlex.join(["pingregistrywf", "explore", *words])
    if scenarios is not None:
        title = f"The {violation.kind.value} {result.property} does not hold at size {result.size}."
        file = scenarios / f"{result.property}-{result.size}.txt"
        scenarios.mkdir(parents=True, exist_ok=True)
        file.write_text(scenario(violation.trace, model, title), encoding="utf-8")
        places["scenario"] = str(file)
    return places


@contextmanager
def _progress() -> Iterator[Callable[[ModelCheck, Progress], None]]:
    """Show on a terminal how far TLC is; nothing elsewhere, and nothing between lines of JSON."""
    if json_wanted() or not sys.stderr.isatty():
        yield lambda _check, _progress: None
        return
    from rich.console import Console
    from rich.progress import Progress as Shown
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    text = "{task.fields[generated]:,} states, {task.fields[distinct]:,} distinct"
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn(f"{text}, {{task.fields[queue]:,}} in the queue"),
        TimeElapsedColumn(),
    )
    with Shown(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", generated=0, distinct=0, queue=0)

        def show(check: ModelCheck, so_far: Progress) -> None:
            shown.update(
                task,
                description=check.size,
                generated=so_far.generated,
                distinct=so_far.distinct,
                queue=so_far.queue,
            )

        yield show
