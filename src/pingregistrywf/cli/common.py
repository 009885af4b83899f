"""What every command shares: options, exit codes, and how answers and refusals are printed."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn
from uuid import UUID

import typer

if TYPE_CHECKING:
    from pingregistrywf.coordination.timeline import Incident, Line
    from pingregistrywf.coordination.waiting import Stop
    from pingregistrywf.runtime.ids import Ulid
    from pingregistrywf.runtime.journal import Journal

REFUSED: Final = 1
"""The exit code where the answer is no."""
CANNOT_RUN: Final = 2
"""The exit code where the command cannot run."""
JOURNAL_VARIABLE: Final = "PINGREGISTRYWF_JOURNAL"

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
ModelOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--model", metavar="FILE", help="Charts and operations of your own.", show_default=False
    ),
]
JournalOption = Annotated[
    str,
    typer.Option(
        "--journal",
        metavar="URL",
        envvar=JOURNAL_VARIABLE,
        help="The journal: sqlite:PATH, memory: or an installed backend's URL.",
    ),
]


def say(value: dict[str, Any]) -> None:
    """Print one JSON object on a line."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def fail(message: str, code: int, *, as_json: bool) -> NoReturn:
    """End with one line that says why."""
    if as_json:
        say({"error": message, "exit": code})
    typer.echo(f"pingregistrywf: {message}", err=True)
    raise typer.Exit(code)


class CannotRunError(Exception):
    """What was asked for makes no sense; the text says why and what to do."""


@contextmanager
def answering(*errors: type[Exception], as_json: bool = False) -> Iterator[None]:
    """Turn what goes wrong inside into one line and an exit code.

    Args:
        errors: what else cannot run, beside the errors of the run time and the system.
        as_json: say it in a field, too.
    """
    from pingregistrywf.runtime.errors import (
        BehaviorError,
        JournalError,
        UninitializedError,
        VersionConflictError,
        WorkflowError,
    )

    try:
        yield
    except (BehaviorError, UninitializedError) as error:
        fail(str(error), REFUSED, as_json=as_json)
    except JournalError as error:
        refused = isinstance(error.err, VersionConflictError)
        fail(str(error), REFUSED if refused else CANNOT_RUN, as_json=as_json)
    except (WorkflowError, OSError, CannotRunError) as error:
        fail(str(error), CANNOT_RUN, as_json=as_json)
    except errors as error:
        fail(str(error), CANNOT_RUN, as_json=as_json)


def open_(url: str, *, create: bool = True) -> Journal:
    """Open the journal that an option names."""
    from pingregistrywf.runtime.journal import open_journal

    if sys.stderr.isatty():
        _show_waits()
    return open_journal(url, create=create)


def _show_waits() -> None:
    """Show on the terminal for whom the journal waits, unless a daemon's log shows it anyway."""
    import logging

    logger = logging.getLogger("pingregistrywf.runtime.journal")
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("pingregistrywf: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)


def uuid(option: str, text: str) -> UUID:
    """The UUID that an option gives."""
    try:
        return UUID(text)
    except ValueError:
        raise CannotRunError(f"{option} is a UUID, not {text!r}") from None


def vid(option: str, text: str) -> Ulid:
    """The vid that an option gives."""
    from pingregistrywf.runtime.ids import Ulid

    try:
        return Ulid.parse(text)
    except ValueError as error:
        raise CannotRunError(f"{option}: {error}") from None


def print_timeline(lines: Iterable[Line | Incident], *, as_json: bool, utc: bool = False) -> None:
    """Print the lines of a history as they come, with local times unless in UTC or as JSON."""
    if as_json:
        for line in lines:
            say(line.json())
    elif sys.stdout.isatty():
        from pingregistrywf.coordination.screen import show

        show(lines, utc=utc)
    else:
        for line in lines:
            typer.echo(line.text(utc=utc))


def called() -> tuple[str, ...]:
    """How this program was called, so that it can be called again in the same way from here."""
    name = "pingregistrywf"
    program = Path(sys.argv[0])
    found = shutil.which(name)
    if found and program.exists() and Path(found).samefile(program):
        return (name,)
    return (str(program),) if program.name == name else (sys.executable, "-m", name)


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """A stop that SIGTERM and SIGINT ask for; once all is shut down, exit with 128 + n."""
    from pingregistrywf.coordination.waiting import Stop

    stop = Stop()
    received: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        stop.ask_aside()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise typer.Exit(128 + received[0])
