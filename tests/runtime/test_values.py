"""Public values are immutable, compare by value, pickle and copy; bad ones are refused at once."""

from __future__ import annotations

import copy
import dataclasses
import enum
import inspect
import json
import pickle
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from pyrsistent import pmap, pvector

import pingregistrywf
from pingregistrywf import (
    EPOCH,
    NIL,
    Behavior,
    CmdAbortExpired,
    CmdAppendPing,
    CmdCommit,
    CmdDelete,
    CmdEnd,
    CmdInit,
    CmdPostSummary,
    Command,
    Deleted,
    Event,
    InvalidCommandError,
    MalformedEventError,
    PingRegistryCommitted,
    PingRegistryCompleted,
    PingRegistryStarted,
    Recorded,
    Retention,
    ServerPinged,
    ServerPingsGathered,
    State,
    StateCode,
    Status,
    Ulid,
    WorkflowIndexes,
    Workflows,
)
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf.runtime.journal import Collected, Entry, Head, Reading

ID = UUID("11111111-2222-3333-4444-555555555555")
OTHER = UUID("99999999-2222-3333-4444-555555555555")
ONE = Ulid((1).to_bytes(16, "big"))
TWO = Ulid((2).to_bytes(16, "big"))


def examples() -> list[Any]:
    """One of every public value; a second call makes equal ones that share nothing."""
    one, two = Ulid(ONE.bytes[:]), Ulid(TWO.bytes[:])
    identity = UUID(str(ID))
    status = Status(code=-1, message="m", event_id=two)
    entry = index.Entry(identity, index.StateCode.ACTIVE, one)
    header = {"id": two, "parent": one}
    return [
        one,
        StateCode.APPENDING,
        CmdInit(registry_id=identity),
        CmdAppendPing(code=-(2**31), message="ping \U0001f600"),
        CmdPostSummary(code=2**31 - 1, message=""),
        CmdCommit(),
        CmdAbortExpired(),
        CmdEnd(),
        CmdDelete(),
        PingRegistryStarted(**header, registry_id=identity),
        ServerPinged(**header, status_code=1, status_message="m"),
        ServerPingsGathered(**header, status_code=1, status_message="m"),
        PingRegistryCompleted(**header),
        PingRegistryCommitted(**header),
        status,
        State(identity),
        State(identity, two, StateCode.SUMMARIZED, identity, pvector([status, status]), status),
        index.CmdBeginPingRegistry(workflow_id=identity, workflow_event_id=one),
        index.CmdCommitPingRegistry(workflow_id=identity, workflow_event_id=two),
        index.CmdDeletePingRegistry(workflow_id=identity),
        index.CmdSnapshot(if_storage_reduction=True),
        index.PingRegistryStarted(**header, workflow_id=identity, workflow_event_id=one),
        index.PingRegistryCompleted(**header, workflow_id=identity, workflow_event_id=one),
        index.PingRegistryDeleted(**header, workflow_id=identity),
        index.SnapshotBegin(**header),
        index.SnapshotState(**header, ping_registry=(entry,)),
        index.SnapshotEnd(**header),
        entry,
        index.State(identity),
        index.State(identity, two, pmap({identity: entry}), 3, pmap()),
        Retention(deleted_mark=timedelta(days=1)),
        Collected(3, (identity,)),
        Entry(two, one, b"data"),
        Head(two, (1, 2)),
        Reading((Entry(two, one, b"data"),), Head(two, (1, 2)), continues=True),
        Deleted(identity, "1", two, 1.5),
        Recorded(identity, "1", PingRegistryCommitted(**header), restart=True),
    ]


EXAMPLES = examples()
NAMES = [f"{type(each).__name__}-{number}" for number, each in enumerate(EXAMPLES)]
each_value = pytest.mark.parametrize("value", EXAMPLES, ids=NAMES)


def test_every_public_value_is_among_the_examples() -> None:
    covered = {type(each) for each in EXAMPLES}
    for package in (pingregistrywf, index):
        for name in package.__all__:
            kind = getattr(package, name)
            if not inspect.isclass(kind) or kind in (Command, Event, index.Event):
                continue
            if issubclass(kind, Command | Event | index.Event) or dataclasses.is_dataclass(kind):
                assert kind in covered or kind.__name__ == "StateCode", name


@each_value
def test_it_pickles_and_copies(value: Any) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
    for copied in (copy.copy(value), copy.deepcopy(value)):
        assert copied == value
        assert type(copied) is type(value)
        assert repr(copied) == repr(value)


def test_values_compare_by_value() -> None:
    for row, value in enumerate(EXAMPLES):
        for column, other in enumerate(examples()):
            assert (value == other) == (row == column), (value, other)


@each_value
def test_it_is_hashable_and_equal_ones_hash_the_same(value: Any) -> None:
    assert isinstance(value, Hashable)
    equal = examples()[EXAMPLES.index(value)]
    assert hash(value) == hash(equal)
    assert len({value, equal}) == 1


def names_of_fields(value: Any) -> list[str]:
    if isinstance(value, Command | Event | index.Event):
        return list(type(value).model_fields)
    if isinstance(value, Ulid):
        return ["bytes"]
    if isinstance(value, Entry | Reading):
        return list(value._fields)
    return [each.name for each in dataclasses.fields(value)]


@each_value
def test_it_is_frozen(value: Any) -> None:
    if isinstance(value, enum.Enum):
        return
    before = repr(value)
    for name in names_of_fields(value):
        with pytest.raises((AttributeError, ValidationError)):
            setattr(value, name, getattr(value, name))
        with pytest.raises((AttributeError, ValidationError)):
            delattr(value, name)
    with pytest.raises((AttributeError, TypeError, ValidationError)):
        value.no_such_field = 1
    assert repr(value) == before


def test_lists_and_maps_in_states_alias_nothing() -> None:
    behavior = Behavior()
    advancer = behavior.new_advancer()
    state = State(ID, ONE, StateCode.APPENDING, ID)
    after = advancer.advance(state, ServerPinged(id=TWO, parent=ONE, status_message="one"))
    assert list(state.pings) == []
    assert state.num_pings == 0
    assert after.num_pings == len(after.pings) == 1
    assert after.pings[0] == Status(0, "one", TWO)
    with pytest.raises(TypeError):
        after.pings[0] = Status()  # type: ignore[index]


def test_a_state_at_another_version() -> None:
    state = State(ID, ONE, StateCode.APPENDING, ID, pvector([Status(1, "m", ONE)]))
    moved = state.with_vid(TWO)
    assert moved == dataclasses.replace(state, vid=TWO)
    assert state.vid == ONE
    assert index.State(ID).with_vid(TWO).vid == TWO


def test_a_new_state_is_empty() -> None:
    state = Behavior().new_state(ID)
    assert state == State(ID, EPOCH, StateCode.UNINITIALIZED, NIL, pvector(), Status(0, "", EPOCH))
    assert state.num_pings == 0


def test_a_state_code_reads_as_the_chart_names_it() -> None:
    code = StateCode.APPENDING
    assert (str(code), f"{code}", f"{code!s:>10}") == ("Appending", "Appending", " Appending")
    assert (code, f"{code:03}", json.dumps([code])) == (2, "002", "[2]")
    assert str(index.StateCode.ABSENT) == "Absent"


def test_an_event_knows_its_time() -> None:
    event = ServerPinged(id=Ulid((1_700_000_000_123).to_bytes(6, "big") + bytes(10)))
    assert event.time == datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)
    assert "time" not in event.model_dump()


def test_the_state_codes() -> None:
    assert {each.name: int(each) for each in StateCode} == {
        "UNINITIALIZED": 0,
        "INITIALIZED": 1,
        "APPENDING": 2,
        "SUMMARIZED": 3,
        "COMPLETED": 4,
        "TERMINATED": 5,
    }


# --- Bad arguments ---------------------------------------------------------------------------

SURROGATES = ["\ud800", "a\udfff", "\udc00\ud800", "ok\ud83dok"]
BAD_COMMANDS: list[tuple[type[Command], dict[str, Any]]] = [
    (CmdInit, {}),
    (CmdInit, {"registry_id": NIL}),
    (CmdInit, {"registry_id": None}),
    (CmdInit, {"registry_id": str(ID)}),
    (CmdInit, {"registry_id": ID.bytes}),
    (CmdInit, {"registry_id": ID, "more": 1}),
    (CmdInit, {"registryId": ID}),
    (CmdAppendPing, {"code": 0}),
    (CmdAppendPing, {"message": ""}),
    (CmdAppendPing, {"code": True, "message": ""}),
    (CmdAppendPing, {"code": 1.0, "message": ""}),
    (CmdAppendPing, {"code": float("nan"), "message": ""}),
    (CmdAppendPing, {"code": "1", "message": ""}),
    (CmdAppendPing, {"code": None, "message": ""}),
    (CmdAppendPing, {"code": 2**31, "message": ""}),
    (CmdAppendPing, {"code": -(2**31) - 1, "message": ""}),
    (CmdAppendPing, {"code": 10**30, "message": ""}),
    (CmdAppendPing, {"code": 0, "message": b"bytes"}),
    (CmdAppendPing, {"code": 0, "message": None}),
    (CmdAppendPing, {"code": 0, "message": 1}),
    *((CmdAppendPing, {"code": 0, "message": text}) for text in SURROGATES),
    (CmdPostSummary, {"code": 2**31, "message": ""}),
    (CmdPostSummary, {"code": False, "message": ""}),
    (CmdPostSummary, {"code": 0, "message": "\ud800"}),
    (CmdCommit, {"code": 0}),
    (CmdAbortExpired, {"vid": EPOCH}),
    (CmdEnd, {"id": ID}),
    (CmdDelete, {"force": True}),
    (index.CmdBeginPingRegistry, {"workflow_id": ID}),
    (index.CmdBeginPingRegistry, {"workflow_id": NIL, "workflow_event_id": ONE}),
    (index.CmdBeginPingRegistry, {"workflow_id": ID, "workflow_event_id": EPOCH}),
    (index.CmdBeginPingRegistry, {"workflow_id": ID, "workflow_event_id": ONE.bytes}),
    (index.CmdBeginPingRegistry, {"workflow_id": ID, "workflow_event_id": str(ONE)}),
    (index.CmdCommitPingRegistry, {"workflow_id": NIL, "workflow_event_id": ONE}),
    (index.CmdCommitPingRegistry, {"workflow_id": ID, "workflow_event_id": EPOCH}),
    (index.CmdDeletePingRegistry, {"workflow_id": NIL}),
    (index.CmdSnapshot, {}),
    (index.CmdSnapshot, {"if_storage_reduction": 1}),
    (index.CmdSnapshot, {"if_storage_reduction": None}),
]


@pytest.mark.parametrize(
    ("kind", "arguments"),
    BAD_COMMANDS,
    ids=[f"{kind.__name__}-{arguments!a}"[:60] for kind, arguments in BAD_COMMANDS],
)
def test_a_bad_argument_is_refused_where_it_is_given(
    kind: type[Command], arguments: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCommandError) as caught:
        kind(**arguments)
    assert caught.value.reason
    assert caught.value.__suppress_context__
    assert str(caught.value).encode()


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(InvalidCommandError) as caught:
        CmdAppendPing(code="x", text="y")
    for name in ("code", "message", "text"):
        assert name in caught.value.reason


@pytest.mark.parametrize("code", [-(2**31), -1, 0, 1, 2**31 - 1])
@pytest.mark.parametrize("message", ["", "\0", "\U0010ffff", "e\u0301 \u202e", "x" * 100_000])
def test_every_int32_and_every_text_is_accepted(code: int, message: str) -> None:
    command = CmdAppendPing(code=code, message=message)
    assert (command.code, command.message) == (code, message)


BAD_EVENTS: list[tuple[Any, dict[str, Any]]] = [
    (ServerPinged, {"status_code": 2**31}),
    (ServerPinged, {"status_code": True}),
    (ServerPinged, {"status_message": "\ud800"}),
    (ServerPinged, {"id": bytes(16)}),
    (ServerPinged, {"parent": None}),
    (ServerPinged, {"code": 1}),
    (PingRegistryStarted, {"registry_id": str(ID)}),
    (PingRegistryCompleted, {"workflow_id": ID}),
    (index.SnapshotState, {"ping_registry": [ID]}),
]


@pytest.mark.parametrize(("kind", "fields"), BAD_EVENTS)
def test_a_bad_field_of_an_event_is_refused(kind: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(MalformedEventError):
        kind(**fields)


# --- Malformed arguments are refused before anything is looked at -----------------------------


class Untouchable:
    """A journal that must not be asked."""

    clock = staticmethod(lambda: 0.0)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name} of the journal was used")


CALLS: dict[str, Any] = {
    "nil registry": lambda w: w.init(ID, CmdInit(registry_id=NIL)),
    "code of 2**31": lambda w: w.append_ping(ID, TWO, 2**31, ""),
    "code is a bool": lambda w: w.append_ping(ID, TWO, True, ""),
    "lone surrogate": lambda w: w.append_ping(ID, TWO, 0, "\ud800"),
    "surrogate in a summary": lambda w: w.post_summary(ID, TWO, 0, "\udfff"),
    "not a command of init": lambda w: w.init(ID, CmdCommit()),
    "no command at all": lambda w: w.init(ID, None),
    "a command of the index": lambda w: w.init(ID, index.CmdDeletePingRegistry(workflow_id=ID)),
    "nil history": lambda w: w.commit(NIL, TWO),
    "nil history of init": lambda w: w.init(NIL, CmdInit(registry_id=ID)),
    "history as text": lambda w: w.commit(str(ID), TWO),
    "vid as bytes": lambda w: w.commit(ID, bytes(16)),
    "vid as text": lambda w: w.commit(ID, str(TWO)),
    "vid as number": lambda w: w.commit(ID, 1),
    "no vid": lambda w: w.commit(ID, None),
    "vid of another enum": lambda w: w.delete(ID, StateCode.INITIALIZED),
    "find of a nil id": lambda w: w.find_id(NIL),
    "find of a text": lambda w: w.find_id(str(ID)),
    "events of a nil id": lambda w: w.events(NIL),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_malformed_arguments_are_refused_before_the_journal_is_asked(call: Any) -> None:
    with pytest.raises(InvalidCommandError):
        call(Workflows(Untouchable()))  # type: ignore[arg-type]


INDEX_CALLS: dict[str, Any] = {
    "begin, nil workflow": lambda w: w.begin_ping_registry(ID, TWO, NIL, ONE),
    "begin, nil event": lambda w: w.begin_ping_registry(ID, TWO, OTHER, EPOCH),
    "commit, nil workflow": lambda w: w.commit_ping_registry(ID, TWO, NIL, ONE),
    "commit, nil event": lambda w: w.commit_ping_registry(ID, TWO, OTHER, EPOCH),
    "delete, nil workflow": lambda w: w.delete_ping_registry(ID, TWO, NIL),
    "snapshot, no bool": lambda w: w.snapshot(ID, TWO, 1),
    "nil index": lambda w: w.snapshot(NIL, TWO, True),
}


@pytest.mark.parametrize("call", INDEX_CALLS.values(), ids=INDEX_CALLS)
def test_malformed_arguments_of_the_index(call: Any) -> None:
    with pytest.raises(InvalidCommandError):
        call(WorkflowIndexes(Untouchable()))  # type: ignore[arg-type]


def test_a_command_of_no_kind_is_invalid() -> None:
    class CmdForeign(Command):
        """A command of no chart."""

    with pytest.raises(InvalidCommandError):
        Behavior().tell(State(ID), CmdForeign())
    with pytest.raises(InvalidCommandError):
        Behavior().tell(State(ID), "Commit")  # type: ignore[arg-type]
    with pytest.raises(InvalidCommandError):
        Workflows(Untouchable()).engine.tell(uuid4(), EPOCH, CmdForeign())  # type: ignore[arg-type]


def test_a_command_is_of_its_very_class() -> None:
    class CmdCommitTwice(CmdCommit):
        """Nobody is asked to subclass."""

    with pytest.raises(InvalidCommandError):
        Workflows(Untouchable()).engine.tell(uuid4(), ONE, CmdCommitTwice())  # type: ignore[arg-type]
