"""Commands of the workshop: print and walk a chart, write what it generates."""

from __future__ import annotations

from keyword import iskeyword
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated
from unicodedata import is_normalized

import typer
from typer import Option

from pingregistrywf.cli import completion
from pingregistrywf.cli.chart_diff import diff, warn_of_breaks
from pingregistrywf.cli.chart_formats import FORMATS, Format, print_chart
from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    ModelOption,
    answer,
    answering,
    json_wanted,
    with_json,
)
from pingregistrywf.cli.program import App
from pingregistrywf.cli.progress import steps

if TYPE_CHECKING:
    from pingregistrywf.chart.ir import Chart
    from pingregistrywf.conformance.suite import Suite


chart = App(invoke_without_command=True)
chart.command()(diff)


@chart.callback()
@with_json
def _chart(
    context: typer.Context,
    step: Annotated[
        list[str] | None,
        Option(
            metavar="CMD",
            help="Walk the chart by commands. CMD:other means with other arguments than stored.",
            autocompletion=completion.commands,
        ),
    ] = None,
    format: Annotated[
        Format | None,
        Option(
            metavar="FORMAT",
            help=f"Print as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}; as a table unless given.",
        ),
    ] = None,
    model: Annotated[list[Path] | None, Option(metavar="FILE", help="A chart of your own.")] = None,
) -> None:
    """Print the chart as a table, or in the notation of another program.  With --step, walk it."""
    if context.invoked_subcommand is not None:
        return
    if format and (step or (json_wanted() and format != "json")):
        raise CannotRunError("--format goes neither with --step nor with --json: give one of them")
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError

    with answering(ChartError):
        shown = load_model(model or []).main
        if step:
            _walk(shown, step)
        else:
            print_chart(shown, format or ("json" if json_wanted() else "table"))


def _walk(chart: Chart, walk: list[str]) -> None:
    from pingregistrywf.chart.ir import Outcome

    state, refused = chart.initial, False
    for word in walk:
        command, _, variant = word.partition(":")
        if command not in chart.commands:
            known = ", ".join(chart.commands)
            raise CannotRunError(f"the chart has no command {command!r}: it has {known}")
        if variant not in ("", "same", "other"):
            raise CannotRunError(f"{word!r}: after the colon comes same or other")
        cell = chart.cell(command, state, same=variant != "other")
        refused |= cell.outcome is Outcome.REJECT
        outcome = f"+{cell.event}" if cell.event else cell.error or cell.outcome.value
        kept = ("outcome", "event", "error", "target", "rule")
        fields = {name: getattr(cell, name) for name in kept}
        text = f"{word:<16} {state:<14} → {cell.target:<14} {outcome}  ({cell.rule})"
        answer({"command": command, "state": state, **fields}, text)
        state = cell.target
    if refused:
        raise typer.Exit(REFUSED)


@with_json
def generate(
    model: ModelOption = None,
    package: Annotated[
        Path | None, Option(metavar="DIR", help="Where their packages and diagrams go.")
    ] = None,
    check: Annotated[
        bool, Option("--check", help="Write nothing; exit 1 and name what differs.")
    ] = False,
) -> None:
    """Write all that is generated: this project's, or that of charts of your own.

    Diagrams as SVG, and their layout in chart.json, need the extra model; without it, all else
    is written.
    """
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.conformance.assembly import suite_of_model
    from pingregistrywf.conformance.suite.levels import SuiteError
    from pingregistrywf.extras import absence, missing
    from pingregistrywf.generate import artefacts
    from pingregistrywf.generate.layout import LayoutError
    from pingregistrywf.generate.readme import MarkerError

    with (
        answering(ChartError, LayoutError, MarkerError, SuiteError),
        steps("generating", 4) as begin,
    ):
        begin("reading the model")
        theirs = model or []
        if bool(theirs) is not (package is not None):
            raise CannotRunError("--model and --package go together: give both, or neither")
        if package is not None:
            _check_importable(package)
            root, read = package, load_model(theirs)
            absent = missing("model", "graphviz-pure")
            if absent:
                skipped = (
                    f"SVG, and the layout in chart.json, are left out: {absence('model', absent)}"
                )
                answer({"skipped": skipped}, skipped, err=True)
            begin("drawing and writing packages")
            made = artefacts.theirs(read, laid_out=not absent)
            begin("making the suite")
            made |= _manifest(suite_of_model(read), PurePosixPath())
        else:
            root = project_root()
            read = load_model(sorted((root / "model").glob("*.yaml")))
            begin("making the suite")
            suite = suite_of_model(read)
            begin("drawing and writing packages")
            made = artefacts.project(read, root) | _manifest(suite, artefacts.GENERATED)
        begin("comparing with what is there")
        if not check:
            warn_of_breaks(read.charts, root if package is not None else root / artefacts.GENERATED)
            for path in artefacts.write(made, root):
                answer({"written": path}, f"wrote {path}")
            return
        differences = artefacts.check(made, root)
        for each in differences:
            fields = {"path": each.path, "problem": each.problem}
            answer(fields, f"{each.path} {each.problem}", err=True)
        if differences:
            raise typer.Exit(REFUSED)


def _check_importable(package: Path) -> None:
    """Refuse a directory whose name no import statement can name."""
    name = package.resolve().name
    if not name.isidentifier() or iskeyword(name) or not is_normalized("NFKC", name):
        raise CannotRunError(
            f"--package: {name!r} cannot be imported: name a directory as Python names a package,"
            " of letters, digits and underscores, no digit first, and no keyword"
        )


def _manifest(suite: Suite, below: PurePosixPath) -> dict[PurePosixPath, bytes]:
    """The manifest of the suite, which lies with the package of the chart under test."""
    from pingregistrywf.conformance.assembly import MANIFEST_NAME, manifest

    return {below / suite.chart.name / MANIFEST_NAME: manifest(suite).encode()}


def project_root() -> Path:
    """The checkout to generate into: the one we are in, or the one that we run from."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[3]):
        if is_checkout(root):
            return root
    raise CannotRunError(
        "this is no checkout of pingregistrywf: run it in one, or give --model and --package"
    )


def files_of_checkout() -> list[Path]:
    """The files of the model, if we are in a checkout of this project; none elsewhere."""
    return sorted(Path("model").glob("*.yaml")) if is_checkout(Path.cwd()) else []


def is_checkout(directory: Path) -> bool:
    """Whether a directory is a checkout of this project."""
    return (directory / "model").is_dir() and (directory / "src" / "pingregistrywf").is_dir()
