"""The commands of the admin, and those that show a registry's workflows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    JournalOption,
    JsonOption,
    answering,
    fail,
    open_,
    print_timeline,
    say,
    stopped_by_signals,
    uuid,
    vid,
)

if TYPE_CHECKING:
    from uuid import UUID

    from pingregistrywf.coordination.admin import Answer
    from pingregistrywf.coordination.registry import RegistryContext
    from pingregistrywf.coordination.timeline import Line
    from pingregistrywf.coordination.waiting import Stop
    from pingregistrywf.runtime.engine import Engine
    from pingregistrywf.runtime.ids import Ulid

RegistryArgument = Annotated[str, typer.Argument(help="The registry's name.", metavar="REGISTRY")]
WorkflowOption = Annotated[
    str, typer.Option("--workflow", metavar="UUID", help="The workflow.", show_default=False)
]
VidOption = Annotated[
    str | None,
    typer.Option("--vid", metavar="VID", help="The expected version.", show_default=False),
]
NoVidOption = Annotated[
    bool, typer.Option("--no-vid", help="Expect no version, which is the default.")
]
UtcOption = Annotated[bool, typer.Option("--utc", help="Show times in UTC, not in local time.")]


def begin(
    registry: RegistryArgument,
    journal: JournalOption,
    workflow: Annotated[
        str | None,
        typer.Option("--workflow", metavar="UUID", help="Its id; a new one unless given."),
    ] = None,
    expected: VidOption = None,
    no_vid: NoVidOption = False,
    as_json: JsonOption = False,
) -> None:
    """Begin a workflow.  Run again with the same id, it finishes a begin that was interrupted."""
    from pingregistrywf.coordination.admin import Admin

    with answering(as_json=as_json):
        index_vid = _expected(expected, no_vid=no_vid)
        workflow_id = uuid4() if workflow is None else uuid("--workflow", workflow)
        with opened(registry, journal, create=True) as context:
            # Before the first write: interrupted, it can be finished with this id alone.
            _print(as_json, workflow=workflow_id)
            vids = Admin(context).begin(workflow_id, index_vid)
            _print(as_json, index_vid=vids.index, workflow_vid=vids.workflow)


def commit(
    registry: RegistryArgument,
    journal: JournalOption,
    workflow: WorkflowOption,
    expected: VidOption = None,
    no_vid: NoVidOption = False,
    as_json: JsonOption = False,
) -> None:
    """Commit a workflow.  Run again without a vid, it finishes a commit that was interrupted."""
    from pingregistrywf.coordination.admin import Admin

    with answering(as_json=as_json):
        workflow_vid = _expected(expected, no_vid=no_vid)
        workflow_id = uuid("--workflow", workflow)
        with opened(registry, journal) as context:
            vids = Admin(context).commit(workflow_id, workflow_vid)
            _print(as_json, index_vid=vids.index, workflow_vid=vids.workflow)


def get(
    registry: RegistryArgument,
    journal: JournalOption,
    workflow: WorkflowOption,
    wait: Annotated[
        float | None,
        typer.Option(
            "--wait",
            min=0.0,
            metavar="SECONDS",
            help="Wait for the summary, but not longer than that.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print a workflow's pings and summary.  Code 101: active; 100: summarized, not committed."""
    from pingregistrywf.coordination.admin import Admin

    with answering(as_json=as_json):
        workflow_id = uuid("--workflow", workflow)
        with opened(registry, journal) as context, stopped_by_signals() as stop:
            answer = Admin(context).get(workflow_id, wait=wait, stop=stop)
        _print_answer(answer, as_json=as_json)


def list_(
    registry: RegistryArgument,
    journal: JournalOption,
    utc: UtcOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the workflows of a registry: those active, and those completed and not yet deleted."""
    from pingregistrywf.coordination.timeline import zoned

    with answering(as_json=as_json), opened(registry, journal) as context:
        _must_exist(context, None, as_json=as_json)
        entries = context.index().entries.values()
        for entry in sorted(entries, key=lambda each: each.started_workflow_event_id):
            state = context.indexes.engine.declaration.state_names[entry.state_code].lower()
            started, completed = entry.started_workflow_event_id, entry.completed_workflow_event_id
            if as_json:
                say(
                    {
                        "workflow": str(entry.workflow_id),
                        "state": state,
                        "started": str(started),
                        "completed": str(completed) if completed else None,
                    }
                )
            else:
                begun = zoned(started.time, utc=utc).isoformat(timespec="seconds")
                typer.echo(f"{entry.workflow_id}  {state:<9}  {begun}")


def events(
    registry: RegistryArgument,
    journal: JournalOption,
    workflow: Annotated[
        str | None,
        typer.Option("--workflow", metavar="UUID", help="A workflow; the index unless given."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with events to come.")] = False,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="VID", help="Only what follows that event."),
    ] = None,
    utc: UtcOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the events of a registry's index, or of one workflow, oldest first."""
    with answering(as_json=as_json):
        workflow_id = None if workflow is None else uuid("--workflow", workflow)
        last = None if after is None else vid("--after", after)
        with opened(registry, journal) as context, stopped_by_signals() as stop:
            if not watch:  # which may wait for the first event
                _must_exist(context, workflow_id, as_json=as_json)
                stop.ask()
            lines = follow_lines(context, workflow_id, last, stop)
            print_timeline(lines, as_json=as_json, utc=utc)


def watch(registry: RegistryArgument, journal: JournalOption, as_json: JsonOption = False) -> None:
    """Watch a registry's workflows: state, pings, age and summary, as they change."""
    from pingregistrywf.coordination.overview import changes, show

    with (
        answering(as_json=as_json),
        opened(registry, journal) as context,
        stopped_by_signals() as stop,
    ):
        if sys.stdout.isatty() and not as_json:
            show(context, stop)
        else:
            for row in changes(context, stop):
                say(row.json()) if as_json else typer.echo(row.text())


@contextmanager
def opened(registry: str, journal: str, *, create: bool = False) -> Iterator[RegistryContext]:
    """Open the registry of that name on the journal that an option names.

    A bad name is refused before a journal is created.
    """
    from pingregistrywf.coordination.registry import Registry, RegistryContext

    named = Registry(registry)
    with open_(journal, create=create) as found:
        yield RegistryContext(found, named)


def follow_lines(
    context: RegistryContext, workflow_id: UUID | None, after: Ulid | None, stop: Stop
) -> Iterator[Line]:
    """Yield the lines of a history after an event, and those to come until stopped.

    A wake-up reads only what is new.  A history that was begun anew, or trimmed beyond what was
    seen, is read whole once more.
    """
    from pingregistrywf.coordination.timeline import lines
    from pingregistrywf.coordination.waiting import follow

    engine: Engine[Any, Any] = context.workflows.engine if workflow_id else context.indexes.engine
    history = workflow_id or context.registry.index_id
    last = after
    for changes in follow(engine, history, stop):
        ids = [event.id for event in changes.events]
        if after is not None and after not in ids:
            raise CannotRunError(f"--after: the history has no event {after}")
        after = None
        new = 0 if changes.continues or last not in ids else ids.index(last) + 1
        yield from lines(engine.declaration, changes.events[new:])
        last = ids[-1] if ids else last


def _must_exist(context: RegistryContext, workflow_id: UUID | None, *, as_json: bool) -> None:
    """Refuse a workflow that is not the registry's, or without one a registry without an index."""
    if workflow_id is not None:
        context.state_of(workflow_id)
    elif not context.index().vid:
        text = f"nothing was ever begun in registry {context.registry.name!r}: check its name"
        fail(text, REFUSED, as_json=as_json)


def _expected(text: str | None, *, no_vid: bool) -> Ulid | None:
    if text is not None and no_vid:
        raise CannotRunError("--vid and --no-vid exclude each other: give one")
    return None if text is None else vid("--vid", text)


def _print(as_json: bool, **ids: UUID | Ulid) -> None:
    """Print ids, each on a line by its name, or all as one JSON object."""
    if as_json:
        say({name: str(value) for name, value in ids.items()})
    else:
        for name, value in ids.items():
            typer.echo(f"{name.replace('_', ' '):<12}  {value}")


def _print_answer(answer: Answer, *, as_json: bool) -> None:
    from pingregistrywf.coordination.timeline import printable

    pings = [
        {"code": ping.code, "message": ping.message, "event_id": str(ping.event_id)}
        for ping in answer.state.pings
    ]
    if as_json:
        say(
            {
                "workflow": str(answer.state.id),
                "workflow_vid": str(answer.state.vid),
                "summary": {"code": answer.code, "message": answer.message},
                "note": answer.note,
                "pings": pings,
            }
        )
        return
    for ping in answer.state.pings:
        typer.echo(f"ping     {ping.code} {printable(ping.message)}")
    note = f"  ({answer.note})" if answer.note else ""
    typer.echo(f"summary  {answer.code} {printable(answer.message)}{note}")
