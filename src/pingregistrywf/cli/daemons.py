"""The daemons as commands.  They log one line for each action, and stop at a signal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pingregistrywf.cli.common import (
    REFUSED,
    JournalOption,
    JsonOption,
    answering,
    say,
    stopped_by_signals,
)
from pingregistrywf.cli.registry import RegistryArgument, opened
from pingregistrywf.coordination.defaults import DURATION, GATHERER, INTERVAL, PINGS

if TYPE_CHECKING:
    from pingregistrywf.coordination.registry import RegistryContext
    from pingregistrywf.coordination.waiting import Stop

LogJsonOption = Annotated[
    bool, typer.Option("--log-json", "--json", help="Log JSON, one object a line.")
]
PingsOption = Annotated[int, typer.Option("--pings", min=0, help="How many pings to post.")]
IntervalOption = Annotated[
    float, typer.Option("--interval", min=0.0, metavar="S", help="Seconds between two pings.")
]


def server(
    registry: RegistryArgument,
    journal: JournalOption,
    name: Annotated[str, typer.Option("--name", help="Its name, which its pings carry.")],
    pings: PingsOption = PINGS,
    interval: IntervalOption = INTERVAL,
    code: Annotated[
        int,
        typer.Option(
            "--code", min=-(2**31), max=2**31 - 1, help="The status code; 0 if it is well."
        ),
    ] = 0,
    log_json: LogJsonOption = False,
) -> None:
    """Post pings to each new workflow of a registry, until stopped."""
    from pingregistrywf.coordination.server import Server

    with _daemon(registry, journal, log_json=log_json) as (context, stop):
        Server(context, name, pings=pings, interval=interval, code=code).serve(stop)


def gather(
    registry: RegistryArgument,
    journal: JournalOption,
    name: Annotated[
        str, typer.Option("--name", help="Its name, which its pings carry.")
    ] = GATHERER,
    pings: PingsOption = PINGS,
    interval: IntervalOption = INTERVAL,
    duration: Annotated[
        float,
        typer.Option(
            "--duration",
            min=0.0,
            metavar="S",
            help="Seconds from a workflow's start to its deadline.",
        ),
    ] = DURATION,
    log_json: LogJsonOption = False,
) -> None:
    """Summarize each new workflow of a registry at its deadline, until stopped."""
    from pingregistrywf.coordination.gatherer import Gatherer

    with _daemon(registry, journal, log_json=log_json) as (context, stop):
        Gatherer(context, name, pings=pings, interval=interval, duration=duration).serve(stop)


def collect(
    registry: RegistryArgument,
    journal: JournalOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done with the workflows.")
    ] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Also log JSON.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Expire, delete, snapshot, trim and collect garbage, once.  Run it by a timer."""
    from pingregistrywf.coordination.collector import Collector

    failed = False
    with answering(as_json=as_json), opened(registry, journal) as context:
        if log_json:
            _log(as_json=True)
        collector = Collector(context)
        actions = collector.plan(context.journal.clock()) if dry_run else collector.run()
        for action in actions:
            failed |= action.error is not None
            if as_json:
                workflow = str(action.workflow) if action.workflow else None
                error = str(action.error) if action.error else None
                say(
                    {
                        "action": action.name,
                        "workflow": workflow,
                        "detail": action.detail,
                        "error": error,
                    }
                )
            elif action.error or action.detail or action.workflow:
                what = f"{action.name:<9} {action.workflow or ''}"
                outcome = f"failed: {action.error}" if action.error else action.detail
                typer.echo(f"{what} {outcome}".rstrip())
    if failed:
        raise typer.Exit(REFUSED)


@contextmanager
def _daemon(
    registry: str, journal: str, *, log_json: bool
) -> Iterator[tuple[RegistryContext, Stop]]:
    with answering():
        _log(as_json=log_json)
        with opened(registry, journal, create=True) as context, stopped_by_signals() as stop:
            yield context, stop


def _log(*, as_json: bool) -> None:
    from pingregistrywf.coordination.log import JsonFormatter, TextFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    logger = logging.getLogger("pingregistrywf")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
