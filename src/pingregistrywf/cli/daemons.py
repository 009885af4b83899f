"""The daemons as commands.  They log one line for each action, and stop at a signal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from pingregistrywf.cli.common import (
    REFUSED,
    JournalOption,
    RegistryJournalOption,
    answer,
    answering,
    json_wanted,
    stopped_by_signals,
    with_json,
)
from pingregistrywf.cli.registry import RegistryArgument, check_begun, opened
from pingregistrywf.coordination import DURATION, GATHERER, INTERVAL, PINGS

if TYPE_CHECKING:
    from pingregistrywf.coordination.registry import PingRegistry
    from pingregistrywf.coordination.waiting import Stop

LogJsonOption = Annotated[bool, Option("--log-json", help="Log JSON, one object a line.")]


def _named(name: str) -> str:
    if not name.strip():
        raise typer.BadParameter("it is empty, and the pings must tell who posts them")
    return name


NameOption = Annotated[
    str, Option(metavar="NAME", help="Its name, which its pings carry.", callback=_named)
]
PingsOption = Annotated[int, Option(min=0, metavar="N", help="How many pings to post.")]
IntervalOption = Annotated[float, Option(min=0.0, metavar="S", help="Seconds between two pings.")]


def server(
    registry_name: RegistryArgument,
    journal: RegistryJournalOption,
    name: NameOption,
    pings: PingsOption = PINGS,
    interval: IntervalOption = INTERVAL,
    code: Annotated[
        int,
        Option(
            min=-(2**31), max=2**31 - 1, metavar="CODE", help="The status code; 0 if it is well."
        ),
    ] = 0,
    log_json: LogJsonOption = False,
) -> None:
    """Post pings to each new workflow of a registry, until stopped."""
    from pingregistrywf.coordination.daemon import Server

    with _daemon(registry_name, journal, log_json=log_json) as (registry, stop):
        Server(registry, name, pings=pings, interval=interval, code=code).serve(stop)


def gather(
    registry_name: RegistryArgument,
    journal: RegistryJournalOption,
    name: NameOption = GATHERER,
    pings: PingsOption = PINGS,
    interval: IntervalOption = INTERVAL,
    duration: Annotated[
        float, Option(min=0.0, metavar="S", help="Seconds from a workflow's start to its deadline.")
    ] = DURATION,
    log_json: LogJsonOption = False,
) -> None:
    """Summarize each new workflow of a registry at its deadline, until stopped."""
    from pingregistrywf.coordination.daemon import Gatherer

    with _daemon(registry_name, journal, log_json=log_json) as (registry, stop):
        Gatherer(registry, name, pings=pings, interval=interval, duration=duration).serve(stop)


@with_json
def collect(
    registry_name: RegistryArgument,
    journal: JournalOption,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Only say what would be done with the workflows.")
    ] = False,
    log_json: Annotated[bool, Option("--log-json", help="Also log JSON.")] = False,
) -> None:
    """Expire and delete workflows, and tidy the index and the journal, once.  Run it by a timer."""
    failed, silent = False, True
    with opened(registry_name, journal, writes=not dry_run) as registry:
        if log_json:
            log(as_json=True)
        if dry_run:
            check_begun(registry)
        collector = registry.collector()
        for action in collector.plan(registry.journal.clock()) if dry_run else collector.run():
            failed |= action.error is not None
            if json_wanted() or action.error or action.detail or action.workflow:
                silent = False
                outcome = f"failed: {action.error}" if action.error else action.detail
                fields = {
                    "action": action.name,
                    "workflow": action.workflow,
                    "detail": action.detail,
                    "error": action.error,
                }
                text = f"{action.name:<9} {action.workflow or ''} {outcome}"
                answer(fields, text.rstrip())
    if dry_run and silent and not json_wanted():
        typer.echo("nothing to do")
    if failed:
        raise typer.Exit(REFUSED)


@contextmanager
def _daemon(
    registry_name: str, journal: str, *, log_json: bool
) -> Iterator[tuple[PingRegistry, Stop]]:
    with answering():
        log(as_json=log_json)
        with (
            opened(registry_name, journal, create=True, writes=True) as registry,
            stopped_by_signals() as stop,
        ):
            yield registry, stop


def log(*, as_json: bool) -> None:
    """Log to standard error, one line for each action."""
    from pingregistrywf.coordination.log import JsonFormatter, TextFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    logger = logging.getLogger("pingregistrywf")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
