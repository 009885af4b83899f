"""The command line.  Each command parses, calls one library, prints; no rule stands here.

Exit codes: 0 done; 1 the answer is no (refused, drift); 2 cannot run (usage, chart, journal); 128+n
ended by signal n.  One line on standard error says why; with ``--json`` the same stands in a field.
The workshop (charts, generators, conformance) is imported by the commands that need it.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn
from uuid import UUID, uuid4

import typer

from pingregistrywf import __version__

if TYPE_CHECKING:
    from pingregistrywf.chart.reader import Model
    from pingregistrywf.runtime.journal import Journal

REFUSED: Final = 1
CANNOT_RUN: Final = 2
_SEVERAL: Final = ("--model", "--step")
"""The options that may be followed by several words."""
JOURNAL_VARIABLE: Final = "PINGREGISTRYWF_JOURNAL"

app = typer.Typer(
    name="pingregistrywf",
    help="The ping-registry workflow: its chart, what the chart generates, and runs of it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
JournalOption = Annotated[
    str,
    typer.Option(
        "--journal",
        metavar="URL",
        envvar=JOURNAL_VARIABLE,
        help="The journal: memory: or sqlite:PATH.",
    ),
]


def main() -> None:
    """The entry point of the command ``pingregistrywf``."""
    try:
        app(_spread(sys.argv[1:]))
    except BrokenPipeError:
        # Whoever read the output has gone: so do we, as if the signal had ended us.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def _spread(words: list[str]) -> list[str]:
    """``--model A B`` means ``--model A --model B``, which is all that the parser knows."""
    spread: list[str] = []
    option = None
    for word in words:
        if word.startswith("-"):
            option = word if word in _SEVERAL else None
        elif option is not None and spread[-1] != option:
            spread.append(option)
        spread.append(word)
    return spread


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pingregistrywf {__version__}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


# --- Answers ------------------------------------------------------------------------------------


def _say(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def _fail(message: str, code: int, *, as_json: bool) -> NoReturn:
    if as_json:
        _say({"error": message, "exit": code})
    typer.echo(f"pingregistrywf: {message}", err=True)
    raise typer.Exit(code)


class _CannotRunError(Exception):
    """What was asked for makes no sense; the text says why and what to do."""


@contextmanager
def _answering(*errors: type[Exception], as_json: bool = False) -> Iterator[None]:
    """Turn what goes wrong inside into one line and an exit code.

    Args:
        errors: what else cannot run, beside the errors of the run time and the system.
        as_json: say it in a field, too.
    """
    from pingregistrywf.runtime.errors import (
        BehaviorError,
        JournalError,
        UninitializedError,
        VersionConflictError,
        WorkflowError,
    )

    try:
        yield
    except (BehaviorError, UninitializedError) as error:
        _fail(str(error), REFUSED, as_json=as_json)
    except JournalError as error:
        refused = isinstance(error.err, VersionConflictError)
        _fail(str(error), REFUSED if refused else CANNOT_RUN, as_json=as_json)
    except BrokenPipeError:
        raise
    except (WorkflowError, OSError, _CannotRunError) as error:
        _fail(str(error), CANNOT_RUN, as_json=as_json)
    except errors as error:
        _fail(str(error), CANNOT_RUN, as_json=as_json)


def _open(url: str, *, create: bool = True) -> Journal:
    from pingregistrywf.runtime.journal import open_journal

    return open_journal(url, create=create)


# --- The chart ----------------------------------------------------------------------------------


def _read(files: list[Path]) -> Model:
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.reader import read_model

    return read_model(files) if files else load_model()


@app.command()
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
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.chart.table import Table
    from pingregistrywf.generate.document import document
    from pingregistrywf.generate.mermaid import mermaid
    from pingregistrywf.generate.readme import markdown_table

    with _answering(ChartError, as_json=as_json):
        charts = _read(model or []).charts
        if not charts:
            raise _CannotRunError("no chart is given: name a file that holds one")
        table = Table(next(iter(charts.values())))
        if step:
            _walk(table, step, as_json=as_json)
        elif as_json:
            _say(document(table).model_dump(mode="json"))
        else:
            typer.echo(f"{table.chart.title} {table.chart.version}\n")
            _print_table(table) if sys.stdout.isatty() else typer.echo(markdown_table(table))
            typer.echo(f"\n{mermaid(table)}", nl=False)


def _print_table(table: Any) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    from pingregistrywf.chart.table import OTHERWISE, Outcome
    from pingregistrywf.generate.readme import cell_text, row_name

    colors = {Outcome.EMIT: "green", Outcome.DELETE: "magenta", Outcome.NOOP: "dim"}
    grid = Grid(header_style="bold", pad_edge=False)
    for heading in ("command", *table.states):
        grid.add_column(heading, overflow="fold")
    for row in table.rows:
        cells = [table.cells[row, state] for state in table.states]
        texts = (
            # What no rule names is most of the table: a dot leaves room for the rest.
            "[dim]·[/]"
            if cell.rule == OTHERWISE
            else f"[{colors.get(cell.outcome, 'red')}]{cell_text(cell).replace('*', '')}[/]"
            for cell in cells
        )
        grid.add_row(row_name(table, *row), *texts)
    console = Console()
    console.print(grid)
    console.print(f"· {table.chart.otherwise}: no rule names the pair", style="dim")


def _walk(table: Any, walk: list[str], *, as_json: bool) -> None:
    from pingregistrywf.chart.table import Outcome

    state, refused = table.chart.initial, False
    for word in walk:
        command, _, variant = word.partition(":")
        if command not in table.chart.commands:
            known = ", ".join(table.chart.commands)
            raise _CannotRunError(f"the chart has no command {command!r}: it has {known}")
        if variant not in ("", "same", "other"):
            raise _CannotRunError(f"{word!r}: after the colon comes same or other")
        cell = table.cell(command, state, same=variant != "other")
        refused |= cell.outcome is Outcome.REJECT
        told = f"+{cell.event}" if cell.event else cell.error or cell.outcome.value
        if as_json:
            _say(
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
            typer.echo(f"{word:<16} {state:<14} → {cell.target:<14} {told}  ({cell.rule})")
        state = cell.target
    if refused:
        raise typer.Exit(REFUSED)


@app.command()
def generate(
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model", metavar="FILE", help="Charts and operations of your own.", show_default=False
        ),
    ] = None,
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
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.generate import artefacts
    from pingregistrywf.generate.layout import LayoutError
    from pingregistrywf.generate.readme import MarkerError

    with _answering(ChartError, LayoutError, MarkerError, as_json=as_json):
        theirs = model or []
        if bool(theirs) is not (package is not None):
            raise _CannotRunError("--model and --package go together: give both, or neither")
        if package is not None:
            root, made = package, artefacts.theirs(_read(theirs))
        else:
            root = _project_root()
            own = _read(sorted((root / "model").glob("*.yaml")))
            made = artefacts.project(own, root)
        if not check:
            for path in artefacts.write(made, root):
                _say({"written": str(path)}) if as_json else typer.echo(f"wrote {path}")
            return
        differences = artefacts.check(made, root)
        for each in differences:
            if as_json:
                _say({"path": str(each.path), "problem": each.problem})
            else:
                typer.echo(f"{each.path} {each.problem}", err=True)
        if differences:
            raise typer.Exit(REFUSED)


def _project_root() -> Path:
    """The checkout to generate into: the one we are in, or the one that we run from."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (root / "model").is_dir() and (root / "src" / "pingregistrywf").is_dir():
            return root
    raise _CannotRunError(
        "this is no checkout of pingregistrywf: run it in one, or give --model and --package"
    )


# --- Running it ---------------------------------------------------------------------------------


@app.command()
def demo(
    servers: Annotated[int, typer.Option(min=1, max=64, help="How many servers take part.")] = 3,
    pings: Annotated[int, typer.Option(min=0, help="How many pings each participant posts.")] = 3,
    duration: Annotated[
        float, typer.Option(min=0.0, help="Seconds from the start to the deadline.")
    ] = 4.0,
    interval: Annotated[
        float, typer.Option(min=0.0, help="Seconds between two pings of one participant.")
    ] = 0.4,
    failing: Annotated[
        int,
        typer.Option(
            "--failing", "--failing-servers", min=0, help="How many servers are not well."
        ),
    ] = 1,
    journal: Annotated[
        str,
        typer.Option(
            "--journal",
            metavar="URL",
            envvar=JOURNAL_VARIABLE,
            help="The journal; a temporary file unless given.",
            show_default=False,
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Run a whole workflow: an admin, servers and a gatherer, each a process of its own."""
    from pingregistrywf._generated.ping_registry import DECLARATION
    from pingregistrywf.coordination import demo as demonstration

    # Ended by a signal, the processes of the demonstration must end, too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with _answering(demonstration.ParticipantFailedError, as_json=as_json):
        if failing > servers:
            raise _CannotRunError(
                f"{failing} of {servers} servers cannot fail: give fewer --failing"
            )
        if journal.startswith("memory:"):
            raise _CannotRunError("processes cannot share memory: use --journal sqlite:PATH")
        if not journal:
            directory = tempfile.mkdtemp(prefix="pingregistrywf-")
            journal = f"sqlite:{Path(directory) / 'demo.db'}"
        plan = demonstration.Plan(servers, pings, interval, duration, failing)
        workflow_id = uuid4()
        with _open(journal) as opened:
            if not as_json:
                typer.echo(f"registry  {demonstration.REGISTRY}\nworkflow  {workflow_id}\n")
            _print_timeline(demonstration.run(opened, plan, workflow_id), as_json=as_json)
            state = demonstration.outcome(opened, workflow_id)
        where = ["--workflow", str(workflow_id), "--journal", journal]
        again = shlex.join(["pingregistrywf", "events", demonstration.REGISTRY, *where])
        summary = state.summary_status
        final = DECLARATION.state_names[state.state_code]
        if as_json:
            _say(
                {
                    "registry": demonstration.REGISTRY,
                    "workflow": str(workflow_id),
                    "state": final,
                    "pings": state.num_pings,
                    "summary": {"code": summary.code, "message": summary.message},
                    "journal": journal,
                    "command": again,
                }
            )
        else:
            typer.echo(
                f"\nsummary   {summary.code} {summary.message}\nstate     {final}"
                f"\njournal   {journal}\nread it   {again}"
            )


@app.command()
def events(
    registry: Annotated[str, typer.Argument(help="The registry's name.")],
    journal: JournalOption,
    workflow: Annotated[
        str | None,
        typer.Option(
            "--workflow",
            metavar="UUID",
            help="A workflow; the index unless given.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the events of a registry's index, or of one workflow, oldest first."""
    from pingregistrywf.coordination import timeline
    from pingregistrywf.coordination.registry import Desk, Registry, RegistryNameError
    from pingregistrywf.runtime.errors import UninitializedError

    with _answering(RegistryNameError, as_json=as_json):
        workflow_id = None if workflow is None else _uuid("--workflow", workflow)
        with _open(journal, create=False) as opened:
            desk = Desk(opened, Registry(registry))
            if workflow_id is None:
                lines = list(timeline.index_lines(desk.indexes.events(desk.registry.index_id)))
            else:
                lines = list(timeline.workflow_lines(desk.workflows.events(workflow_id)))
                if not lines:
                    raise UninitializedError(workflow_id)
            _print_timeline(iter(lines), as_json=as_json)


def _uuid(option: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _CannotRunError(f"{option} is a UUID, not {text!r}") from None


def _print_timeline(lines: Iterator[Any], *, as_json: bool) -> None:
    if as_json:
        for line in lines:
            _say(line.json())
    elif sys.stdout.isatty():
        from pingregistrywf.coordination.screen import show

        show(lines)
    else:
        for line in lines:
            typer.echo(line.text())


# --- Is yours right -----------------------------------------------------------------------------


@app.command()
def adapter(journal: JournalOption = "memory:") -> None:
    """Answer adapter protocol 1 on standard input and output: the reference implementation."""
    from pingregistrywf._generated.ping_registry import Behavior
    from pingregistrywf.conformance.adapter import Adapter, serve

    with _answering(), _open(journal) as opened:
        behaviors = {Behavior.declaration.name: Behavior}
        serve(Adapter(behaviors, opened, __version__), sys.stdin.buffer, sys.stdout.buffer)
