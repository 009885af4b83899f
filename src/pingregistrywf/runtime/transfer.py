"""Histories out of a journal and into another: a backup file, and JSON lines.

Nothing is overwritten, and nothing unsound is kept: a copy is verified before it gets its name, and
an import before its first history is written.  Histories of unknown charts are copied as they are.

An *export* is a text, one JSON object a line:

- ``{"format": "journal-histories", "version": 2}``, and the journal's id as ``journal``;
- each history: ``history`` (its id), ``chart``, ``vid``, the serials ``first``, ``start``,
  ``restart`` and ``end``, the times ``deleted_at`` and ``trimmed_at``, and ``trims``, as ``Stored``
  has them; and ``charts``, those that its entries were written under: the ``name``, ``version`` and
  ``sha256`` of each, and the serial ``from`` which on it holds;
- after it its entries, from ``first`` to ``end``: ``serial``, ``id``, ``parent``, ``data`` (base
  64) and ``position``; and for people, never read again, ``time`` and, if the chart is known,
  ``event`` and ``fields``;
- at last ``histories`` and ``entries``, how many there were, and ``sha256`` of all bytes before, so
  that a lost end or a changed letter is noticed.

Version 1, which has no ``journal``, no ``charts`` and no ``position``, is read as well.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, TypeAlias, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
)

from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.errors import (
    DBError,
    Fault,
    HistoryExistsError,
    MalformedExportError,
    UnsoundError,
)
from pingregistrywf.runtime.ids import Clock, Ulid
from pingregistrywf.runtime.journal import open_journal
from pingregistrywf.runtime.journal.backup_file import write_backup
from pingregistrywf.runtime.journal.counted_scan import counted_scan
from pingregistrywf.runtime.journal.history import ChartIdentity, Entry
from pingregistrywf.runtime.journal.inspection import Scanned, Stored, Trim, Written
from pingregistrywf.runtime.journal.protocol import OperatorJournal, ScansAhead
from pingregistrywf.runtime.journal.retention import Retention
from pingregistrywf.runtime.newfile import new_file
from pingregistrywf.runtime.render import event_json
from pingregistrywf.runtime.values import problems
from pingregistrywf.runtime.verify import Declarations, faults_of, unknown_charts
from pingregistrywf.runtime.wire import codec_of

FORMAT: Final = "journal-histories"
VERSION: Final = 2
Done: TypeAlias = Callable[[float], object]


def _ignore(_entries: float) -> None:
    """Do nothing: nobody sees how far it is."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds.

    Attributes:
        histories: how many histories.
        entries: how many entries they have.
        faults: what is wrong with the histories that were left out.
        unknown: the unknown charts of its histories, each with the number of these.
    """

    histories: int
    entries: int
    faults: tuple[Fault, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)


def backup(
    journal: OperatorJournal,
    destination: Path,
    declarations: Declarations,
    *,
    begin: Callable[[str], Done] = lambda _pass: _ignore,
) -> None:
    """Copy a journal to a new file while others write to it; verify the copy, then put it in place.

    Args:
        begin: is called with the name of each pass over the journal's entries, and returns what is
            called with how many more of them are done in this pass.

    Raises:
        UnsoundError: the copy has faults, and was removed.
        FileExistsError: there is such a file, or a log that SQLite left beside one.
        OSError, DBError: it cannot be written.
    """
    with new_file(destination) as path:
        for suffix in ("-wal", "-journal"):  # which SQLite would take for the copy's own
            left = destination.with_name(destination.name + suffix)
            if left.exists():
                raise FileExistsError(f"{str(left)!r} is left of another journal: move it away")
        copied = begin("copying")
        ahead = isinstance(journal, ScansAhead)
        url = write_backup(journal, path, done=copied) if ahead else journal.backup(path)
        checked = begin("checking")
        with open_journal(
            url, create=False, clock=journal.clock, retention=journal.retention
        ) as copy:
            faults: list[Fault] = []
            now = copy.clock()
            for scanned in counted_scan(copy, None, checked):
                faults += faults_of(scanned, declarations, copy.retention, now)
            if faults:
                raise UnsoundError(tuple(faults))


def export(
    journal: OperatorJournal,
    declarations: Declarations,
    write: Callable[[bytes], object],
    *,
    history: UUID | None = None,
    done: Done = _ignore,
) -> Exported:
    """Write a journal's sound histories, or only one of them, a line at a time.

    Args:
        journal: the journal.
        declarations: what histories must follow.
        write: writes a line.
        history: the only history.
        done: is called now and then with how many more entries are done; see ``counted_scan``.

    Raises:
        DBError: the database failed.
    """
    digest = sha256()

    def put(value: dict[str, Any]) -> None:
        line = json.dumps(value).encode() + b"\n"
        digest.update(line)
        write(line)

    put({"format": FORMAT, "version": VERSION, "journal": str(journal.id)})
    histories: list[Stored] = []
    faults: list[Fault] = []
    now = journal.clock()
    for scanned in counted_scan(journal, history, done):
        found = faults_of(scanned, declarations, journal.retention, now)
        if found or scanned.stored is None:
            faults += found
            continue
        put(_history_line(scanned.stored, scanned.written))
        declaration = declarations.get(scanned.stored.chart)
        for (serial, entry), written in zip(scanned.entries, scanned.written, strict=True):
            put(_entry_line(serial, entry, written.position, declaration))
        histories.append(scanned.stored)
    entries = sum(each.entries for each in histories)
    put({"histories": len(histories), "entries": entries, "sha256": digest.hexdigest()})
    unknown = unknown_charts(histories, declarations)
    return Exported(len(histories), entries, tuple(faults), unknown)


@dataclass(frozen=True, slots=True)
class Export:
    """An export that ``read_export`` found sound; it begins at position ``begin`` of the file."""

    file: BinaryIO
    begin: int
    histories: tuple[UUID, ...]


def read_export(
    file: BinaryIO,
    declarations: Declarations,
    *,
    clock: Clock = time.time,
) -> Export:
    """Read the whole of an export, from where a seekable file stands, and verify it.

    Raises:
        MalformedExportError: it is no export, or not all of one.
        UnsoundError: it has faults.
    """
    begin, now = file.tell(), clock()
    histories: list[UUID] = []
    faults: list[Fault] = []
    for stored, entries, charts in _read(file):
        histories.append(stored.id)
        written = tuple(Written(0, chart) for chart in charts)
        scanned = Scanned(stored, tuple(enumerate(entries, stored.first)), written)
        faults += faults_of(scanned, declarations, Retention(), now)
    if faults:
        raise UnsoundError(tuple(faults))
    return Export(file, begin, tuple(histories))


def import_(journal: OperatorJournal, export: Export) -> Iterator[Stored]:
    """Take in the histories of an export, each wholly or not at all; give each once it is durable.

    Raises:
        HistoryExistsError: the journal has one of them; nothing was written, unless another process
            wrote that one meanwhile.
        CorruptedDataError, DBError: the database failed.
    """
    for history in export.histories:
        if list(journal.scan(history)):
            raise HistoryExistsError(history)
    export.file.seek(export.begin)
    for stored, entries, charts in _read(export.file):
        journal.adopt(stored, entries, charts)
        yield stored


# --- Lines ---------------------------------------------------------------------------------------


def _history_line(stored: Stored, written: Sequence[Written]) -> dict[str, Any]:
    return {
        "history": str(stored.id),
        "chart": stored.chart,
        "vid": str(stored.vid),
        **{name: getattr(stored, name) for name in ("first", "start", "restart", "end")},
        "deleted_at": _time_text(stored.deleted_at),
        "trimmed_at": _time_text(stored.trimmed_at),
        "trims": [{"at": _time_text(trim.at), "start": trim.start} for trim in stored.trims],
        "charts": [
            {"from": serial, "name": one.name, "version": one.version, "sha256": one.sha256}
            for serial, one in _runs(stored.first, [each.chart for each in written])
        ],
    }


def _runs(first: int, charts: Sequence[ChartIdentity]) -> Iterator[tuple[int, ChartIdentity]]:
    """Each chart that differs from the one before it, with its serial."""
    before = None
    for serial, chart in enumerate(charts, first):
        if chart != before:
            yield serial, chart
        before = chart


def _entry_line(
    serial: int, entry: Entry, position: int, declaration: Declaration | None
) -> dict[str, Any]:
    shown = {"id": str(entry.id), "parent": str(entry.parent)}
    if declaration is not None:
        shown = event_json(declaration, codec_of(declaration).decode(entry.data))
    return {
        "serial": serial,
        **shown,
        "time": entry.id.time.isoformat(timespec="milliseconds"),
        "data": b64encode(entry.data).decode(),
        "position": position,
    }


def _time_text(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError) as error:
        raise DBError("writing the time of a deletion or trim", error) from None


class _Line(BaseModel):
    """A part of a line, whose values are never converted; what it does not name is for people."""

    model_config = ConfigDict(strict=True, frozen=True, defer_build=True)


_Id: TypeAlias = Annotated[Ulid, PlainValidator(Ulid.parse)]
_Serial: TypeAlias = Annotated[int, Field(ge=0, lt=1 << 63)]
_Seconds: TypeAlias = Annotated[AwareDatetime, AfterValidator(datetime.timestamp)]


class _TrimLine(_Line):
    at: _Seconds
    start: _Serial


class _ChartLine(_Line):
    serial: _Serial = Field(alias="from")
    name: str
    version: str
    sha256: str


class _HistoryLine(_Line):
    id: UUID = Field(alias="history")
    chart: str
    vid: _Id
    first: _Serial
    start: _Serial
    restart: _Serial
    end: _Serial
    deleted_at: _Seconds | None
    trimmed_at: _Seconds | None
    trims: tuple[_TrimLine, ...]


class _ChartsLine(_Line):
    charts: tuple[_ChartLine, ...]

    def cover(self, stored: Stored) -> bool:
        """Whether each entry of a history has one of the charts, and each chart an entry."""
        serials = [*(each.serial for each in self.charts), stored.end]
        return serials[0] == stored.first and all(one < other for one, other in pairwise(serials))

    def identities(self, stored: Stored) -> list[ChartIdentity]:
        """The chart of each entry of a history that they cover."""
        ends = [*(each.serial for each in self.charts[1:]), stored.end]
        return [
            ChartIdentity(each.name, each.version, each.sha256)
            for each, end in zip(self.charts, ends, strict=False)
            for _ in range(each.serial, end)
        ]


class _EntryLine(_Line):
    id: _Id
    parent: _Id
    data: Annotated[bytes, AfterValidator(partial(b64decode, validate=True))]


def _read(file: BinaryIO) -> Iterator[tuple[Stored, list[Entry], list[ChartIdentity]]]:
    """The histories of an export; each is complete, and only the last line proves them all.

    Raises:
        MalformedExportError: it is no export, or not all of one.
    """
    lines = _Lines(file)
    header = lines.next()
    if header.get("format") != FORMAT:
        raise lines.malformed(f"it is no export: such a text begins with the format {FORMAT!r}")
    version = header.get("version")
    if version is True or version not in (1, VERSION):
        raise lines.malformed(
            f"it is an export of version {version!r}; this program knows 1 to {VERSION}"
        )
    histories: set[UUID] = set()
    entries = 0
    while True:
        digest = lines.digest.hexdigest()
        value = lines.next()
        if "history" not in value:
            break
        line = lines.parse(_HistoryLine)
        stored = Stored(**line | {"trims": tuple(Trim(**dict(each)) for each in line["trims"])})
        if stored.first > stored.end:
            raise lines.malformed("its first entry lies behind its end")
        if stored.id in histories:
            raise lines.malformed("the history is there twice")
        histories.add(stored.id)
        charts = lines.read(_ChartsLine) if version == VERSION else None
        if charts is not None and not charts.cover(stored):
            raise lines.malformed("its charts do not cover its entries")
        # The entries first: a changed line may say that there are more of them than fit in memory.
        read = [lines.entry(each) for each in range(stored.first, stored.end)]
        unrecorded = [ChartIdentity(stored.chart)] * len(read)
        yield stored, read, charts.identities(stored) if charts else unrecorded
        entries += stored.entries
    if value != {"histories": len(histories), "entries": entries, "sha256": digest}:
        raise lines.malformed("what it counts is not what was read: the export was changed")
    if file.readline():
        raise MalformedExportError(lines.number + 1, "it follows the last line of an export")


_Part = TypeVar("_Part", bound=_Line)


class _Lines:
    """Reads one line after another, and knows where it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._line = b""
        self.number = 0
        self.digest = sha256()

    def malformed(self, reason: str) -> MalformedExportError:
        return MalformedExportError(self.number, reason)

    def next(self) -> dict[str, Any]:
        self._line = self._file.readline()
        self.number += 1
        if not self._line.endswith(b"\n"):
            raise self.malformed("the export ends here, but is not complete")
        self.digest.update(self._line)
        try:
            value = json.loads(self._line)
        except (ValueError, RecursionError):
            raise self.malformed("it is not JSON") from None
        if not isinstance(value, dict):
            raise self.malformed("it is not a JSON object")
        return value

    def parse(self, kind: type[_Line]) -> dict[str, Any]:
        return dict(self.read(kind))

    def read(self, kind: type[_Part]) -> _Part:
        try:
            return kind.model_validate_json(self._line)
        except ValidationError as error:
            raise self.malformed(problems(error)) from None

    def entry(self, serial: int) -> Entry:
        if self.next().get("serial") != serial:
            raise self.malformed(f"entry {serial} must be here, and is not")
        return Entry(**self.parse(_EntryLine))
