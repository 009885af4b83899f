"""The demonstration: a whole workflow in one command."""

from __future__ import annotations

import shlex
import signal
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from pingregistrywf.cli.common import (
    JOURNAL_VARIABLE,
    CannotRunError,
    JsonOption,
    answering,
    called,
    open_,
    print_timeline,
    say,
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
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Kill a server on the way, and start it again.")
    ] = False,
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
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
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
        plan = demonstration.Plan(servers, pings, interval, duration, failing, chaos)
        workflow_id = uuid4()
        with open_(journal) as opened:
            if not as_json:
                typer.echo(f"registry  {demonstration.REGISTRY}\nworkflow  {workflow_id}\n")
            # Closed in any case: an interrupted demonstration ends its processes at once.
            with closing(demonstration.run(opened, plan, workflow_id)) as lines:
                print_timeline(lines, as_json=as_json)
            state = demonstration.outcome(opened, workflow_id)
        where = ["--workflow", str(workflow_id), "--journal", journal]
        again = shlex.join([*called(), "events", demonstration.REGISTRY, *where])
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
