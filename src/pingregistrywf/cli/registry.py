"""The commands of the admin, and those that show a registry's workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID, uuid4

import typer
from typer import Argument, Option

from pingregistrywf.cli import completion, ids
from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    RegistryJournalOption,
    answer,
    answer_with_lines,
    fail,
    json_wanted,
    open_,
    print_timeline,
    stopped_by_signals,
    vid,
    with_json,
)
from pingregistrywf.cli.progress import waiting
from pingregistrywf.cli.terminal import for_person, wrapped

if TYPE_CHECKING:
    from pingregistrywf.coordination.overview import Row
    from pingregistrywf.coordination.registry import PingRegistry
    from pingregistrywf.coordination.timeline import Line
    from pingregistrywf.coordination.waiting import Stop
    from pingregistrywf.runtime.facade import Facade
    from pingregistrywf.runtime.ids import Ulid

RegistryArgument = Annotated[
    str,
    Argument(help="The registry's name.", metavar="REGISTRY", autocompletion=completion.registries),
]
WorkflowOption = Annotated[
    str,
    Option(
        metavar="ID",
        help="The workflow: its id, or a beginning that no other has.",
        autocompletion=completion.workflows,
    ),
]
VidOption = Annotated[str | None, Option("--vid", metavar="VID", help="The expected version.")]
NoVidOption = Annotated[bool, Option("--no-vid", help="Expect no version, which is the default.")]
UtcOption = Annotated[bool, Option("--utc", help="Show times in UTC, not in local time.")]


Order: TypeAlias = Literal["age", "state", "pings", "failed", "workflow"]
_ORDERS: Final[Mapping[Order, Callable[[Row], Any]]] = MappingProxyType(
    {
        "age": lambda row: row.started,
        "state": lambda row: _place(row.state),
        "pings": lambda row: row.pings,
        "failed": lambda row: row.failed,
        "workflow": lambda row: row.workflow,
    }
)


@with_json
def begin(
    registry_name: RegistryArgument,
    journal: RegistryJournalOption,
    workflow: Annotated[
        str | None,
        Option(
            metavar="ID",
            help="Its id, or the beginning of one that is listed; a new one unless given.",
            autocompletion=completion.workflows,
        ),
    ] = None,
    expected: VidOption = None,
    no_vid: NoVidOption = False,
) -> None:
    """Begin a workflow.  Run again with the same id, it finishes a begin that was interrupted."""
    index_vid = _expected(expected, no_vid=no_vid)
    with opened(registry_name, journal, create=True, writes=True) as registry:
        workflow_id = uuid4() if workflow is None else ids.workflow(registry, workflow)
        # Before the first write: interrupted, it can be finished with this id alone.
        _print(workflow=workflow_id)
        vids = registry.begin(workflow_id, index_vid)
        _print(index_vid=vids.index, workflow_vid=vids.workflow)


@with_json
def commit(
    registry_name: RegistryArgument,
    journal: RegistryJournalOption,
    workflow: WorkflowOption,
    expected: VidOption = None,
    no_vid: NoVidOption = False,
) -> None:
    """Commit a workflow.  Run again without a vid, it finishes a commit that was interrupted."""
    workflow_vid = _expected(expected, no_vid=no_vid)
    with opened(registry_name, journal, writes=True) as registry:
        workflow_id = ids.workflow(registry, workflow)
        vids = registry.commit(workflow_id, workflow_vid)
        _print(index_vid=vids.index, workflow_vid=vids.workflow)


@with_json
def get(
    registry_name: RegistryArgument,
    journal: RegistryJournalOption,
    workflow: WorkflowOption,
    wait: Annotated[
        float | None,
        Option(min=0.0, metavar="SECONDS", help="Wait for the summary, but not longer than that."),
    ] = None,
) -> None:
    """Print a workflow's pings and summary.  Code 101: active; 100: summarized, not committed."""
    from pingregistrywf.coordination.palette import code_style
    from pingregistrywf.coordination.registry import ACTIVE, SUMMARIZED
    from pingregistrywf.runtime.render import printable

    with opened(registry_name, journal) as registry, stopped_by_signals() as stop:
        workflow_id = ids.workflow(registry, workflow)
        with waiting("waiting for the summary", wait) if wait else nullcontext():
            view = registry.get(workflow_id, wait=wait, stop=stop)
    pings = view.state.pings
    fields = {
        "workflow": view.state.id,
        "workflow_vid": view.state.vid,
        "summary": {"code": view.code, "message": view.message},
        "note": view.note,
        "pings": [asdict(ping) for ping in pings],
    }
    note = f"  ({view.note})" if view.note else ""
    lines = [(ping.code, f"ping     {ping.code} {printable(ping.message)}") for ping in pings]
    failed = 0 if view.code in (ACTIVE, SUMMARIZED) else view.code
    lines.append((failed, f"summary  {view.code} {printable(view.message)}{note}"))
    if for_person() and not json_wanted():
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False)
        for code, text in lines:
            console.print(Text(wrapped(text), code_style(code)), soft_wrap=True)
    else:
        answer(fields, "\n".join(text for _, text in lines))


@with_json
def list_(
    registry_name: RegistryArgument,
    journal: RegistryJournalOption,
    state: Annotated[
        list[str] | None,
        Option(
            metavar="STATE",
            help="Only workflows in this state; give one for each.",
            autocompletion=completion.states,
        ),
    ] = None,
    sort: Annotated[
        Order, Option(metavar="COLUMN", help="Sort by age, state, pings, failed or workflow.")
    ] = "age",
    quiet: Annotated[
        bool,
        Option("--quiet", "-q", help="Print ids only, for scripts: reads the index alone."),
    ] = False,
    utc: UtcOption = False,
) -> None:
    """List the workflows of a registry: those active, and those completed and not yet deleted.

    A workflow whose history is corrupted has a row that says so.  The command then exits with 1.
    """
    from pingregistrywf.coordination.overview import each_row
    from pingregistrywf.runtime.counts import counted

    wanted = [_state(each) for each in state or ()]
    if quiet and (wanted or sort != "age"):
        raise CannotRunError("--quiet reads no workflow: leave out --state and --sort")
    with opened(registry_name, journal) as registry:
        check_begun(registry)
        if quiet:
            listed = (entry.workflow_id for entry in registry.list())
            answer_with_lines(({"workflow": each}, str(each)) for each in listed)
            return
        listed_rows = list(each_row(registry))
        now = registry.journal.clock()
    found = [row for row in listed_rows if not wanted or row.state in wanted]
    found.sort(key=_ORDERS[sort])
    if for_person() and not json_wanted():
        _print_rows(found, now)
    else:
        _write_rows(found, utc=utc)
    unreadable = sum(row.error is not None for row in listed_rows)
    if unreadable:
        fail(
            f"{unreadable} of {counted(len(listed_rows), 'workflow')} cannot be read: check the"
            " journal with `pingregistrywf journal verify`, and restore a backup or export what is"
            " sound",
            REFUSED,
        )


def _write_rows(found: list[Row], *, utc: bool) -> None:
    """Write the rows for a program."""
    from pingregistrywf.coordination.timeline import zoned

    def line(row: Row) -> tuple[dict[str, Any], str]:
        begun = zoned(row.started.time, utc=utc).isoformat(timespec="seconds")
        pings, failed = ("", "") if row.error else (row.pings, row.failed)
        counts = f"{pings:>5}  {failed:>6}"
        text = f"{row.workflow}  {row.state:<13}  {counts}  {begun:<25}  {row.remark}"
        return asdict(row), text.rstrip()

    if found and not json_wanted():
        heads = f"{'WORKFLOW':<36}  {'STATE':<13}  PINGS  FAILED  {'STARTED':<25}  SUMMARY"
        typer.echo(heads)
    answer_with_lines(map(line, found))


def _print_rows(found: list[Row], now: float) -> None:
    from rich.console import Console

    from pingregistrywf.coordination.overview import overview
    from pingregistrywf.runtime.counts import counted

    console = Console(highlight=False)
    if found:
        console.print(overview(found, now, console.width))
    console.print(counted(len(found), "workflow"), style="dim")


def _place(state: str) -> int:
    """Return the place of a state among those that a listed workflow can be in."""
    from pingregistrywf.coordination.overview import STATES

    return STATES.index(state)


def _state(text: str) -> str:
    """Return the state that is meant; upper and lower case are the same."""
    from pingregistrywf.coordination.overview import STATES

    for each in STATES:
        if each.casefold() == text.casefold():
            return each
    raise CannotRunError(f"--state: there is no state {text!r}; the states are {', '.join(STATES)}")


@with_json
def events(
    registry_name: RegistryArgument,
    journal: RegistryJournalOption,
    workflow: Annotated[
        str | None,
        Option(
            metavar="ID",
            help="A workflow: its id, or a beginning that no other has; the index unless given.",
            autocompletion=completion.workflows,
        ),
    ] = None,
    watch: Annotated[
        bool, Option("--watch", help="Go on with events to come, until the workflow ends.")
    ] = False,
    after: Annotated[
        str | None, Option(metavar="VID", help="Only what follows that event.")
    ] = None,
    explore: Annotated[
        bool, Option("--explore", help="Open the history in the explorer, in a browser.")
    ] = False,
    utc: UtcOption = False,
) -> None:
    """Print the events of a registry's index, or of one workflow, oldest first."""
    if explore and (watch or after is not None):
        raise typer.BadParameter("it shows a whole history: leave out --watch and --after")
    last = None if after is None else vid("--after", after)
    with opened(registry_name, journal) as registry, stopped_by_signals() as stop:
        workflow_id = None if workflow is None else ids.workflow(registry, workflow)
        if not watch:  # which may wait for the first event
            if workflow_id is None:
                check_begun(registry)
            else:
                registry.state_of(workflow_id)
        if explore:
            _explore(registry, workflow_id)
            return
        until = None if watch else 0.0  # what is there, and no more
        print_timeline(follow_lines(registry, workflow_id, last, stop, until), utc=utc)


@with_json
def watch(registry_name: RegistryArgument, journal: RegistryJournalOption) -> None:
    """Watch a registry's workflows: state, pings, age and summary, as they change."""
    from pingregistrywf.coordination.overview import changes, show

    with opened(registry_name, journal) as registry, stopped_by_signals() as stop:
        if for_person() and not json_wanted():
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
    from pingregistrywf._generated.ping_registry_index import UnknownWorkflowError
    from pingregistrywf.coordination.registry import PingRegistry
    from pingregistrywf.coordination.registry_ids import RegistryIds

    name = RegistryIds(registry_name).name
    completion.remember(name)
    with open_(journal, create=create, writes=writes) as found:
        try:
            yield PingRegistry(found, name)
        except UnknownWorkflowError as error:
            fail(
                f"registry {name!r} does not list workflow {error.workflow_id};"
                f" `pingregistrywf list {name}` shows those that it lists",
                REFUSED,
            )


def _explore(registry: PingRegistry, workflow_id: UUID | None) -> None:
    """Open the history of a workflow, or of the index, in the explorer."""
    from pingregistrywf.cli.explore import show_history
    from pingregistrywf.runtime.render import event_json

    facade, history = _history(registry, workflow_id)
    declaration = facade.engine.declaration
    events = [event_json(declaration, event) for event in facade.events(history)]
    show_history(declaration.name, str(history), events)


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

    facade, history = _history(registry, workflow_id)
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


def _history(
    registry: PingRegistry, workflow_id: UUID | None
) -> tuple[Facade[Any, Any, Any], UUID]:
    """Return the history of a workflow, or of the index, and the facade of its chart."""
    if workflow_id is None:
        return registry.indexes, registry.index_id
    return registry.workflows, workflow_id


def check_begun(registry: PingRegistry) -> None:
    """Refuse a registry in which nothing was ever begun; its name may be wrong."""
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
