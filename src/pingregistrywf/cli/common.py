"""What every command shares: options, exit codes, and how answers and errors are printed."""

from __future__ import annotations

import inspect
import json
import logging
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, cast

import typer

from pingregistrywf.cli.output import abandon_stopped_terminals, print_for_program
from pingregistrywf.cli.system_errors import explained
from pingregistrywf.cli.terminal import for_person, wrapped

if TYPE_CHECKING:
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.coordination.timeline import Incident, Line
    from pingregistrywf.coordination.waiting import Stop
    from pingregistrywf.runtime.ids import Clock, Ulid
    from pingregistrywf.runtime.journal import Journal, OperatorJournal

REFUSED: Final = 1
"""The exit code where the answer is no."""
CANNOT_RUN: Final = 2
"""The exit code where the command cannot run."""
JOURNAL_VARIABLE: Final = "PINGREGISTRYWF_JOURNAL"
SERVICE_VARIABLE: Final = "PINGREGISTRYWF_SERVICE"

ModelOption = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Charts and operations of your own.")
]
JournalOption = Annotated[
    str,
    typer.Option(
        "--journal",
        metavar="URL",
        envvar=JOURNAL_VARIABLE,
        help="The journal: sqlite:PATH, nats://HOST:PORT/STREAM, memory: or a backend's URL.",
    ),
]
RegistryJournalOption = Annotated[
    str,
    typer.Option(
        "--journal",
        "--service",
        metavar="URL",
        envvar=[JOURNAL_VARIABLE, SERVICE_VARIABLE],
        help="The journal: sqlite:PATH, nats://HOST:PORT/STREAM, memory: or a backend's URL; or the"
        " service before one: grpcs://HOST:PORT.",
    ),
]
_JSON: Final = inspect.Parameter(
    "as_json",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")],
)
_as_json: ContextVar[bool] = ContextVar("as_json", default=False)


def with_json(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option ``--json``, and let it answer its errors in one line."""

    @wraps(command)
    def run(*, as_json: bool, **options: Any) -> None:
        token = _as_json.set(as_json)
        try:
            with answering():
                command(**options)
        finally:
            _as_json.reset(token)

    signature = inspect.signature(command, eval_str=True)
    parameters = (*signature.parameters.values(), _JSON)
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run


def json_wanted() -> bool:
    """Return whether the running command was called with ``--json``."""
    return _as_json.get()


def answer_in_text() -> None:
    """Let the running command answer in text, even with ``--json``."""
    _as_json.set(False)


def print_json(fields: Mapping[str, Any]) -> None:
    """Print one line of JSON."""
    print_for_program(f"{_as_line(fields)}\n")


def _as_line(fields: Mapping[str, Any]) -> str:
    """Return JSON in one line; what JSON has no type for becomes a string."""
    return json.dumps(fields, ensure_ascii=False, default=str)


def answer(fields: Mapping[str, Any], text: str, *, err: bool = False) -> None:
    """Print the fields as JSON with ``--json``, else the text, on standard error if asked for."""
    if json_wanted():
        print_json(fields)
    else:
        typer.echo(wrapped(text, sys.stderr if err else sys.stdout), err=err)


def answer_with_lines(lines: Iterable[tuple[Mapping[str, Any], str]]) -> None:
    """Print many answers at once, which takes a tenth of the time."""
    if json_wanted():
        print_for_program("".join(f"{_as_line(fields)}\n" for fields, _ in lines))
    elif written := [text for _, text in lines]:
        typer.echo("\n".join(written))


def fail(message: str, code: int) -> NoReturn:
    """End with one line that says why, with ``--json`` also in a field."""
    print_error(message, code, as_json=json_wanted())
    raise typer.Exit(code)


def print_error(message: str, code: int, *, as_json: bool) -> None:
    """Print why the program ends with that exit code, as JSON also in a field."""
    if as_json:
        print_json({"error": message, "exit": code})
    typer.echo(wrapped(f"pingregistrywf: {message}", sys.stderr), err=True)


def _fail_for_mistakes(error: ChartError) -> NoReturn:
    """End with the mistakes of charts, quoted; with ``--json`` as a list in a field."""
    from pingregistrywf.cli.mistakes import fields, print_mistakes

    if json_wanted():
        listed = [fields(each) for each in error.mistakes]
        print_json({"error": str(error), "exit": CANNOT_RUN, "mistakes": listed})
    print_error(print_mistakes(error), CANNOT_RUN, as_json=False)
    raise typer.Exit(CANNOT_RUN) from None


class CannotRunError(Exception):
    """What was asked for makes no sense; the text says why and what to do."""


def require(extra: str, *distributions: str) -> None:
    """End unless an extra is installed, or those of its distributions that are named.

    The one line names all that is missing, and what installs it.  A command that needs an extra
    calls this before it imports anything of it.
    """
    from pingregistrywf.extras import absence, missing

    if absent := missing(extra, *distributions):
        fail(absence(extra, absent), CANNOT_RUN)


@contextmanager
def answering(*errors: type[Exception]) -> Iterator[None]:
    """Turn the errors of the run time and the system, and these errors, into an exit code."""
    from pingregistrywf.runtime.errors import (
        BehaviorError,
        UninitializedError,
        VersionConflictError,
        WorkflowError,
    )

    refusals = (BehaviorError, UninitializedError, VersionConflictError)
    answered: tuple[type[Exception], ...] = (WorkflowError, OSError, CannotRunError, *errors)
    try:
        yield
    except answered as error:
        if "mistakes" in vars(error):  # of a chart; its module belongs to the workshop
            _fail_for_mistakes(cast("ChartError", error))
        text = explained(error) if isinstance(error, OSError) else str(error)
        fail(text, REFUSED if isinstance(error, refusals) else CANNOT_RUN)


def open_(
    url: str, *, create: bool = True, writes: bool = True, clock: Clock = time.time
) -> Journal:
    """Open the journal that an option names; refuse one that takes no writes if it is to write."""
    from pingregistrywf.runtime.journal import ReadOnly, open_journal

    logger = logging.getLogger("pingregistrywf.journal")
    if sys.stderr.isatty() and not logger.hasHandlers():  # no daemon's log shows for whom it waits
        from pingregistrywf.coordination.log import PersonFormatter

        handler = logging.StreamHandler()
        handler.setFormatter(PersonFormatter())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    opened = open_journal(url, create=create, clock=clock)
    if writes and isinstance(opened, ReadOnly):
        opened.close()
        raise opened.refusal
    return opened


@contextmanager
def opened_file(url: str, *, writes: bool = False) -> Iterator[OperatorJournal]:
    """Open the journal that an option names; make one if it is missing and the command writes."""
    if url.startswith("memory:"):
        raise CannotRunError("a journal in memory ends with its process: use --journal sqlite:PATH")
    with open_(url, create=writes, writes=writes) as opened:
        yield opened


def shown_url(url: str) -> str:
    """Return the URL of a journal as messages show it: without the user and the password."""
    from pingregistrywf.runtime.journal.urls import without_password

    return without_password(url)


def vid(option: str, text: str) -> Ulid:
    """Return the vid that an option gives."""
    from pingregistrywf.runtime.ids import Ulid

    try:
        return Ulid.parse(text)
    except ValueError as error:
        raise CannotRunError(f"{option}: {error}") from None


def print_timeline(
    lines: Iterable[Line | Incident], *, utc: bool = False, seconds: float | None = None
) -> None:
    """Print the lines of a history as they come, with local times unless in UTC or as JSON.

    Args:
        lines: what to print.
        utc: whether times are in UTC.
        seconds: how long it will take, which a terminal shows.
    """
    if for_person() and not json_wanted():
        from pingregistrywf.coordination.screen import show

        show(lines, utc=utc, seconds=seconds)
    else:
        for line in lines:
            answer(line.json(), line.text(utc=utc))


def called() -> tuple[str, ...]:
    """Return how this program was called, so that it can be called again in the same way."""
    name = "pingregistrywf"
    program = Path(sys.argv[0])
    found = shutil.which(name)
    if found and program.exists() and Path(found).samefile(program):
        return (name,)
    return (str(program),) if program.name == name else (sys.executable, "-m", name)


@contextmanager
def handling_signals(
    handler: Callable[[int, FrameType | None], None], numbers: Iterable[signal.Signals]
) -> Iterator[None]:
    """Call a handler at signals; at the end they have the handlers of before."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, each in before.items():
            signal.signal(number, each)


@contextmanager
def exiting_on_signals() -> Iterator[None]:
    """Leave at once with 128 + n on SIGTERM and SIGINT: what is open inside is closed."""

    def leave(number: int, _frame: FrameType | None) -> None:
        abandon_stopped_terminals()
        sys.exit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGINT)
    # A script that puts a program in the background lets it ignore Ctrl-C.
    heeded = (each for each in numbers if signal.getsignal(each) != signal.SIG_IGN)
    with handling_signals(leave, heeded):
        yield


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """Yield a stop that SIGTERM and SIGINT ask for; once all is shut down, exit with 128 + n."""
    from pingregistrywf.coordination.waiting import Stop

    stop = Stop()
    received: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        stop.ask_aside()
        abandon_stopped_terminals()

    with handling_signals(ask, (signal.SIGTERM, signal.SIGINT)):
        yield stop
    if received:
        raise typer.Exit(128 + received[0])
