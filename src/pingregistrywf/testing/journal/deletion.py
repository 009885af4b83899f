"""The tests of deleting a history, and of the garbage collection that frees its id."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf._generated.ping_registry import CmdInit, Workflows
from pingregistrywf.runtime.errors import HistoryDeletedError, JournalError, VersionConflictError
from pingregistrywf.runtime.ids import EPOCH, NO_VC, Ulid, Vid
from pingregistrywf.runtime.journal import NO_HEAD, Head, Journal, Retention
from pingregistrywf.testing.clock import DAY, TurnedClock
from pingregistrywf.testing.journal.opened import OpenedJournal
from pingregistrywf.testing.journal.writing import CHART, post, post_snapshot
from pingregistrywf.testing.wrapped import WrappedJournal


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


def completed_workflow(workflows: Workflows) -> tuple[UUID, Ulid]:
    """A new workflow that may be deleted, and its vid."""
    history = uuid4()
    workflows.init(history, CmdInit(registry_id=uuid4()))
    return history, workflows.abort_expired(history, NO_VC)


class Deletion(OpenedJournal):
    """A deleted history reads as empty, and is collected when its time has come."""

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

    @pytest.mark.parametrize("versioned", [False, True])
    def test_a_delete_that_loses_to_another_succeeds(
        self, journal: Journal, second: Journal, clock: TurnedClock, versioned: bool
    ) -> None:
        others = Workflows(second)
        history, vid = completed_workflow(others)

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
        history, vid = completed_workflow(others)
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
        history, vid = completed_workflow(others)

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
        head, _ = post_snapshot(journal, trimmed, post(journal, trimmed, NO_HEAD, 4)[0])
        assert journal.trim(trimmed)
        post_snapshot(journal, trimmed, head)
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
