"""The tests of reading and committing: compare-and-set, several users, a closed journal."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf.runtime.errors import JournalClosedError, VersionConflictError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal import NO_HEAD, Entry, Head, Journal, Stored
from pingregistrywf.testing.clock import TurnedClock
from pingregistrywf.testing.journal.opened import OpenedJournal
from pingregistrywf.testing.journal.writing import CHART, IDS, chain, post


class Commits(OpenedJournal):
    """What is committed is read, and one of several writers wins."""

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
