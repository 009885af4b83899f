"""The command ``conform matrix``: several implementations against one chart."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from pingregistrywf.cli.common import (
    ModelOption,
    answering,
    json_wanted,
    print_json,
    require,
    with_json,
)
from pingregistrywf.cli.conform import BoundOption, JsonFileOption, check_files
from pingregistrywf.cli.run_progress import run_progress


@with_json
def matrix(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.toml", help="Which implementations there are, and their commands."
        ),
    ],
    level: Annotated[
        str, Option(metavar="LEVELS", help="The levels to run, as 1-3 or 1,4.")
    ] = "1-6",
    bound: BoundOption = "n+2",
    html: Annotated[
        Path | None, Option(metavar="FILE", help="Write a report as a page of HTML.")
    ] = None,
    json_report: JsonFileOption = None,
    timeout: Annotated[
        float,
        Option(metavar="SECONDS", help="How long to wait for an answer of an adapter.", min=0.1),
    ] = 30.0,
    model: ModelOption = None,
) -> None:
    """Run the suite on several implementations, and show them in one table.

    Exit codes: 0 all conform; 1 one deviates; 2 one has no verdict; 3 one is incomplete.  1 comes
    before 2, and 2 before 3.
    """
    require("conformance")
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.conformance import reports
    from pingregistrywf.conformance.assembly import committed_ids, suite_of
    from pingregistrywf.conformance.run.implementations import (
        ImplementationsError,
        exit_of,
        read_implementations,
    )
    from pingregistrywf.conformance.run.reference import Reference
    from pingregistrywf.conformance.run.result import Scope
    from pingregistrywf.conformance.run.runner import Plan, run
    from pingregistrywf.conformance.run.transport import ChildTransport
    from pingregistrywf.conformance.suite.levels import LevelsError, SuiteError, levels_of

    with answering(ChartError, ImplementationsError, LevelsError, SuiteError):
        check_files({"--html": html, "--json-report": json_report})
        implementations = read_implementations(file)
        scope = Scope(levels_of(level), bound)
        suite = suite_of(model or [])
        manifest = None if model else committed_ids(suite)
        runs = {}
        with closing(Reference(suite, model or [])) as judge:
            plan = Plan(suite=suite, scope=scope, manifest=manifest, reference=judge)
            for each in implementations:
                typer.echo(f"… {each.name}", err=True)
                with (
                    run_progress(plan, failures_too=False) as shown,
                    closing(ChildTransport(each.command, timeout)) as transport,
                ):
                    runs[each.name] = run(shown, transport)
        if html:
            reports.put(html, reports.comparison_page(runs).encode())
        if json_report:
            reports.put(json_report, reports.comparison_json(runs).encode())
    if json_wanted():
        print_json(json.loads(reports.comparison_json(runs)))
    else:
        typer.echo(reports.comparison_text(runs), nl=False)
    raise typer.Exit(int(exit_of(runs.values())))
