"""Copies and exports: whole, verified, never over anything, and the same on the other side."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import CmdInit, HistoryDeletedError, JournalError, Workflows, open_journal
from pingregistrywf.runtime.errors import (
    HistoryExistsError,
    MalformedExportError,
    UnsoundError,
)
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.newfile import new_file
from pingregistrywf.runtime.transfer import backup, export, import_, read_export
from pingregistrywf.runtime.verify import verify
from pingregistrywf.testing.journal import TurnedClock

from .stocked import DECLARATIONS, Stock, portable, row_of, rows_of, stock

WRITER = Path(__file__).with_name("writer.py")
DAY = 86_400


def exported(journal: Journal, history: UUID | None = None) -> bytes:
    lines: list[bytes] = []
    written = export(journal, DECLARATIONS, lines.append, history=history)
    assert written.faults == ()
    return b"".join(lines)


def imported(journal: Journal, text: bytes) -> list[UUID]:
    sound = read_export(io.BytesIO(text), DECLARATIONS, clock=journal.clock)
    return [each.id for each in import_(journal, sound)]


@pytest.fixture
def stocked(journal: Journal, clock: TurnedClock) -> Stock:
    return stock(journal, lambda days: clock.turn(days=days))


@pytest.fixture(params=["memory", "sqlite"])
def other(request: pytest.FixtureRequest, tmp_path: Path, clock: TurnedClock) -> Iterator[Journal]:
    """Another journal, of the same or of another kind."""
    url = "memory:" if request.param == "memory" else f"sqlite:{tmp_path / 'other.db'}"
    with open_journal(url, clock=clock) as other:
        yield other


@pytest.fixture(scope="module")
def pinged() -> bytes:
    """The export of one history; a round trip shows that it is the same from any journal."""
    clock = TurnedClock()
    with open_journal("memory:", clock=clock) as journal:
        stocked = stock(journal, lambda days: clock.turn(days=days))
        return exported(journal, stocked["pinged"])


# --- Export and import ---------------------------------------------------------------------------


def test_a_round_trip(journal: Journal, stocked: Stock, other: Journal, clock: TurnedClock) -> None:
    text = exported(journal)
    assert set(imported(other, text)) == set(stocked.ids.values())
    assert list(other.scan()) == list(journal.scan())
    assert portable(exported(other)) == portable(text)
    assert list(verify(other, DECLARATIONS)) == []
    with pytest.raises(JournalError) as caught:
        Workflows(other).init(stocked["deleted"], CmdInit(registry_id=uuid4()))
    assert caught.value.err == HistoryDeletedError(stocked["deleted"])
    for days in (0, 1, 14, 16, 31, 400):
        assert other.collect(clock.now + days * DAY) == journal.collect(clock.now + days * DAY)


def test_amid_garbage_collection(
    journal: Journal, stocked: Stock, other: Journal, clock: TurnedClock
) -> None:
    clock.turn(days=16)
    journal.collect()
    imported(other, exported(journal))
    assert list(other.scan()) == list(journal.scan())


def test_one_history(journal: Journal, stocked: Stock, other: Journal) -> None:
    assert imported(other, exported(journal, stocked["trimmed"])) == [stocked["trimmed"]]
    assert list(other.scan()) == list(journal.scan(stocked["trimmed"]))
    assert imported(other, exported(journal, stocked["pinged"])) == [stocked["pinged"]]
    assert imported(other, exported(journal, uuid4())) == []


def test_people_can_read_it(journal: Journal, stocked: Stock) -> None:
    lines = [json.loads(line) for line in exported(journal, stocked["pinged"]).splitlines()]
    assert lines[1]["history"] == str(stocked["pinged"])
    assert lines[3]["event"] == "ServerPinged"
    assert lines[3]["fields"] == {"status_code": 0, "status_message": "pinged ping 0"}
    assert lines[3]["time"].startswith("2023-12-")


def test_what_exists_is_not_overwritten(journal: Journal, stocked: Stock, other: Journal) -> None:
    text = exported(journal)
    for name in ("trimmed", "deleted", "emptied", "begun"):
        only = exported(journal, stocked[name])
        imported(other, only)
        before = list(other.scan())
        for again in (only, text):
            with pytest.raises(HistoryExistsError):
                imported(other, again)
            assert list(other.scan()) == before


def test_one_that_appears_meanwhile(journal: Journal, stocked: Stock, other: Journal) -> None:
    """Those before it were named as imported, and are."""
    steps = import_(other, read_export(io.BytesIO(exported(journal)), DECLARATIONS))
    first = next(steps)
    *_, last = journal.scan()
    assert last.stored is not None
    charts = [each.chart for each in last.written]
    other.adopt(last.stored, [entry for _, entry in last.entries], charts)
    named = [first.id]
    with pytest.raises(HistoryExistsError) as caught:
        named += (each.id for each in steps)
    assert caught.value.id == last.stored.id
    assert {each.id for each in other.histories()} >= {first.id, last.stored.id}
    assert list(verify(other, DECLARATIONS)) == []


def resealed(lines: list[dict[str, Any]]) -> bytes:
    """An export whose last line is right again."""
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines[:-1])
    last = {**lines[-1], "sha256": sha256(text).hexdigest()}
    return text + json.dumps(last).encode() + b"\n"


def changed(text: bytes, change: Callable[[list[dict[str, Any]]], object]) -> bytes:
    lines = [json.loads(line) for line in text.splitlines()]
    change(lines)
    return resealed(lines)


def flipped(data: str) -> str:
    raw = bytearray(base64.b64decode(data))
    raw[-1] ^= 1
    return base64.b64encode(raw).decode()


UNSOUND: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "a wrong parent": lambda lines: lines[4].update(parent=lines[2]["id"]),
    "an order that the chart does not allow": lambda lines: lines[2].update(data=lines[3]["data"]),
    "a wrong parent in a history of an unknown chart": lambda lines: [
        lines[1].update(chart="nobody"),
        lines[4].update(parent=lines[2]["id"]),
    ],
    "a wrong head": lambda lines: lines[1].update(vid=lines[2]["id"]),
    "a start that no trim made": lambda lines: lines[1].update(start=1, restart=1),
    "an event that is none": lambda lines: lines[3].update(data="AAAA"),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_export_is_refused(pinged: bytes, other: Journal, name: str) -> None:
    text = changed(pinged, UNSOUND[name])
    with pytest.raises(UnsoundError) as caught:
        imported(other, text)
    history = UUID(json.loads(pinged.splitlines()[1])["history"])
    assert {fault.history for fault in caught.value.faults} == {history}
    assert list(other.scan()) == []


MALFORMED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda text: b"", "line 1 of the export: the export ends here"),
    "something else": (lambda text: b"hello\n", "line 1 of the export: it is not JSON"),
    "a list": (lambda text: b"[]\n", "not a JSON object"),
    "deep JSON": (lambda text: b"[" * 100_000 + b"\n", "line 1 of the export"),
    "other lines": (lambda text: b'{"history": 1}\n', "begins with the format"),
    "a newer version": (
        lambda text: text.replace(b'"version": 2', b'"version": 3', 1),
        "version 3; this program knows 1 to 2",
    ),
    "a lost line": (
        lambda text: text.replace(text.splitlines(keepends=True)[4], b"", 1),
        "line 5 of the export: entry 2 must be here",
    ),
    "a lost end": (lambda text: text[:-100], "not complete"),
    "a lost last line": (
        lambda text: b"".join(text.splitlines(keepends=True)[:-1]),
        "line 9 of the export: the export ends here",
    ),
    "an end that no memory holds": (
        lambda text: changed(text, lambda lines: lines[1].update(end=1 << 62)),
        "must be here",
    ),
    "an end that no memory holds, in version 1": (
        lambda text: changed(
            text, lambda lines: [lines[0].update(version=1), lines[1].update(end=1 << 62)]
        ),
        "must be here",
    ),
    "more than the end": (lambda text: text + b"{}\n", "line 10 of the export: it follows"),
    "a changed letter": (
        lambda text: text.replace(b"ping 0", b"ping 9", 1),
        "the export was changed",
    ),
    "the same history twice": (
        lambda text: changed(text, lambda lines: lines.__setitem__(slice(8, 8), lines[1:8])),
        "line 9 of the export: the history is there twice",
    ),
}

WRONG = [
    (1, "history", "zero"),
    (1, "history", 1),
    (1, "vid", "zero"),
    (1, "vid", None),
    (1, "chart", 1),
    (1, "first", -1),
    (1, "first", 99),
    (1, "end", True),
    (1, "end", 1 << 63),
    (1, "end", "5"),
    (1, "deleted_at", "yesterday"),
    (1, "deleted_at", "2026-01-01T00:00:00"),
    (1, "deleted_at", 5),
    (1, "trims", 5),
    (1, "trims", [{}]),
    (1, "trims", [{"at": None, "start": 1}]),
    (2, "serial", 1),
    (2, "id", "ZZZZ"),
    (2, "data", "*"),
    (2, "data", 5),
]


def refused_as_malformed(other: Journal, text: bytes, reason: str) -> None:
    with pytest.raises(MalformedExportError) as caught:
        imported(other, text)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(other.scan()) == []


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_export_is_refused(pinged: bytes, other: Journal, name: str) -> None:
    change, reason = MALFORMED[name]
    refused_as_malformed(other, change(pinged), reason)


@pytest.mark.parametrize(("line", "name", "value"), WRONG)
def test_a_wrong_value_is_refused_with_its_line(line: int, name: str, value: object) -> None:
    journal = open_journal("memory:")
    workflows, history = Workflows(journal), uuid4()
    workflows.init(history, CmdInit(registry_id=uuid4()))

    def wrong(lines: list[dict[str, Any]]) -> None:
        lines[line][name] = value

    def lacking(lines: list[dict[str, Any]]) -> None:
        del lines[line][name]

    text = exported(journal)
    for change in (wrong, lacking):
        reason = f"line {line + 1} of the export" if name != "history" else "of the export"
        refused_as_malformed(open_journal("memory:"), changed(text, change), reason)


def test_a_damaged_history_is_left_out_and_named(
    tmp_path: Path, clock: TurnedClock, other: Journal
) -> None:
    path = tmp_path / "pings.db"
    with open_journal(f"sqlite:{path}", clock=clock) as journal:
        stocked = stock(journal, lambda days: clock.turn(days=days))
    with rows_of(path) as connection:
        key = row_of(connection, stocked["pinged"]).key
        connection.execute("DELETE FROM event WHERE history = ? AND serial = 2", (key,))
        connection.execute(
            "UPDATE chain SET checksum = zeroblob(16) WHERE id = ?", (stocked["begun"].bytes,)
        )
    with open_journal(f"sqlite:{path}", clock=clock) as journal:
        lines: list[bytes] = []
        written = export(journal, DECLARATIONS, lines.append)
    assert {fault.history for fault in written.faults} == {stocked["pinged"], stocked["begun"]}
    assert written.histories == len(stocked.ids) - 2
    damaged = {stocked["pinged"], stocked["begun"]}
    assert set(imported(other, b"".join(lines))) == set(stocked.ids.values()) - damaged


# --- Backup --------------------------------------------------------------------------------------


def test_a_backup(journal: Journal, stocked: Stock, tmp_path: Path, clock: TurnedClock) -> None:
    place = tmp_path / "backups"
    place.mkdir()
    backup(journal, place / "pings.db", DECLARATIONS)
    assert [each.name for each in place.iterdir()] == ["pings.db"]
    with open_journal(f"sqlite:{place / 'pings.db'}", create=False, clock=clock) as copy:
        assert list(copy.scan()) == list(journal.scan())
        Workflows(copy).find_id(stocked["pinged"])


def test_a_backup_keeps_the_permissions(tmp_path: Path) -> None:
    path, copy = tmp_path / "pings.db", tmp_path / "copy.db"
    with open_journal(f"sqlite:{path}") as journal:
        path.chmod(0o640)
        backup(journal, copy, DECLARATIONS)
    assert copy.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["copy.db", "copy.db-wal", "copy.db-journal"])
def test_a_backup_overwrites_nothing(
    journal: Journal, stocked: Stock, tmp_path: Path, name: str
) -> None:
    place = tmp_path / "backups"
    place.mkdir()
    (place / name).write_text("precious")
    with pytest.raises(FileExistsError, match=name):
        backup(journal, place / "copy.db", DECLARATIONS)
    assert [each.name for each in place.iterdir()] == [name]
    assert (place / name).read_text() == "precious"


def test_an_unsound_copy_is_not_kept(tmp_path: Path, clock: TurnedClock) -> None:
    path, place = tmp_path / "pings.db", tmp_path / "backups"
    place.mkdir()
    with open_journal(f"sqlite:{path}", clock=clock) as journal:
        stocked = stock(journal, lambda days: clock.turn(days=days))
        with rows_of(path) as connection:
            key = row_of(connection, stocked["index"]).key
            connection.execute("DELETE FROM event WHERE history = ? AND serial = 2", (key,))
        with pytest.raises(UnsoundError) as caught:
            backup(journal, place / "copy.db", DECLARATIONS)
    assert {fault.history for fault in caught.value.faults} == {stocked["index"]}
    assert list(place.iterdir()) == []


def test_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    destination = tmp_path / "new"

    def race() -> None:
        with new_file(destination) as path:
            path.write_text("mine")
            destination.write_text("theirs")

    with pytest.raises(FileExistsError):
        race()
    assert destination.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [destination]


def test_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    with new_file(tmp_path / "new") as path:
        path.write_text("mine")
    assert (tmp_path / "new").read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["new"]


class Writer:
    """A running ``writer.py``, and what it had acknowledged."""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, WRITER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.acknowledged: list[tuple[UUID, str]] = []

    def hear(self, count: int) -> None:
        """Wait for that many acknowledgements more."""
        assert self.process.stdout is not None
        for _ in range(count):
            history, vid = self.process.stdout.readline().split()
            self.acknowledged.append((UUID(history), vid))

    def stop(self) -> None:
        """Let it end what it is doing, and hear the rest."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        for line in self.process.stdout:
            history, vid = line.split()
            self.acknowledged.append((UUID(history), vid))
        self.process.stdout.close()
        assert self.process.wait(timeout=120) == 0


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.xdist_group("timing")
def test_a_backup_under_eight_writing_processes(tmp_path: Path) -> None:
    """It is a state that existed: of each history a beginning, with all that was acknowledged."""
    url, copies = f"sqlite:{tmp_path / 'pings.db'}", [tmp_path / f"copy-{n}.db" for n in range(3)]
    open_journal(url).close()
    writers = [Writer(url) for _ in range(8)]
    befores: list[list[tuple[UUID, str]]] = []
    with open_journal(url) as journal:
        for copy in copies:
            for writer in writers:
                writer.hear(20)
            befores.append([each for writer in writers for each in writer.acknowledged])
            backup(journal, copy, DECLARATIONS)
        for writer in writers:
            assert writer.process.poll() is None  # they were writing all the while
        for writer in writers:
            writer.stop()
        assert list(verify(journal, DECLARATIONS)) == []
        final = {each.stored.id: each for each in journal.scan() if each.stored}
    acknowledged = [each for writer in writers for each in writer.acknowledged]
    sizes = []
    for copy, before in zip(copies, befores, strict=True):
        with open_journal(f"sqlite:{copy}", create=False) as restored:
            assert list(verify(restored, DECLARATIONS)) == []
            found = {each.stored.id: each for each in restored.scan() if each.stored}
        for history, each in found.items():
            assert each.entries == final[history].entries[: len(each.entries)]
        kept = {
            (history, str(entry.id)) for history, each in found.items() for _, entry in each.entries
        }
        assert set(before) <= kept
        # Across histories, too: each writer writes to its own and then to the shared one in turn.
        for writer in writers:
            present = [each in kept for each in writer.acknowledged]
            assert present == sorted(present, reverse=True)
        sizes.append(len(kept))
    assert sizes == sorted(sizes)
    assert sizes[-1] < len(acknowledged)
