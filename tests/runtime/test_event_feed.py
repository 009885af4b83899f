"""A facade's feed gives the events of its chart, decoded, and goes on after an error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    NO_VC,
    CmdInit,
    CorruptedDataError,
    Deleted,
    FeedPositionGoneError,
    Journal,
    JournalClosedError,
    JournalError,
    Recorded,
    ServerPinged,
    UlidSource,
    WorkflowIndexes,
    Workflows,
)
from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.runtime.errors import ChartChangedError
from pingregistrywf.runtime.event_feed import EventChange
from pingregistrywf.runtime.journal import NO_HEAD, ChartIdentity, Entry
from pingregistrywf.testing.journal import TurnedClock

from .conftest import Open

INDEX = uuid4()


class Line(NamedTuple):
    """What a change says, but for where it stands."""

    history: UUID
    event: object
    restart: bool = False


def lines(changes: Iterator[EventChange[object]]) -> list[Line]:  # type: ignore[type-var]
    return [
        Line(each.history, each.event, each.restart)
        if isinstance(each, Recorded)
        else Line(each.history, Deleted)
        for each in changes
    ]


@pytest.fixture
def workflows(journal: Journal) -> Workflows:
    return Workflows(journal)


def begin(journal: Journal, pings: int) -> UUID:
    """Begin a workflow that an index lists, with so many pings."""
    history, workflows = uuid4(), Workflows(journal)
    vid = workflows.init(history, CmdInit(registry_id=uuid4()))
    WorkflowIndexes(journal).begin_ping_registry(INDEX, NO_VC, history, vid)
    for number in range(pings):
        workflows.append_ping(history, NO_VC, number, "well")
    return history


def told(workflows: Workflows, *histories: UUID) -> list[Line]:
    """What a feed should say of these histories, one after another."""
    return [
        Line(history, event, event.parent == EPOCH)
        for history in histories
        for event in workflows.events(history)
    ]


def test_it_gives_the_events_of_its_chart_and_no_others(opened: Open) -> None:
    here, there = opened(), opened()
    workflows, indexes = Workflows(here), WorkflowIndexes(here)
    histories = [begin(there, 2), begin(there, 1)]
    with workflows.feed() as feed, indexes.feed() as of_index:
        assert lines(iter(feed.read())) == told(workflows, *histories)
        assert feed.read() == ()
        assert [each.history for each in of_index.read()] == [INDEX, INDEX]
        over = histories[0]
        Workflows(there).abort_expired(over, NO_VC)
        completed = workflows.events(over)[-1]
        Workflows(there).delete(over, NO_VC)
        assert feed.wait(60)
        assert lines(iter(feed.read())) == [Line(over, completed), Line(over, Deleted)]


def test_a_read_passes_over_what_is_not_its_own(journal: Journal, workflows: Workflows) -> None:
    history = begin(journal, 0)
    for _ in range(3):
        WorkflowIndexes(journal).begin_ping_registry(
            INDEX, NO_VC, uuid4(), UlidSource().next(EPOCH)
        )
    workflows.append_ping(history, NO_VC, 7, "ill")
    with workflows.feed() as feed:
        assert [len(feed.read(1)) for _ in range(3)] == [1, 1, 0]


def test_every_position_can_be_resumed(journal: Journal, workflows: Workflows) -> None:
    changes = told(workflows, begin(journal, 2), begin(journal, 1))
    with workflows.feed() as feed:
        places = [(each.position, feed.position) for each in islice(feed, len(changes))]
    assert all(of_change == of_feed for of_change, of_feed in places)
    for number, (position, _) in enumerate(places, start=1):
        with workflows.feed(position) as resumed:
            assert lines(iter(resumed.read())) == changes[number:]


def test_it_waits_for_what_comes_until_it_is_closed(opened: Open) -> None:
    here, there = opened(), opened()
    history = begin(there, 1)
    given: list[object] = []
    with Workflows(here).feed() as feed:
        for change in feed:
            assert isinstance(change, Recorded)
            given.append(type(change.event))
            if len(given) == 2:
                Workflows(there).append_ping(history, NO_VC, 0, "late")
            elif len(given) == 3:
                feed.close()
    assert given[1:] == [ServerPinged, ServerPinged]


@pytest.mark.parametrize("iterated", [False, True])
def test_an_event_that_is_none_is_an_error_again_and_again(
    journal: Journal, workflows: Workflows, clock: TurnedClock, iterated: bool
) -> None:
    history = begin(journal, 0)
    damaged, vid = uuid4(), UlidSource(clock).next(EPOCH)
    journal.commit(damaged, NO_HEAD, [Entry(vid, EPOCH, b"?")], chart=DECLARATION.identity)
    with workflows.feed() as feed:
        for _ in range(2):
            with pytest.raises(CorruptedDataError) as raised:
                lines(iter(feed)) if iterated else feed.read()
            assert isinstance(raised.value, JournalError)
            assert raised.value.event == vid
            assert str(damaged) in str(raised.value)
        position = feed.position
    with workflows.feed(position) as resumed, pytest.raises(CorruptedDataError):
        resumed.read()
    if iterated:  # what came before was given, and does not come again
        assert position is not None
    assert workflows.events(history)


def test_an_entry_of_another_place_is_no_event(journal: Journal, workflows: Workflows) -> None:
    source = workflows.events(begin(journal, 0))[0]
    elsewhere = Entry(UlidSource().next(source.id), EPOCH, source.marshal_proto())
    journal.commit(uuid4(), NO_HEAD, [elsewhere], chart=DECLARATION.identity)
    with workflows.feed() as feed, pytest.raises(CorruptedDataError, match="another id or parent"):
        feed.read()


def test_what_another_version_of_the_chart_wrote_is_told_from_damage(
    journal: Journal, workflows: Workflows
) -> None:
    other = ChartIdentity(DECLARATION.name, "7.0.0", "0" * 64)
    entry = Entry(UlidSource().next(EPOCH), EPOCH, b"?")
    journal.commit(uuid4(), NO_HEAD, [entry], chart=other)
    with workflows.feed() as feed, pytest.raises(ChartChangedError, match=r"chart \w+ 7\.0\.0"):
        feed.read()


def test_the_journals_errors_are_those_of_facades(journal: Journal, workflows: Workflows) -> None:
    with workflows.feed("no position") as feed, pytest.raises(JournalError) as gone:
        feed.read()
    assert isinstance(gone.value, FeedPositionGoneError)
    with workflows.feed() as feed:
        journal.close()
        with pytest.raises(JournalError) as closed:
            feed.read()
    assert isinstance(closed.value, JournalClosedError)


def test_a_journal_may_have_no_feed(journal: Journal) -> None:
    class Bare:
        def __getattr__(self, name: str) -> object:
            if name == "feed":
                raise AttributeError(name)
            return getattr(journal, name)

    with pytest.raises(TypeError, match="a Bare has no feed"):
        Workflows(Bare()).feed()  # type: ignore[arg-type]
