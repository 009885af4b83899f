"""Commands that run the workflow, and read what was run."""

from __future__ import annotations

import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from pingregistrywf.cli.common import (
    JOURNAL_VARIABLE,
    CannotRunError,
    JournalOption,
    JsonOption,
    answering,
    open_,
    say,
    uuid,
)


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
    with answering(demonstration.ParticipantFailedError, as_json=as_json):
        if failing > servers:
            raise CannotRunError(
                f"{failing} of {servers} servers cannot fail: give fewer --failing"
            )
        if journal.startswith("memory:"):
            raise CannotRunError("processes cannot share memory: use --journal sqlite:PATH")
        if not journal:
            directory = tempfile.mkdtemp(prefix="pingregistrywf-")
            journal = f"sqlite:{Path(directory) / 'demo.db'}"
        plan = demonstration.Plan(servers, pings, interval, duration, failing)
        workflow_id = uuid4()
        with open_(journal) as opened:
            if not as_json:
                typer.echo(f"registry  {demonstration.REGISTRY}\nworkflow  {workflow_id}\n")
            _print_timeline(demonstration.run(opened, plan, workflow_id), as_json=as_json)
            state = demonstration.outcome(opened, workflow_id)
        where = ["--workflow", str(workflow_id), "--journal", journal]
        again = shlex.join(["pingregistrywf", "events", demonstration.REGISTRY, *where])
        summary = state.summary_status
        final = DECLARATION.state_names[state.state_code]
        if as_json:
            say(
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
    from pingregistrywf.coordination.registry import Desk, Registry
    from pingregistrywf.runtime.errors import UninitializedError

    with answering(as_json=as_json):
        workflow_id = None if workflow is None else uuid("--workflow", workflow)
        with open_(journal, create=False) as opened:
            desk = Desk(opened, Registry(registry))
            if workflow_id is None:
                lines = list(timeline.index_lines(desk.indexes.events(desk.registry.index_id)))
            else:
                lines = list(timeline.workflow_lines(desk.workflows.events(workflow_id)))
                if not lines:
                    raise UninitializedError(workflow_id)
            _print_timeline(iter(lines), as_json=as_json)


def _print_timeline(lines: Iterator[Any], *, as_json: bool) -> None:
    if as_json:
        for line in lines:
            say(line.json())
    elif sys.stdout.isatty():
        from pingregistrywf.coordination.screen import show

        show(lines)
    else:
        for line in lines:
            typer.echo(line.text())
