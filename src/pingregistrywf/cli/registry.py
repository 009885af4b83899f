"""Commands of the admin, and for looking at a registry's workflows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
    from pingregistrywf.coordination.daemon import Stop
    from pingregistrywf.coordination.registry import RegistryContext
    from pingregistrywf.coordination.timeline import Line
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
    """Begin a workflow; run again with its id, finish a begin that was interrupted."""
    from pingregistrywf.coordination.admin import Admin

    with answering(as_json=as_json):
        index_vid = _expected(expected, no_vid=no_vid)
        workflow_id = uuid4() if workflow is None else uuid("--workflow", workflow)
        with open_(journal) as opened:
            admin = Admin(_context(opened, registry))
            # Before the first write: interrupted, it can be finished with this id alone.
            if as_json:
                say({"workflow": str(workflow_id)})
            else:
                typer.echo(f"workflow      {workflow_id}")
            vids = admin.begin(workflow_id, index_vid)
            _print_vids(vids.index, vids.workflow, as_json=as_json)


def commit(
    registry: RegistryArgument,
    journal: JournalOption,
    workflow: WorkflowOption,
    expected: VidOption = None,
    no_vid: NoVidOption = False,
    as_json: JsonOption = False,
) -> None:
    """Commit a workflow; run again without a vid, finish a commit that was interrupted."""
    from pingregistrywf.coordination.admin import Admin

    with answering(as_json=as_json):
        workflow_vid = _expected(expected, no_vid=no_vid)
        workflow_id = uuid("--workflow", workflow)
        with open_(journal, create=False) as opened:
            vids = Admin(_context(opened, registry)).commit(workflow_id, workflow_vid)
            _print_vids(vids.index, vids.workflow, as_json=as_json)


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
            help="Wait for the summary, no longer than that.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print a workflow's pings and summary.  Code 101: active; 100: summarized, not committed."""
    from pingregistrywf.coordination.admin import Admin

    with answering(as_json=as_json):
        workflow_id = uuid("--workflow", workflow)
        with open_(journal, create=False) as opened, stopped_by_signals() as stop:
            answer = Admin(_context(opened, registry)).get(workflow_id, wait=wait, stop=stop)
        _print_answer(answer, as_json=as_json)


def list_(registry: RegistryArgument, journal: JournalOption, as_json: JsonOption = False) -> None:
    """List the workflows of a registry: those active, and those completed and not yet deleted."""
    with answering(as_json=as_json), open_(journal, create=False) as opened:
        context = _context(opened, registry)
        _must_exist(context, None, as_json=as_json)
        index = context.index()
        entries = sorted(index.entries.values(), key=lambda each: each.started_workflow_event_id)
        for entry in entries:
            state = context.indexes.engine.declaration.state_names[entry.state_code].lower()
            started, completed = entry.started_workflow_event_id, entry.completed_workflow_event_id
            if as_json:
                said: dict[str, Any] = {
                    "workflow": str(entry.workflow_id),
                    "state": state,
                    "started": str(started),
                    "completed": str(completed) if completed else None,
                }
                say(said)
            else:
                begun = started.time.isoformat(timespec="seconds")
                typer.echo(f"{entry.workflow_id}  {state:<9}  {begun}")


def events(
    registry: RegistryArgument,
    journal: JournalOption,
    workflow: Annotated[
        str | None,
        typer.Option("--workflow", metavar="UUID", help="A workflow; the index unless given."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with what comes.")] = False,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="VID", help="Only what follows that event."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the events of a registry's index, or of one workflow, oldest first."""
    with answering(as_json=as_json):
        workflow_id = None if workflow is None else uuid("--workflow", workflow)
        last = None if after is None else vid("--after", after)
        with open_(journal, create=False) as opened, stopped_by_signals() as stop:
            context = _context(opened, registry)
            if not watch:  # which may wait for the first event
                _must_exist(context, workflow_id, as_json=as_json)
            lines = _follow(context, workflow_id, last, stop if watch else None)
            print_timeline(lines, as_json=as_json)


def watch(registry: RegistryArgument, journal: JournalOption, as_json: JsonOption = False) -> None:
    """Watch a registry's workflows: state, pings, age and summary, as they change."""
    from pingregistrywf.coordination.overview import overview, print_changes, show

    with (
        answering(as_json=as_json),
        open_(journal, create=False) as opened,
        stopped_by_signals() as stop,
    ):
        context = _context(opened, registry)
        if sys.stdout.isatty() and not as_json:
            show(context, stop)
        else:
            print_changes(overview(context, stop), say=say if as_json else None, echo=typer.echo)


def _context(journal: Any, registry: str) -> RegistryContext:
    from pingregistrywf.coordination.registry import Registry, RegistryContext

    return RegistryContext(journal, Registry(registry))


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


def _print_vids(index: Ulid, workflow: Ulid, *, as_json: bool) -> None:
    if as_json:
        say({"index_vid": str(index), "workflow_vid": str(workflow)})
    else:
        typer.echo(f"index vid     {index}\nworkflow vid  {workflow}")


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


def _follow(
    context: RegistryContext, workflow_id: UUID | None, after: Ulid | None, stop: Stop | None
) -> Iterator[Line]:
    """The lines of a history after an event, then, unless ``stop`` is None, those that come."""
    from pingregistrywf.coordination import timeline
    from pingregistrywf.runtime.ids import EPOCH

    def lines() -> list[Line]:
        if workflow_id is None:
            return list(timeline.index_lines(context.indexes.events(context.registry.index_id)))
        return list(timeline.workflow_lines(context.workflows.events(workflow_id)))

    last = EPOCH if after is None else after
    watched = context.registry.index_id if workflow_id is None else workflow_id
    with context.journal.subscribe(watched) as subscription:
        found = lines()
        if last and all(line.event.id != last for line in found):
            raise CannotRunError(f"--after: the history has no event {last}")
        while True:
            ids = [line.event.id for line in found]
            new = found[ids.index(last) + 1 :] if last in ids else found
            yield from new
            last = ids[-1] if ids else EPOCH
            if stop is None:
                return
            with stop.waking(subscription.close):
                if not subscription.wait() or stop.asked:
                    return
            found = lines()
