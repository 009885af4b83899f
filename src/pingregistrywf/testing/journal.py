"""The tests that every journal passes: subclass ``JournalContract``, and say how to open a journal.

The tests know a backend by the journal protocol alone (``runtime.journal.protocol``), whose
docstrings are the contract.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf._generated.ping_registry import CmdInit, Workflows
from pingregistrywf.runtime.errors import (
    FeedPositionGoneError,
    HistoryDeletedError,
    HistoryExistsError,
    JournalClosedError,
    JournalError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import EPOCH, NO_VC, Ulid, UlidSource, Vid
from pingregistrywf.runtime.journal import (
    NO_HEAD,
    Appended,
    Change,
    ChartIdentity,
    Deleted,
    Entry,
    Head,
    Journal,
    Position,
    Retention,
    Stored,
    Trim,
    open_journal,
)
from pingregistrywf.testing.clock import DAY, TurnedClock
from pingregistrywf.testing.wrapped import WrappedJournal

CHART = ChartIdentity("pings", "1.2.0", "ab" * 32)


IDS = UlidSource()


def chain(after: Ulid, count: int = 1, data: bytes = b"data") -> list[Entry]:
    """New entries that follow one another."""
    entries = []
    for number in range(count):
        entry = Entry(IDS.next(after), after, data + str(number).encode())
        entries.append(entry)
        after = entry.id
    return entries


def post(journal: Journal, history: UUID, after: Head, count: int = 1) -> tuple[Head, list[Entry]]:
    """Commit new entries."""
    entries = chain(after.vid, count)
    return journal.commit(history, after, entries, chart=CHART), entries


def read_feed(
    journal: Journal, after: Position | None = None, limit: int = 1000
) -> tuple[list[Change], Position]:
    """Read the changes after a position, so many at once, until there is none; and the new one."""
    changes: list[Change] = []
    with journal.feed(after) as feed:
        while some := feed.read(limit):
            assert len(some) <= limit
            changes += some
        assert feed.position is not None
        return changes, feed.position


def given(changes: Sequence[Change]) -> list[tuple[UUID, object]]:
    """What a feed gave: the entries, and the vids of what was deleted."""
    return [
        (each.history, each.entry if isinstance(each, Appended) else each.vid) for each in changes
    ]


class Overtaken(WrappedJournal):
    """A user of a journal whom another user overtakes right before each deletion.

    Args:
        journal: the journal, of which ``exclusive`` keeps nobody out.
        overtake: what the other user does.
    """

    def __init__(self, journal: Journal, overtake: Callable[[], object]) -> None:
        super().__init__(journal)
        self._overtake = overtake

    def exclusive(self, history: UUID) -> AbstractContextManager[None]:
        return nullcontext()

    def delete(self, history: UUID, after: Head) -> None:
        self._overtake()
        self.wrapped.delete(history, after)


class JournalContract(ABC):
    """Inherit this class in a test module of yours, and define ``open``."""

    @abstractmethod
    def open(self, place: Path, clock: TurnedClock, retention: Retention | None = None) -> Journal:
        """Open the journal that belongs to a directory, making it if there is none.

        Args:
            place: the directory.
            clock: the journal's clock.
            retention: how long the journal keeps what is no longer needed; None for the default.
        """

    def open_second(self, first: Journal, place: Path, clock: TurnedClock) -> Journal:
        """Open the same journal once more, as another process would.

        A backend whose store is the instance itself returns the instance.
        """
        return self.open(place, clock)

    @pytest.fixture
    def clock(self) -> TurnedClock:
        return TurnedClock()

    @pytest.fixture
    def journal(self, tmp_path: Path, clock: TurnedClock) -> Iterator[Journal]:
        with self.open(tmp_path, clock) as journal:
            yield journal

    @pytest.fixture
    def second(self, journal: Journal, tmp_path: Path, clock: TurnedClock) -> Iterator[Journal]:
        with self.open_second(journal, tmp_path, clock) as second:
            yield second

    # Reading and appending

    def test_an_unknown_history_reads_as_empty(self, journal: Journal) -> None:
        reading = journal.read(uuid4())
        assert reading.entries == ()
        assert reading.head == NO_HEAD
        assert not reading.continues
        assert reading.rooted

    def test_nothing_continues_from_nothing(self, journal: Journal) -> None:
        assert journal.read(uuid4(), NO_HEAD).continues

    def test_what_is_committed_is_read(self, journal: Journal) -> None:
        history = uuid4()
        head, entries = post(journal, history, NO_HEAD, 3)
        reading = journal.read(history)
        assert list(reading.entries) == entries
        assert reading.head == head
        assert head.vid == entries[-1].id
        assert reading.rooted
        assert not reading.continues

    @pytest.mark.parametrize("data", [b"", b"\0", b"'\";--", bytes(range(256)), b"x" * 300_000])
    def test_any_bytes_come_back(self, journal: Journal, data: bytes) -> None:
        history = uuid4()
        entry = Entry(IDS.next(EPOCH), EPOCH, data)
        journal.commit(history, NO_HEAD, [entry], chart=CHART)
        assert journal.read(history).entries == (entry,)

    def test_reading_goes_on_from_a_head(self, journal: Journal) -> None:
        history = uuid4()
        first, _ = post(journal, history, NO_HEAD, 2)
        second, more = post(journal, history, first, 3)
        reading = journal.read(history, first)
        assert list(reading.entries) == more
        assert reading.continues
        at_end = journal.read(history, second)
        assert at_end.entries == ()
        assert at_end.head == second
        assert at_end.continues

    def test_a_place_that_is_not_on_the_chain_begins_anew(self, journal: Journal) -> None:
        history, other = uuid4(), uuid4()
        _, entries = post(journal, history, NO_HEAD, 2)
        elsewhere, _ = post(journal, other, NO_HEAD, 1)
        for after in (elsewhere, NO_HEAD, Head(entries[0].id)):
            reading = journal.read(history, after)
            assert list(reading.entries) == entries
            assert not reading.continues
            assert reading.rooted

    def test_histories_are_apart(self, journal: Journal) -> None:
        histories = [uuid4() for _ in range(5)]
        heads = dict.fromkeys(histories, NO_HEAD)
        written: dict[UUID, list[Entry]] = {history: [] for history in histories}
        for round_ in range(1, 4):
            for history in histories:
                heads[history], entries = post(journal, history, heads[history], round_)
                written[history] += entries
        for history in histories:
            reading = journal.read(history)
            assert list(reading.entries) == written[history]
            assert reading.head == heads[history]

    def test_no_entry_is_no_commit(self, journal: Journal) -> None:
        history = uuid4()
        with pytest.raises(ValueError, match="at least one"):
            journal.commit(history, NO_HEAD, [], chart=CHART)
        assert journal.read(history).head == NO_HEAD

    def test_url_and_clock(self, journal: Journal, clock: TurnedClock) -> None:
        assert ":" in journal.url
        assert journal.clock is clock

    # Compare-and-set

    def test_a_stale_head_is_refused_and_nothing_written(self, journal: Journal) -> None:
        history = uuid4()
        stale, _ = post(journal, history, NO_HEAD)
        head, _ = post(journal, history, stale)
        before = journal.read(history)
        for after in (stale, NO_HEAD):
            with pytest.raises(VersionConflictError) as caught:
                journal.commit(history, after, chain(after.vid, 2), chart=CHART)
            assert caught.value == VersionConflictError(head.vid, after.vid)
            assert caught.value.definite
        assert journal.read(history) == before

    def test_a_head_of_another_history_is_refused(self, journal: Journal) -> None:
        history, other, elsewhere = uuid4(), uuid4(), NO_HEAD
        for _ in range(3):  # a journal may know more of a head that it made itself
            elsewhere, _ = post(journal, other, elsewhere)
            for there in (elsewhere, journal.read(other).head):
                with pytest.raises(VersionConflictError):
                    journal.commit(history, there, chain(there.vid), chart=CHART)
                assert journal.read(history).head == NO_HEAD
                assert not journal.read(history, there).continues

    def test_one_of_many_threads_wins_each_serial(self, journal: Journal) -> None:
        history = uuid4()
        threads, rounds = 8, 5
        barrier = threading.Barrier(threads)

        def race(head: Head) -> Head | None:
            barrier.wait()
            try:
                return journal.commit(history, head, chain(head.vid), chart=CHART)
            except VersionConflictError:
                return None

        with ThreadPoolExecutor(threads) as pool:
            head = NO_HEAD
            for _ in range(rounds):
                won = [each for each in pool.map(race, [head] * threads) if each is not None]
                assert len(won) == 1
                head = won[0]
        assert len(journal.read(history).entries) == rounds

    def test_threads_append_each_of_theirs_once(self, journal: Journal, second: Journal) -> None:
        history = uuid4()
        each = 25

        def append(user: Journal) -> list[Ulid]:
            acknowledged: list[Ulid] = []
            while len(acknowledged) < each:
                try:
                    with user.exclusive(history):
                        head, (entry,) = post(user, history, user.read(history).head)
                except VersionConflictError:  # exclusive() is but a hint
                    continue
                acknowledged.append(head.vid)
                assert entry in user.read(history).entries
            return acknowledged

        with ThreadPoolExecutor(8) as pool:
            vids = [vid for vids in pool.map(append, [journal, second] * 4) for vid in vids]
        reading = journal.read(history)
        assert sorted(vids) == sorted(entry.id for entry in reading.entries)
        assert len(vids) == 8 * each
        parents = [EPOCH, *(entry.id for entry in reading.entries)]
        assert [entry.parent for entry in reading.entries] == parents[:-1]

    # Turns

    def test_exclusive_reads_its_own_commits(self, journal: Journal) -> None:
        history = uuid4()
        with journal.exclusive(history):
            head, entries = post(journal, history, journal.read(history).head)
            assert list(journal.read(history).entries) == entries
            head, more = post(journal, history, head)
            assert list(journal.read(history).entries) == entries + more
        assert list(journal.read(history).entries) == entries + more

    def test_exclusive_nests(self, journal: Journal) -> None:
        outer, inner = uuid4(), uuid4()
        with journal.exclusive(outer), journal.exclusive(inner):
            post(journal, inner, NO_HEAD)
            post(journal, outer, NO_HEAD)
        assert journal.read(inner).head.vid
        assert journal.read(outer).head.vid

    def test_what_was_committed_before_an_exception_stays(self, journal: Journal) -> None:
        history = uuid4()
        head = NO_HEAD

        def interrupted() -> None:
            nonlocal head
            with journal.exclusive(history):
                head, _ = post(journal, history, NO_HEAD)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            interrupted()
        assert journal.read(history).head == head
        post(journal, history, head)

    def test_a_refusal_inside_leaves_the_turn_usable(self, journal: Journal) -> None:
        history = uuid4()
        with journal.exclusive(history):
            head, _ = post(journal, history, NO_HEAD)
            with pytest.raises(VersionConflictError):
                post(journal, history, NO_HEAD)
            head, _ = post(journal, history, head)
        assert journal.read(history).head == head
        assert len(journal.read(history).entries) == 2

    # Two users of one store

    def test_another_user_sees_what_is_committed(self, journal: Journal, second: Journal) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
        reading = second.read(history)
        assert reading.head == head
        head, more = post(second, history, reading.head)
        assert list(journal.read(history, reading.head).entries) == more

    def test_another_user_sees_a_delete(self, journal: Journal, second: Journal) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
        second.delete(history, second.read(history).head)
        assert journal.read(history, head).head == NO_HEAD
        with pytest.raises(VersionConflictError) as caught:
            post(journal, history, head)
        assert caught.value.stored == EPOCH

    # Deleting and collecting

    def test_a_deleted_history_reads_as_empty(self, journal: Journal) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD, 2)
        journal.delete(history, head)
        for after in (None, head):
            reading = journal.read(history, after)
            assert (reading.entries, reading.head) == ((), NO_HEAD)
            assert not reading.continues
        assert journal.read(history, NO_HEAD).continues

    def test_deleting_compares_the_head(self, journal: Journal) -> None:
        history = uuid4()
        stale, _ = post(journal, history, NO_HEAD)
        head, _ = post(journal, history, stale)
        for after in (stale, NO_HEAD):
            with pytest.raises(VersionConflictError) as caught:
                journal.delete(history, after)
            assert caught.value == VersionConflictError(head.vid, after.vid)
        assert journal.read(history).head == head

    def test_deleting_what_is_empty_or_deleted(self, journal: Journal) -> None:
        history = uuid4()
        journal.delete(history, NO_HEAD)
        head, _ = post(journal, history, NO_HEAD)  # an empty history's id is not taken by deleting
        journal.delete(history, head)
        journal.delete(history, NO_HEAD)
        journal.delete(history, head)  # as one that lost the race to another would

    @staticmethod
    def completed(workflows: Workflows) -> tuple[UUID, Ulid]:
        """A new workflow that may be deleted, and its vid."""
        history = uuid4()
        workflows.init(history, CmdInit(registry_id=uuid4()))
        return history, workflows.abort_expired(history, NO_VC)

    @pytest.mark.parametrize("versioned", [False, True])
    def test_a_delete_that_loses_to_another_succeeds(
        self, journal: Journal, second: Journal, clock: TurnedClock, versioned: bool
    ) -> None:
        others = Workflows(second)
        history, vid = self.completed(others)

        def overtake() -> None:
            others.delete(history, NO_VC)
            clock.turn(seconds=1)

        given: Vid = vid if versioned else NO_VC
        Workflows(Overtaken(journal, overtake)).delete(history, given)
        (stored,) = journal.histories()
        assert stored.deleted_at == clock.now - 1  # the first mark counts
        with pytest.raises(JournalError) as caught:  # the race was over before this one began
            Workflows(journal).delete(history, vid)
        assert caught.value.err == VersionConflictError(EPOCH, vid)

    def test_a_delete_that_loses_to_another_event_is_a_conflict(
        self, journal: Journal, second: Journal
    ) -> None:
        others = Workflows(second)
        history, vid = self.completed(others)
        overtaken = Workflows(Overtaken(journal, lambda: others.end(history, vid)))
        with pytest.raises(JournalError) as caught:
            overtaken.delete(history, NO_VC)
        head = journal.read(history).head.vid
        assert caught.value.err == VersionConflictError(head, vid)
        assert head > vid

    def test_a_delete_does_not_reach_a_later_history_of_the_id(
        self, journal: Journal, second: Journal, clock: TurnedClock
    ) -> None:
        others = Workflows(second)
        history, vid = self.completed(others)

        def overtake() -> None:
            others.delete(history, NO_VC)
            assert second.collect(clock.now + 31 * DAY).freed == (history,)
            others.init(history, CmdInit(registry_id=uuid4()))

        with pytest.raises(JournalError) as caught:
            Workflows(Overtaken(journal, overtake)).delete(history, vid)
        head = journal.read(history).head.vid
        assert caught.value.err == VersionConflictError(head, vid)
        assert head

    def test_the_id_of_a_deleted_history_is_taken(self, journal: Journal) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
        journal.delete(history, head)
        with pytest.raises(HistoryDeletedError) as caught:
            post(journal, history, NO_HEAD)
        assert caught.value.id == history

    def test_garbage_collection_in_two_steps(self, journal: Journal, clock: TurnedClock) -> None:
        history, kept = uuid4(), uuid4()
        head, _ = post(journal, history, NO_HEAD, 3)
        kept_head, _ = post(journal, kept, NO_HEAD, 2)
        journal.delete(history, head)
        clock.now += 14 * DAY
        assert not journal.collect()
        clock.now += 2 * DAY
        collected = journal.collect()
        assert (collected.entries, collected.freed) == (3, ())
        assert not journal.collect()
        with pytest.raises(HistoryDeletedError):
            post(journal, history, NO_HEAD)
        clock.now += 13 * DAY
        assert not journal.collect()
        clock.now += 2 * DAY
        collected = journal.collect()
        assert (collected.entries, collected.freed) == (0, (history,))
        assert not journal.collect()
        assert journal.read(kept).head == kept_head
        assert len(journal.read(kept).entries) == 2

    def test_what_is_exactly_as_old_as_the_limit_stays(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        clock.now += 0.123
        history, trimmed = uuid4(), uuid4()
        journal.delete(history, post(journal, history, NO_HEAD, 3)[0])
        head, _ = self.snapshot(journal, trimmed, post(journal, trimmed, NO_HEAD, 4)[0])
        assert journal.trim(trimmed)
        self.snapshot(journal, trimmed, head)
        instant = 0.001
        assert not journal.collect(clock.now + 15 * DAY)
        assert journal.collect(clock.now + 15 * DAY + instant).entries == 3
        assert not journal.collect(clock.now + 30 * DAY)
        assert not journal.trim(trimmed, clock.now + 30 * DAY)
        collected = journal.collect(clock.now + 30 * DAY + instant)
        assert (collected.entries, collected.freed) == (4, (history,))
        assert journal.trim(trimmed, clock.now + 30 * DAY + instant)

    def test_collecting_at_a_given_time(self, journal: Journal, clock: TurnedClock) -> None:
        histories = sorted(uuid4() for _ in range(3))
        for history in histories:
            journal.delete(history, post(journal, history, NO_HEAD, 2)[0])
        collected = journal.collect(clock.now + 31 * DAY)
        assert (collected.entries, collected.freed) == (6, tuple(histories))
        assert not journal.collect(clock.now + 31 * DAY)

    def test_a_history_of_a_freed_id_is_another(self, journal: Journal, clock: TurnedClock) -> None:
        history = uuid4()
        old, entries = post(journal, history, NO_HEAD, 2)
        journal.delete(history, old)
        journal.collect(clock.now + 31 * DAY)
        assert journal.read(history, old).head == NO_HEAD
        # Even the very same entries, so that the heads look alike.
        new = journal.commit(history, NO_HEAD, entries, chart=CHART)
        assert new.vid == old.vid
        reading = journal.read(history, old)
        assert not reading.continues
        assert list(reading.entries) == entries
        with pytest.raises(VersionConflictError):
            post(journal, history, old)
        post(journal, history, new)

    @pytest.mark.parametrize("mark_days", [5, 20])
    def test_other_retention(self, tmp_path: Path, clock: TurnedClock, mark_days: int) -> None:
        retention = Retention(
            deleted_entries=timedelta(days=10), deleted_mark=timedelta(days=mark_days)
        )
        with self.open(tmp_path, clock, retention) as journal:
            history = uuid4()
            journal.delete(history, post(journal, history, NO_HEAD, 2)[0])
            # Freeing the id frees the entries, too, however long they were to be kept.
            early = journal.collect(clock.now + 6 * DAY)
            late = journal.collect(clock.now + 11 * DAY)
            assert (early.entries, late.entries) == ((2, 0) if mark_days == 5 else (0, 2))
            assert (early.freed, late.freed) == (((history,), ()) if mark_days == 5 else ((), ()))
            assert not journal.collect(clock.now + 11 * DAY)

    def test_many_entries_are_collected_in_one_pass(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        history = uuid4()
        journal.delete(history, post(journal, history, NO_HEAD, 2500)[0])
        assert journal.collect(clock.now + 31 * DAY).entries == 2500

    # Restart points and trimming

    @staticmethod
    def snapshot(
        journal: Journal, history: UUID, after: Head, count: int = 2
    ) -> tuple[Head, list[Entry]]:
        entries = chain(after.vid, count, b"snapshot")
        return journal.commit(history, after, entries, chart=CHART, restart=True), entries

    def test_a_reader_starts_at_the_newest_restart_point(self, journal: Journal) -> None:
        history = uuid4()
        head, before = post(journal, history, NO_HEAD, 3)
        middle, first = self.snapshot(journal, history, head)
        head, second = self.snapshot(journal, history, middle)
        head, after = post(journal, history, head)
        reading = journal.read(history)
        assert list(reading.entries) == second + after
        assert not reading.rooted
        assert not reading.continues
        whole = journal.read(history, whole=True)
        assert list(whole.entries) == before + first + second + after
        assert whole.rooted
        assert list(journal.read(history, middle).entries) == second + after
        assert journal.read(history, middle).continues
        assert list(journal.read(history, middle, whole=True).entries) == second + after

    def test_a_restart_point_at_the_root(self, journal: Journal) -> None:
        history = uuid4()
        _, entries = self.snapshot(journal, history, NO_HEAD)
        reading = journal.read(history)
        assert list(reading.entries) == entries
        assert reading.rooted
        assert not journal.trim(history)

    def test_trimming(self, journal: Journal, clock: TurnedClock) -> None:
        history = uuid4()
        assert not journal.trim(history)
        early, before = post(journal, history, NO_HEAD, 3)
        assert not journal.trim(history)
        head, snapshot = self.snapshot(journal, history, early)
        assert journal.trim(history)
        assert not journal.trim(history)
        whole = journal.read(history, whole=True)
        assert list(whole.entries) == snapshot
        assert not whole.rooted
        assert whole.entries[0].parent == before[-1].id  # shown as it is stored
        # A place right before the new start is still good, one before that is not.
        assert journal.read(history, early).continues
        assert journal.read(history, head).continues
        clock.now += 31 * DAY
        assert journal.collect().entries == 3
        assert not journal.collect()
        assert list(journal.read(history, whole=True).entries) == snapshot
        post(journal, history, head)

    def test_a_place_before_the_start_begins_anew(self, journal: Journal) -> None:
        history = uuid4()
        early, _ = post(journal, history, NO_HEAD)
        head, _ = post(journal, history, early)
        _, snapshot = self.snapshot(journal, history, head)
        assert journal.read(history, early).continues
        assert journal.trim(history)
        reading = journal.read(history, early)
        assert list(reading.entries) == snapshot
        assert not reading.continues
        assert not reading.rooted

    def test_trims_are_apart_and_collected_each_in_its_time(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD, 3)
        head, first = self.snapshot(journal, history, head)
        assert journal.trim(history)
        head, second = self.snapshot(journal, history, head, 4)
        clock.now += 29 * DAY
        assert not journal.trim(history)
        clock.now += 2 * DAY
        assert journal.trim(history)
        assert journal.collect().entries == 3
        assert list(journal.read(history, whole=True).entries) == second
        clock.now += 28 * DAY
        assert not journal.collect()
        clock.now += 3 * DAY
        assert journal.collect().entries == len(first)
        assert not journal.collect(clock.now + 1000 * DAY)

    def test_trimming_at_a_given_time(self, journal: Journal, clock: TurnedClock) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
        head, _ = self.snapshot(journal, history, head)
        assert journal.trim(history, clock.now + 100 * DAY)
        self.snapshot(journal, history, head)
        assert not journal.trim(history, clock.now + 129 * DAY)
        assert journal.trim(history, clock.now + 131 * DAY)

    def test_a_trimmed_history_is_deleted_and_collected(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD, 3)
        head, _ = self.snapshot(journal, history, head)
        assert journal.trim(history)
        journal.delete(history, head)
        assert not journal.trim(history)
        assert journal.collect(clock.now + 31 * DAY).entries == 5
        assert not journal.collect(clock.now + 100 * DAY)

    # For operators

    @staticmethod
    def fill(journal: Journal, clock: TurnedClock) -> dict[str, UUID]:
        """Histories of each kind, the newest time of which is the clock's."""
        names = ("plain", "trimmed", "twice trimmed", "deleted", "emptied", "freed")
        ids = {name: uuid4() for name in names}
        start = clock.now
        for name in ("freed", "emptied"):
            journal.delete(ids[name], post(journal, ids[name], NO_HEAD, 3)[0])
            clock.now += 16 * DAY
        head, _ = post(journal, ids["twice trimmed"], NO_HEAD, 3)
        head, _ = JournalContract.snapshot(journal, ids["twice trimmed"], head)
        assert journal.trim(ids["twice trimmed"], start)
        journal.collect()
        head, _ = JournalContract.snapshot(journal, ids["twice trimmed"], head, 4)
        assert journal.trim(ids["twice trimmed"])
        head, _ = post(journal, ids["trimmed"], NO_HEAD, 2)
        head, _ = JournalContract.snapshot(journal, ids["trimmed"], head)
        head, _ = JournalContract.snapshot(journal, ids["trimmed"], head)
        assert journal.trim(ids["trimmed"])
        JournalContract.snapshot(journal, ids["trimmed"], head)
        post(journal, ids["plain"], NO_HEAD, 12)
        journal.delete(ids["deleted"], post(journal, ids["deleted"], NO_HEAD)[0])
        return ids

    def test_what_is_in_a_journal(self, journal: Journal, clock: TurnedClock) -> None:
        begun = clock.now
        ids = self.fill(journal, clock)
        found = {each.id: each for each in journal.histories()}
        assert found.keys() == {*ids.values()} - {ids["freed"]}
        vids = {each: found[each].vid for each in found}
        now = clock.now

        def expected(name: str, *numbers: int, **more: object) -> Stored:
            return Stored(ids[name], CHART.name, vids[ids[name]], *numbers, **more)  # type: ignore[arg-type]

        data = len(b"data") + 1
        again = len(b"snapshot") + 1
        assert found[ids["plain"]] == expected("plain", 0, 0, 0, 12, size=12 * data + 2)
        assert found[ids["deleted"]] == expected("deleted", 0, 0, 0, 1, deleted_at=now, size=data)
        assert found[ids["emptied"]] == expected("emptied", 3, 0, 0, 3, deleted_at=begun + 16 * DAY)
        assert found[ids["trimmed"]] == expected(
            *("trimmed", 0, 4, 6, 8),
            trimmed_at=now,
            trims=(Trim(now, 4),),
            size=2 * data + 6 * again,
        )
        assert found[ids["twice trimmed"]] == expected(
            *("twice trimmed", 3, 5, 5, 9),
            trimmed_at=now,
            trims=(Trim(now, 5),),
            size=6 * again,
        )
        assert [found[ids[name]].entries for name in ids if name != "freed"] == [12, 8, 6, 1, 0]
        for name in ("plain", "trimmed", "twice trimmed"):
            assert journal.read(ids[name]).head.vid == vids[ids[name]]
        assert journal.retention.free_at(now) == now + 30 * DAY

    def test_a_scan_hides_nothing(self, journal: Journal, clock: TurnedClock) -> None:
        ids = self.fill(journal, clock)
        scans = list(journal.scan())
        assert [each.stored for each in scans] == list(journal.histories())
        assert not any(each.faults for each in scans)
        for each in scans:
            assert each.stored is not None
            assert [serial for serial, _ in each.entries] == list(
                range(each.stored.first, each.stored.end)
            )
            if each.stored.deleted_at is None:
                visible = tuple(
                    entry for serial, entry in each.entries if serial >= each.stored.start
                )
                assert visible == journal.read(each.stored.id, whole=True).entries
        assert list(journal.scan(ids["deleted"])) == [
            each for each in scans if each.stored and each.stored.id == ids["deleted"]
        ]
        assert list(journal.scan(ids["freed"])) == list(journal.scan(uuid4())) == []

    def test_a_scan_sees_one_moment(self, journal: Journal) -> None:
        histories = [uuid4() for _ in range(3)]
        heads = [post(journal, history, NO_HEAD)[0] for history in histories]
        scan = journal.scan()
        found = [next(scan)]
        for history, head in zip(histories, heads, strict=True):
            post(journal, history, head)
        found += scan
        assert [len(each.entries) for each in found] == [1, 1, 1]
        assert [len(each.entries) for each in journal.scan()] == [2, 2, 2]

    def test_a_backup_is_a_journal_of_its_own(
        self, journal: Journal, clock: TurnedClock, tmp_path: Path
    ) -> None:
        ids = self.fill(journal, clock)
        before = list(journal.scan())
        path = tmp_path / "copy.db"
        url = journal.backup(path)
        history = ids["plain"]
        post(journal, history, journal.read(history).head)
        with open_journal(url, create=False, clock=clock) as copy:
            assert list(copy.scan()) == before
            with pytest.raises(HistoryDeletedError):
                post(copy, ids["deleted"], NO_HEAD)
            head, _ = post(copy, history, copy.read(history).head)
        assert journal.read(history).head.vid != head.vid
        with pytest.raises(FileExistsError):
            journal.backup(path)

    def test_a_history_is_taken_in_as_it_was(
        self, journal: Journal, clock: TurnedClock, tmp_path: Path
    ) -> None:
        ids = self.fill(journal, clock)
        (tmp_path / "other").mkdir()
        with self.open(tmp_path / "other", clock) as other, other.subscribe() as news:
            for each in journal.scan():
                assert each.stored is not None
                charts = [written.chart for written in each.written]
                other.adopt(each.stored, [entry for _, entry in each.entries], charts)
                assert news.wait(0)
            assert list(other.scan()) == list(journal.scan())
            for name in ids.values():
                assert other.read(name).entries == journal.read(name).entries
                assert other.read(name).rooted == journal.read(name).rooted
            # They live on: grow, are trimmed, collected and freed like the first ones.
            for user in (journal, other):
                head = user.read(ids["trimmed"]).head
                post(user, ids["trimmed"], head)
                assert not user.trim(ids["trimmed"], clock.now + 29 * DAY)
                assert user.trim(ids["trimmed"], clock.now + 31 * DAY)
            for days in (0, 14, 16, 31, 62, 400):
                now = clock.now + days * DAY
                assert other.collect(now) == journal.collect(now)

    def test_what_exists_is_not_taken_in(self, journal: Journal, clock: TurnedClock) -> None:
        ids = self.fill(journal, clock)
        before = list(journal.scan())
        for name in ("plain", "trimmed", "deleted", "emptied"):
            entry = chain(EPOCH)[0]
            with pytest.raises(HistoryExistsError) as caught:
                journal.adopt(Stored(ids[name], CHART.name, entry.id, 0, 0, 0, 1), [entry], [CHART])
            assert caught.value.id == ids[name]
        with pytest.raises(ValueError, match="2 entries"):
            journal.adopt(Stored(uuid4(), CHART.name, entry.id, 0, 0, 0, 2), [entry], [CHART])
        assert list(journal.scan()) == before

    def test_each_entry_names_its_chart_and_its_position(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        later = replace(CHART, version="2.0.0", sha256="cd" * 32)
        one, other = uuid4(), uuid4()
        heads = {one: NO_HEAD, other: NO_HEAD}
        expected: dict[UUID, list[ChartIdentity]] = {one: [], other: []}
        order = []
        for history, chart in ((one, CHART), (other, later), (one, later), (one, CHART)):
            entries = chain(heads[history].vid, 2)
            heads[history] = journal.commit(history, heads[history], entries, chart=chart)
            expected[history] += [chart] * 2
            order += [entry.id for entry in entries]
        scanned = {each.stored.id: each for each in journal.scan() if each.stored is not None}
        assert {each: [w.chart for w in scanned[each].written] for each in scanned} == expected
        assert {each: scanned[each].stored.chart for each in scanned} == {  # type: ignore[union-attr]
            one: CHART.name,
            other: later.name,
        }
        assert self.by_position(journal) == order
        # A mark of deletion takes a position, and none is given again once the newest are gone.
        last = max(self.positions(journal))
        journal.delete(one, heads[one])
        post(journal, other, heads[other])
        assert max(self.positions(journal)) == last + 2
        journal.delete(other, journal.read(other).head)
        assert journal.collect(clock.now + 31 * DAY).freed == tuple(sorted((one, other)))
        post(journal, uuid4(), NO_HEAD)
        assert self.positions(journal) == [last + 4]

    @staticmethod
    def positions(journal: Journal) -> list[int]:
        """The positions of the entries that are stored."""
        return [written.position for scanned in journal.scan() for written in scanned.written]

    @staticmethod
    def by_position(journal: Journal) -> list[Ulid]:
        """The ids of the entries that are stored, in the order of commit."""
        found = [
            (written.position, entry.id)
            for scanned in journal.scan()
            for written, (_, entry) in zip(scanned.written, scanned.entries, strict=True)
        ]
        return [own for _, own in sorted(found)]

    # Subscriptions

    def test_a_subscription_is_woken_by_its_history(self, journal: Journal) -> None:
        history = uuid4()
        with journal.subscribe(history) as one, journal.subscribe() as any_:
            assert not one.wait(0)
            assert not any_.wait(0)
            head, _ = post(journal, history, NO_HEAD)
            assert one.wait(0)
            assert any_.wait(0)
            journal.delete(history, head)
            assert one.wait(0)
            assert any_.wait(0)

    def test_a_subscription_to_all_names_what_changed(
        self, journal: Journal, second: Journal
    ) -> None:
        begun, deleted, untouched = uuid4(), uuid4(), uuid4()
        head, _ = post(journal, deleted, NO_HEAD)
        post(journal, untouched, NO_HEAD)
        with journal.subscribe() as any_:
            post(second, begun, NO_HEAD)
            journal.delete(deleted, head)
            named: set[UUID] = set()
            while not {begun, deleted} <= named:
                assert any_.wait(10)
                if any_.histories is None:  # the backend does not know
                    return
                named |= any_.histories
        assert untouched not in named

    def test_a_subscription_is_not_woken_by_others(self, journal: Journal) -> None:
        with journal.subscribe(uuid4()) as one:
            post(journal, uuid4(), NO_HEAD)
            assert not one.wait(0.1)

    def test_a_trim_wakes(self, journal: Journal) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
        self.snapshot(journal, history, head)
        with journal.subscribe(history) as one:
            assert journal.trim(history)
            assert one.wait(0)

    def test_a_waiting_thread_wakes(self, journal: Journal, second: Journal) -> None:
        history = uuid4()
        with ThreadPoolExecutor(2) as pool, journal.subscribe(history) as one:
            near = pool.submit(one.wait, 10)
            post(journal, history, NO_HEAD)
            assert near.result(timeout=10)
            while one.wait(0.1):  # spurious wake-ups are allowed, but they end
                pass
            far = pool.submit(one.wait, 10)
            post(second, history, second.read(history).head)
            assert far.result(timeout=10)

    def test_changes_of_a_turn_wake(self, journal: Journal) -> None:
        history = uuid4()
        with journal.subscribe(history) as one:
            with journal.exclusive(history):
                post(journal, history, NO_HEAD)
            assert one.wait(0)

    def test_closing_a_subscription_wakes_its_waiter(self, journal: Journal) -> None:
        subscription = journal.subscribe()
        with ThreadPoolExecutor(1) as pool:
            waiter = pool.submit(subscription.wait)
            time.sleep(0.02)
            subscription.close()
            subscription.close()
            assert waiter.result(timeout=10) is False
        post(journal, uuid4(), NO_HEAD)
        assert subscription.wait(0) is False

    # Feeds

    def test_a_feed_gives_each_change_once_in_order(
        self, journal: Journal, second: Journal, clock: TurnedClock
    ) -> None:
        history, other = uuid4(), uuid4()
        head, first = post(journal, history, NO_HEAD, 2)
        elsewhere, apart = post(second, other, NO_HEAD)
        _, more = post(second, history, second.read(history, head).head)
        journal.delete(other, elsewhere)
        changes, end = read_feed(journal)
        assert given(changes) == [
            *((history, entry) for entry in first),
            (other, apart[0]),
            (history, more[0]),
            (other, elsewhere.vid),
        ]
        *appended, deleted = changes
        assert all(isinstance(each, Appended) and each.chart == CHART for each in appended)
        restarts = [each.restart for each in appended if isinstance(each, Appended)]
        assert restarts == [True, False, True, False]
        assert isinstance(deleted, Deleted)
        assert deleted.at == clock.now
        assert read_feed(second) == (changes, end)
        assert read_feed(journal, end) == ([], end)

    @pytest.mark.parametrize("limit", [1, 2, 1000])
    def test_a_feed_goes_on_from_each_position(
        self, journal: Journal, second: Journal, limit: int
    ) -> None:
        history = uuid4()
        _, begun = read_feed(journal)
        head, _ = post(journal, history, NO_HEAD, 3)
        post(journal, uuid4(), NO_HEAD)
        journal.delete(history, head)
        changes, _ = read_feed(journal, limit=limit)
        positions = [begun, *(each.position for each in changes)]
        assert len(set(positions)) == len(changes) + 1
        for seen, position in enumerate(positions):
            rest, _ = read_feed(second, position, limit)
            assert given(rest) == given(changes[seen:])

    def test_a_feed_reads_at_least_one_change(self, journal: Journal) -> None:
        with journal.feed() as feed, pytest.raises(ValueError, match="at least 1"):
            feed.read(0)

    def test_a_feed_waits_until_it_is_closed(self, journal: Journal, second: Journal) -> None:
        history = uuid4()
        feed = journal.feed()
        with ThreadPoolExecutor(1) as pool, feed:
            changes = iter(feed)
            head, (entry,) = post(journal, history, NO_HEAD)
            assert given([next(changes)]) == [(history, entry)]
            waiting = pool.submit(next, changes, None)
            head, (entry,) = post(second, history, head)
            change = waiting.result(timeout=10)
            assert change is not None
            assert given([change]) == [(history, entry)]
            assert feed.position == change.position
            while feed.wait(0.1):  # spurious wake-ups are allowed, but they end
                pass
            waiting = pool.submit(next, changes, None)
            time.sleep(0.02)
            feed.close()
            assert waiting.result(timeout=10) is None

    def test_a_closed_feed_gives_no_more(self, journal: Journal) -> None:
        post(journal, uuid4(), NO_HEAD, 3)
        with journal.feed() as feed:
            changes = iter(feed)
            change = next(changes)
            feed.close()
            assert list(changes) == []
            assert feed.position == change.position

    def test_a_feed_misses_nothing_while_others_commit(
        self, journal: Journal, second: Journal
    ) -> None:
        histories = [uuid4() for _ in range(4)]
        each = 25

        def append(history: UUID, user: Journal) -> list[Entry]:
            written: list[Entry] = []
            head = NO_HEAD
            for _ in range(each):
                head, entries = post(user, history, head)
                written += entries
            return written

        read: dict[UUID, list[object]] = {history: [] for history in histories}
        with ThreadPoolExecutor(4) as pool, journal.feed() as feed:
            writing = [
                pool.submit(append, history, user)
                for history, user in zip(histories, [journal, second] * 2, strict=True)
            ]
            while sum(map(len, read.values())) < 4 * each:
                changes = feed.read()
                assert changes or feed.wait(10)
                for history, entry in given(changes):
                    read[history].append(entry)
        assert read == {
            history: done.result() for history, done in zip(histories, writing, strict=True)
        }

    def test_a_feed_tells_late_readers_of_a_deletion(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD, 3)
        first, *_ = read_feed(journal)[0]
        journal.delete(history, head)
        clock.turn(days=16)
        assert journal.collect().entries == 3
        for after in (None, first.position):
            changes, _ = read_feed(journal, after)
            assert given(changes) == [(history, head.vid)]

    def test_a_feed_tells_who_is_too_late_for_a_deletion(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        history, kept = uuid4(), uuid4()
        head, _ = post(journal, history, NO_HEAD)
        changes, early = read_feed(journal)
        journal.delete(history, head)
        _, in_time = read_feed(journal)
        clock.turn(days=31)
        assert journal.collect().freed == (history,)
        late: Sequence[Position] = (changes[0].position, early)
        for position in late:
            with journal.feed(position) as feed, pytest.raises(FeedPositionGoneError) as caught:
                feed.read()
            assert caught.value.position == position
        anew, begun = read_feed(journal)
        assert anew == []
        _, (entry,) = post(journal, kept, NO_HEAD)
        for position in (in_time, begun):
            assert given(read_feed(journal, position)[0]) == [(kept, entry)]

    def test_a_feed_tells_of_marks_in_whatever_order_they_expire(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        earlier, later, kept = uuid4(), uuid4(), uuid4()
        heads = {each: post(journal, each, NO_HEAD)[0] for each in (kept, earlier, later)}
        journal.delete(earlier, heads[earlier])
        clock.turn(days=-5)
        journal.delete(later, heads[later])
        clock.turn(days=31)
        assert journal.collect().freed == (later,)
        first, second, *_ = read_feed(journal)[0]  # they began when one mark had expired
        assert (first.history, second.history) == (kept, earlier)
        _, end = read_feed(journal, second.position)
        clock.turn(days=5)
        assert journal.collect().freed == (earlier,)
        with journal.feed(first.position) as feed, pytest.raises(FeedPositionGoneError):
            feed.read()
        for position in (second.position, end):
            assert read_feed(journal, position)[0] == []
        assert given(read_feed(journal)[0])[0][0] == kept

    def test_a_feed_begins_a_trimmed_history_anew(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD, 4)
        seen, *_ = read_feed(journal)[0]
        head = journal.commit(history, head, chain(head.vid, 3), chart=CHART, restart=True)
        head, _ = post(journal, history, head)
        assert journal.trim(history)
        assert len(read_feed(journal, seen.position)[0]) == 7  # as long as all is stored
        clock.turn(days=31)
        assert journal.collect().entries == 4
        visible = journal.read(history).entries
        for after in (None, seen.position):
            changes, _ = read_feed(journal, after)
            assert given(changes) == [(history, entry) for entry in visible]
            restarts = [each.restart for each in changes if isinstance(each, Appended)]
            assert restarts == [True, False, False, False]

    def test_a_feed_has_what_was_taken_in(
        self, journal: Journal, tmp_path: Path, clock: TurnedClock
    ) -> None:
        history, deleted = uuid4(), uuid4()
        with open_journal("memory:", clock=clock) as other:
            head, _ = post(other, history, NO_HEAD, 2)
            self.snapshot(other, history, head)
            clock.turn(days=31)
            assert other.trim(history)
            clock.turn(days=31)
            other.collect()
            other.delete(deleted, post(other, deleted, NO_HEAD)[0])
            _, begun = read_feed(journal)
            for scanned in other.scan():
                assert scanned.stored is not None
                charts = [each.chart for each in scanned.written]
                journal.adopt(scanned.stored, [each for _, each in scanned.entries], charts)
            changes, _ = read_feed(journal, begun)
            assert given(changes) == given(read_feed(other)[0])
            assert isinstance(changes[0], Appended)
            assert changes[0].restart

    def test_a_feed_refuses_the_positions_of_another_journal(self, journal: Journal) -> None:
        post(journal, uuid4(), NO_HEAD)
        with open_journal("memory:") as other:
            _, elsewhere = read_feed(other)
        for position in (elsewhere, "", "1", "another.journal.entirely"):
            with journal.feed(position) as feed, pytest.raises(FeedPositionGoneError):
                feed.read()

    def test_closing_the_journal_ends_its_feeds(self, tmp_path: Path, clock: TurnedClock) -> None:
        journal = self.open(tmp_path, clock)
        post(journal, uuid4(), NO_HEAD)
        feed = journal.feed()
        changes = iter(feed)
        next(changes)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(next, changes, None)
            time.sleep(0.02)
            journal.close()
            assert waiting.result(timeout=10) is None
        assert list(feed) == []
        assert not feed.wait(0)
        with pytest.raises(JournalClosedError):
            feed.read()

    # Closing

    def test_a_closed_journal_refuses(self, tmp_path: Path, clock: TurnedClock) -> None:
        journal = self.open(tmp_path, clock)
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
        subscription = journal.subscribe()
        with ThreadPoolExecutor(1) as pool:
            waiter = pool.submit(subscription.wait)
            time.sleep(0.02)
            journal.close()
            assert waiter.result(timeout=10) is False
        journal.close()
        uses: Sequence[object] = [
            lambda: journal.read(history),
            lambda: post(journal, history, head),
            lambda: journal.delete(history, head),
            lambda: journal.collect(),
            lambda: journal.trim(history),
            lambda: journal.subscribe(history),
            lambda: journal.feed(),
            lambda: list(journal.histories()),
            lambda: list(journal.scan()),
            lambda: journal.backup(tmp_path / "copy.db"),
            lambda: journal.adopt(Stored(history, CHART.name, EPOCH, 0, 0, 0, 0), [], []),
        ]
        for use in uses:
            with pytest.raises(JournalClosedError) as caught:
                use()  # type: ignore[operator]
            assert caught.value.definite
