"""What the journal on NATS does beyond the contract: lost answers, fences, damage, round trips."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf.runtime.errors import CorruptedDataError, DBError, VersionConflictError
from pingregistrywf.runtime.journal import NO_HEAD, Appended, Head, open_journal
from pingregistrywf.runtime.journal.nats import connection as nats_connection
from pingregistrywf.runtime.journal.nats import consumer, rivals, turns
from pingregistrywf.runtime.journal.nats.connection import Connection
from pingregistrywf.runtime.journal.nats.failures import (
    ApiError,
    DeniedError,
    NoAnswerError,
    TooLargeError,
)
from pingregistrywf.runtime.journal.nats.journal import NatsJournal
from pingregistrywf.runtime.journal.nats.record import Raw
from pingregistrywf.testing.clock import DAY, TurnedClock
from pingregistrywf.testing.journal import CHART, chain, post, read_feed

from ...nats.cluster import Cluster, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A NATS server of this module's own."""
    with Cluster(tmp_path_factory.mktemp("nats"), 1) as server:
        yield server


@pytest.fixture
def journal(server: Cluster) -> Iterator[NatsJournal]:
    with open_journal(server.url(f"s{uuid4().hex}"), clock=TurnedClock()) as opened:
        assert isinstance(opened, NatsJournal)
        yield opened


def connection_of(journal: NatsJournal) -> Connection:
    return journal._store.connection


class Losing:
    """Loses answers of the server to messages of a history.

    Args:
        journal: whose connection loses them.
        answers: for each message that waits for an answer, whether it reaches the server.  Once
            they are used up, nothing is lost.
        between: what happens after the first loss.
    """

    def __init__(
        self,
        journal: NatsJournal,
        answers: list[bool],
        between: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._answers, self._between = answers, between
        self._answered = connection_of(journal).answered

    async def __call__(
        self, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        if subject.startswith("$JS") or not self._answers:
            return await self._answered(subject, payload, headers)
        if self._answers.pop(0):
            await self._answered(subject, payload, headers)
        if self._between is not None:
            between, self._between = self._between, None
            await between()
        raise NoAnswerError("lost by the test", sent=True)


def lose(
    monkeypatch: pytest.MonkeyPatch, journal: NatsJournal, *answers: bool, **more: Any
) -> None:
    monkeypatch.setattr(connection_of(journal), "answered", Losing(journal, [*answers], **more))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("answers", [[True], [False], [False, True], [True, True, False]])
def test_a_commit_whose_acknowledgement_is_lost_happens_once(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch, count: int, answers: list[bool]
) -> None:
    history = uuid4()
    head, first = post(journal, history, NO_HEAD)
    lose(monkeypatch, journal, *answers)
    head, more = post(journal, history, head, count)
    head, last = post(journal, history, head)
    reading = journal.read(history)
    assert list(reading.entries) == first + more + last
    assert reading.head == head


@pytest.mark.parametrize("count", [1, 3])
def test_a_commit_that_was_lost_and_overtaken_is_a_conflict(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    history = uuid4()
    head, _ = post(journal, history, NO_HEAD)

    async def overtake() -> None:
        await journal._commit(history, head, chain(head.vid), CHART, restart=False)

    lose(monkeypatch, journal, False, between=overtake)
    with pytest.raises(VersionConflictError) as caught:
        post(journal, history, head, count)
    assert caught.value.definite
    assert caught.value.stored == journal.read(history).head.vid
    assert len(journal.read(history).entries) == 2


def test_a_commit_that_is_in_is_told_though_others_followed(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = uuid4()
    head, _ = post(journal, history, NO_HEAD)

    async def follow() -> None:
        read = await journal._read("reading", history, None, whole=False)
        await journal._commit(history, read.head, chain(read.head.vid), CHART, restart=False)

    lose(monkeypatch, journal, True, between=follow)
    head, (entry,) = post(journal, history, head)
    assert journal.read(history).entries[1] == entry
    assert len(journal.read(history, head).entries) == 1


class Answering:
    """Lets the first attempt at a commit be answered otherwise than by the server.

    Args:
        journal: whose connection does it.
        stored: whether the server stores what the first attempt sends.
        answers: what the first attempts are answered, instead of what the server says.
    """

    def __init__(self, journal: NatsJournal, *answers: Exception, stored: bool) -> None:
        self._answers, self._stored = [*answers], stored
        self._answered = connection_of(journal).answered

    async def __call__(
        self, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        if subject.startswith("$JS") or not self._answers:
            return await self._answered(subject, payload, headers)
        if self._stored:
            self._stored = False
            await self._answered(subject, payload, headers)
        raise self._answers.pop(0)


REFUSED = ApiError(10071, 400, "wrong last sequence")


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("code", [10071, 10164])
def test_a_refusal_is_compared_with_what_is_stored(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch, code: int, count: int, stored: bool
) -> None:
    """Two servers may take one message while leaders change, and one refuse what the other has."""
    history = uuid4()
    head, first = post(journal, history, NO_HEAD)
    answer = ApiError(code, 400, "wrong last sequence")
    monkeypatch.setattr(
        connection_of(journal), "answered", Answering(journal, answer, stored=stored)
    )
    head, more = post(journal, history, head, count)
    assert list(journal.read(history).entries) == first + more
    assert journal.read(history).head == head


def test_the_same_events_of_another_writer_are_a_conflict(journal: NatsJournal) -> None:
    history = uuid4()
    head, _ = post(journal, history, NO_HEAD)
    entries = chain(head.vid)
    with open_journal(journal.url) as other:
        other.commit(history, head, entries, chart=CHART)
    with pytest.raises(VersionConflictError):
        journal.commit(history, head, entries, chart=CHART)


@pytest.mark.parametrize(
    "last", [ApiError(10077, 503, "no space left"), DeniedError("any"), TooLargeError(2, 1)]
)
def test_a_commit_that_may_be_in_is_not_definitely_refused(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch, last: Exception
) -> None:
    history = uuid4()
    for stored in (True, False):
        head = journal.read(history).head
        answers = [NoAnswerError("lost by the test", sent=True)] if stored else []
        with monkeypatch.context() as patched:
            patched.setattr(
                connection_of(journal),
                "answered",
                Answering(journal, *answers, last, stored=stored),
            )
            with pytest.raises(DBError) as caught:
                post(journal, history, head)
        assert caught.value.definite is not stored
        assert len(journal.read(history).entries) == 1


@pytest.mark.parametrize("answer", [NoAnswerError("no leader", sent=False), REFUSED])
def test_a_refusal_that_cannot_be_compared_is_not_definite(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    history = uuid4()
    monkeypatch.setattr(
        connection_of(journal), "answered", Answering(journal, REFUSED, stored=True)
    )

    async def unanswered(*_: object) -> None:
        raise answer

    monkeypatch.setattr(journal._store, "following", unanswered)
    with pytest.raises(DBError) as caught:
        post(journal, history, NO_HEAD)
    assert not caught.value.definite


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_that_nobody_answers_is_not_definite(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    monkeypatch.setattr(nats_connection.Attempts.__init__, "__defaults__", (0.1,))
    history = uuid4()
    lose(monkeypatch, journal, arrives, *[False] * 1000)
    with pytest.raises(DBError) as caught:
        post(journal, history, NO_HEAD)
    assert not caught.value.definite


def reborn(journal: NatsJournal, history: UUID) -> tuple[int, Head]:
    """Delete, collect and begin a history again; the sequence of the mark, and the new head."""
    head, _ = post(journal, history, NO_HEAD, 3)
    journal.delete(history, head)
    stream = journal._store.streams.stream(history)
    mark = connection_of(journal).run(journal._store.last_sequence(stream))
    assert journal.collect(journal.clock() + 31 * DAY).freed == (history,)
    return mark, post(journal, history, NO_HEAD, 2)[0]


def test_a_late_purge_does_not_reach_a_later_history_of_the_id(journal: NatsJournal) -> None:
    history = uuid4()
    mark, head = reborn(journal, history)
    assert connection_of(journal).run(journal._store.purge(history, mark + 1)) == 0
    assert len(journal.read(history).entries) == 2
    assert journal.read(history).head == head


def test_a_foreign_message_is_damage_and_hides_no_other_history(journal: NatsJournal) -> None:
    history, other = uuid4(), uuid4()
    head, entries = post(journal, history, NO_HEAD, 2)
    apart, _ = post(journal, other, NO_HEAD)
    subject = journal._store.streams.subject(history)
    connection_of(journal).run(connection_of(journal).answered(subject, b"foreign"))
    with pytest.raises(CorruptedDataError, match="is none of this journal"):
        journal.read(history)
    assert journal.read(other).head == apart
    scans = {each.stored.id: each for each in journal.scan() if each.stored is not None}
    assert [entry for _, entry in scans[history].entries] == entries
    (fault,) = scans[history].faults
    assert fault.history == history
    assert scans[other].faults == ()
    with pytest.raises(CorruptedDataError):
        post(journal, history, head)


def test_a_feed_stays_before_a_foreign_message(journal: NatsJournal) -> None:
    history = uuid4()
    post(journal, history, NO_HEAD, 2)
    _, seen = read_feed(journal)
    subject = journal._store.streams.subject(history)
    connection_of(journal).run(connection_of(journal).answered(subject, b"foreign"))
    post(journal, uuid4(), NO_HEAD)
    with journal.feed(seen) as feed:
        for _ in range(2):
            with pytest.raises(CorruptedDataError, match="is none of this journal"):
                feed.read()


def test_a_subscription_goes_on_after_a_message_of_nobody(journal: NatsJournal) -> None:
    connection, streams = connection_of(journal), journal._store.streams
    with open_journal(journal.url) as second, second.subscribe() as news:
        connection.run(connection.answered(f"{streams.name}.0.nobody", b"foreign"))
        history = uuid4()
        post(journal, history, NO_HEAD)
        assert news.wait(60)
        assert news.histories == {history}


def test_what_was_pending_and_is_removed_is_not_waited_for(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = consumer._raw

    def believes_in_more(*arguments: Any, **options: Any) -> tuple[Raw, int, int]:
        raw, count, pending = received(*arguments, **options)
        return raw, count, pending + 1

    kept, removed = uuid4(), uuid4()
    post(journal, kept, NO_HEAD)
    reborn(journal, removed)
    journal.delete(removed, journal.read(removed).head)
    assert journal.collect(journal.clock() + 31 * DAY).freed == (removed,)
    monkeypatch.setattr(consumer, "_raw", believes_in_more)
    monkeypatch.setattr(consumer, "_HEARTBEAT", 0.1)
    assert [each.id for each in journal.histories()] == [kept]
    changes, _ = read_feed(journal)
    assert [each.history for each in changes] == [kept]


def test_a_commit_is_one_message_and_reading_what_is_known_another(journal: NatsJournal) -> None:
    history = uuid4()
    head, _ = post(journal, history, NO_HEAD)
    sent = connection_of(journal)._client.stats
    before = sent["out_msgs"]
    for _ in range(20):
        head, _ = post(journal, history, head)
    assert sent["out_msgs"] == before + 20
    journal.read(history, head)  # asks who leads, which holds for a while
    before = sent["out_msgs"]
    journal.read(history, head)
    assert sent["out_msgs"] - before in (1, 2)


def test_a_commit_of_thousands_of_events_is_read_in_parts(journal: NatsJournal) -> None:
    history = uuid4()
    head, entries = post(journal, history, NO_HEAD, 2_500)
    assert list(journal.read(history).entries) == entries
    changes, _ = read_feed(journal, limit=700)
    assert [each.entry for each in changes if isinstance(each, Appended)] == entries
    positions = [each.position for each in changes]
    assert len(set(positions)) == len(entries)
    rest, _ = read_feed(journal, positions[1_000])
    assert rest == changes[1_001:]
    assert journal.read(history, head).entries == ()


def test_threads_of_a_process_take_turns_at_a_history(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_LONGEST", 60.0)
    history, order, inside = uuid4(), list[str](), threading.Event()

    def second() -> None:
        inside.wait()
        with journal.exclusive(history):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with journal.exclusive(history):
            waiting = pool.submit(second)
            inside.set()
            post(journal, history, NO_HEAD, 5)
            assert not waiting.done()
            order.append("first")
        waiting.result()
    assert order == ["first", "second"]


def test_whoever_loses_a_race_is_left_a_gap(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    history, elsewhere = uuid4(), uuid4()
    slept = list[float]()
    monkeypatch.setattr(rivals.random, "random", lambda: 1.0)
    monkeypatch.setattr(turns, "sleep", slept.append)
    with open_journal(journal.url) as other:
        assert isinstance(other, NatsJournal)
        for each in (journal, other):
            with each.exclusive(history):
                post(each, elsewhere, each.read(elsewhere).head)  # it listens before it writes
        assert slept == []
        post(journal, history, NO_HEAD)
        with pytest.raises(VersionConflictError):
            post(other, history, NO_HEAD)
        pauses = journal._rivals.pause, other._rivals.pause
        wait_until(lambda: all(pause(history) for pause in pauses), 20, lambda: "nobody hears it")
        with journal.exclusive(elsewhere):
            assert slept == []
        journal._rivals._took = other._rivals._took = 0.01
        with journal.exclusive(history), other.exclusive(history):
            winner, loser = slept
        assert winner > loser > 0
        monkeypatch.setattr(rivals, "_REMEMBERED", 0.0)
        assert [pause(history) for pause in pauses] == [0.0, 0.0]


def test_threads_that_want_each_others_turn_go_on(
    journal: NatsJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_LONGEST", 0.05)
    one, other = uuid4(), uuid4()
    both = threading.Barrier(2)

    def nested(outer: UUID, inner: UUID) -> None:
        with journal.exclusive(outer):
            both.wait()
            with journal.exclusive(inner):
                pass

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(nested, (one, other), (other, one)))
