"""The tests of what operators need: listing, scanning, backing up and taking in histories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf.runtime.errors import HistoryDeletedError, HistoryExistsError
from pingregistrywf.runtime.ids import EPOCH
from pingregistrywf.runtime.journal import (
    NO_HEAD,
    ChartIdentity,
    Journal,
    Stored,
    Trim,
    open_journal,
)
from pingregistrywf.testing.clock import DAY, TurnedClock
from pingregistrywf.testing.journal.opened import OpenedJournal
from pingregistrywf.testing.journal.writing import CHART, by_position, chain, fill, positions, post


class Contents(OpenedJournal):
    """What is in a journal is listed whole, and moves to another journal as it was."""

    def test_what_is_in_a_journal(self, journal: Journal, clock: TurnedClock) -> None:
        begun = clock.now
        ids = fill(journal, clock)
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
        ids = fill(journal, clock)
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
        ids = fill(journal, clock)
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
        ids = fill(journal, clock)
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
        ids = fill(journal, clock)
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
        assert by_position(journal) == order
        # A mark of deletion takes a position, and none is given again once the newest are gone.
        last = max(positions(journal))
        journal.delete(one, heads[one])
        post(journal, other, heads[other])
        assert max(positions(journal)) == last + 2
        journal.delete(other, journal.read(other).head)
        assert journal.collect(clock.now + 31 * DAY).freed == tuple(sorted((one, other)))
        post(journal, uuid4(), NO_HEAD)
        assert positions(journal) == [last + 4]
