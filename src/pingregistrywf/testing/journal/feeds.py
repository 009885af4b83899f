"""The tests of feeds, which give every change of a journal in the order of commit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf.runtime.errors import FeedPositionGoneError, JournalClosedError
from pingregistrywf.runtime.journal import (
    NO_HEAD,
    Appended,
    Deleted,
    Entry,
    Journal,
    Position,
    open_journal,
)
from pingregistrywf.testing.clock import TurnedClock
from pingregistrywf.testing.journal.opened import OpenedJournal
from pingregistrywf.testing.journal.writing import (
    CHART,
    chain,
    given,
    post,
    post_snapshot,
    read_feed,
)


class Feeds(OpenedJournal):
    """A feed gives each change once and in order, and tells who has missed one."""

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
            post_snapshot(other, history, head)
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
