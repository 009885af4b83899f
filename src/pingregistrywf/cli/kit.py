"""Commands of the conformance kit: the self-test, starters, and the bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pingregistrywf.cli import completion
from pingregistrywf.cli.adapter import references
from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    ModelOption,
    answer,
    answering,
    json_wanted,
    open_,
    print_json,
    require,
    with_json,
)
from pingregistrywf.cli.conform import JsonFileOption, check_files
from pingregistrywf.cli.progress import shows_progress, steps, waiting


@with_json
def self_test(
    bound: Annotated[
        Literal["n", "n+1", "n+2", "n+3"],
        typer.Option(
            metavar="n|n+1|n+2",
            help="The bound of the suite that is run, if the chart has n states. n+3 is refused:"
            " n+1 finds all that is broken.",
        ),
    ] = "n+1",
    json_report: JsonFileOption = None,
    model: ModelOption = None,
) -> None:
    """Test the suite itself: run it on implementations that are broken on purpose.

    Every cell of the chart is made to answer otherwise and to lead elsewhere, every state gets a
    twin that differs in one cell, and journals and data get every fault that we know of.  Exit
    codes: 0 nothing broken survived, and what is right passed; 1 something did not.
    """
    require("conformance")
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.conformance.assembly import suite_of
    from pingregistrywf.conformance.reports import put
    from pingregistrywf.conformance.reports.matrix import as_json, text
    from pingregistrywf.conformance.selftest.matrix import SelfTest
    from pingregistrywf.conformance.suite.levels import SuiteError
    from pingregistrywf.conformance.suite.scenario import WHOLE, within

    with answering(ChartError, SuiteError):
        check_files({"--json-report": json_report})
        if bound not in within(WHOLE):
            raise CannotRunError(
                f"--bound {bound} finds no more than n+1, which finds all that the self-test"
                " breaks: give n, n+1 or n+2"
            )
        suite = suite_of(model or [])
        made = references(model or [])

        def in_memory() -> Callable[[Mapping[str, Any]], dict[str, Any]]:
            return made(open_("memory:")).answer

        hello = in_memory()({"op": "hello"})["hello"]
        test = SelfTest(suite, in_memory, hello["capabilities"], bound)
        with steps("self-test", test.groups() if shows_progress() else 0, "groups") as begin:
            matrix = test.run(begin)
        if json_report:
            put(json_report, as_json(matrix).encode())
    if json_wanted():
        print_json(json.loads(as_json(matrix)))
    else:
        typer.echo(text(matrix), nl=False)
    raise typer.Exit(0 if matrix.sound else REFUSED)


@with_json
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it.")],
    language: Annotated[
        str,
        typer.Option(
            metavar="LANGUAGE",
            help="python, javascript, java, go or rust.",
            autocompletion=completion.languages,
        ),
    ],
) -> None:
    """Write a starter: an adapter that runs as it is, and calls your code in one place."""
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.conformance.starters import write

    with answering(ValueError):
        written = write(language, directory, sha256=load_model().main.sha256)
        for path in written:
            answer({"written": path}, f"wrote {path}")
        if not json_wanted():
            typer.echo(f"\nRead {directory / 'README.md'}: how to run it, and what to edit.")


@with_json
def bundle(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The file to write.")],
    model: ModelOption = None,
) -> None:
    """Write all that a team needs to run the suite without Python, in one zip file."""
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.conformance.assembly import suite_of
    from pingregistrywf.conformance.bundle import BEHAVIOUR, PROTOCOL, read_page, write_bundle
    from pingregistrywf.conformance.suite.levels import SuiteError

    with answering(ChartError, SuiteError):
        if not file.parent.is_dir():
            raise CannotRunError(f"there is no directory {file.parent}: make it first")
        # The page of behaviour is about our own charts.
        held = [PROTOCOL] if model else [PROTOCOL, BEHAVIOUR]
        pages = {page.name: read_page(page) for page in held}
        with waiting("writing the bundle"):
            write_bundle(suite_of(model or []), pages, file)
        answer({"written": file}, f"wrote {file}")
