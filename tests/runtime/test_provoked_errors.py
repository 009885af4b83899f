"""Every error is provoked for real, caught by its own name, and what its ``retry`` says is true.

After each failure that may pass, the recipe on the page of errors appends once.
"""

from __future__ import annotations

import inspect
import io
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    NO_VC,
    RETRY_NO_VC,
    ArgumentNotIdempotentError,
    BehaviorError,
    ChartChangedError,
    CmdInit,
    CorruptedDataError,
    DBError,
    DiskFullError,
    Event,
    EventTypeError,
    FeedPositionGoneError,
    HistoryDeletedError,
    InvalidCommandError,
    JournalBusyError,
    JournalClosedError,
    JournalEntryParentMismatchError,
    JournalError,
    JournalLevelError,
    JournalOpenError,
    JournalUnusableError,
    LockTimeoutError,
    MalformedEventError,
    NewEventsError,
    PositionGoneError,
    RetryNoVCError,
    ServerPinged,
    SmallStorageReductionError,
    StateConflictError,
    TooManyWorkflowsError,
    Ulid,
    UlidSource,
    UninitializedError,
    UnknownHistoryError,
    UnknownWorkflowError,
    VersionConflictError,
    Vid,
    WorkflowError,
    WorkflowIndexes,
    Workflows,
    open_journal,
)
from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf._generated.ping_registry_index import PingRegistryDeleted
from pingregistrywf.runtime import errors
from pingregistrywf.runtime.errors import HistoryExistsError, MalformedExportError, UnsoundError
from pingregistrywf.runtime.journal import NO_HEAD, ChartIdentity, Entry
from pingregistrywf.runtime.transfer import backup, read_export
from pingregistrywf.runtime.values import DeclaredError
from pingregistrywf.testing.journal import chain, post

from ..snippets import python_snippets
from .raced import Raced
from .test_index import filled

LONG = 30.0
DAY = 86_400
PAGE = Path(__file__).parents[2] / "docs/reference/errors.md"

Act = Callable[[], object]


class Bench:
    """A workflow with one ping, in a journal's file."""

    def __init__(self, place: Path) -> None:
        self.path = place / "pings.db"
        self.url = f"sqlite:{self.path}"
        self.journal = open_journal(f"{self.url}?timeout=0.1")
        self.workflows = Workflows(self.journal)
        self.indexes = WorkflowIndexes(self.journal)
        self.id = uuid4()
        begun = self.workflows.init(self.id, CmdInit(registry_id=uuid4()))
        self.vid = self.workflows.append_ping(self.id, begun, 0, "first")

    def ping(self, vid: Vid = RETRY_NO_VC, message: str = "second") -> Ulid:
        return self.workflows.append_ping(self.id, vid, 0, message)

    def messages(self) -> list[str]:
        """The messages of the pings, as another process reads them."""
        with open_journal(self.url) as journal:
            return [ping.message for ping in Workflows(journal).find_id(self.id).pings]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.journal.close()


# --- Never: the same call gets the same error, and nothing changes --------------------------------


class NoMoreIds:
    def next(self, after: Ulid) -> Ulid:
        raise OverflowError("no more")


def ping_without_ids(bench: Bench) -> Act:
    workflows = Workflows(bench.journal, ids=NoMoreIds())
    return partial(workflows.append_ping, bench.id, NO_VC, 0, "second")


def init_for_another_registry(bench: Bench) -> Act:
    bench.workflows.init(history := uuid4(), CmdInit(registry_id=uuid4()))
    return partial(bench.workflows.init, history, CmdInit(registry_id=uuid4()))


def unmarshal_foreign(bench: Bench) -> Act:
    foreign = PingRegistryDeleted(id=bench.vid, parent=EPOCH, workflow_id=bench.id)
    return partial(Event.unmarshal_proto, foreign.marshal_proto())


def init_deleted(bench: Bench) -> Act:
    history, command = uuid4(), CmdInit(registry_id=uuid4())
    bench.workflows.init(history, command)
    bench.journal.delete(history, bench.journal.read(history).head)
    return partial(bench.workflows.init, history, command)


def find_junk(bench: Bench) -> Act:
    post(bench.journal, history := uuid4(), NO_HEAD)
    return partial(bench.workflows.find_id, history)


def find_what_another_chart_allowed(bench: Bench) -> Act:
    """A ping comes first, which this chart refuses."""
    first, history = UlidSource().next(EPOCH), uuid4()
    data = ServerPinged(id=first, parent=EPOCH, status_code=0, status_message="").marshal_proto()
    written = ChartIdentity(DECLARATION.name, "0.1.0", "ab" * 32)
    bench.journal.commit(history, NO_HEAD, [Entry(first, EPOCH, data)], chart=written)
    return partial(bench.workflows.find_id, history)


def back_up_junk(bench: Bench) -> Act:
    bench.journal.commit(uuid4(), NO_HEAD, chain(EPOCH), chart=DECLARATION.identity)
    copy = bench.path.with_name("copy.db")
    return partial(backup, bench.journal, copy, {DECLARATION.name: DECLARATION})


def ping_in_a_turn_of_another_object(bench: Bench) -> Act:
    def act() -> None:
        with open_journal(bench.url) as other, other.exclusive(bench.id):
            bench.ping()

    return act


def ping_read_only(bench: Bench) -> Act:
    journal = open_journal(f"{bench.url}?mode=ro")
    return partial(Workflows(journal).append_ping, bench.id, NO_VC, 0, "second")


def ping_closed(bench: Bench) -> Act:
    bench.journal.close()
    return bench.ping


def commit_unlisted(bench: Bench) -> Act:
    commit = bench.indexes.commit_ping_registry
    return partial(commit, uuid4(), NO_VC, workflow_id=bench.id, workflow_event_id=bench.vid)


def snapshot_of(entries: int) -> Callable[[Bench], Act]:
    def snapshot(bench: Bench) -> Act:
        history = filled(bench.journal, entries, entries, UlidSource())
        return partial(bench.indexes.snapshot, history, NO_VC, True)

    return snapshot


def adopt_again(bench: Bench) -> Act:
    (stored,) = bench.journal.histories()
    read = bench.journal.read(bench.id, whole=True)
    charts = [DECLARATION.identity] * len(read.entries)
    return partial(bench.journal.adopt, stored, read.entries, charts)


NEVER: Final[list[tuple[type[WorkflowError], Callable[[Bench], Act]]]] = [
    (UninitializedError, lambda bench: partial(bench.workflows.find_id, uuid4())),
    (InvalidCommandError, lambda bench: partial(bench.ping, NO_VC, "\ud800")),
    (StateConflictError, lambda bench: partial(bench.workflows.commit, bench.id, NO_VC)),
    (ArgumentNotIdempotentError, init_for_another_registry),
    (NewEventsError, ping_without_ids),
    (EventTypeError, unmarshal_foreign),
    (MalformedEventError, lambda bench: partial(Event.unmarshal_proto, b"\xff")),
    (HistoryDeletedError, init_deleted),
    (CorruptedDataError, find_junk),
    (ChartChangedError, find_what_another_chart_allowed),
    (JournalUnusableError, ping_in_a_turn_of_another_object),
    (JournalUnusableError, ping_read_only),
    (JournalClosedError, ping_closed),
    (UnknownWorkflowError, commit_unlisted),
    (SmallStorageReductionError, snapshot_of(3)),
    (TooManyWorkflowsError, snapshot_of(201)),
    (HistoryExistsError, adopt_again),
    (FeedPositionGoneError, lambda bench: partial(bench.journal.feed("elsewhere").read)),
    (UnsoundError, back_up_junk),
    (MalformedExportError, lambda _: lambda: read_export(io.BytesIO(b"junk"), {})),
]


@pytest.mark.parametrize(("kind", "provoke"), NEVER, ids=[kind.__name__ for kind, _ in NEVER])
def test_never(bench: Bench, kind: type[WorkflowError], provoke: Callable[[Bench], Act]) -> None:
    act = provoke(bench)
    texts = []
    for _ in range(2):
        with pytest.raises(kind) as caught:
            act()
        assert (caught.value.retry, caught.value.definite) == ("never", True)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    assert bench.messages() == ["first"]


# --- Safe: nothing changes, and the same call succeeds once the cause has passed ------------------

Passing = Iterator[tuple[Workflows, Act]]
"""A facade on which a ping fails, and what makes the cause pass."""


@contextmanager
def file_moved_away(bench: Bench) -> Passing:
    away = bench.path.rename(bench.path.with_name("away.db"))
    yield bench.workflows, partial(away.rename, bench.path)


@contextmanager
def disk_full(bench: Bench) -> Passing:
    bench.journal.close()
    with open_journal(f"{bench.url}?max_page_count=60") as small:
        deleted, filler = uuid4(), uuid4()
        head, _ = post(small, deleted, NO_HEAD, 100)
        small.delete(deleted, head)
        workflows = Workflows(small)
        workflows.init(filler, CmdInit(registry_id=uuid4()))
        size = 20_000
        while size:
            try:
                workflows.append_ping(filler, RETRY_NO_VC, 0, "x" * size)
            except DiskFullError:
                size //= 2
        yield workflows, partial(small.collect, small.clock() + 16 * DAY)


@contextmanager
def lock_held(bench: Bench) -> Passing:
    begun, end = threading.Event(), threading.Event()

    def stay() -> None:
        with bench.journal.exclusive(bench.id):
            begun.set()
            assert end.wait(LONG)

    thread = threading.Thread(target=stay)

    def leave() -> None:
        end.set()
        thread.join()

    thread.start()
    assert begun.wait(LONG)
    try:
        yield bench.workflows, leave
    finally:
        leave()


@contextmanager
def races_lost(bench: Bench) -> Passing:
    others = [partial(bench.ping, message="other") for _ in range(6)]
    yield Workflows(Raced(bench.journal, others), sleep=lambda _: None), lambda: None


SAFE: Final[list[tuple[type[WorkflowError], Callable[[Bench], Any]]]] = [
    (DBError, file_moved_away),
    (DiskFullError, disk_full),
    (LockTimeoutError, lock_held),
    (RetryNoVCError, races_lost),
]


@pytest.mark.parametrize(("kind", "provoke"), SAFE, ids=[each.__name__ for _, each in SAFE])
def test_safe(bench: Bench, kind: type[WorkflowError], provoke: Callable[[Bench], Any]) -> None:
    with provoke(bench) as (workflows, let_pass):
        act = partial(workflows.append_ping, bench.id, RETRY_NO_VC, 0, "second")
        with pytest.raises(kind) as caught:
            act()
        assert (caught.value.retry, caught.value.definite) == ("safe", True)
        assert isinstance(caught.value, JournalError)
        let_pass()
        assert "second" not in bench.messages()
        act()
        assert bench.messages().count("second") == 1


def test_a_journal_that_cannot_be_opened_yet(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/missing/pings.db"
    with pytest.raises(JournalOpenError) as caught:
        open_journal(url)
    assert caught.value.retry == "safe"
    (tmp_path / "missing").mkdir()
    open_journal(url).close()


# --- After reading: what was decided on is old, or what happened is not known ---------------------


@contextmanager
def race_lost(bench: Bench) -> Passing:
    yield Workflows(Raced(bench.journal, [partial(bench.ping, message="other")])), lambda: None


class Doubtful(sqlite3.Connection):
    """A connection that fails at its next COMMIT, before or after that took effect."""

    fails: str | None = None

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:  # type: ignore[override]
        fails = Doubtful.fails if statement == "COMMIT" else None
        if fails != "before":
            done = super().execute(statement, *arguments)
        if fails is None:
            return done
        Doubtful.fails = None
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error


def in_doubt(fails: str, bench: Bench) -> AbstractContextManager[tuple[Workflows, Act]]:
    @contextmanager
    def provoke() -> Passing:
        with pytest.MonkeyPatch.context() as patch, ExitStack() as opened:
            patch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Doubtful))
            workflows = Workflows(opened.enter_context(open_journal(bench.url)))
            workflows.find_id(bench.id)
            patch.setattr(Doubtful, "fails", fails)
            yield workflows, lambda: None

    return provoke()


DOUBTFUL: Final = {False: partial(in_doubt, "before"), True: partial(in_doubt, "after")}


def test_after_reading(bench: Bench) -> None:
    with race_lost(bench) as (workflows, _):
        with pytest.raises(VersionConflictError) as caught:
            workflows.append_ping(bench.id, NO_VC, 0, "second")
        assert (caught.value.retry, caught.value.definite) == ("after reading", True)
        assert caught.value.attempted == ()
        assert caught.value.expected == bench.vid
        assert caught.value.stored == workflows.find_id(bench.id).vid
        with pytest.raises(VersionConflictError):
            workflows.append_ping(bench.id, bench.vid, 0, "second")
        workflows.append_ping(bench.id, caught.value.stored, 0, "second")
    assert bench.messages() == ["first", "other", "second"]


def test_what_follows_an_event_is_gone(bench: Bench) -> None:
    bench.workflows.abort_expired(bench.id, NO_VC)
    bench.workflows.delete(bench.id, NO_VC)
    with pytest.raises(PositionGoneError) as caught:
        next(bench.workflows.follow(bench.id, after=bench.vid))
    assert caught.value.retry == "after reading"
    with pytest.raises(UninitializedError):
        bench.workflows.find_id(bench.id)


@pytest.mark.parametrize("vid", ["given", NO_VC, RETRY_NO_VC], ids=str)
@pytest.mark.parametrize("happened", DOUBTFUL, ids=["undone", "done"])
def test_in_doubt(bench: Bench, happened: bool, vid: Any) -> None:
    with DOUBTFUL[happened](bench) as (workflows, _):
        given: Vid = bench.vid if vid == "given" else vid
        with pytest.raises(DBError) as caught:
            workflows.append_ping(bench.id, given, 0, "second")
        error = caught.value
        assert (error.retry, error.definite) == ("after reading", False)
        (attempted,) = error.attempted
        for each in (workflows, bench.workflows, Workflows(bench.journal)):
            assert each.happened(bench.id, error.attempted) is happened
        assert (workflows.events(bench.id)[-1].id == attempted) is happened
        assert not workflows.happened(bench.id, [UlidSource().next(attempted)])
    assert bench.messages() == ["first", "second"][: 1 + happened]


def test_what_happened_is_asked_with_ids(bench: Bench) -> None:
    assert bench.workflows.happened(bench.id, {bench.vid})
    with pytest.raises(InvalidCommandError):
        bench.workflows.happened(bench.id, ())
    bench.journal.delete(bench.id, bench.journal.read(bench.id).head)
    assert not bench.workflows.happened(bench.id, {bench.vid})


def test_a_commit_under_way_is_waited_for(bench: Bench) -> None:
    """A commit that may still become durable is neither there nor not."""
    with lock_held(bench) as (workflows, leave):
        with pytest.raises(LockTimeoutError):
            workflows.happened(bench.id, {bench.vid})
        leave()
        assert workflows.happened(bench.id, {bench.vid})


# --- The recipe, and the table's completeness -----------------------------------------------------


@pytest.mark.parametrize(
    "provoke",
    [file_moved_away, disk_full, lock_held, race_lost, *DOUBTFUL.values()],
    ids=["file_moved_away", "disk_full", "lock_held", "race_lost", "undone", "done"],
)
def test_the_recipe_appends_once(bench: Bench, provoke: Callable[[Bench], Any]) -> None:
    recipe: dict[str, Any] = {}
    exec("\n".join(python_snippets(PAGE.read_text(encoding="utf-8"))), recipe)
    with provoke(bench) as (workflows, let_pass):
        passed = []

        def sleep(pause: float) -> None:
            if not passed:
                let_pass()
            passed.append(pause)

        recipe["sleep"] = sleep
        recipe["append_once"](workflows, bench.id, 0, "second")
        assert passed
    assert bench.messages().count("second") == 1


def test_every_error_is_provoked() -> None:
    bases = {WorkflowError, BehaviorError, JournalLevelError, DeclaredError}
    never_raised = {UnknownHistoryError, JournalEntryParentMismatchError}  # but told in others
    elsewhere = {VersionConflictError, JournalBusyError, JournalOpenError, PositionGoneError}
    provoked = {kind for kind, _ in (*NEVER, *SAFE)} | elsewhere
    known = {
        each
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, WorkflowError) and not each.__name__.startswith("_")
    }
    assert known - bases - never_raised - {JournalError} <= provoked
