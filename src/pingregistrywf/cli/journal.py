"""Commands for whoever operates a journal: look into it, check, copy, restore and move it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal, NoReturn, cast

import typer
from typer import Argument, Option

from pingregistrywf.cli import completion
from pingregistrywf.cli.common import (
    REFUSED,
    JournalOption,
    answer,
    answer_in_text,
    fail,
    json_wanted,
    opened_file,
    print_json,
    shown_url,
    with_json,
)
from pingregistrywf.cli.declarations import declarations
from pingregistrywf.cli.ids import history as history_id
from pingregistrywf.cli.listing import listed
from pingregistrywf.cli.program import App
from pingregistrywf.cli.progress import Advance, CountedReader, passes, progress, shows_progress
from pingregistrywf.cli.terminal import for_person, wrapped
from pingregistrywf.runtime.counts import counted

if TYPE_CHECKING:
    from uuid import UUID

    from pingregistrywf.runtime.errors import Fault, Finding
    from pingregistrywf.runtime.journal import OperatorJournal, Retention, Stored

ModelOption = Annotated[
    list[Path] | None,
    Option(
        "--model",
        metavar="FILE",
        help="Charts of your own: their files, or the directory of their generated packages.",
    ),
]
HISTORIES: Final = ("history", "histories")
"""What one history is called, and several."""
_TO_THE_MINUTE: Final = len("2026-11-29T03:24")
STANDARD: Final = "-"
"""The file name that stands for standard input or output."""

journal = App(
    help="Look into a journal, check it, copy and restore it, and move what it holds.",
    no_args_is_help=True,
)


@journal.command()
@with_json
def info(url: JournalOption, model: ModelOption = None) -> None:
    """Print what is in a journal, when the ids of deleted histories are free again, and its log.

    A history that is damaged has a row that says so.  The command then exits with 1.
    """
    from pingregistrywf.runtime.journal import Logged, ReadOnly
    from pingregistrywf.runtime.verify import unknown_charts

    known = declarations(model)
    with opened_file(url) as opened:
        found, damage = listed(opened)
        histories = [
            {
                **_fields(stored, opened.retention),
                "known": stored.chart in known,
                "error": damage.histories.get(stored.id),
            }
            for stored in found
        ]
        told = {stored.id for stored in found}
        histories += [
            {**dict.fromkeys(_FIELDS), "history": history, "error": what}
            for history, what in damage.histories.items()
            if history not in told
        ]
        if json_wanted():
            for fields in histories:
                print_json(fields)
        elif histories:
            _print_table([_row(fields) for fields in histories])
        totals = {
            "histories": len(histories),
            "deleted": sum(fields["deleted_at"] is not None for fields in histories),
            "events": sum(stored.entries for stored in found),
            "bytes": sum(stored.size for stored in found),
        }
        text = (
            f"{counted(totals['histories'], *HISTORIES)} ({totals['deleted']:,} deleted),"
            f" {counted(totals['events'], 'event')},"
            f" {counted(totals['bytes'], 'byte')} of events in {shown_url(url)}"
        )
        _print_unknown(unknown_charts(found, known))
        for fault in damage.beside:
            _print_finding(fault)
        read_only = opened.refusal.cause if isinstance(opened, ReadOnly) else None
        log = opened.log() if isinstance(opened, Logged) else None
        remarks = []
        if read_only is not None:
            remarks.append(f"for reading only: {read_only}\n")
        if log is not None and log.size:
            readers = f", read by {' and '.join(log.readers.values())}" if log.readers else ""
            remarks.append(f"log: {counted(log.size, 'byte')}{readers}\n")
        answer(
            {
                "journal": shown_url(url),
                **totals,
                "read_only": read_only,
                "log_bytes": log and log.size,
                "log_readers": log and list(log.readers),
            },
            "".join(remarks) + text,
        )
        if damage:
            remedy = (
                "see `pingregistrywf journal verify`, and restore a backup or export what is sound"
            )
            fail(f"the journal is damaged, and what is sound is listed: {remedy}", REFUSED)


@journal.command()
@with_json
def verify(url: JournalOption, model: ModelOption = None) -> None:
    """Check every event of a journal against its checksum, its chain and its chart."""
    from pingregistrywf.runtime.journal.counted_scan import counted_scan
    from pingregistrywf.runtime.verify import faults_of, notes_of, unknown_charts

    known = declarations(model)
    with opened_file(url) as opened:
        now, histories, damaged = opened.clock(), [], False
        counts = {"histories": 0, "events": 0, "faults": 0, "notes": 0}
        with progress("checking", _events(opened), "events") as advance:
            for scanned in counted_scan(opened, None, advance):
                if scanned.stored is not None:
                    histories.append(scanned.stored)
                    counts["histories"] += 1
                    counts["events"] += len(scanned.entries)
                faults = faults_of(scanned, known, opened.retention, now)
                notes = notes_of(scanned)
                counts["faults"] += len(faults)
                damaged = damaged or any(fault.written is None for fault in faults)
                counts["notes"] += len(notes)
                for finding in faults + notes:
                    _print_finding(finding)
        unknown = unknown_charts(histories, known)
        counts["notes"] += len(unknown)
        _print_unknown(unknown)
        if counts["faults"]:
            remedy = "nothing is damaged: compare the two versions with `pingregistrywf chart diff`"
            if damaged:
                remedy = "keep the file as it is, and restore a backup or export what is sound"
            fail(f"{counted(counts['faults'], 'fault')} in {shown_url(url)}: {remedy}", REFUSED)
        checked = (
            f"{counted(counts['histories'], *HISTORIES)}, {counted(counts['events'], 'event')}"
        )
        text = f"sound: {checked} in {shown_url(url)}"
        answer({"journal": shown_url(url), **counts}, text)


@journal.command()
@with_json
def backup(
    destination: Annotated[Path, Argument(metavar="DEST", help="The new file; it must not exist.")],
    url: JournalOption,
    model: ModelOption = None,
) -> None:
    """Copy a journal to a new file while others write to it; the copy is verified."""
    from pingregistrywf.runtime.errors import UnsoundError
    from pingregistrywf.runtime.transfer import backup as copy
    from pingregistrywf.runtime.verify import unknown_charts

    known = declarations(model)
    with opened_file(url) as opened:
        try:
            with passes(_events(opened), "events") as begin:
                copy(opened, destination, known, begin=begin)
        except UnsoundError as error:
            _refuse_faults(error.faults, "no copy was kept")
        _print_unknown(unknown_charts(opened.histories(), known), err=True)
        size = destination.stat().st_size
        text = f"{destination}: {counted(size, 'byte')}, verified, a copy of {shown_url(url)}"
        answer({"journal": shown_url(url), "backup": destination, "bytes": size}, text)


@journal.command()
@with_json
def restore(
    url: JournalOption,
    source: Annotated[
        Path | None,
        Argument(metavar="BACKUP", help="The backup; none to finish an interrupted restoration."),
    ] = None,
    model: ModelOption = None,
) -> None:
    """Put a backup, once verified, in the place of a journal that nobody uses; keep the old files.

    After an interruption the journal is the old one, the new one, or cannot be opened until this
    command is run again.
    """
    from pingregistrywf.runtime.errors import UnsoundError
    from pingregistrywf.runtime.restore import restore as replace

    try:
        with progress("checking and restoring,"):
            old = replace(source, url, declarations(model))
    except UnsoundError as error:
        _refuse_faults(error.faults, "nothing was restored")
    how = ", finishing what was interrupted" if source is None else f" from {source}, verified"
    kept = "there were no old files" if old is None else f"the old files are in {old}"
    answer(
        {"journal": shown_url(url), "restored": source, "old": old},
        f"restored {shown_url(url)}{how}; {kept}",
    )


@journal.command()
@with_json
def export(
    url: JournalOption,
    file: Annotated[
        str, Argument(metavar="FILE", help="The new file; - is standard output.")
    ] = STANDARD,
    history: Annotated[
        str | None,
        Option(
            metavar="ID",
            help="One history: its id, or a beginning that no other has; all unless given.",
            autocompletion=completion.histories,
        ),
    ] = None,
    model: ModelOption = None,
) -> None:
    """Write the histories of a journal as JSON lines; those with faults are named and left out."""
    from pingregistrywf.runtime.errors import UnknownHistoryError
    from pingregistrywf.runtime.newfile import new_file
    from pingregistrywf.runtime.transfer import export as write

    if file == STANDARD:
        answer_in_text()  # nothing else may be among the exported lines
    known = declarations(model)
    with opened_file(url) as opened:
        one = None if history is None else history_id(opened, history)
        if one is not None and not list(opened.scan(one)):
            fail(str(UnknownHistoryError(one)), REFUSED)
        if file == STANDARD:
            # Whoever reads the output may be slow, or stop, and must not keep the journal's log.
            with tempfile.TemporaryFile() as text:
                with _exporting(opened, one) as done:
                    written = write(opened, known, text.write, history=one, done=done)
                text.seek(0)
                shutil.copyfileobj(text, sys.stdout.buffer)
            sys.stdout.flush()
        else:
            with (
                new_file(Path(file)) as path,
                path.open("xb") as output,
                _exporting(opened, one) as done,
            ):
                written = write(opened, known, output.write, history=one, done=done)
        _print_unknown(written.unknown, err=True)
        if written.faults:
            _refuse_faults(written.faults, "the rest was exported")
        if file != STANDARD:
            events = counted(written.entries, "event")
            message = f"{file}: {counted(written.histories, *HISTORIES)}, {events}"
            counts = {"histories": written.histories, "events": written.entries}
            answer({"journal": shown_url(url), "export": file, **counts}, message)


@journal.command("import")
@with_json
def import_(
    url: JournalOption,
    file: Annotated[
        str, Argument(metavar="FILE", help="An export; - is standard input.")
    ] = STANDARD,
    model: ModelOption = None,
) -> None:
    """Import the histories of an export; the journal, made if missing, must have none of them."""
    from pingregistrywf.runtime.errors import HistoryExistsError, UnsoundError
    from pingregistrywf.runtime.transfer import import_ as take_in
    from pingregistrywf.runtime.transfer import read_export
    from pingregistrywf.runtime.verify import unknown_charts

    known = declarations(model)
    with (
        _export(file) as text,
        # It is read twice: first to check all of it, and then to take it in.
        progress("reading", 2 * os.fstat(text.fileno()).st_size, "bytes") as advance,
    ):
        try:
            sound = read_export(cast("BinaryIO", CountedReader(text, advance)), known)
        except UnsoundError as error:
            _refuse_faults(error.faults, "nothing was imported")
        histories: list[Stored] = []
        with opened_file(url, writes=True) as opened:
            try:
                for stored in take_in(opened, sound):
                    histories.append(stored)
                    events = counted(stored.entries, "event")
                    answer(
                        {"imported": stored.id, "chart": stored.chart, "events": stored.entries},
                        f"imported {stored.id}: {stored.chart}, {events}",
                    )
            except HistoryExistsError as error:
                fail(f"{error}: {len(histories) or 'nothing'} imported", REFUSED)
        _print_unknown(unknown_charts(histories, known), err=True)
        message = f"{counted(len(histories), *HISTORIES)} imported into {shown_url(url)}"
        answer({"journal": shown_url(url), "histories": len(histories)}, message)


def _print_unknown(unknown: Mapping[str, int], *, err: bool = False) -> None:
    """Name the charts that are not known, with the number of histories that follow each."""
    from pingregistrywf.runtime.errors import Note

    for chart, count in unknown.items():
        histories = "one history follows" if count == 1 else f"{count} histories follow"
        what = f"{histories} the chart {chart!r}, which is not known here"
        remedy = "name the chart with --model to check its events, too"
        _print_finding(Note(f"{what}: only bytes and chains are checked; {remedy}"), err=err)


def _events(journal: OperatorJournal, history: UUID | None = None) -> int | None:
    """Return how many events a journal holds, or one history of it, if somebody sees progress.

    None stands for a number that a damaged journal does not tell.
    """
    from pingregistrywf.runtime.errors import CorruptedDataError

    if not shows_progress():
        return 0
    with suppress(CorruptedDataError):
        found = journal.histories()
        return sum(stored.entries for stored in found if history in (None, stored.id))
    return None


def _exporting(journal: OperatorJournal, history: UUID | None) -> AbstractContextManager[Advance]:
    """Show how many events are exported."""
    return progress("exporting", _events(journal, history), "events")


@contextmanager
def _export(file: str) -> Iterator[BinaryIO]:
    """Open an export so that it can be read twice: standard input and pipes are copied."""
    with nullcontext(sys.stdin.buffer) if file == STANDARD else Path(file).open("rb") as text:
        if file != STANDARD and text.seekable():
            yield text
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(text, copy)
            copy.seek(0)
            yield copy


def _refuse_faults(faults: tuple[Fault, ...], outcome: str) -> NoReturn:
    for fault in faults:
        _print_finding(fault, err=True)
    fail(f"{counted(len(faults), 'fault')} found: {outcome}", REFUSED)


def _print_finding(finding: Finding, *, err: bool = False) -> None:
    kind = type(finding).__name__.lower()
    place = {"history": finding.history, "serial": finding.serial, "event": finding.id}
    text = f"note: {finding}" if kind == "note" else str(finding)
    answer({kind: finding.what, **place}, text, err=err)


_FIELDS: Final = (
    "history",
    "chart",
    "vid",
    "events",
    "hidden",
    "bytes",
    "deleted_at",
    "free_at",
    "trimmed_at",
    "known",
)
"""What a history is described by, as JSON."""


def _fields(stored: Stored, retention: Retention) -> dict[str, Any]:
    """Describe a history; events are hidden that no reader sees, though they are still stored."""
    deleted = stored.deleted_at is not None
    return {
        "history": stored.id,
        "chart": stored.chart,
        "vid": stored.vid,
        "events": stored.entries,
        "hidden": stored.entries if deleted else max(0, stored.start - stored.first),
        "bytes": stored.size,
        "deleted_at": _time(stored.deleted_at),
        "free_at": None
        if stored.deleted_at is None
        else _time(retention.free_at(stored.deleted_at)),
        "trimmed_at": _time(stored.trimmed_at),
    }


def _row(fields: dict[str, Any]) -> tuple[str, ...]:
    if fields["vid"] is None:
        return (str(fields["history"]), "", "", "", "", fields["error"])
    remark = ""
    if fields["error"]:
        remark = fields["error"]
    elif fields["deleted_at"]:
        remark = f"deleted {fields['deleted_at']}, id free from {fields['free_at']}"
    elif fields["trimmed_at"]:
        remark = f"trimmed {fields['trimmed_at']}, {fields['hidden']:,} hidden"
    newest = fields["vid"].time.isoformat(timespec="seconds")
    shown = (*(fields[name] for name in ("history", "chart", "events", "bytes")), newest, remark)
    return tuple(map(str, shown))


def _print_table(rows: list[tuple[str, ...]]) -> None:
    heads = ("history", "chart", "events", "bytes", "newest event", "")
    if for_person():
        _show_table(heads, rows)
        return
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def _show_table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Show the table on a terminal: nothing is cut, and what is remarked stands below it."""
    from rich.console import Console
    from rich.table import Table

    from pingregistrywf.coordination.overview import WITH_IDS, beginnings

    console = Console(highlight=False)
    ids = [row[0] for row in rows]
    narrow = console.width < WITH_IDS
    if narrow:
        ids = beginnings(ids)
    table = Table(
        box=None, header_style="bold", pad_edge=False, padding=(0, 1 if narrow else 2, 0, 0)
    )
    *shown, _ = heads
    for head in shown:
        justify: Literal["right", "left"] = "right" if head in ("events", "bytes") else "left"
        table.add_column(head, justify=justify, no_wrap=head != "chart", overflow="fold")
    for name, (_, chart, *counts, newest, _) in zip(ids, rows, strict=True):
        events, size = (f"{int(each):,}" if each else "" for each in counts)
        table.add_row(name, chart, events, size, newest[:_TO_THE_MINUTE] if narrow else newest)
    console.print(table)
    for name, (*_, remark) in zip(ids, rows, strict=True):
        if remark:
            typer.echo(wrapped(f"{name}: {remark}"))


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
