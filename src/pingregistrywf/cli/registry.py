"""The commands of the admin, and those that show a registry's workflows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

from typer import Argument, Option

from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    JournalOption,
    answer,
    answer_with_lines,
    fail,
    json_wanted,
    open_,
    print_timeline,
    stopped_by_signals,
    uuid,
    vid,
    with_json,
)

if TYPE_CHECKING:
    from pingregistrywf._generated.ping_registry_index import Entry
    from pingregistrywf.coordination.registry import PingRegistry
    from pingregistrywf.coordination.timeline import Line
    from pingregistrywf.coordination.waiting import Stop
    from pingregistrywf.runtime.facade import Facade
    from pingregistrywf.runtime.ids import Ulid

RegistryArgument = Annotated[str, Argument(help="The registry's name.", metavar="REGISTRY")]
WorkflowOption = Annotated[str, Option(metavar="UUID", help="The workflow.")]
VidOption = Annotated[str | None, Option("--vid", metavar="VID", help="The expected version.")]
NoVidOption = Annotated[bool, Option("--no-vid", help="Expect no version, which is the default.")]
UtcOption = Annotated[bool, Option("--utc", help="Show times in UTC, not in local time.")]


@with_json
def begin(
    registry_name: RegistryArgument,
    journal: JournalOption,
    workflow: Annotated[
        str | None, Option(metavar="UUID", help="Its id; a new one unless given.")
    ] = None,
    expected: VidOption = None,
    no_vid: NoVidOption = False,
) -> None:
    """Begin a workflow.  Run again with the same id, it finishes a begin that was interrupted."""
    index_vid = _expected(expected, no_vid=no_vid)
    workflow_id = uuid4() if workflow is None else uuid("--workflow", workflow)
    with opened(registry_name, journal, create=True, writes=True) as registry:
        # Before the first write: interrupted, it can be finished with this id alone.
        _print(workflow=workflow_id)
        vids = registry.begin(workflow_id, index_vid)
        _print(index_vid=vids.index, workflow_vid=vids.workflow)


@with_json
def commit(
    registry_name: RegistryArgument,
    journal: JournalOption,
    workflow: WorkflowOption,
    expected: VidOption = None,
    no_vid: NoVidOption = False,
) -> None:
    """Commit a workflow.  Run again without a vid, it finishes a commit that was interrupted."""
    workflow_vid = _expected(expected, no_vid=no_vid)
    workflow_id = uuid("--workflow", workflow)
    with opened(registry_name, journal, writes=True) as registry:
        vids = registry.commit(workflow_id, workflow_vid)
        _print(index_vid=vids.index, workflow_vid=vids.workflow)


@with_json
def get(
    registry_name: RegistryArgument,
    journal: JournalOption,
    workflow: WorkflowOption,
    wait: Annotated[
        float | None,
        Option(min=0.0, metavar="SECONDS", help="Wait for the summary, but not longer than that."),
    ] = None,
) -> None:
    """Print a workflow's pings and summary.  Code 101: active; 100: summarized, not committed."""
    from pingregistrywf.runtime.render import printable

    workflow_id = uuid("--workflow", workflow)
    with opened(registry_name, journal) as registry, stopped_by_signals() as stop:
        view = registry.get(workflow_id, wait=wait, stop=stop)
    fields = {
        "workflow": view.state.id,
        "workflow_vid": view.state.vid,
        "summary": {"code": view.code, "message": view.message},
        "note": view.note,
        "pings": [asdict(ping) for ping in view.state.pings],
    }
    pings = [f"ping     {ping.code} {printable(ping.message)}\n" for ping in view.state.pings]
    note = f"  ({view.note})" if view.note else ""
    answer(fields, f"{''.join(pings)}summary  {view.code} {printable(view.message)}{note}")


@with_json
def list_(registry_name: RegistryArgument, journal: JournalOption, utc: UtcOption = False) -> None:
    """List the workflows of a registry: those active, and those completed and not yet deleted."""
    from pingregistrywf.coordination.timeline import zoned

    with opened(registry_name, journal) as registry:
        names = registry.indexes.engine.declaration.state_names
        _check_begun(registry)
        entries = registry.list()

    def line(entry: Entry) -> tuple[dict[str, Any], str]:
        state, started = names[entry.state_code].lower(), entry.started_workflow_event_id
        fields = {
            "workflow": entry.workflow_id,
            "state": state,
            "started": started,
            "completed": entry.completed_workflow_event_id or None,
        }
        begun = zoned(started.time, utc=utc).isoformat(timespec="seconds")
        return fields, f"{entry.workflow_id}  {state:<9}  {begun}"

    answer_with_lines(map(line, entries))


@with_json
def events(
    registry_name: RegistryArgument,
    journal: JournalOption,
    workflow: Annotated[
        str | None, Option(metavar="UUID", help="A workflow; the index unless given.")
    ] = None,
    watch: Annotated[
        bool, Option("--watch", help="Go on with events to come, until the workflow ends.")
    ] = False,
    after: Annotated[
        str | None, Option(metavar="VID", help="Only what follows that event.")
    ] = None,
    utc: UtcOption = False,
) -> None:
    """Print the events of a registry's index, or of one workflow, oldest first."""
    workflow_id = None if workflow is None else uuid("--workflow", workflow)
    last = None if after is None else vid("--after", after)
    with opened(registry_name, journal) as registry, stopped_by_signals() as stop:
        if not watch:  # which may wait for the first event
            if workflow_id is None:
                _check_begun(registry)
            else:
                registry.state_of(workflow_id)
        until = None if watch else 0.0  # what is there, and no more
        print_timeline(follow_lines(registry, workflow_id, last, stop, until), utc=utc)


@with_json
def watch(registry_name: RegistryArgument, journal: JournalOption) -> None:
    """Watch a registry's workflows: state, pings, age and summary, as they change."""
    from pingregistrywf.coordination.overview import changes, show

    with opened(registry_name, journal) as registry, stopped_by_signals() as stop:
        if sys.stdout.isatty() and not json_wanted():
            show(registry, stop)
        else:
            for row in changes(registry, stop):
                answer(asdict(row), row.text())


@contextmanager
def opened(
    registry_name: str, journal: str, *, create: bool = False, writes: bool = False
) -> Iterator[PingRegistry]:
    """Open the registry of that name on the journal that an option names.

    A bad name is refused before a journal is created.  A journal that this user may only read is
    refused if the command ``writes``.
    """
    from pingregistrywf.coordination.registry import PingRegistry
    from pingregistrywf.coordination.registry_ids import RegistryIds

    ids = RegistryIds(registry_name)
    with open_(journal, create=create, writes=writes) as found:
        yield PingRegistry(found, ids.name)


def follow_lines(
    registry: PingRegistry,
    workflow_id: UUID | None,
    after: Ulid | None,
    stop: Stop,
    until: float | None = None,
) -> Iterator[Line]:
    """Yield the lines of a history after an event, until it ends, a time limit, or a stop.

    A history that was begun anew, or trimmed beyond what was seen, is read whole once more.

    Raises:
        UnknownWorkflowError: the workflow belongs to another registry.
    """
    from pingregistrywf.coordination.timeline import Line
    from pingregistrywf.runtime.errors import PositionGoneError

    facade: Facade[Any, Any, Any] = registry.workflows if workflow_id else registry.indexes
    history = workflow_id or registry.index_id
    while True:
        stream = facade.follow(history, after=after, until=until, restart=after is None)
        with stream, stop.waking(stream.close):
            try:
                for number, event in enumerate(stream):
                    if workflow_id and not number:
                        registry.state_of(workflow_id)  # raises if it is another registry's
                    yield Line(facade.engine.declaration, event)
                    after = None
                return
            except PositionGoneError as error:
                if after is not None:
                    text = f"--after: the history has no event {after}"
                    raise CannotRunError(text) from error


def _check_begun(registry: PingRegistry) -> None:
    if not registry.index().vid:
        fail(f"nothing was ever begun in registry {registry.name!r}: check its name", REFUSED)


def _expected(text: str | None, *, no_vid: bool) -> Ulid | None:
    if text is not None and no_vid:
        raise CannotRunError("--vid and --no-vid exclude each other: give one")
    return None if text is None else vid("--vid", text)


def _print(**ids: UUID | Ulid) -> None:
    """Print ids, each on a line by its name, or all as one JSON object."""
    rows = (f"{name.replace('_', ' '):<12}  {value}" for name, value in ids.items())
    answer(ids, "\n".join(rows))
