"""A check of a journal finds every fault, names its place, and says nothing of a sound one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pingregistrywf import (
    EPOCH,
    NO_VC,
    CmdInit,
    DBError,
    JournalOpenError,
    PingRegistryCompleted,
    PingRegistryStarted,
    ServerPinged,
    Ulid,
    UlidSource,
    WorkflowError,
    WorkflowIndexes,
    Workflows,
    open_journal,
)
from pingregistrywf import Event as WorkflowEvent
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf.runtime.errors import Fault, Note
from pingregistrywf.runtime.journal import (
    NO_HEAD,
    ChartIdentity,
    Entry,
    Journal,
    Retention,
    Scanned,
    Stored,
    Trim,
    Written,
)
from pingregistrywf.runtime.journal.sqlite import ledger, records
from pingregistrywf.runtime.values import Event
from pingregistrywf.runtime.verify import faults_of, notes_of, unknown_charts, verify
from pingregistrywf.testing.journal import TurnedClock

from .stocked import DECLARATIONS, Stock, digest, entries_of, rewrite, row_of, rows_of, stock


@dataclass
class Stocked:
    """A journal file with histories of every kind."""

    path: Path
    stock: Stock
    now: float

    @property
    def url(self) -> str:
        return f"sqlite:{self.path}"

    def open(self) -> Journal:
        return open_journal(self.url, create=False, clock=lambda: self.now)

    def faults(self) -> list[Fault]:
        with self.open() as journal:
            return list(verify(journal, DECLARATIONS))

    def entries(self, name: str) -> list[Entry]:
        with rows_of(self.path) as connection:
            return entries_of(connection, row_of(connection, self.stock[name]).key)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    path, clock = tmp_path_factory.mktemp("stocked") / "pings.db", TurnedClock()
    with open_journal(f"sqlite:{path}", clock=clock) as journal:
        stocked = stock(journal, lambda days: clock.turn(days=days))
    return Stocked(path, stocked, clock.now)


@pytest.fixture
def stocked(original: Stocked, tmp_path: Path) -> Stocked:
    return replace(original, path=Path(shutil.copy(original.path, tmp_path / "pings.db")))


# --- Sound ---------------------------------------------------------------------------------------


def test_a_sound_journal(stocked: Stocked) -> None:
    before = digest(stocked.path)
    assert stocked.faults() == []
    assert digest(stocked.path) == before
    with stocked.open() as journal:
        kinds = {
            (each.chart, each.deleted_at is None, each.first > 0, each.start > 0, bool(each.trims))
            for each in journal.histories()
        }
    assert len(kinds) == 5  # the stock has histories of every kind


@pytest.mark.parametrize("days", [1, 14, 16, 29, 31, 59, 61, 400])
def test_sound_on_every_day_of_garbage_collection(stocked: Stocked, days: int) -> None:
    stocked.now += days * 86_400
    assert stocked.faults() == []
    with stocked.open() as journal:
        journal.collect()
    assert stocked.faults() == []


def test_sound_amid_garbage_collection(stocked: Stocked) -> None:
    """Interrupted between two of its turns, it has removed any number of the oldest entries."""
    with rows_of(stocked.path) as connection:
        for name, limit in (("trimmed", 15), ("deleted", 3)):
            row = row_of(connection, stocked.stock[name])
            sound = replace(stocked, now=stocked.now + 31 * 86_400)
            for first in range(row.stored.first + 1, limit + 1):
                ledger.remove(connection, row.key, first)
                kept = replace(row.stored, first=first)
                records.update(connection, records.History(row.key, kept))
                connection.commit()
                assert sound.faults() == []
                # As long as it has no reason to remove any, they are missed.
                assert stocked.stock[name] in {fault.history for fault in stocked.faults()}


class Made:
    """A journal that commands drawn at random have made."""

    def __init__(self) -> None:
        self.clock = TurnedClock()
        self.journal = open_journal("memory:", clock=self.clock)
        ids = UlidSource(self.clock)
        self.workflows = Workflows(self.journal, ids=ids)
        self.indexes = WorkflowIndexes(self.journal, ids=ids)
        self.ids = [UUID(int=number) for number in range(1, 4)]

    def do(self, what: str, which: int, number: int) -> None:
        history, other = self.ids[which], self.ids[number % 3]
        one = Ulid((number + 1).to_bytes(16, "big"))
        does: dict[str, Callable[[], object]] = {
            "init": lambda: self.workflows.init(history, CmdInit(registry_id=other)),
            "ping": lambda: self.workflows.append_ping(history, NO_VC, number, "ping"),
            "summary": lambda: self.workflows.post_summary(history, NO_VC, number, "summary"),
            "commit": lambda: self.workflows.commit(history, NO_VC),
            "abort": lambda: self.workflows.abort_expired(history, NO_VC),
            "end": lambda: self.workflows.end(history, NO_VC),
            "delete": lambda: self.workflows.delete(history, NO_VC),
            "list": lambda: self.indexes.begin_ping_registry(self.listing, NO_VC, other, one),
            "complete": lambda: self.indexes.commit_ping_registry(self.listing, NO_VC, other, one),
            "unlist": lambda: self.indexes.delete_ping_registry(self.listing, NO_VC, other),
            "snapshot": lambda: self.indexes.snapshot(self.listing, NO_VC, False),
            "trim": lambda: self.journal.trim(self.listing),
            "days": lambda: self.clock.turn(days=number),
            "collect": lambda: self.journal.collect(),
        }
        with suppress(WorkflowError):
            does[what]()

    listing = UUID(int=9)


WHATS = (
    *("init", "ping", "ping", "summary", "commit", "abort", "end", "delete"),
    *("list", "list", "complete", "complete", "unlist", "snapshot", "trim", "days", "collect"),
)
ACTIONS = st.tuples(st.sampled_from(WHATS), st.integers(0, 2), st.integers(0, 40))


@given(st.lists(ACTIONS, max_size=60))
def test_whatever_commands_make_is_sound(actions: list[tuple[str, int, int]]) -> None:
    made = Made()
    for action in actions:
        made.do(*action)
    assert list(verify(made.journal, DECLARATIONS)) == []


# --- Flipped bytes -------------------------------------------------------------------------------


def seen(stocked: Stocked) -> object:
    """All that users of the journal can see of it, now and as it is collected."""
    found: list[object] = []
    with stocked.open() as journal:
        for days in (0, 15, 30, 90):
            for history in stocked.stock.ids.values():
                reading = journal.read(history), journal.read(history, whole=True)
                found += [(each.entries, each.head.vid, each.rooted) for each in reading]
            found.append(journal.collect(stocked.now + days * 86_400).freed)
    return found


FLIPPED = {
    "journal": ("id", "floor", "removed", "checksum"),
    "chart": ("key", "name", "version", "sha256", "checksum"),
    "chain": ("key", "id", "chart", "first", "start", "trimmed_at", "checksum"),
    "event": (
        *("position", "history", "serial", "chart", "restart", "deleted_at"),
        *("checksum", "id", "parent", "data"),
    ),
    "trim": ("history", "start", "at"),
}
ORDERS = {"journal": "one", "chart": "key", "chain": "key", "event": "position"}
TEXTS = (("chain", "chart"), ("chart", "name"), ("chart", "version"), ("chart", "sha256"))


def flip(value: int | bytes, at: int) -> int | bytes:
    """Another value, by one bit."""
    if isinstance(value, int):
        return value ^ 1 << at % 63
    flipped = bytearray(value)
    flipped[at // 8 % len(value)] ^= 1 << at % 8
    return bytes(flipped)


@pytest.mark.parametrize(
    ("table", "column"), [(table, each) for table, columns in FLIPPED.items() for each in columns]
)
@pytest.mark.slow
def test_a_flipped_bit_of_any_column_is_found_or_harmless(
    original: Stocked, tmp_path: Path, table: str, column: str
) -> None:
    harmless = []
    stocked = replace(original, path=tmp_path / "pings.db")

    @settings(max_examples=settings().max_examples // 5)
    @given(st.data())
    def flipped(data: st.DataObject) -> None:
        shutil.copy(original.path, stocked.path)
        with rows_of(stocked.path) as connection:
            order = ORDERS.get(table, "history, start")
            found = connection.execute(
                f"SELECT {order}, {column} FROM {table} WHERE {column} IS NOT NULL"
                f" AND {column} <> x'' ORDER BY {order}"
            ).fetchall()
            *where, value = data.draw(st.sampled_from(found))
            bits = 63 if isinstance(value, int) else 8 * len(value)
            new = flip(value, data.draw(st.integers(0, bits - 1)))
            condition = " AND ".join(f"{each} = ?" for each in order.split(", "))
            cast = "CAST(? AS TEXT)" if (table, column) in TEXTS else "?"
            try:
                connection.execute(
                    f"UPDATE {table} SET {column} = {cast} WHERE {condition}", (new, *where)
                )
            except sqlite3.IntegrityError:  # there is such a row already
                return
        if not stocked.faults():
            harmless.append((value, new))
            assert seen(stocked) == seen(shut(original, tmp_path))

    flipped()
    # Of all columns, only when a trim took place is not under a checksum, and only the newest
    # trim's stands in the history, too: it decides when entries that nobody reads are removed.
    assert not harmless or table == "trim"


def shut(original: Stocked, place: Path) -> Stocked:
    """A copy, so that the original is never changed."""
    return replace(original, path=Path(shutil.copy(original.path, place / "again.db")))


@pytest.mark.slow
def test_a_flipped_byte_of_the_file_is_found_or_harmless(original: Stocked, tmp_path: Path) -> None:
    expected = seen(shut(original, tmp_path))
    stored = original.path.read_bytes()
    stocked = replace(original, path=tmp_path / "pings.db")
    places = st.one_of(st.integers(0, 99), st.integers(0, len(stored) - 1))

    @settings(
        suppress_health_check=[HealthCheck.too_slow], max_examples=settings().max_examples // 2
    )
    @given(places, st.integers(0, 7))
    @example(18, 0)
    @example(20, 0)
    def flipped(place: int, bit: int) -> None:
        for left in tmp_path.glob("pings.db*"):
            left.unlink()
        changed = bytearray(stored)
        changed[place] ^= 1 << bit
        stocked.path.write_bytes(changed)
        try:
            faults = stocked.faults()
        except JournalOpenError:
            return
        if not faults:
            try:
                assert seen(stocked) == expected
            except DBError as error:
                # SQLite reads a file of which its header says that newer versions write it.
                if place != 18 or "readonly" not in str(error):
                    raise

    flipped()


# --- Faults that checksums do not tell -----------------------------------------------------------


def entry(event: Event) -> Entry:
    return Entry(event.id, event.parent, event.marshal_proto())


def linked(entries: Sequence[Entry]) -> list[Entry]:
    """The same events as a chain, in the order given."""
    chain: list[Entry] = []
    for each in entries:
        parent = chain[-1].id if chain else EPOCH
        chain.append(entry(decode(each).model_copy(update={"id": each.id, "parent": parent})))
    return chain


def decode(each: Entry) -> WorkflowEvent:
    return WorkflowEvent.unmarshal_proto(each.data)


def after(*ids: Ulid) -> Ulid:
    return UlidSource(lambda: 0).next(max(ids))


Edit = Callable[[Stocked], object]
Place = tuple[str | None, int | None, str]


def sql(statement: str, name: str = "terminated") -> Edit:
    """A statement with ``:key`` of a history."""

    def edit(stocked: Stocked) -> None:
        with rows_of(stocked.path) as connection:
            connection.execute(statement, {"key": row_of(connection, stocked.stock[name]).key})

    return edit


def row(name: str = "terminated", **changes: Any) -> Edit:
    return lambda stocked: rewrite(stocked.path, stocked.stock[name], **changes)


def written(change: Callable[[list[Entry]], Sequence[Entry]], name: str = "terminated") -> Edit:
    """Other entries, each under a right checksum, and the head at their end."""
    return lambda stocked: rewrite(stocked.path, stocked.stock[name], change(stocked.entries(name)))


def lied(entries: list[Entry]) -> list[Entry]:
    """A snapshot that leaves out what it must list."""
    kept = []
    for each in entries:
        event = index.Event.unmarshal_proto(each.data)
        if isinstance(event, index.SnapshotState):
            event = event.model_copy(update={"ping_registry": event.ping_registry[1:]})
            each = each._replace(data=event.marshal_proto())
        kept.append(each)
    return kept


STRAY = Ulid(b"\1" * 16)

# terminated: Started 0, Pinged 1 2 3, Gathered 4, Completed 5, Committed 6
FAULTS: dict[str, tuple[Edit, list[Place]]] = {
    "a byte of the data": (
        sql("UPDATE event SET data = x'00' WHERE history = :key AND serial = 2"),
        [("terminated", 2, "checksum")],
    ),
    "an event missing in the middle": (
        sql("DELETE FROM event WHERE history = :key AND serial = 2"),
        [("terminated", 2, "missing")],
    ),
    "the first event missing": (
        sql("DELETE FROM event WHERE history = :key AND serial = 0"),
        [("terminated", 0, "missing")],
    ),
    "the last event missing": (
        sql("DELETE FROM event WHERE history = :key AND serial = 6"),
        [(None, None, "1 events are missing at the ends")],
    ),
    "three events missing": (
        sql("DELETE FROM event WHERE history = :key AND serial BETWEEN 1 AND 3"),
        [("terminated", 1, "3 events")],
    ),
    "all events missing": (
        sql("DELETE FROM event WHERE history = :key"),
        [(None, None, "7 events are missing at the ends"), ("terminated", None, "all its events")],
    ),
    "two faults in one history": (
        sql("DELETE FROM event WHERE history = :key AND serial IN (1, 3)"),
        [("terminated", 1, "missing"), ("terminated", 3, "missing")],
    ),
    "a missing event of a deleted history": (
        sql("DELETE FROM event WHERE history = :key AND serial = 0", "deleted"),
        [("deleted", 0, "missing")],
    ),
    "a missing event that no reader sees": (
        sql("DELETE FROM event WHERE history = :key AND serial = 12", "trimmed"),
        [("trimmed", 12, "missing")],
    ),
    "the serials closed over a missing event": (
        written(lambda e: [*e[:2], *e[3:]]),
        [("terminated", 2, "names")],
    ),
    "a missing event, and the chain mended": (
        written(lambda e: linked(e[1:])),
        [("terminated", 0, "not allowed in Uninitialized")],
    ),
    "a doubled event": (
        written(lambda e: [*e[:3], *e[2:]]),
        [("terminated", 3, "names"), ("terminated", 3, "doubled")],
    ),
    "a doubled event, and the chain mended": (
        written(lambda e: linked([*e[:3], *e[2:]])),
        [("terminated", 3, "doubled")],
    ),
    "an event doubled later": (
        written(lambda e: linked([*e[:4], e[2], *e[4:]])),
        [("terminated", 4, "doubled")],
    ),
    "an event whose time goes back": (
        written(lambda e: linked([*e[:2], e[3], e[2], *e[4:]])),
        [("terminated", 3, "out of order")],
    ),
    "an event doubled under another id": (
        written(lambda e: linked([e[0], e[0]._replace(id=after(e[0].id)), *e[1:]])),
        [("terminated", 1, "not allowed in Initialized")],
    ),
    "a wrong parent": (
        written(lambda e: [*e[:3], e[3]._replace(parent=STRAY), *e[4:]]),
        [("terminated", 3, "names"), ("terminated", 3, "another id or parent")],
    ),
    "a wrong parent, in the event too": (
        written(
            lambda e: [
                *e[:3],
                entry(decode(e[3]).model_copy(update={"parent": STRAY})),
                *e[4:],
            ]
        ),
        [("terminated", 3, f"names {STRAY}")],
    ),
    "a parent before the first": (
        written(lambda e: [entry(decode(e[0]).model_copy(update={"parent": STRAY})), *e[1:]]),
        [("terminated", 0, f"names {STRAY}")],
    ),
    "the epoch as a parent": (
        written(lambda e: [e[0], entry(decode(e[1]).model_copy(update={"parent": EPOCH})), *e[2:]]),
        [("terminated", 1, "the epoch")],
    ),
    "an id that differs from the event's": (
        written(lambda e: [*e[:6], e[6]._replace(id=after(e[6].id))]),
        [("terminated", 6, "another id")],
    ),
    "an event that the chart does not allow": (
        written(
            lambda e: linked(
                [
                    *e[:5],
                    entry(ServerPinged(id=after(e[4].id), status_code=0, status_message="late")),
                    *e[5:],
                ]
            )
        ),
        [("terminated", 5, "ServerPinged is not allowed in Summarized")],
    ),
    "an end that comes too early": (
        written(lambda e: linked([*e[:2], e[6]._replace(id=after(e[1].id)), *e[2:]])),
        [("terminated", 2, "not allowed in Appending")],
    ),
    "events after the end": (
        written(
            lambda e: linked(
                [
                    *e,
                    entry(PingRegistryCompleted(id=after(e[6].id))),
                    e[5]._replace(id=after(after(e[6].id))),
                ]
            )
        ),
        [
            ("terminated", 7, "not allowed in Terminated"),
            ("terminated", 8, "not allowed in"),
        ],
    ),
    "a nil registry": (
        written(
            lambda e: [
                entry(PingRegistryStarted.model_construct(id=e[0].id, registry_id=UUID(int=0))),
                *e[1:],
            ]
        ),
        [("terminated", 0, "registry_id is zero")],
    ),
    "bytes that are no event": (
        written(lambda e: [*e[:2], e[2]._replace(data=b"\xff\xff"), *e[3:]]),
        [("terminated", 2, "not a protobuf")],
    ),
    "an event of another chart": (
        written(
            lambda e: [
                *e[:2],
                e[2]._replace(data=index.SnapshotBegin(id=e[2].id, parent=e[1].id).marshal_proto()),
                *e[3:],
            ]
        ),
        [("terminated", 2, "not an event of this workflow")],
    ),
    "a missing event of an unknown chart": (
        lambda stocked: [
            row(chart="nobody")(stocked),
            sql("DELETE FROM event WHERE history = :key AND serial = 2", "terminated")(stocked),
        ],
        [("terminated", 2, "missing")],
    ),
    "the wrong chart": (
        row("begun", chart="ping_registry_index"),
        [("begun", 0, "workflow_id")],
    ),
    "a damaged history row": (
        sql("UPDATE chain SET start = 3 WHERE key = :key"),
        [("terminated", None, "checksum")],
    ),
    "another id in a history row": (
        sql("UPDATE chain SET id = zeroblob(16) WHERE key = :key"),
        [("nil", None, "checksum")],
    ),
    "a deletion in a state that does not allow it": (
        row("summarized", deleted_at=1_700_000_000 + 31 * 86_400),
        [("summarized", None, "deleted, which the chart does not allow")],
    ),
    "a deletion of what the chart never deletes": (
        row("index", deleted_at=1_700_000_000 + 31 * 86_400),
        [("index", None, "deleted, which the chart does not allow")],
    ),
    "a start that was never a trim": (
        row(start=2, restart=2),
        [("terminated", None, "last trim"), ("terminated", 2, "readers start here")],
    ),
    "a restart point that is no snapshot": (
        row("snapshot", restart=3),
        [("snapshot", 3, "readers start here")],
    ),
    "a snapshot that leaves something out": (
        written(lied, "snapshot"),
        [("snapshot", 10, "not what the events before it amount to")],
    ),
    "a snapshot without its end": (
        written(lambda e: e[:10], "snapshot"),
        [("snapshot", None, "unfinished snapshot")],
    ),
    "a snapshot of which a part is missing": (
        sql("DELETE FROM event WHERE history = :key AND serial = 9", "snapshot"),
        [("snapshot", 9, "missing")],
    ),
    "trims that contradict the history": (
        sql("UPDATE trim SET at = at + 1 WHERE history = :key", "trimmed"),
        [("trimmed", None, "trims contradict")],
    ),
    "entries of no history": (
        sql("UPDATE event SET history = 1000 WHERE history = :key", "begun"),
        [
            (None, None, "1 events belong to no history"),
            ("begun", None, "all its events are missing"),
        ],
    ),
    "an event moved to another history": (
        sql(
            "UPDATE event SET history = history + 1, serial = 9 WHERE history = :key",
            "begun",
        ),
        [("begun", None, "all its events are missing"), ("pinged", 9, "checksum")],
    ),
    "faults in two histories": (
        lambda stocked: [
            sql("DELETE FROM event WHERE history = :key AND serial = 2", name)(stocked)
            for name in ("pinged", "index")
        ],
        [("pinged", 2, "missing"), ("index", 2, "missing")],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found_and_named(stocked: Stocked, name: str) -> None:
    edit, places = FAULTS[name]
    edit(stocked)
    named: dict[UUID | None, str] = {history: each for each, history in stocked.stock.ids.items()}
    named[UUID(int=0)] = "nil"
    faults = stocked.faults()
    found = [(named.get(fault.history), fault.serial, fault.what) for fault in faults]
    assert sorted((h or "", -1 if s is None else s) for h, s, _ in found) == sorted(
        (h or "", -1 if s is None else s) for h, s, _ in places
    ), found
    for history, serial, text in places:
        assert any((history, serial) == (h, s) and text in what for h, s, what in found), found
    for fault in faults:
        assert "\n" not in str(fault)
        if fault.history is not None:
            assert str(fault.history) in str(fault)


def test_an_unknown_chart_is_no_fault(stocked: Stocked) -> None:
    row(chart="nobody")(stocked)
    assert stocked.faults() == []
    with stocked.open() as journal:
        assert unknown_charts(journal.histories(), DECLARATIONS) == {"nobody": 1}
        assert unknown_charts(journal.histories(), {}) == {
            "nobody": 1,
            "ping_registry": 6,
            "ping_registry_index": 3,
        }


# --- Ids that the 2019 package drew at random within a millisecond -------------------------------


def ulid(milliseconds: int, rest: int) -> Ulid:
    return Ulid(milliseconds.to_bytes(6, "big") + rest.to_bytes(10, "big"))


def pinged(journal: Journal, *ids: Ulid) -> UUID:
    """A history of events with these ids."""
    history = uuid4()
    begun = PingRegistryStarted(id=ids[0], registry_id=uuid4())
    pings = [ServerPinged(id=each, status_code=0, status_message="well") for each in ids[1:]]
    journal.commit(
        history,
        NO_HEAD,
        linked([entry(each) for each in (begun, *pings)]),
        chart=DECLARATIONS["ping_registry"].identity,
    )
    return history


def test_ids_that_do_not_grow_within_a_millisecond_are_noted(journal: Journal) -> None:
    ids = [ulid(5, 7), ulid(5, 3), ulid(5, 9), ulid(5, 4), ulid(6, 1)]
    history = pinged(journal, *ids)
    assert list(verify(journal, DECLARATIONS)) == []
    (scanned,) = journal.scan()
    what = "2 ids do not grow within one millisecond; here is the first"
    assert notes_of(scanned) == (Note(what, history, 1, ids[1]),)
    # Commands read such a history and go on with it.
    workflows = Workflows(journal)
    assert [each.event_id for each in workflows.find_id(history).pings] == ids[1:]
    assert workflows.append_ping(history, ids[-1], 0, "well") > ids[-1]
    assert len(workflows.engine.events(history)) == 6
    assert list(verify(journal, DECLARATIONS)) == []


@pytest.mark.parametrize(
    ("last", "what"), [(ulid(5, 7), "it is doubled"), (ulid(4, 9), "it is out of order")]
)
def test_equal_ids_and_a_time_that_goes_back_are_faults(
    journal: Journal, last: Ulid, what: str
) -> None:
    history = pinged(journal, ulid(5, 7), ulid(5, 8), last)
    (fault,) = verify(journal, DECLARATIONS)
    assert (fault.history, fault.serial, fault.id) == (history, 2, last)
    assert fault.what.startswith(what)


def test_growing_ids_are_not_noted(stocked: Stocked) -> None:
    with stocked.open() as journal:
        assert [note for scanned in journal.scan() for note in notes_of(scanned)] == []


def test_the_work_grows_with_the_faults_and_not_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (declaration,) = (each for each in DECLARATIONS.values() if not each.keyed)
    same, compared = Ulid.__eq__, 0

    def counted(one: Ulid, other: object) -> bool:
        nonlocal compared
        compared += 1
        return same(one, other)

    def comparisons(events: int) -> int:
        ids = [EPOCH, *(ulid(each + 1, 0) for each in range(events))]
        entries = [Entry(vid, parent, b"no event") for parent, vid in pairwise(ids)]
        stored = Stored(uuid4(), declaration.name, ids[-1], 0, 0, 0, events)
        written = [Written(0, ChartIdentity(declaration.name, "1", "another"))] * events
        scanned = Scanned(stored, tuple(enumerate(entries)), tuple(written))
        before = compared
        faults = faults_of(scanned, DECLARATIONS, Retention(), 0.0)
        assert all("it was written under" in fault.what for fault in faults)
        assert len(faults) == events
        return compared - before

    monkeypatch.setattr(Ulid, "__eq__", counted)
    assert comparisons(200) < 3 * comparisons(100)


# --- What garbage collection may have removed ----------------------------------------------------


@pytest.mark.parametrize(
    ("days", "gone", "start", "times"),
    [
        (15, 1, 0, {"deleted_at": 0.0}),
        (30, 2, 2, {"trimmed_at": 0.0, "trims": (Trim(0, 2),)}),
    ],
)
def test_events_are_missed_until_they_are_older_than_the_limit(
    days: int, gone: int, start: int, times: dict[str, Any]
) -> None:
    entries = [Entry(ulid(each + 1, 0), ulid(each, 0) if each else EPOCH, b"") for each in range(4)]
    stored = Stored(uuid4(), "unknown", entries[-1].id, gone, start, start, 4, **times)
    scanned = Scanned(stored, tuple(enumerate(entries))[gone:])

    def missing(now: float) -> list[int | None]:
        faults = faults_of(scanned, {}, Retention(), now)
        return [fault.serial for fault in faults if "missing" in fault.what]

    assert missing(days * 86_400.0) == [gone - 1]
    assert missing(days * 86_400.0 + 0.001) == []
