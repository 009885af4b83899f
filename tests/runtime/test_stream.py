"""A stream gives each event of a history once, also those to come, and says when it cannot."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    NIL,
    NO_VC,
    CmdInit,
    DBError,
    InvalidCommandError,
    Journal,
    PositionGoneError,
    ServerPinged,
    Ulid,
    UlidSource,
    WorkflowIndexes,
    Workflows,
)
from pingregistrywf.runtime.journal import Head, Reading
from pingregistrywf.runtime.journal.protocol import Subscription
from pingregistrywf.testing.journal import TurnedClock

from .conftest import Open
from .raced import Raced

PAST = 0.0
"""A time limit that is over: what is there is given, and nothing is waited for."""
BEGIN = CmdInit(registry_id=uuid4())
CHAIN = [
    "PingRegistryStarted",
    "ServerPinged",
    "ServerPinged",
    "ServerPingsGathered",
    "PingRegistryCompleted",
    "PingRegistryCommitted",
]


@pytest.fixture
def workflows(journal: Journal) -> Workflows:
    return Workflows(journal)


@pytest.fixture
def history() -> UUID:
    return uuid4()


def begin(workflows: Workflows, history: UUID, pings: int = 2) -> list[Ulid]:
    """Begin a workflow; the vids of its events."""
    vids = [workflows.init(history, BEGIN)]
    vids += [workflows.append_ping(history, NO_VC, 0, f"{number}") for number in range(pings)]
    return vids


def end(workflows: Workflows, history: UUID) -> None:
    workflows.post_summary(history, NO_VC, 0, "done")
    workflows.commit(history, NO_VC)
    workflows.end(history, NO_VC)


def names(stream: Iterator[object]) -> list[str]:
    return [type(event).__name__ for event in stream]


class TestFromThePastIntoThePresent:
    def test_each_event_comes_once(self, opened: Open, history: UUID) -> None:
        here, there = Workflows(opened()), Workflows(opened())
        begin(there, history, pings=1)
        stream = here.follow(history)
        with ThreadPoolExecutor(1) as pool:
            assert names(islice(stream, 2)) == CHAIN[:2]
            rest = pool.submit(names, stream)
            there.append_ping(history, NO_VC, 0, "more")
            end(there, history)
            assert rest.result(60) == CHAIN[2:]

    def test_it_waits_for_a_history_to_begin(self, workflows: Workflows, history: UUID) -> None:
        with workflows.follow(history) as stream, ThreadPoolExecutor(1) as pool:
            first = pool.submit(next, stream)
            begin(workflows, history)
            assert type(first.result(60)).__name__ == CHAIN[0]

    def test_after_any_event(self, workflows: Workflows, history: UUID) -> None:
        vids = begin(workflows, history)
        end(workflows, history)
        assert names(workflows.follow(history, after=EPOCH)) == CHAIN
        for number, vid in enumerate(vids, start=1):
            assert names(workflows.follow(history, after=vid)) == CHAIN[number:]
        assert names(workflows.follow(history, after=workflows.find_id(history).vid)) == []

    def test_until_a_time(self, workflows: Workflows, history: UUID, clock: TurnedClock) -> None:
        begin(workflows, history)
        assert names(workflows.follow(history, until=clock.now)) == CHAIN[:3]
        assert names(workflows.follow(uuid4(), until=PAST)) == []

    def test_a_wake_up_reads_only_what_is_new(self, journal: Journal, history: UUID) -> None:
        watched, read = Raced(journal), []
        watched.watch = lambda reading: read.append(len(reading.entries))
        followed, workflows = Workflows(watched), Workflows(journal)
        begin(workflows, history, pings=50)
        stream = followed.follow(history)
        assert len(list(islice(stream, 51))) == 51
        for number in range(3):
            workflows.append_ping(history, NO_VC, 0, f"more {number}")
            assert isinstance(next(stream), ServerPinged)
        assert read == [51, 1, 1, 1]

    def test_what_the_facade_knows_already_is_not_read(
        self, journal: Journal, history: UUID
    ) -> None:
        watched, read = Raced(journal), []
        followed = Workflows(watched)
        begin(followed, history, pings=50)
        watched.watch = lambda reading: read.append(len(reading.entries))
        stream = followed.follow(history, after=followed.find_id(history).vid)
        Workflows(journal).append_ping(history, NO_VC, 0, "more")
        assert isinstance(next(stream), ServerPinged)
        assert read == [0, 1]

    def test_an_index(self, journal: Journal, ids: UlidSource, history: UUID) -> None:
        indexes = WorkflowIndexes(journal)
        with indexes.follow(history) as stream:
            for _ in range(2):
                indexes.begin_ping_registry(history, NO_VC, uuid4(), ids.next(EPOCH))
                assert type(next(stream)).__name__ == "PingRegistryStarted"


class TestGone:
    def gone(self, stream: Iterator[object], cause: str) -> None:
        with pytest.raises(PositionGoneError, match=cause) as caught:
            next(stream)
        assert caught.value.retry == "after reading"
        assert list(stream) == []  # it has ended

    def test_deleted(self, workflows: Workflows, history: UUID) -> None:
        vids = begin(workflows, history)
        stream, other = workflows.follow(history), workflows.follow(history, after=vids[0])
        assert names(islice(stream, 3)) == CHAIN[:3]
        workflows.abort_expired(history, NO_VC)
        workflows.delete(history, NO_VC)
        self.gone(stream, "was deleted")
        self.gone(other, "was deleted")
        self.gone(workflows.follow(history, after=vids[0]), "was deleted")

    def test_used_again(
        self, journal: Journal, workflows: Workflows, history: UUID, clock: TurnedClock
    ) -> None:
        vids = begin(workflows, history)
        stream = workflows.follow(history)
        assert names(islice(stream, 3)) == CHAIN[:3]
        workflows.abort_expired(history, NO_VC)
        workflows.delete(history, NO_VC)
        clock.turn(days=31)
        assert journal.collect()
        begin(workflows, history)
        self.gone(stream, "has begun anew")
        self.gone(workflows.follow(history, after=vids[0]), "has begun anew")
        assert names(workflows.follow(history, until=PAST)) == CHAIN[:3]

    def test_an_event_that_was_never_there(self, workflows: Workflows, history: UUID) -> None:
        begin(workflows, history)
        self.gone(workflows.follow(history, after=UlidSource().next(EPOCH)), "has begun anew")
        self.gone(workflows.follow(uuid4(), after=UlidSource().next(EPOCH)), "was deleted")

    @pytest.mark.parametrize("restart", [False, True])
    def test_trimmed(
        self,
        journal: Journal,
        ids: UlidSource,
        history: UUID,
        clock: TurnedClock,
        restart: bool,
    ) -> None:
        indexes = WorkflowIndexes(journal)
        indexes.begin_ping_registry(history, NO_VC, uuid4(), ids.next(EPOCH))
        stream = indexes.follow(history, restart=restart)
        late = indexes.follow(history, after=EPOCH, restart=restart)
        next(stream)
        assert not stream.restarted
        indexes.begin_ping_registry(history, NO_VC, uuid4(), ids.next(EPOCH))
        indexes.snapshot(history, NO_VC, if_storage_reduction=False)
        assert journal.trim(history)
        clock.turn(days=31)
        assert journal.collect()
        for each in (stream, late):
            if not restart:
                self.gone(each, "was trimmed")
                continue
            given = [(type(next(each)).__name__, each.restarted) for _ in range(3)]
            assert given == [
                ("SnapshotBegin", True),
                ("SnapshotState", False),
                ("SnapshotEnd", False),
            ]


class TestTheEnd:
    def test_closed_from_another_thread(self, workflows: Workflows, history: UUID) -> None:
        with workflows.follow(history) as stream, ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(list, stream)
            stream.close()
            assert waiting.result(60) == []

    def test_the_journal_is_closed(self, opened: Open, history: UUID) -> None:
        journal = opened()
        stream = Workflows(journal).follow(history, until=journal.clock() + 3600)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(list, stream)
            journal.close()
            assert waiting.result(60) == []

    def test_nobody_holds_it(self, journal: Journal, history: UUID) -> None:
        made: list[Subscription] = []

        class Counting(Raced):
            def subscribe(self, history: UUID | None = None) -> Subscription:
                made.append(self.journal.subscribe(history))
                return made[-1]

        workflows = Workflows(Counting(journal))
        begin(workflows, history)
        for _ in workflows.follow(history):
            break
        gc.collect()
        (subscription,) = made
        assert subscription.closed

    def test_after_an_error_the_next_step_tries_again(
        self, journal: Journal, history: UUID
    ) -> None:
        class Failing(Raced):
            fails = False

            def read(
                self, history: UUID, after: Head | None = None, *, whole: bool = False
            ) -> Reading:
                if self.fails:
                    raise DBError("reading", OSError("the disk is away"))
                return super().read(history, after, whole=whole)

        failing = Failing(journal)
        stream = Workflows(failing).follow(history)
        begin(Workflows(journal), history)
        next(stream)
        failing.fails = True
        assert names(islice(stream, 2)) == CHAIN[1:3]
        Workflows(journal).append_ping(history, NO_VC, 0, "more")
        for _ in range(2):
            with pytest.raises(DBError):
                next(stream)
        failing.fails = False
        assert isinstance(next(stream), ServerPinged)

    def test_no_history(self, workflows: Workflows) -> None:
        with pytest.raises(InvalidCommandError):
            workflows.follow(NIL)
