"""Commands, events, states, ids and versions in pydantic, and in what is built on it."""

from __future__ import annotations

import dataclasses
import inspect
import json
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from pingregistrywf import (
    EPOCH,
    NIL,
    NO_VC,
    AnyCommand,
    AnyEvent,
    CmdAppendPing,
    CmdCommit,
    CmdInit,
    Event,
    InvalidCommandError,
    MalformedEventError,
    PingRegistryStarted,
    ServerPinged,
    State,
    StateCode,
    Status,
    Ulid,
    Vid,
)
from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf.runtime.render import event_json

ID = UUID("a1111111-2222-3333-4444-555555555555")
ONE = Ulid((1).to_bytes(16, "big"))
TWO = Ulid((2).to_bytes(16, "big"))
PINGED = ServerPinged(id=TWO, parent=ONE, status_code=-1, status_message="\0 é \U0001f600")
PINGED_FORM = {
    "event": "ServerPinged",
    "id": str(TWO),
    "parent": str(ONE),
    "fields": {"status_code": -1, "status_message": "\0 é \U0001f600"},
}
STARTED_FORM = {
    "event": "PingRegistryStarted",
    "id": str(ONE),
    "parent": str(EPOCH),
    "fields": {"registry_id": str(ID)},
}
INIT_FORM = {"command": "Init", "args": {"registry_id": str(ID)}}
ENTRY = ping_registry_index.Entry(ID, ping_registry_index.StateCode.ACTIVE, ONE)
SNAPSHOT = ping_registry_index.SnapshotState(id=TWO, parent=ONE, ping_registry=(ENTRY,))
SNAPSHOT_FORM = {
    "event": "SnapshotState",
    "id": str(TWO),
    "parent": str(ONE),
    "fields": {
        "ping_registry": [
            {"workflow_id": str(ID), "started_workflow_event_id": str(ONE)},
        ]
    },
}


class Job(BaseModel):
    """A user's own model."""

    model_config = ConfigDict(strict=True)

    vid: Ulid = EPOCH
    expected: Vid = NO_VC
    command: AnyCommand
    events: list[AnyEvent]
    state: State


JOB = Job(
    vid=TWO,
    command=CmdAppendPing(code=1, message="m"),
    events=[PingRegistryStarted(id=ONE, parent=EPOCH, registry_id=ID), PINGED],
    state=State(ID, TWO, StateCode.APPENDING, ID),
)


# --- The forms ------------------------------------------------------------------------------------


def test_an_event_has_the_form_of_the_adapter_protocol() -> None:
    assert PINGED.model_dump(mode="json") == PINGED_FORM
    assert event_json(ping_registry.DECLARATION, PINGED) == PINGED_FORM
    assert SNAPSHOT.model_dump(mode="json") == SNAPSHOT_FORM
    assert json.loads(SNAPSHOT.model_dump_json()) == SNAPSHOT_FORM


def test_an_event_is_flat_in_python() -> None:
    flat = {"id": TWO, "parent": ONE, "status_code": -1, "status_message": "\0 é \U0001f600"}
    assert PINGED.model_dump() == flat
    assert ServerPinged.model_validate(flat) == PINGED
    assert ServerPinged.model_validate(PINGED_FORM) == PINGED


def test_an_id_that_is_absent_from_the_bytes_is_absent_from_the_form() -> None:
    started = PingRegistryStarted(id=ONE, parent=EPOCH)
    assert started.model_dump(mode="json")["fields"] == {}
    back = PingRegistryStarted.model_validate_json(started.model_dump_json())
    assert back == started
    assert back.marshal_proto() == started.marshal_proto()
    given = PingRegistryStarted(id=ONE, parent=EPOCH, registry_id=NIL)
    assert given.model_dump(mode="json")["fields"] == {"registry_id": str(NIL)}


def test_the_base_of_a_charts_events_is_any_of_them() -> None:
    assert TypeAdapter(Event).validate_python(PINGED_FORM) == PINGED
    assert Event.model_validate_json(json.dumps(STARTED_FORM)) == JOB.events[0]


def test_a_command_has_its_arguments_and_among_others_its_name() -> None:
    init = CmdInit(registry_id=ID)
    assert json.loads(init.model_dump_json()) == {"registry_id": str(ID)}
    adapter: TypeAdapter[Any] = TypeAdapter(AnyCommand)
    assert adapter.dump_python(init, mode="json") == INIT_FORM
    assert (
        adapter.validate_python(INIT_FORM) == adapter.validate_json(json.dumps(INIT_FORM)) == init
    )
    assert adapter.validate_json('{"command": "Commit"}') == CmdCommit()


def test_a_state_has_its_attributes() -> None:
    status = {"code": 1, "message": "m", "event_id": str(TWO)}
    assert TypeAdapter(Status).dump_python(Status(1, "m", TWO), mode="json") == status
    form = TypeAdapter(State).dump_python(JOB.state, mode="json")
    assert list(form) == [each.name for each in dataclasses.fields(State)]
    assert form["state_code"] == 2
    keyed: TypeAdapter[Any] = TypeAdapter(ping_registry_index.State)
    state = ping_registry_index.State(ID)
    keys = sorted(UUID(int=3**number) for number in range(80))
    entries = {key: dataclasses.replace(ENTRY, workflow_id=key) for key in keys}
    listed = dataclasses.replace(state, entries=state.entries.update(entries))
    assert list(keyed.dump_python(listed, mode="json")["entries"]) == [*map(str, keys)]


def test_a_union_of_ones_own_keeps_what_it_is_given() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(list[PingRegistryStarted | ServerPinged | State])
    values = [PINGED, JOB.state, JOB.events[0]]
    assert adapter.validate_json(adapter.dump_json(values)) == values
    assert json.loads(adapter.dump_json(values))[0] == PINGED_FORM


def test_a_users_model_goes_to_json_and_back() -> None:
    form = JOB.model_dump(mode="json")
    assert form["vid"] == str(TWO)
    assert form["expected"] == "no_vc"
    assert form["events"] == [STARTED_FORM, PINGED_FORM]
    assert Job.model_validate_json(JOB.model_dump_json()) == JOB
    assert Job.model_validate(form) == JOB
    assert Job.model_validate(JOB.model_dump()) == JOB


def test_long_lists_keep_their_order() -> None:
    pings = [Status(each % 7, str(each), TWO) for each in range(10_000)]
    state = dataclasses.replace(JOB.state, pings=JOB.state.pings.extend(pings))
    adapter = TypeAdapter(State)
    assert adapter.validate_json(adapter.dump_json(state)) == state


# --- What is refused ------------------------------------------------------------------------------


def index_of(entries: Any) -> dict[str, Any]:
    adapter = TypeAdapter(ping_registry_index.State)
    form: dict[str, Any] = adapter.dump_python(ping_registry_index.State(ID), mode="json")
    return form | {"entries": entries}


def without(form: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in form.items() if name != key}


def pinged(**fields: Any) -> dict[str, Any]:
    return PINGED_FORM | {"fields": PINGED_FORM["fields"] | fields}  # type: ignore[operator]


def init(registry_id: Any) -> dict[str, Any]:
    return {"command": "Init", "args": {"registry_id": registry_id}}


BAD: list[tuple[Any, Any, tuple[str | int, ...]]] = [
    (AnyEvent, pinged(status_code=2**31), ("ServerPinged", "fields", "status_code")),
    (AnyEvent, pinged(status_code="1"), ("ServerPinged", "fields", "status_code")),
    (AnyEvent, pinged(status_code=1.5), ("ServerPinged", "fields", "status_code")),
    (AnyEvent, pinged(status_code=True), ("ServerPinged", "fields", "status_code")),
    (AnyEvent, pinged(status_code=None), ("ServerPinged", "fields", "status_code")),
    (AnyEvent, pinged(status_message=1), ("ServerPinged", "fields", "status_message")),
    (AnyEvent, pinged(more=1), ("ServerPinged", "fields", "more")),
    (AnyEvent, PINGED_FORM | {"more": 1}, ("ServerPinged", "more")),
    (AnyEvent, PINGED_FORM | {"id": str(TWO).lower() + "z"}, ("ServerPinged", "id")),
    (AnyEvent, PINGED_FORM | {"id": "8" + "Z" * 25}, ("ServerPinged", "id")),
    (AnyEvent, without(PINGED_FORM, "parent"), ("ServerPinged", "parent")),
    (AnyEvent, without(PINGED_FORM, "fields"), ("ServerPinged", "fields")),
    (AnyEvent, without(PINGED_FORM, "event"), ()),
    (AnyEvent, PINGED_FORM | {"event": "Pinged"}, ()),
    (AnyEvent, [], ()),
    (AnyCommand, init(str(NIL)), ("Init", "args", "registry_id")),
    (AnyCommand, init(str(ID).upper()), ("Init", "args", "registry_id")),
    (AnyCommand, init("{" + str(ID) + "}"), ("Init", "args", "registry_id")),
    (AnyCommand, init(ID.hex), ("Init", "args", "registry_id")),
    (AnyCommand, init(5), ("Init", "args", "registry_id")),
    (AnyCommand, {"command": "Init"}, ("Init", "args")),
    (AnyCommand, {"command": "Init", "args": {}}, ("Init", "args", "registry_id")),
    (AnyCommand, {"command": "Commit", "args": {"code": 1}}, ("Commit", "args", "code")),
    (AnyCommand, {"command": "CmdInit", "args": {"registry_id": str(ID)}}, ()),
    (State, {"id": str(ID)}, ("vid",)),
    (
        State,
        TypeAdapter(State).dump_python(JOB.state, mode="json") | {"state_code": 9},
        ("state_code",),
    ),
    (Ulid, str(TWO) + "\n", ()),
    (ping_registry_index.State, index_of({str(ID): 5}), ("entries", str(ID))),
    (
        ping_registry_index.State,
        index_of({str(ID).upper(): TypeAdapter(type(ENTRY)).dump_python(ENTRY, mode="json")}),
        ("entries",),
    ),
    (Ulid, 5, ()),
    (Vid, "NO_VC", ()),
]


@pytest.mark.parametrize(("kind", "form", "place"), BAD)
def test_all_who_judge_json_refuse_what_is_bad(
    kind: Any, form: Any, place: tuple[str | int, ...]
) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    with pytest.raises(ValidationError) as in_json:
        adapter.validate_json(json.dumps(form))
    with pytest.raises(ValidationError) as in_python:
        adapter.validate_python(form)
    for caught in (in_json, in_python):
        places = [each["loc"] for each in caught.value.errors()]
        assert any(each[: len(place)] == place for each in places), places
    if form != str(TWO) + "\n":  # Python's regular expressions take a newline for the end
        assert not Draft202012Validator(adapter.json_schema()).is_valid(form)
    app = FastAPI()
    app.post("/")(reader(kind))
    assert TestClient(app).post("/", json=form).status_code == 422


def reader(kind: Any) -> Any:
    """A function that FastAPI gives a body of that kind."""

    def read(body: Any) -> None:
        """Read a body."""

    read.__annotations__ = {"body": Annotated[kind, Body()], "return": None}
    return read


@pytest.mark.parametrize(
    ("value", "bad"),
    [
        (CmdInit(registry_id=ID), {"registry_id": str(NIL)}),
        (PINGED, pinged(status_code="1")),
        (JOB.state, {"id": str(ID)}),
    ],
)
def test_a_body_may_be_of_one_class(value: Any, bad: Any) -> None:
    app = FastAPI()

    def echo(body: Any) -> Any:
        return body

    echo.__annotations__ = dict.fromkeys(("body", "return"), type(value))
    app.post("/")(echo)
    form = TypeAdapter(type(value)).dump_python(value, mode="json")
    assert TestClient(app).post("/", json=form).json() == form
    assert TestClient(app).post("/", json=bad).status_code == 422


def test_every_mistake_has_its_place() -> None:
    form = {"vid": 1, "command": init(1), "events": [pinged(status_code="x", more=1)], "state": 5}
    with pytest.raises(ValidationError) as caught:
        Job.model_validate_json(json.dumps(form))
    fields = ("events", 0, "ServerPinged", "fields")
    assert {each["loc"] for each in caught.value.errors()} == {
        ("vid",),
        ("command", "Init", "args", "registry_id"),
        (*fields, "status_code"),
        (*fields, "more"),
        ("state",),
    }


def test_a_constructor_has_its_own_errors_and_takes_no_text_for_an_id() -> None:
    with pytest.raises(InvalidCommandError, match="registry_id: Input should be an instance"):
        CmdInit(registry_id=str(ID))  # type: ignore[arg-type]
    with pytest.raises(MalformedEventError, match="event: Extra inputs"):
        ServerPinged(**PINGED_FORM)  # type: ignore[arg-type]
    assert CmdInit.model_validate({"registry_id": str(ID)}) == CmdInit(registry_id=ID)


# --- What tools see -------------------------------------------------------------------------------


def test_a_json_schema_has_the_charts_prose() -> None:
    schema = ServerPinged.model_json_schema()
    assert schema["description"] == "A server answered."
    code = schema["properties"]["fields"]["properties"]["status_code"]
    assert code["description"] == "0 if the server is well; any other number tells what is wrong."
    assert code["minimum"] == -(2**31)
    registry = CmdInit.model_json_schema()["properties"]["registry_id"]
    assert registry["description"] == "The registry whose servers are asked to answer."
    assert registry["format"] == "uuid"
    codes = TypeAdapter(StateCode).json_schema()["oneOf"]
    assert codes[2] == {
        "const": 2,
        "title": "Appending",
        "description": "At least one server has answered, and more pings are welcome.",
    }
    entry = ping_registry_index.SnapshotState.model_json_schema()["properties"]["fields"]
    entry = entry["properties"]["ping_registry"]["items"]["properties"]
    assert entry["started_workflow_event_id"]["description"].startswith("The id of the workflow's")


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_unions_tell_their_members_by_name(mode: Any) -> None:
    schema = TypeAdapter(AnyEvent).json_schema(mode=mode)
    assert schema["discriminator"]["propertyName"] == "event"
    assert schema["discriminator"]["mapping"]["ServerPinged"] == "#/$defs/ServerPinged"
    schema = TypeAdapter(AnyCommand).json_schema(mode=mode)
    assert schema["discriminator"]["propertyName"] == "command"
    assert schema["discriminator"]["mapping"]["Init"] == "#/$defs/Init"
    assert schema["$defs"]["Init"]["properties"]["args"] == {"$ref": "#/$defs/CmdInit"}


def test_openapi_has_one_schema_for_requests_and_answers() -> None:
    app = FastAPI()

    def echo(body: Any) -> Any:
        return body

    echo.__annotations__ = dict.fromkeys(("body", "return"), Job)
    app.post("/")(echo)
    schemas = app.openapi()["components"]["schemas"]
    assert {"ServerPinged", "CmdInit", "Init", "State", "Status"} <= set(schemas)
    assert not [name for name in schemas if name.startswith(("ServerPinged-", "State-", "Init-"))]


@pytest.mark.parametrize("kind", [CmdInit, CmdAppendPing, ServerPinged, Ulid, Status])
def test_hypothesis_draws_values_by_their_type(kind: Any) -> None:
    @settings(max_examples=25, database=None)
    @given(st.from_type(kind))
    def check(value: Any) -> None:
        adapter = TypeAdapter(kind)
        assert adapter.validate_json(adapter.dump_json(value)) == value

    check()


def test_a_model_shows_its_fields_in_its_signature() -> None:
    assert list(inspect.signature(CmdAppendPing).parameters) == ["code", "message"]
    assert list(inspect.signature(ping_registry_index.CmdSnapshot).parameters) == [
        "if_storage_reduction"
    ]
