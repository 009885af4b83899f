"""Replay with and without events: the same state or the same refusal, and no event unasked."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any
from uuid import UUID

import pytest

from pingregistrywf import (
    EPOCH,
    CmdAppendPing,
    CmdInit,
    Event,
    PingRegistryCommitted,
    ServerPinged,
    State,
    Status,
    Ulid,
)
from pingregistrywf._generated.ping_registry import DECLARATION, Behavior
from pingregistrywf.runtime.errors import (
    CorruptedDataError,
    EventTypeError,
    JournalEntryParentMismatchError,
    MalformedEventError,
    StateConflictError,
)
from pingregistrywf.runtime.journal import Entry, Head, Reading
from pingregistrywf.runtime.replay import replay
from pingregistrywf.runtime.wire import Form

ID = UUID("10000000-0000-4000-8000-000000000001")
PINGS = 40  # more than a node of a persistent list holds


def history() -> tuple[list[Entry], list[Event], State]:
    """A history of some pings: its entries, its events, and its state, made step by step."""
    behavior = Behavior()
    state, events = behavior.new_state(ID), []
    for command in (
        CmdInit(registry_id=ID),
        *(CmdAppendPing(code=number, message=f"é{number}") for number in range(PINGS)),
    ):
        (event,) = behavior.tell(state, command)
        state = behavior.new_advancer().advance(state, event)
        events.append(event)
    return [Entry(each.id, each.parent, each.marshal_proto()) for each in events], events, state


def read(entries: list[Entry]) -> Reading:
    return Reading(tuple(entries), Head(entries[-1].id))


def test_the_state_is_that_of_the_events_one_by_one() -> None:
    entries, made, state = history()
    events: list[Event] = []
    assert replay(DECLARATION, ID, State(ID), read(entries)) == state
    assert replay(DECLARATION, ID, State(ID), read(entries), events) == state
    assert events == made


def test_the_state_before_stays_as_it_is() -> None:
    entries, _, state = history()
    half = replay(DECLARATION, ID, State(ID), read(entries[: PINGS // 2]))
    before = repr(half)
    rest = Reading(tuple(entries[PINGS // 2 :]), Head(entries[-1].id), continues=True)
    assert replay(DECLARATION, ID, half, rest) == state
    assert repr(half) == before


def test_what_replay_makes_is_as_frozen_as_what_is_constructed() -> None:
    entries, _, _ = history()
    state = replay(DECLARATION, ID, State(ID), read(entries))
    for value in (state, state.pings[0]):
        assert type(value) in (State, Status)
        assert replace(value) == value
        assert pickle.loads(pickle.dumps(value)) == value
        for each in fields(value):
            with pytest.raises(FrozenInstanceError):
                setattr(value, each.name, getattr(value, each.name))


def test_no_event_is_made_that_nobody_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    entries, _, _ = history()
    made, original = [], Form.read
    monkeypatch.setattr(Form, "read", lambda *args: made.append(1) or original(*args))
    replay(DECLARATION, ID, State(ID), read(entries))
    assert not made
    replay(DECLARATION, ID, State(ID), read(entries), [])
    assert len(made) == len(entries)


def changed(**changes: Any) -> Callable[[Entry], Entry]:
    def change(entry: Entry) -> Entry:
        event = Event.unmarshal_proto(entry.data).model_copy(update=changes)
        return Entry(event.id, event.parent, event.marshal_proto())

    return change


def swapped(kind: type[Event]) -> Callable[[Entry], Entry]:
    return lambda entry: Entry(
        entry.id, entry.parent, kind(id=entry.id, parent=entry.parent).marshal_proto()
    )


OTHER = Ulid(b"\x07" * 16)
DAMAGES: dict[str, tuple[Callable[[Entry], Entry], type[Exception]]] = {
    "no message": (lambda it: Entry(it.id, it.parent, b"\xff"), MalformedEventError),
    "no event": (lambda it: Entry(it.id, it.parent, b""), EventTypeError),
    "another id": (lambda it: Entry(OTHER, it.parent, it.data), MalformedEventError),
    "another parent": (lambda it: Entry(it.id, OTHER, it.data), MalformedEventError),
    "a short id": (
        lambda it: Entry(it.id, it.parent, it.data + b"\x12\x01\x00"),
        MalformedEventError,
    ),
    "a zero id": (changed(id=EPOCH), MalformedEventError),
    "a broken chain": (changed(parent=OTHER), JournalEntryParentMismatchError),
    "no order of the chart": (swapped(PingRegistryCommitted), StateConflictError),
}


@pytest.mark.parametrize("place", [1, PINGS // 2, PINGS])
@pytest.mark.parametrize(("damage", "error"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_refused_alike(
    damage: Callable[[Entry], Entry], error: type[Exception], place: int
) -> None:
    entries, _, _ = history()
    entries[place] = damage(entries[place])
    refusals = []
    for events in (None, []):
        with pytest.raises(CorruptedDataError) as caught:
            replay(DECLARATION, ID, State(ID), read(entries), events)
        assert type(caught.value.err) is error
        assert f"event {entries[place].id} of history {ID}" in str(caught.value)
        refusals.append(caught.value)
    assert str(refusals[0]) == str(refusals[1])


def test_a_header_that_is_missing_reads_as_zeros() -> None:
    whole = ServerPinged().marshal_proto()
    bare = Entry(EPOCH, EPOCH, whole[: whole.index(b"\x12")])
    with pytest.raises(CorruptedDataError) as caught:
        replay(DECLARATION, ID, State(ID), read([bare]))
    assert str(caught.value.err) == "malformed event: its id is zero"
