"""Commands for whoever operates a journal: look into it, check it, copy it, move what it holds."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, NoReturn

import typer

from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    JournalOption,
    JsonOption,
    answering,
    fail,
    open_,
    say,
    uuid,
)

if TYPE_CHECKING:
    from pingregistrywf.runtime.declaration import Declaration
    from pingregistrywf.runtime.errors import Fault, Finding
    from pingregistrywf.runtime.journal import OperatorJournal, Stored

STANDARD: Final = "-"
"""The file name that stands for standard input or output."""

journal = typer.Typer(
    help="Look into a journal, check it, copy it, and move what it holds.", no_args_is_help=True
)


@journal.command()
def info(url: JournalOption, as_json: JsonOption = False) -> None:
    """Print what is in a journal, and when the ids of deleted histories are free again."""
    with answering(as_json=as_json), _opened(url) as opened:
        histories = list(opened.histories())
        retention = opened.retention
        if as_json:
            for stored in histories:
                free = None if stored.deleted_at is None else retention.free_at(stored.deleted_at)
                say(
                    {
                        "history": str(stored.id),
                        "chart": stored.chart,
                        "vid": str(stored.vid),
                        "events": stored.entries,
                        "hidden": _hidden(stored),
                        "bytes": stored.size,
                        "deleted_at": _time(stored.deleted_at),
                        "free_at": _time(free),
                        "trimmed_at": _time(stored.trimmed_at),
                    }
                )
            say({"journal": url, **_totals(histories)})
        elif histories:
            heads = ("history", "chart", "events", "bytes", "newest event", "")
            _print_table(heads, [_columns(stored, opened) for stored in histories])
        if not as_json:
            totals = _totals(histories)
            typer.echo(
                f"{totals['histories']} histories ({totals['deleted']} deleted),"
                f" {totals['events']} events, {totals['bytes']} bytes of events in {url}"
            )


@journal.command()
def verify(url: JournalOption, as_json: JsonOption = False) -> None:
    """Check every event of a journal against its checksum, its chain and its chart."""
    from pingregistrywf.runtime.verify import faults_of, notes_of

    with answering(as_json=as_json), _opened(url) as opened:
        declarations, now = _declarations(), opened.clock()
        histories = events = faults = notes = 0
        for scanned in opened.scan():
            if scanned.stored is not None:
                histories += 1
                events += len(scanned.entries)
            wrong = faults_of(scanned, declarations, opened.retention, now)
            unusual = notes_of(scanned)
            faults += len(wrong)
            notes += len(unusual)
            for finding in wrong + unusual:
                _print_finding(finding, as_json=as_json)
        if faults:
            remedy = "keep the file as it is, and restore a backup or export what is sound"
            fail(f"{_count(faults, 'fault')} in {url}: {remedy}", REFUSED, as_json=as_json)
        counts = {"histories": histories, "events": events, "faults": 0, "notes": notes}
        text = f"sound: {histories} histories, {events} events in {url}"
        _answer({"journal": url, **counts}, text, as_json=as_json)


@journal.command()
def backup(
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="The new file; it must not exist.")
    ],
    url: JournalOption,
    as_json: JsonOption = False,
) -> None:
    """Copy a journal to a new file while others write to it; the copy is verified."""
    from pingregistrywf.runtime.errors import UnsoundError
    from pingregistrywf.runtime.transfer import backup as copy

    with answering(as_json=as_json), _opened(url) as opened:
        try:
            copy(opened, destination, _declarations())
        except UnsoundError as error:
            _refuse_faults(error.faults, "no copy was kept", as_json=as_json)
        size = destination.stat().st_size
        text = f"{destination}: {size} bytes, verified, a copy of {url}"
        fields = {"journal": url, "backup": str(destination), "bytes": size}
        _answer(fields, text, as_json=as_json)


@journal.command()
def export(
    url: JournalOption,
    file: Annotated[str, typer.Argument(help="The new file; - is standard output.")] = STANDARD,
    history: Annotated[
        str | None,
        typer.Option(
            "--history", metavar="UUID", help="One history; all unless given.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the histories of a journal as JSON lines; those with faults are named and left out."""
    from pingregistrywf.runtime.errors import UnknownHistoryError
    from pingregistrywf.runtime.newfile import new_file
    from pingregistrywf.runtime.transfer import export as write

    as_json = as_json and file != STANDARD  # where nothing else may be among the exported lines
    with answering(as_json=as_json), _opened(url) as opened:
        one = None if history is None else uuid("--history", history)
        if one is not None and not list(opened.scan(one)):
            fail(str(UnknownHistoryError(one)), REFUSED, as_json=as_json)
        if file == STANDARD:
            written = write(opened, _declarations(), sys.stdout.buffer.write, history=one)
            sys.stdout.flush()
        else:
            with new_file(Path(file)) as path, path.open("xb") as text:
                written = write(opened, _declarations(), text.write, history=one)
        if written.faults:
            _refuse_faults(written.faults, "the rest was exported", as_json=as_json)
        if file != STANDARD:
            message = f"{file}: {written.histories} histories, {written.entries} events"
            counts = {"histories": written.histories, "events": written.entries}
            _answer({"journal": url, "export": file, **counts}, message, as_json=as_json)


@journal.command("import")
def import_(
    url: JournalOption,
    file: Annotated[str, typer.Argument(help="An export; - is standard input.")] = STANDARD,
    as_json: JsonOption = False,
) -> None:
    """Take in the histories of an export, all new to the journal, which is made if missing."""
    from pingregistrywf.runtime.errors import HistoryExistsError, UnsoundError
    from pingregistrywf.runtime.transfer import import_ as take_in
    from pingregistrywf.runtime.transfer import read_export

    with answering(as_json=as_json), _export(file) as text:
        try:
            sound = read_export(text, _declarations())
        except UnsoundError as error:
            _refuse_faults(error.faults, "nothing was imported", as_json=as_json)
        histories = 0
        with _opened(url, create=True) as opened:
            try:
                for stored in take_in(opened, sound):
                    histories += 1
                    fields = {"imported": str(stored.id), "chart": stored.chart}
                    events = _count(stored.entries, "event")
                    message = f"imported {stored.id}: {stored.chart}, {events}"
                    _answer({**fields, "events": stored.entries}, message, as_json=as_json)
            except HistoryExistsError as error:
                fail(f"{error}: {histories or 'nothing'} imported", REFUSED, as_json=as_json)
        message = f"{histories} histories imported into {url}"
        _answer({"journal": url, "histories": histories}, message, as_json=as_json)


def _answer(fields: dict[str, Any], text: str, *, as_json: bool, err: bool = False) -> None:
    """Print the fields as JSON, or the text."""
    if as_json:
        say(fields)
    else:
        typer.echo(text, err=err)


def _declarations() -> Mapping[str, Declaration]:
    from pingregistrywf._generated import ping_registry, ping_registry_index

    known = (ping_registry.DECLARATION, ping_registry_index.DECLARATION)
    return {each.name: each for each in known}


@contextmanager
def _opened(url: str, *, create: bool = False) -> Iterator[OperatorJournal]:
    if url.startswith("memory:"):
        raise CannotRunError("a journal in memory ends with its process: use --journal sqlite:PATH")
    with open_(url, create=create) as opened:
        yield opened


@contextmanager
def _export(file: str) -> Iterator[BinaryIO]:
    """An export that can be read twice."""
    if file != STANDARD and Path(file).is_file():
        with Path(file).open("rb") as text:
            yield text
        return
    with tempfile.TemporaryFile() as copy:
        if file == STANDARD:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        else:  # a pipe, or an error that says what it is
            with Path(file).open("rb") as text:
                shutil.copyfileobj(text, copy)
        copy.seek(0)
        yield copy


def _refuse_faults(faults: tuple[Fault, ...], outcome: str, *, as_json: bool) -> NoReturn:
    for fault in faults:
        _print_finding(fault, as_json=as_json, beside=True)
    fail(f"{_count(len(faults), 'fault')} found: {outcome}", REFUSED, as_json=as_json)


def _print_finding(finding: Finding, *, as_json: bool, beside: bool = False) -> None:
    kind = type(finding).__name__.lower()
    fields = {
        kind: finding.what,
        "history": None if finding.history is None else str(finding.history),
        "serial": finding.serial,
        "event": None if finding.id is None else str(finding.id),
    }
    text = f"note: {finding}" if kind == "note" else str(finding)
    _answer(fields, text, as_json=as_json, err=beside)


def _totals(histories: list[Stored]) -> dict[str, Any]:
    return {
        "histories": len(histories),
        "deleted": sum(stored.deleted_at is not None for stored in histories),
        "events": sum(stored.entries for stored in histories),
        "bytes": sum(stored.size for stored in histories),
    }


def _columns(stored: Stored, opened: OperatorJournal) -> tuple[str, ...]:
    remarks = []
    if stored.deleted_at is not None:
        free = _time(opened.retention.free_at(stored.deleted_at))
        remarks.append(f"deleted {_time(stored.deleted_at)}, id free from {free}")
    elif stored.trimmed_at is not None:
        remarks.append(f"trimmed {_time(stored.trimmed_at)}, {_hidden(stored)} hidden")
    newest = stored.vid.time.isoformat(timespec="seconds")
    row = (str(stored.id), stored.chart, str(stored.entries), str(stored.size), newest)
    return (*row, "; ".join(remarks))


def _hidden(stored: Stored) -> int:
    """How many of its events no reader sees any more, though they are still stored."""
    if stored.deleted_at is not None:
        return stored.entries
    return max(0, stored.start - stored.first)


def _print_table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, header_style="bold")
        for head in heads:
            table.add_column(head, justify="right" if head in ("events", "bytes") else "left")
        for row in rows:
            table.add_row(*row)
        Console(highlight=False).print(table)
        return
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
