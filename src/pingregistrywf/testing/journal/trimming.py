"""The tests of restart points, and of trimming a history before one."""

from __future__ import annotations

from uuid import uuid4

from pingregistrywf.runtime.journal import NO_HEAD, Journal
from pingregistrywf.testing.clock import DAY, TurnedClock
from pingregistrywf.testing.journal.opened import OpenedJournal
from pingregistrywf.testing.journal.writing import post, post_snapshot


class Trimming(OpenedJournal):
    """A reader starts at the newest restart point, and what stands before it can go."""

    def test_a_reader_starts_at_the_newest_restart_point(self, journal: Journal) -> None:
        history = uuid4()
        head, before = post(journal, history, NO_HEAD, 3)
        middle, first = post_snapshot(journal, history, head)
        head, second = post_snapshot(journal, history, middle)
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
        _, entries = post_snapshot(journal, history, NO_HEAD)
        reading = journal.read(history)
        assert list(reading.entries) == entries
        assert reading.rooted
        assert not journal.trim(history)

    def test_trimming(self, journal: Journal, clock: TurnedClock) -> None:
        history = uuid4()
        assert not journal.trim(history)
        early, before = post(journal, history, NO_HEAD, 3)
        assert not journal.trim(history)
        head, snapshot = post_snapshot(journal, history, early)
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
        _, snapshot = post_snapshot(journal, history, head)
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
        head, first = post_snapshot(journal, history, head)
        assert journal.trim(history)
        head, second = post_snapshot(journal, history, head, 4)
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
        head, _ = post_snapshot(journal, history, head)
        assert journal.trim(history, clock.now + 100 * DAY)
        post_snapshot(journal, history, head)
        assert not journal.trim(history, clock.now + 129 * DAY)
        assert journal.trim(history, clock.now + 131 * DAY)

    def test_a_trimmed_history_is_deleted_and_collected(
        self, journal: Journal, clock: TurnedClock
    ) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD, 3)
        head, _ = post_snapshot(journal, history, head)
        assert journal.trim(history)
        journal.delete(history, head)
        assert not journal.trim(history)
        assert journal.collect(clock.now + 31 * DAY).entries == 5
        assert not journal.collect(clock.now + 100 * DAY)
