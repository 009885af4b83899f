"""Listing, scanning and collecting on NATS read no more than they need, and tell how far it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf.runtime.journal import NO_HEAD, Entry, open_journal
from pingregistrywf.runtime.journal.counted_scan import counted_scan
from pingregistrywf.runtime.journal.nats import scan
from pingregistrywf.runtime.journal.nats.consumer import Consumer
from pingregistrywf.runtime.journal.nats.journal import NatsJournal
from pingregistrywf.runtime.journal.nats.record import Raw
from pingregistrywf.runtime.transfer import backup
from pingregistrywf.testing.clock import DAY, TurnedClock
from pingregistrywf.testing.journal import CHART, chain, post
from pingregistrywf.testing.journal.writing import post_snapshot

from ...nats.cluster import Cluster, wait_until

EVENTS = 40


@pytest.fixture
def journal(nats_server: Cluster) -> Iterator[NatsJournal]:
    with open_journal(nats_server.url(f"s{uuid4().hex}"), clock=TurnedClock()) as opened:
        assert isinstance(opened, NatsJournal)
        yield opened


def received(journal: NatsJournal, call: Callable[[], object]) -> int:
    """How many messages the servers send during a call."""
    stats = journal._store.connection._client.stats
    before = stats["in_msgs"]
    call()
    return stats["in_msgs"] - before


def foreign(journal: NatsJournal, history: UUID) -> None:
    """Let another program write to a history's subject."""
    connection, subject = journal._store.connection, journal._store.streams.subject(history)
    connection.run(connection.answered(subject, b"foreign"))


def interrupt(
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    between: Callable[[], Awaitable[object]],
    *,
    newest_only: bool = False,
) -> None:
    """Lose the consumer of a pass after so many of its messages; do something meanwhile.

    Args:
        monkeypatch: undoes it.
        after: how many messages.
        between: what happens meanwhile.
        newest_only: whether the pass is the one over the newest messages.
    """
    given, next_of = 0, Consumer.next

    async def interrupted(self: Consumer) -> Raw | None:
        nonlocal given
        raw = await next_of(self)
        given += self._newest_only is newest_only
        if given == after:
            given += 1
            await between()
            self._queue = type(self._queue)()  # what the server had sent is lost
            self.restart()
        return raw

    monkeypatch.setattr(Consumer, "next", interrupted)


def test_listing_reads_the_newest_messages_alone(journal: NatsJournal) -> None:
    histories = {uuid4() for _ in range(5)}
    for history in histories:
        post(journal, history, NO_HEAD, EVENTS)
    found = dict[UUID, int]()
    cost = received(
        journal, lambda: found.update({each.id: each.entries for each in journal.histories()})
    )
    assert found == dict.fromkeys(histories, EVENTS)
    assert cost < EVENTS


def test_collecting_reads_no_history_that_stays(journal: NatsJournal) -> None:
    for _ in range(5):
        post(journal, uuid4(), NO_HEAD, EVENTS)
    deleted = uuid4()
    journal.delete(deleted, post(journal, deleted, NO_HEAD, EVENTS)[0])
    trimmed = uuid4()
    head, _ = post(journal, trimmed, NO_HEAD, EVENTS)
    _, kept = post_snapshot(journal, trimmed, head)
    assert journal.trim(trimmed)
    now = journal.clock() + 31 * DAY
    collected = []
    assert received(journal, lambda: collected.append(journal.collect(now))) < 2 * EVENTS
    assert (collected[0].entries, collected[0].freed) == (2 * EVENTS, (deleted,))
    assert list(journal.read(trimmed, whole=True).entries) == kept
    assert received(journal, lambda: collected.append(journal.collect(now))) < EVENTS
    assert not collected[1]


def test_a_trim_of_a_history_that_was_taken_in_is_collected(
    journal: NatsJournal, nats_server: Cluster
) -> None:
    """Of its trims only the serials are known here, and not where their entries lie."""
    history = uuid4()
    head, _ = post(journal, history, NO_HEAD, 7)
    _, kept = post_snapshot(journal, history, head)
    assert journal.trim(history)
    (scanned,) = journal.scan()
    assert scanned.stored is not None
    clock = TurnedClock()
    with open_journal(nats_server.url(f"s{uuid4().hex}"), clock=clock) as other:
        charts = [each.chart for each in scanned.written]
        other.adopt(scanned.stored, [entry for _, entry in scanned.entries], charts)
        assert other.collect(clock.now + 31 * DAY).entries == 7
        assert list(other.read(history, whole=True).entries) == kept
        (stored,) = other.histories()
        (again,) = other.scan()
        assert again.stored == stored
        assert [entry for _, entry in again.entries] == kept


def test_a_history_that_is_not_there_costs_one_question(journal: NatsJournal) -> None:
    post(journal, uuid4(), NO_HEAD)
    assert received(journal, lambda: [list(journal.scan(uuid4())) for _ in range(20)]) < 30


def test_a_message_of_nobody_hides_no_history_from_the_list(journal: NatsJournal) -> None:
    history, other = uuid4(), uuid4()
    post(journal, history, NO_HEAD, 3)
    foreign(journal, history)
    foreign(journal, other)
    assert [(each.id, each.entries) for each in journal.histories()] == [(history, 3)]
    assert not journal.collect()


def test_a_list_that_begins_anew_in_the_middle_is_whole(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = {}
    for _ in range(2):
        for number in range(6):
            history = UUID(int=number + 1)
            heads[history], _ = post(journal, history, heads.get(history, NO_HEAD))

    async def write() -> None:
        for history, head in heads.items():
            await journal._commit(history, head, chain(head.vid), CHART, restart=False)

    interrupt(monkeypatch, 3, write, newest_only=True)
    found = {each.id: each.end for each in journal.histories()}
    assert found in (dict.fromkeys(heads, 2), dict.fromkeys(heads, 3))


def test_a_history_that_is_freed_during_a_scan_is_left_out(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, freed = uuid4(), uuid4()
    head, _ = post(journal, freed, NO_HEAD, 3)
    post(journal, kept, NO_HEAD, 3)
    journal.delete(freed, head)

    async def collect() -> None:
        await journal._collect(journal.clock() + 31 * DAY)

    interrupt(monkeypatch, 2, collect)
    assert [each.stored and each.stored.id for each in journal.scan()] == [kept]


def test_a_scan_tells_how_far_it_is(journal: NatsJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_STEP", 10)
    histories = [uuid4() for _ in range(3)]
    for history in histories:
        post(journal, history, NO_HEAD, EVENTS)
    read = list[int]()
    given = []
    for scanned in journal.scan_ahead(read=read.append):
        assert scanned.stored is not None
        given.append(scanned.stored.id)
        assert sum(read) < EVENTS * len(given) + 10  # no history waits for those after it
    assert given == histories
    assert sum(read) == EVENTS * 3
    done = list[float]()
    assert len(list(counted_scan(journal, None, done.append))) == 3
    assert sum(done) == EVENTS * 3


def test_a_scan_that_nobody_ends_leaves_no_consumer(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = list[str]()
    stop = Consumer.stop

    async def stopping(self: Consumer) -> None:
        await stop(self)
        stopped.append(self._stream)

    monkeypatch.setattr(scan, "_STEP", 1)
    post(journal, uuid4(), NO_HEAD, 5)
    post(journal, uuid4(), NO_HEAD, 5)
    begun = journal.scan()
    next(begun)
    monkeypatch.setattr(Consumer, "stop", stopping)
    del begun
    wait_until(lambda: bool(stopped), 60, lambda: "the consumer is not stopped")
    assert stopped == [journal._store.streams.name]


def test_a_backup_tells_how_far_it_is(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scan, "_STEP", 10)
    written = list[Entry]()
    for _ in range(2):
        written += post(journal, uuid4(), NO_HEAD, EVENTS)[1]
    passes = dict[str, list[float]]()

    def begin(name: str) -> Callable[[float], object]:
        return passes.setdefault(name, []).append

    backup(journal, tmp_path / "copy.db", {}, begin=begin)
    assert {name: sum(done) for name, done in passes.items()} == {
        "copying": len(written),
        "checking": len(written),
    }
    assert len(passes["copying"]) > len(written) / 10
