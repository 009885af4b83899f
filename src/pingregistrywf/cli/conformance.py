"""The conformance kit: the reference behind the adapter protocol, self-test, starters, bundle."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pingregistrywf import __version__
from pingregistrywf.cli.common import (
    JOURNAL_VARIABLE,
    REFUSED,
    CannotRunError,
    ModelOption,
    answering,
    open_,
)
from pingregistrywf.cli.conform import BoundOption, conform, suite_of_files

if TYPE_CHECKING:
    from pingregistrywf.runtime.journal import Journal
    from pingregistrywf.service.stdio import Adapter

STORE_VARIABLE: Final = "PINGREGISTRYWF_ADAPTER_STORE"


def adapter(
    journal: Annotated[
        str,
        typer.Option(
            "--journal",
            metavar="URL",
            envvar=JOURNAL_VARIABLE,
            help=f"The journal; a file in the directory that {STORE_VARIABLE} names, if it names"
            " one, else memory:.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Answer adapter protocol 1 on standard input and output: the reference implementation."""
    from pingregistrywf.service.stdio import serve

    store = os.environ.get(STORE_VARIABLE)
    url = journal or (f"sqlite:{Path(store) / 'adapter.db'}" if store else "memory:")
    with answering(), open_(url) as opened:
        serve(_reference(opened, outlives=url != "memory:"), sys.stdin.buffer, sys.stdout.buffer)


@conform.command("self-test")
def self_test(
    bound: BoundOption = "n+1",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write JSON.", show_default=False),
    ] = None,
    model: ModelOption = None,
) -> None:
    """Run the suite on all that is broken on purpose, and print what it found.

    Every cell of the chart is made to answer otherwise and to lead elsewhere, every state gets a
    twin that differs in one cell, and journals and data get every fault that we know of.  Exit
    codes: 0 nothing broken survived, and what is right passed; 1 something did not.
    """
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.conformance.reports.matrix import as_json, text
    from pingregistrywf.conformance.selftest.matrix import SelfTest
    from pingregistrywf.conformance.suite.levels import SuiteError

    with answering(ChartError, SuiteError):
        suite = suite_of_files(model or [])
        if model:
            test = SelfTest(suite, bound=bound)
        else:
            hello = in_memory().answer({"op": "hello"})["hello"]
            test = SelfTest(suite, lambda: in_memory().answer, hello["capabilities"], bound)
        matrix = test.run(lambda group: typer.echo(f"… {group}", err=True))
        if json_file is not None:
            json_file.write_text(as_json(matrix), encoding="utf-8")
    typer.echo(text(matrix), nl=False)
    raise typer.Exit(0 if matrix.sound else REFUSED)


@conform.command("init")
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it.")],
    language: Annotated[
        str, typer.Option("--language", help="python, javascript, java, go or rust.")
    ],
) -> None:
    """Write a starter: an adapter that runs as it is, and calls your code in one place."""
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.conformance.starters import write

    with answering(ValueError):
        written = write(language, directory, sha256=load_model().main.sha256)
        for path in written:
            typer.echo(f"wrote {path}")
        typer.echo(f"\nRead {directory / 'README.md'}: how to run it, and what to edit.")


@conform.command("bundle")
def bundle(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The file to write.")],
    model: ModelOption = None,
) -> None:
    """Write all that a team needs to run the suite without Python, in one zip file."""
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.conformance.bundle import protocol_page, write_bundle
    from pingregistrywf.conformance.suite.levels import SuiteError

    with answering(ChartError, SuiteError):
        if not file.parent.is_dir():
            raise CannotRunError(f"there is no directory {file.parent}: make it first")
        write_bundle(suite_of_files(model or []), protocol_page(), file)
        typer.echo(f"wrote {file}")


def in_memory() -> Adapter:
    """The reference implementation, in memory."""
    from pingregistrywf.runtime.journal import open_journal

    return _reference(open_journal("memory:"), outlives=False)


def _reference(journal: Journal, *, outlives: bool) -> Adapter:
    """The reference implementation, on a journal that outlives this process or not."""
    from pingregistrywf._generated import ping_registry, ping_registry_index
    from pingregistrywf.coordination.outside import OutsideOperations
    from pingregistrywf.service.requests import Service
    from pingregistrywf.service.stdio import Adapter, CrashPoint

    crash = CrashPoint()
    service = Service(
        (ping_registry.Behavior, ping_registry_index.Behavior),
        journal,
        [OutsideOperations(journal, observers=(crash,))],
    )
    return Adapter(service, __version__, crash if outlives else None)
