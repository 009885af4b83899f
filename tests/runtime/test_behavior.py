"""Every cell of behaviour.md's table on the pure core: what is decided, and what it leads to."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from pyrsistent import pmap, pvector

import pingregistrywf
from pingregistrywf import (
    EPOCH,
    NIL,
    ArgumentNotIdempotentError,
    Behavior,
    CmdAbortExpired,
    CmdAppendPing,
    CmdCommit,
    CmdDelete,
    CmdEnd,
    CmdInit,
    CmdPostSummary,
    Command,
    Event,
    EventTypeError,
    MalformedEventError,
    NewEventsError,
    PingRegistryCommitted,
    PingRegistryCompleted,
    PingRegistryStarted,
    ServerPinged,
    ServerPingsGathered,
    State,
    StateCode,
    StateConflictError,
    Status,
    Ulid,
    UlidSource,
    UnknownWorkflowError,
)
from pingregistrywf._generated import ping_registry
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf.runtime.behavior import check

from ..cells import INDEX, WORKFLOW, Cell

ID = UUID("10000000-0000-4000-8000-000000000001")
REGISTRY = UUID("20000000-0000-4000-8000-000000000002")
OTHER = UUID("30000000-0000-4000-8000-000000000003")
VID = Ulid((5 << 80).to_bytes(16, "big"))
NEXT = Ulid(((5 << 80) + 1).to_bytes(16, "big"))
OTHER_ID = Ulid(((6 << 80) + 1).to_bytes(16, "big"))
PINGS = pvector([Status(7, "ping", VID)])
SUMMARY = Status(1, "summary", VID)

STATES = {
    "Uninitialized": State(ID),
    "Initialized": State(ID, VID, StateCode.INITIALIZED, REGISTRY),
    "Appending": State(ID, VID, StateCode.APPENDING, REGISTRY, PINGS),
    "Summarized": State(ID, VID, StateCode.SUMMARIZED, REGISTRY, PINGS, SUMMARY),
    "Completed": State(ID, VID, StateCode.COMPLETED, REGISTRY, PINGS, SUMMARY),
    "Terminated": State(ID, VID, StateCode.TERMINATED, REGISTRY, PINGS, SUMMARY),
}


def command(name: str, same: bool | None) -> Command:
    return {
        "Init": CmdInit(registry_id=OTHER if same is False else REGISTRY),
        "AppendPing": CmdAppendPing(code=-3, message="new"),
        "PostSummary": CmdPostSummary(code=-3, message="new"),
        "Commit": CmdCommit(),
        "AbortExpired": CmdAbortExpired(),
        "End": CmdEnd(),
        "Delete": CmdDelete(),
    }[name]


def event(name: str, same: bool | None, own: Ulid, parent: Ulid) -> Event:
    header = {"id": own, "parent": parent}
    return {
        "PingRegistryStarted": PingRegistryStarted(
            **header, registry_id=OTHER if same is False else REGISTRY
        ),
        "ServerPinged": ServerPinged(**header, status_code=-3, status_message="new"),
        "ServerPingsGathered": ServerPingsGathered(**header, status_code=-3, status_message="new"),
        "PingRegistryCompleted": PingRegistryCompleted(**header),
        "PingRegistryCommitted": PingRegistryCommitted(**header),
    }[name]


def after(state: State, name: str, same: bool | None, own: Ulid) -> State:
    """The state after an event, written out by hand."""
    new = Status(-3, "new", own)
    changes: dict[str, Any] = {
        "PingRegistryStarted": {
            "state_code": StateCode.INITIALIZED,
            "registry_id": OTHER if same is False else REGISTRY,
        },
        "ServerPinged": {"state_code": StateCode.APPENDING, "pings": state.pings.append(new)},
        "ServerPingsGathered": {"state_code": StateCode.SUMMARIZED, "summary_status": new},
        "PingRegistryCompleted": {"state_code": StateCode.COMPLETED},
        "PingRegistryCommitted": {"state_code": StateCode.TERMINATED},
    }[name]
    return dataclasses.replace(state, vid=own, **changes)


class Counting:
    """Gives the id after the one before, and counts."""

    def __init__(self) -> None:
        self.drawn = 0

    def next(self, after: Ulid) -> Ulid:
        self.drawn += 1
        return Ulid((int.from_bytes(after.bytes, "big") + 1).to_bytes(16, "big"))


@pytest.mark.parametrize(
    "told", [each for each in WORKFLOW if each.state != "Deleted"], ids=lambda told: told.name
)
def test_every_cell(told: Cell) -> None:
    ids = Counting()
    behavior = Behavior(ids)
    state = STATES[told.state]
    before = repr(state)
    asked = command(told.command, told.same)
    if told.outcome == "reject":
        assert told.error is not None
        with pytest.raises(getattr(pingregistrywf, told.error)) as caught:
            behavior.tell(state, asked)
        if isinstance(caught.value, StateConflictError):
            assert (caught.value.what, caught.value.state) == (told.command, told.state)
        if isinstance(caught.value, ArgumentNotIdempotentError):
            assert caught.value.arg == "RegistryId"
        assert caught.value.definite
        events: tuple[Event, ...] = ()
    else:
        events = behavior.tell(state, asked)
    if told.outcome == "emit":
        assert told.event is not None
        (own,) = (each.id for each in events)
        assert own > state.vid
        assert events == (event(told.event, told.same, own, state.vid),)
        new = behavior.new_advancer().advance(state, events[0])
        assert new == after(state, told.event, told.same, own)
        assert new.state_code.name == told.target.upper()
        check(ping_registry.DECLARATION, state, events[0])
    else:
        assert events == ()
    assert ids.drawn == len(events)
    assert repr(state) == before
    assert state == STATES[told.state]


@pytest.mark.parametrize("name", [each.event for each in WORKFLOW if each.event], ids=str)
def test_the_emitted_events_are_written_and_read(name: str) -> None:
    made = event(name, True, NEXT, VID)
    assert Event.unmarshal_proto(made.marshal_proto()) == made


STATE_NAMES = list(STATES)
FOLLOWS = {(each.state, each.event) for each in WORKFLOW if each.event}


@pytest.mark.parametrize("name", [kind.__name__ for kind in ping_registry.DECLARATION.by_event])
@pytest.mark.parametrize("state", STATE_NAMES)
def test_replay_accepts_what_some_command_makes_and_nothing_else(state: str, name: str) -> None:
    current = STATES[state]
    made = event(name, True, NEXT, current.vid)
    if (state, name) in FOLLOWS:
        check(ping_registry.DECLARATION, current, made)
    else:
        with pytest.raises(StateConflictError) as caught:
            check(ping_registry.DECLARATION, current, made)
        assert (caught.value.what, caught.value.state) == (name, state)


def test_replay_refuses_a_zero_id_and_a_nil_registry() -> None:
    with pytest.raises(MalformedEventError):
        check(ping_registry.DECLARATION, State(ID), PingRegistryStarted(registry_id=REGISTRY))
    with pytest.raises(MalformedEventError):
        check(ping_registry.DECLARATION, State(ID), PingRegistryStarted(id=VID, registry_id=NIL))


def test_an_event_of_another_chart() -> None:
    foreign: Any = index.PingRegistryDeleted(id=NEXT, parent=VID, workflow_id=ID)
    with pytest.raises(EventTypeError):
        Behavior().new_advancer().advance(State(ID), foreign)
    with pytest.raises(EventTypeError):
        check(ping_registry.DECLARATION, State(ID), foreign)
    with pytest.raises(EventTypeError):
        Event.codec.encode(foreign)


def test_the_advancer_does_not_judge() -> None:
    advanced = (
        Behavior().new_advancer().advance(STATES["Terminated"], ServerPinged(id=NEXT, parent=EPOCH))
    )
    assert advanced.state_code is StateCode.APPENDING
    assert advanced.vid == NEXT


def test_the_names_of_the_published_documentation() -> None:
    behavior = Behavior()
    assert behavior.new_event() is Event
    assert isinstance(behavior.new_advancer(), pingregistrywf.Advancer)
    assert behavior.new_state(ID) == State(ID)


def test_an_event_that_cannot_be_made() -> None:
    last = Ulid(b"\xff" * 16)
    with pytest.raises(NewEventsError) as caught:
        Behavior(UlidSource(lambda: 1.0)).tell(
            STATES["Appending"].with_vid(last), CmdAppendPing(code=0, message="")
        )
    assert isinstance(caught.value.err, OverflowError)


def test_a_command_that_dodged_its_checks() -> None:
    dodged = CmdAppendPing.model_construct(code=2**31, message="\ud800")
    with pytest.raises(NewEventsError) as caught:
        Behavior().tell(STATES["Appending"], dodged)
    assert isinstance(caught.value.err, MalformedEventError)


MESSAGES = ["", "plain", "e\u0301 \U0001f600"]


@pytest.mark.parametrize("message", MESSAGES)
def test_an_event_is_as_its_constructor_would_make_it(message: str) -> None:
    asked = CmdAppendPing(code=-(2**31), message=message)
    (made,) = Behavior(Counting()).tell(STATES["Appending"], asked)
    assert_constructed(
        made,
        ServerPinged(id=NEXT, parent=VID, status_code=-(2**31), status_message=message),
    )


def assert_constructed(made: Event, constructed: Event) -> None:
    assert type(made) is type(constructed)
    assert made == constructed
    assert hash(made) == hash(constructed)
    assert repr(made) == repr(constructed)
    assert made.model_fields_set == constructed.model_fields_set
    assert made.__getstate__() == constructed.__getstate__()
    assert list(made.model_dump()) == list(constructed.model_dump())
    assert made.model_dump_json() == constructed.model_dump_json()
    assert pickle.loads(pickle.dumps(made)) == constructed
    for copied in (copy.copy(made), copy.deepcopy(made), made.model_copy()):
        assert copied == constructed
        assert copied.model_fields_set == constructed.model_fields_set
    assert made.model_copy(update={"id": OTHER_ID}) != constructed
    with pytest.raises(ValidationError):
        made.id = VID  # type: ignore[misc]


def test_events_share_nothing_that_can_be_changed() -> None:
    ids = Counting()
    asked = CmdAppendPing(code=0, message="")
    one, other = (Behavior(ids).tell(STATES["Appending"], asked)[0] for _ in range(2))
    one.model_fields_set.clear()
    assert other.model_fields_set == {"id", "parent", "status_code", "status_message"}


@pytest.mark.parametrize(
    ("code", "message"),
    [(True, ""), (2**31, ""), (-(2**31) - 1, ""), (1.0, ""), (0, "\udfff"), (0, b""), (0, None)],
)
def test_every_field_of_a_dodged_command_is_judged(code: Any, message: Any) -> None:
    dodged = CmdAppendPing.model_construct(code=code, message=message)
    with pytest.raises(NewEventsError) as caught:
        Behavior().tell(STATES["Appending"], dodged)
    with pytest.raises(MalformedEventError) as refused:
        ServerPinged(status_code=code, status_message=message)
    assert str(caught.value.err) == str(refused.value)


def test_an_id_that_is_no_ulid_makes_no_event() -> None:
    class Broken:
        def next(self, after: Ulid) -> Any:
            return after.bytes

    with pytest.raises(NewEventsError):
        Behavior(Broken()).tell(STATES["Appending"], CmdAppendPing(code=0, message=""))


# --- The index -------------------------------------------------------------------------------

START, DONE = Ulid(b"\x01" * 16), Ulid(b"\x02" * 16)
ENTRIES = {
    "Absent": None,
    "Active": index.Entry(ID, index.StateCode.ACTIVE, START),
    "Completed": index.Entry(ID, index.StateCode.COMPLETED, START, DONE),
}


@pytest.mark.parametrize("told", INDEX, ids=lambda told: told.name)
def test_every_cell_of_the_index(told: Cell) -> None:
    neighbour = index.Entry(OTHER, index.StateCode.ACTIVE, DONE)
    entry = ENTRIES[told.state]
    state = index.State(REGISTRY, VID, pmap({OTHER: neighbour} | ({ID: entry} if entry else {})))
    before = repr(state)
    fields: dict[str, Any] = {"workflow_id": ID}
    if told.command != "DeletePingRegistry":
        fields["workflow_event_id"] = Ulid(b"\x03" * 16)
    asked = getattr(index, f"Cmd{told.command}")(**fields)
    behavior = index.Behavior(Counting())
    if told.outcome == "reject":
        assert told.error is not None
        with pytest.raises(getattr(pingregistrywf, told.error)) as caught:
            behavior.tell(state, asked)
        if isinstance(caught.value, UnknownWorkflowError):
            assert caught.value.workflow_id == ID
        else:
            assert (caught.value.what, caught.value.state) == (told.command, told.state)
    else:
        events = behavior.tell(state, asked)
        if told.outcome == "noop":
            assert events == ()
        else:
            assert told.event is not None
            (made,) = events
            assert made == getattr(index, told.event)(id=made.id, parent=VID, **fields)
            new = behavior.new_advancer().advance(state, made)
            changed = {
                "PingRegistryStarted": index.Entry(ID, index.StateCode.ACTIVE, Ulid(b"\x03" * 16)),
                "PingRegistryCompleted": index.Entry(
                    ID, index.StateCode.COMPLETED, START, Ulid(b"\x03" * 16)
                ),
            }.get(told.event)
            assert new.entries.get(ID) == changed
            assert new.entries[OTHER] == neighbour
            assert (new.vid, new.events_since_snapshot) == (made.id, 1)
    assert repr(state) == before
