"""Commands of the workshop: print and walk a chart, write what it generates."""

from __future__ import annotations

import sys
from keyword import iskeyword
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated
from unicodedata import is_normalized

import typer

from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    JsonOption,
    ModelOption,
    answering,
    say,
)

if TYPE_CHECKING:
    from pingregistrywf.chart.ir import Chart
    from pingregistrywf.conformance.suite import Suite


def chart(
    step: Annotated[
        list[str] | None,
        typer.Option(
            "--step",
            metavar="CMD",
            help="Walk the chart by commands. CMD:other means with other arguments than stored.",
        ),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option("--model", metavar="FILE", help="A chart of your own.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the chart: its table, and its diagram in Mermaid.  With --step, walk it."""
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.generate.mermaid import mermaid
    from pingregistrywf.generate.readme import markdown_table

    with answering(ChartError, as_json=as_json):
        shown = load_model(model or []).main
        if step:
            _walk(shown, step, as_json=as_json)
        elif as_json:
            say(shown.model_dump(mode="json"))
        else:
            typer.echo(f"{shown.title} {shown.version}\n")
            _print_table(shown) if sys.stdout.isatty() else typer.echo(markdown_table(shown))
            typer.echo(f"\n{mermaid(shown)}", nl=False)


def _print_table(chart: Chart) -> None:
    from rich.console import Console
    from rich.table import Table

    from pingregistrywf.chart.ir import OTHERWISE, Outcome
    from pingregistrywf.generate.readme import cell_text, row_name

    colors = {Outcome.EMIT: "green", Outcome.DELETE: "magenta", Outcome.NOOP: "dim"}
    grid = Table(header_style="bold", pad_edge=False)
    for heading in ("command", *chart.columns):
        grid.add_column(heading, overflow="fold")
    for row in chart.rows:
        cells = [chart.cells[row, state] for state in chart.columns]
        texts = (
            # What no rule names is most of the table: a dot leaves room for the rest.
            "[dim]·[/]"
            if cell.rule == OTHERWISE
            else f"[{colors.get(cell.outcome, 'red')}]{cell_text(cell).replace('*', '')}[/]"
            for cell in cells
        )
        grid.add_row(row_name(chart, *row), *texts)
    console = Console()
    console.print(grid)
    console.print(f"· {chart.otherwise}: no rule names the pair", style="dim")


def _walk(chart: Chart, walk: list[str], *, as_json: bool) -> None:
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
        if as_json:
            say(
                {
                    "command": command,
                    "state": state,
                    "outcome": cell.outcome.value,
                    "event": cell.event,
                    "error": cell.error,
                    "target": cell.target,
                    "rule": cell.rule,
                }
            )
        else:
            typer.echo(f"{word:<16} {state:<14} → {cell.target:<14} {outcome}  ({cell.rule})")
        state = cell.target
    if refused:
        raise typer.Exit(REFUSED)


def generate(
    model: ModelOption = None,
    package: Annotated[
        Path | None,
        typer.Option(
            "--package",
            metavar="DIR",
            help="Where their packages and diagrams go.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 and name what differs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write all that is generated: this project's, or that of charts of your own."""
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.conformance.assembly import suite_of_model
    from pingregistrywf.conformance.suite.levels import SuiteError
    from pingregistrywf.generate import artefacts
    from pingregistrywf.generate.layout import LayoutError
    from pingregistrywf.generate.readme import MarkerError

    with answering(ChartError, LayoutError, MarkerError, SuiteError, as_json=as_json):
        theirs = model or []
        if bool(theirs) is not (package is not None):
            raise CannotRunError("--model and --package go together: give both, or neither")
        if package is not None:
            _check_importable(package)
            root, read = package, load_model(theirs)
            made = artefacts.theirs(read) | _manifest(suite_of_model(read), PurePosixPath())
        else:
            root = project_root()
            read = load_model(sorted((root / "model").glob("*.yaml")))
            suite = suite_of_model(read)
            made = artefacts.project(read, root) | _manifest(suite, artefacts.GENERATED)
        if not check:
            for path in artefacts.write(made, root):
                say({"written": str(path)}) if as_json else typer.echo(f"wrote {path}")
            return
        differences = artefacts.check(made, root)
        for each in differences:
            if as_json:
                say({"path": str(each.path), "problem": each.problem})
            else:
                typer.echo(f"{each.path} {each.problem}", err=True)
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
    from pingregistrywf.conformance.manifest import NAME, manifest

    return {below / suite.chart.name / NAME: manifest(suite).encode()}


def project_root() -> Path:
    """The checkout to generate into: the one we are in, or the one that we run from."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[3]):
        if (root / "model").is_dir() and (root / "src" / "pingregistrywf").is_dir():
            return root
    raise CannotRunError(
        "this is no checkout of pingregistrywf: run it in one, or give --model and --package"
    )
