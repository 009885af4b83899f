"""Bytes: exactly as wire.md says, every recorded example, and any others without a crash."""

# ruff: noqa: E501 (tables of bytes are read by the line)

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc
from hypothesis import example, given
from hypothesis import strategies as st

from pingregistrywf import (
    EPOCH,
    NIL,
    Event,
    EventTypeError,
    MalformedEventError,
    PingRegistryCommitted,
    PingRegistryCompleted,
    PingRegistryStarted,
    ServerPinged,
    ServerPingsGathered,
    Ulid,
)
from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf._generated import ping_registry_index as index

VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "wire-vectors.json").read_text(encoding="utf-8")
)
ID = Ulid(bytes(range(16)))
PARENT = Ulid(bytes(range(16, 32)))
UUID_A = UUID(bytes=bytes(range(32, 48)))
UUID_B = UUID(bytes=bytes(range(48, 64)))
HEADER = {"id": ID, "parent": PARENT}
HEADER_HEX = "1210" + ID.bytes.hex() + "1a10" + PARENT.bytes.hex()


# --- Exact bytes -----------------------------------------------------------------------------

EXACT: list[tuple[Any, str]] = [
    (
        PingRegistryStarted(id=ID, parent=EPOCH, registry_id=UUID_A),
        "086f" + "1210" + ID.bytes.hex() + "1a10" + "00" * 16 + "8a0510" + UUID_A.hex,
    ),
    (PingRegistryStarted(**HEADER, registry_id=NIL), f"086f{HEADER_HEX}8a0510" + "00" * 16),
    (
        ServerPinged(**HEADER, status_code=1, status_message="hi"),
        f"0870{HEADER_HEX}d00401da04026869",
    ),
    (ServerPinged(**HEADER, status_code=0, status_message=""), f"0870{HEADER_HEX}"),
    (
        ServerPinged(**HEADER, status_code=-1, status_message="é"),
        f"0870{HEADER_HEX}d004ffffffffffffffffff01da0402c3a9",
    ),
    (
        ServerPingsGathered(**HEADER, status_code=2**31 - 1),
        f"0871{HEADER_HEX}d004ffffffff07",
    ),
    (
        ServerPingsGathered(**HEADER, status_code=-(2**31), status_message="\0"),
        f"0871{HEADER_HEX}d00480808080f8ffffffff01da040100",
    ),
    (PingRegistryCompleted(**HEADER), f"0872{HEADER_HEX}"),
    (PingRegistryCommitted(**HEADER), f"0873{HEADER_HEX}"),
    (
        index.PingRegistryStarted(**HEADER, workflow_id=UUID_A, workflow_event_id=PARENT),
        f"086f{HEADER_HEX}ba0410{UUID_A.hex}c20410{PARENT.bytes.hex()}",
    ),
    (
        index.PingRegistryCompleted(**HEADER, workflow_id=UUID_A, workflow_event_id=PARENT),
        f"0872{HEADER_HEX}ba0410{UUID_A.hex}c20410{PARENT.bytes.hex()}",
    ),
    (
        index.PingRegistryDeleted(**HEADER, workflow_id=UUID_A),
        f"0874{HEADER_HEX}ba0410{UUID_A.hex}",
    ),
    (index.SnapshotBegin(**HEADER), f"088d01{HEADER_HEX}"),
    (index.SnapshotEnd(**HEADER), f"088e01{HEADER_HEX}"),
    (
        index.SnapshotState(
            **HEADER,
            ping_registry=(
                index.Entry(UUID_A, index.StateCode.ACTIVE, ID),
                index.Entry(UUID_B, index.StateCode.COMPLETED, ID, PARENT),
            ),
        ),
        (
            f"085c{HEADER_HEX}fa045e"
            f"1a241210{UUID_A.hex}1a10{ID.bytes.hex()}"
            f"1a361210{UUID_B.hex}1a10{ID.bytes.hex()}2210{PARENT.bytes.hex()}"
        ),
    ),
    (index.SnapshotState(**HEADER), f"085c{HEADER_HEX}fa0400"),
]


@pytest.mark.parametrize(("event", "encoded"), EXACT)
def test_events_encode_exactly_so(event: Any, encoded: str) -> None:
    assert event.marshal_proto().hex() == encoded
    decoded = type(event).codec.decode(bytes.fromhex(encoded))
    assert type(decoded) is type(event)
    assert decoded == event
    assert type(event).unmarshal_proto(bytes.fromhex(encoded)) == event


@pytest.mark.parametrize(("event", "encoded"), [*EXACT, (PingRegistryStarted(), "086f")])
def test_a_decoded_event_is_as_its_constructor_would_make_it(event: Any, encoded: str) -> None:
    decoded = type(event).codec.decode(bytes.fromhex(encoded))
    given = {name: getattr(decoded, name) for name in decoded.model_fields_set}
    constructed = type(event)(**given)
    assert decoded.__getstate__() == constructed.__getstate__()
    assert repr(decoded) == repr(constructed)
    decoded.model_fields_set.clear()
    again = type(event).codec.decode(bytes.fromhex(encoded))
    assert again.model_fields_set == set(given)


# --- Recorded examples -----------------------------------------------------------------------

WORKFLOW_FORMS: Mapping[str, tuple[type[Event], set[str]]] = {
    "STARTED/workflow": (PingRegistryStarted, {"registry_id"}),
    "STARTED/index": (PingRegistryStarted, set()),
    "SERVER_PINGED": (ServerPinged, {"status_code", "status_message"}),
    "SERVER_PINGS_GATHERED": (ServerPingsGathered, {"status_code", "status_message"}),
    "COMPLETED/workflow": (PingRegistryCompleted, set()),
    "COMPLETED/index": (PingRegistryCompleted, set()),
    "COMMITTED": (PingRegistryCommitted, set()),
}
INDEX_FORMS: Mapping[str, Any] = {
    "STARTED/index": index.PingRegistryStarted,
    "COMPLETED/index": index.PingRegistryCompleted,
    "DELETED/index": index.PingRegistryDeleted,
}
VERDICTS = {
    "EventType": (EventTypeError,),
    "Malformed": (MalformedEventError,),
    "EventType or Malformed": (EventTypeError, MalformedEventError),
}


def value(name: str, told: Any) -> Any:
    if name in ("registry_id", "workflow_id"):
        return UUID(told)
    if name in ("id", "parent", "workflow_event_id"):
        return Ulid(bytes.fromhex(told))
    if name == "status_message":
        # The recording wrote what JSON has no letters for as pairs of surrogates.
        return told.encode("utf-16", "surrogatepass").decode("utf-16")
    return told


@pytest.mark.parametrize("vector", VECTORS["events"], ids=lambda vector: vector["form"])
def test_recorded_events(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    fields = {name: value(name, told) for name, told in vector["fields"].items()}
    if vector["verdict"] == "ok":
        kind, own = WORKFLOW_FORMS[vector["form"]]
        event = Event.unmarshal_proto(data)
        expected = {name: fields[name] for name in ("id", "parent", *sorted(own)) if name in fields}
        assert event == kind(**expected)
        if set(fields) <= {"id", "parent"} | own:
            assert event.marshal_proto() == data
    else:
        with pytest.raises(VERDICTS[vector["verdict"]]):
            Event.unmarshal_proto(data)
    if vector["form"] in INDEX_FORMS:
        told = index.Event.unmarshal_proto(data)
        assert told == INDEX_FORMS[vector["form"]](**fields)
        assert told.marshal_proto() == data


@pytest.mark.parametrize(
    "vector",
    VECTORS["bytes"],
    ids=[f"{number}-{each['mutation']}" for number, each in enumerate(VECTORS["bytes"])],
)
def test_recorded_damage(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    if vector["verdict"] == "ok":
        event = Event.unmarshal_proto(data)
        assert Event.unmarshal_proto(event.marshal_proto()) == event
    else:
        with pytest.raises(VERDICTS[vector["verdict"]]):
            Event.unmarshal_proto(data)


def test_the_recording_is_whole() -> None:
    assert len(VECTORS["events"]) == 24
    assert len(VECTORS["bytes"]) == 111


# --- The rules of wire.md --------------------------------------------------------------------

REGISTRY = "8a0510" + UUID_A.hex
WORKFLOW = "ba0410" + UUID_A.hex
WORKFLOW_EVENT = "c20410" + PARENT.bytes.hex()
RULES: list[tuple[str, str, Any]] = [
    ("unknown fields are ignored", "0870" + HEADER_HEX + "a01f07aa1f0178", ServerPinged(**HEADER)),
    ("a known number of a wrong type is unknown", "0870" + HEADER_HEX + "d2040178", ServerPinged(**HEADER)),
    ("the code is truncated to 32 bits", "0870" + HEADER_HEX + "d004858080808020", ServerPinged(**HEADER, status_code=5)),
    ("2**31 wraps", "0870" + HEADER_HEX + "d0048080808008", ServerPinged(**HEADER, status_code=-(2**31))),
    ("the type is truncated to 32 bits", "08f08080801 0".replace(" ", "") + HEADER_HEX, ServerPinged(**HEADER)),
    ("a missing header reads as zeros", "0870", ServerPinged(id=EPOCH, parent=EPOCH)),
    ("a started without registry is nil", "086f" + HEADER_HEX, PingRegistryStarted(**HEADER, registry_id=NIL)),
    ("the last code wins", "0870" + HEADER_HEX + "d00401d00402", ServerPinged(**HEADER, status_code=2)),
    ("the last type wins", "08710870" + HEADER_HEX, ServerPinged(**HEADER)),
    ("the last message wins", "0870" + HEADER_HEX + "da040161da040162", ServerPinged(**HEADER, status_message="b")),
    ("the last registry wins", "086f" + HEADER_HEX + "8a0510" + UUID_B.hex + REGISTRY, PingRegistryStarted(**HEADER, registry_id=UUID_A)),
    ("fields may come in any order", "d00403" + HEADER_HEX + "0870", ServerPinged(**HEADER, status_code=3)),
    ("the other form's ids are not kept", "086f" + HEADER_HEX + WORKFLOW + WORKFLOW_EVENT + REGISTRY, PingRegistryStarted(**HEADER, registry_id=UUID_A)),
    ("ids that the type does not use may be of any length", "0870" + HEADER_HEX + "8a0500" + "ba0400", ServerPinged(**HEADER)),
    ("a 0-byte id is malformed", "08701200" + "1a10" + PARENT.bytes.hex(), MalformedEventError),
    ("a 15-byte id is malformed", "0870120f" + "00" * 15, MalformedEventError),
    ("a 17-byte parent is malformed", "08701a11" + "00" * 17, MalformedEventError),
    ("an empty registry is malformed", "086f" + HEADER_HEX + "8a0500", MalformedEventError),
    ("an empty id of the other form is malformed", "0872" + HEADER_HEX + "ba0400", MalformedEventError),
    ("bad UTF-8 is malformed", "0870" + HEADER_HEX + "da0401ff", MalformedEventError),
    ("bad UTF-8 is malformed though overridden", "0870" + HEADER_HEX + "da0401ffda04026f6b", MalformedEventError),
    ("a surrogate in UTF-8 is malformed", "0870" + HEADER_HEX + "da0403eda080", MalformedEventError),
    ("a number nobody knows is another type", "08c801" + HEADER_HEX, EventTypeError),
    ("type 0 is another type", "0800" + HEADER_HEX, EventTypeError),
    ("a negative type is another type", "08ffffffffffffffffff01" + HEADER_HEX, EventTypeError),
    ("deleted is the index's alone", "0874" + HEADER_HEX + WORKFLOW, EventTypeError),
    ("a snapshot is the index's alone", "088d01" + HEADER_HEX, EventTypeError),
]  # fmt: skip
INDEX_RULES: list[tuple[str, str, Any]] = [
    ("a started without workflow is nil", "086f" + HEADER_HEX, index.PingRegistryStarted(**HEADER)),
    ("a completed without event", "0872" + HEADER_HEX + WORKFLOW, index.PingRegistryCompleted(**HEADER, workflow_id=UUID_A)),
    ("a deleted without workflow is malformed", "0874" + HEADER_HEX, MalformedEventError),
    ("an empty workflow is malformed", "086f" + HEADER_HEX + "ba0400", MalformedEventError),
    ("an empty workflow event is malformed", "0872" + HEADER_HEX + WORKFLOW + "c20400", MalformedEventError),
    ("an empty registry is malformed here too", "086f" + HEADER_HEX + WORKFLOW + "8a0500", MalformedEventError),
    ("a state without its field is malformed", "085c" + HEADER_HEX, MalformedEventError),
    ("a state of nothing", "085c" + HEADER_HEX + "fa0400", index.SnapshotState(**HEADER)),
    ("an entry without workflow is malformed", "085c" + HEADER_HEX + "fa0414" + "1a12" + "1a10" + ID.bytes.hex(), MalformedEventError),
    ("an entry with an empty workflow is malformed", "085c" + HEADER_HEX + "fa0404" + "1a02" + "1200", MalformedEventError),
    ("an entry with an empty start is malformed", "085c" + HEADER_HEX + "fa0416" + "1a14" + "1210" + UUID_A.hex + "1a00", MalformedEventError),
    (
        "a zero completion reads as active",
        "085c" + HEADER_HEX + "fa0438" + "1a36" + "1210" + UUID_A.hex + "1a10" + ID.bytes.hex() + "2210" + "00" * 16,
        index.SnapshotState(**HEADER, ping_registry=(index.Entry(UUID_A, index.StateCode.ACTIVE, ID),)),
    ),
    (
        "other workflows' lists in a snapshot are unknown fields",
        "085c" + HEADER_HEX + "fa0404" + "0a027878",
        index.SnapshotState(**HEADER),
    ),
    ("a ping is the workflow's alone", "0870" + HEADER_HEX, EventTypeError),
    ("a summary is the workflow's alone", "0871" + HEADER_HEX, EventTypeError),
    ("the confirmation is the workflow's alone", "0873" + HEADER_HEX, EventTypeError),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "encoded", "expected"),
    [(Event, encoded, expected) for _, encoded, expected in RULES]
    + [(index.Event, encoded, expected) for _, encoded, expected in INDEX_RULES],
    ids=[rule for rule, _, _ in RULES] + [f"index: {rule}" for rule, _, _ in INDEX_RULES],
)
def test_decoding_rules(kind: Any, encoded: str, expected: Any) -> None:
    data = bytes.fromhex(encoded)
    if isinstance(expected, type):
        with pytest.raises(expected):
            kind.unmarshal_proto(data)
    else:
        event = kind.unmarshal_proto(data)
        assert type(event) is type(expected)
        assert event == expected


def test_another_type_says_its_number() -> None:
    with pytest.raises(EventTypeError) as caught:
        Event.unmarshal_proto(bytes.fromhex("08c801" + HEADER_HEX))
    assert caught.value.number == 200


def test_a_class_reads_only_its_own_events() -> None:
    data = ServerPinged(**HEADER).marshal_proto()
    assert ServerPinged.unmarshal_proto(data) == Event.unmarshal_proto(data)
    with pytest.raises(EventTypeError):
        PingRegistryStarted.unmarshal_proto(data)


def test_an_absent_id_stays_absent() -> None:
    for encoded in ("086f" + HEADER_HEX, "086f" + HEADER_HEX + REGISTRY):
        data = bytes.fromhex(encoded)
        assert Event.unmarshal_proto(data).marshal_proto() == data


# --- Any bytes -------------------------------------------------------------------------------

ULIDS = st.builds(Ulid, st.binary(min_size=16, max_size=16))
UUIDS = st.builds(lambda data: UUID(bytes=data), st.binary(min_size=16, max_size=16))
INT32 = st.integers(-(2**31), 2**31 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
HEADERS: Mapping[str, Any] = {"id": ULIDS, "parent": ULIDS}
STATUS: Mapping[str, Any] = {"status_code": INT32, "status_message": TEXT}
KEYED: Mapping[str, Any] = {"workflow_id": UUIDS, "workflow_event_id": ULIDS}
NONZERO_ULIDS = ULIDS.filter(bool)
ENTRIES = st.builds(index.Entry, UUIDS, st.just(index.StateCode.ACTIVE), ULIDS) | st.builds(
    index.Entry, UUIDS, st.just(index.StateCode.COMPLETED), ULIDS, NONZERO_ULIDS
)
EVENTS = st.one_of(
    st.builds(PingRegistryStarted, **HEADERS, registry_id=UUIDS),
    st.builds(ServerPinged, **HEADERS, **STATUS),
    st.builds(ServerPingsGathered, **HEADERS, **STATUS),
    st.builds(PingRegistryCompleted, **HEADERS),
    st.builds(PingRegistryCommitted, **HEADERS),
    st.builds(index.PingRegistryStarted, **HEADERS, **KEYED),
    st.builds(index.PingRegistryCompleted, **HEADERS, **KEYED),
    st.builds(index.PingRegistryDeleted, **HEADERS, workflow_id=UUIDS),
    st.builds(index.SnapshotBegin, **HEADERS),
    st.builds(
        index.SnapshotState, **HEADERS, ping_registry=st.lists(ENTRIES, max_size=3).map(tuple)
    ),
    st.builds(index.SnapshotEnd, **HEADERS),
)


def read(data: bytes) -> None:
    """Any bytes give an event that survives another round, or a typed error."""
    for kind in (Event, index.Event):
        try:
            event = kind.unmarshal_proto(data)
        except (EventTypeError, MalformedEventError):
            continue
        again = kind.unmarshal_proto(event.marshal_proto())
        assert again == event
        assert again.marshal_proto() == event.marshal_proto()


@given(EVENTS)
def test_any_event_comes_back(event: Any) -> None:
    data = event.marshal_proto()
    decoded = type(event).codec.decode(data)
    assert type(decoded) is type(event)
    assert decoded == event
    assert decoded.marshal_proto() == data


@given(st.binary(max_size=200))
@example(b"")
def test_any_bytes(data: bytes) -> None:
    read(data)


NUMBERS = st.sampled_from([0, 1, 92, 111, 112, 113, 114, 115, 116, 141, 142, 2**31, 2**64 - 1])
FIELDS = st.sampled_from([1, 2, 3, 4, 71, 72, 74, 75, 79, 81])


def varint(number: int) -> bytes:
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


@st.composite
def field(draw: st.DrawFn) -> bytes:
    """A field that is nearly one of an event's."""
    number, wire = draw(FIELDS), draw(st.sampled_from([0, 1, 2, 2, 2, 2, 3, 4, 5, 6, 7]))
    tag = varint(number << 3 | wire)
    if wire == 0:
        return tag + varint(draw(NUMBERS | st.integers(0, 2**64 - 1)))
    if wire == 2:
        data = draw(st.binary(min_size=16, max_size=16) | st.binary(max_size=40))
        return tag + varint(len(data)) + data
    return tag + draw(st.binary(max_size=8))


@given(NUMBERS, st.lists(field(), max_size=6))
def test_any_fields(number: int, fields: list[bytes]) -> None:
    read(b"\x08" + varint(number) + b"".join(fields))


@given(EVENTS, st.integers(0, 10_000))
def test_flipped_bits_and_cut_ends(event: Any, place: int) -> None:
    data = bytearray(event.marshal_proto())
    read(bytes(data[: place % len(data)]))
    data[place // 8 % len(data)] ^= 1 << place % 8
    read(bytes(data))


@pytest.mark.parametrize("event", [event for event, _ in EXACT], ids=lambda e: type(e).__name__)
def test_every_bit_and_every_end_of_an_event(event: Any) -> None:
    data = event.marshal_proto()
    for end in range(len(data)):
        read(data[:end])
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        read(bytes(flipped))


@pytest.mark.parametrize("data", ["text", None, 5, ["x"]])
def test_what_is_not_even_bytes(data: Any) -> None:
    with pytest.raises((MalformedEventError, TypeError)):
        Event.unmarshal_proto(data)


@pytest.mark.parametrize("wrap", [bytearray, memoryview])
def test_bytes_in_other_wrappings(wrap: Any) -> None:
    event = ServerPinged(**HEADER, status_message="m")
    assert Event.unmarshal_proto(wrap(event.marshal_proto())) == event


# --- The generated .proto, compiled by protoc -------------------------------------------------

PACKAGES = [ping_registry, ping_registry_index]


def compiled(package: ModuleType, place: Path) -> descriptor_pb2.FileDescriptorSet:
    """The descriptors that protoc makes of the package's ``.proto``."""
    name = package.DECLARATION.name
    with resources.as_file(resources.files(package) / f"{name}.proto") as source:
        made = place / "made.binpb"
        arguments = ["protoc", f"-I{source.parent}", f"--descriptor_set_out={made}", str(source)]
        assert protoc.main(arguments) == 0
        return descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes())


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.DECLARATION.name)
def test_the_proto_file_says_what_the_descriptor_says(package: ModuleType, tmp_path: Path) -> None:
    theirs = compiled(package, tmp_path)
    ours = descriptor_pb2.FileDescriptorSet.FromString(package.DECLARATION.descriptor)
    for each in (*theirs.file, *ours.file):
        for message in each.message_type:
            forget_json_names(message)
    assert ours == theirs


def forget_json_names(message: Any) -> None:
    for each in message.field:
        each.ClearField("json_name")
    for nested in message.nested_type:
        forget_json_names(nested)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.DECLARATION.name)
def test_the_numbers_of_wire_md(package: ModuleType, tmp_path: Path) -> None:
    (file,) = compiled(package, tmp_path).file
    assert file.package == "nogfso"
    assert file.syntax == "proto3"
    (message,) = (each for each in file.message_type if each.name == "WorkflowEvent")
    known = {
        "event": 1,
        "id": 2,
        "parent": 3,
        "workflow_id": 71,
        "workflow_event_id": 72,
        "status_code": 74,
        "status_message": 75,
        "workflow_index_state": 79,
        "registry_id": 81,
    }
    own = {each.name: each.number for each in message.field}
    assert own == {name: number for name, number in known.items() if name in own}
    for each in message.field:
        is_bytes = each.type == each.TYPE_BYTES
        assert each.proto3_optional == is_bytes, each.name
    (enum,) = message.enum_type
    assert enum.name == "Type"
    numbers = {each.name: each.number for each in enum.value}
    known_numbers = {
        "EV_UNSPECIFIED": 0,
        "EV_WORKFLOW_INDEX_SNAPSHOT_STATE": 92,
        "EV_FSO_PING_REGISTRY_STARTED": 111,
        "EV_FSO_SERVER_PINGED": 112,
        "EV_FSO_SERVER_PINGS_GATHERED": 113,
        "EV_FSO_PING_REGISTRY_COMPLETED": 114,
        "EV_FSO_PING_REGISTRY_COMMITTED": 115,
        "EV_FSO_PING_REGISTRY_DELETED": 116,
        "EV_SNAPSHOT_BEGIN": 141,
        "EV_SNAPSHOT_END": 142,
    }
    assert numbers == {name: known_numbers[name] for name in numbers}
    expected = {0, 111, 112, 113, 114, 115} if package is ping_registry else {
        0, 92, 111, 114, 116, 141, 142,
    }  # fmt: skip
    assert set(numbers.values()) == expected


def test_a_snapshot_entry_has_the_numbers_of_wire_md(tmp_path: Path) -> None:
    (file,) = compiled(ping_registry_index, tmp_path).file
    (state,) = (each for each in file.message_type if each.name == "WorkflowIndexState")
    (entries,) = state.field
    assert (entries.name, entries.number) == ("ping_registry", 3)
    assert entries.label == entries.LABEL_REPEATED
    (entry,) = state.nested_type
    assert {each.name: each.number for each in entry.field} == {
        "workflow_id": 2,
        "started_workflow_event_id": 3,
        "completed_workflow_event_id": 4,
    }


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The event message that protoc's descriptors make, by chart."""
    classes = {}
    for package in PACKAGES:
        made = compiled(package, tmp_path_factory.mktemp("protoc"))
        pool = descriptor_pool.DescriptorPool()
        for file in made.file:
            pool.Add(file)
        classes[package.DECLARATION.name] = message_factory.GetMessageClass(
            pool.FindMessageTypeByName("nogfso.WorkflowEvent")
        )
    return classes


@pytest.mark.parametrize(("event", "encoded"), EXACT)
def test_others_read_and_write_the_same_bytes(
    event: Any, encoded: str, theirs: Mapping[str, Any]
) -> None:
    package = importlib.import_module(type(event).__module__.rpartition(".")[0])
    message = theirs[package.DECLARATION.name].FromString(event.marshal_proto())
    assert message.id == event.id.bytes
    assert message.parent == event.parent.bytes
    for name in type(event).model_fields:
        told = getattr(event, name)
        if name != "ping_registry":
            assert getattr(message, name) == getattr(told, "bytes", told)
    rebuilt = theirs[package.DECLARATION.name]()
    rebuilt.CopyFrom(message)
    assert rebuilt.SerializeToString(deterministic=True).hex() == encoded


@given(EVENTS)
def test_the_library_writes_any_event_the_same(theirs: Mapping[str, Any], event: Any) -> None:
    package = importlib.import_module(type(event).__module__.rpartition(".")[0])
    data = event.marshal_proto()
    message = theirs[package.DECLARATION.name].FromString(data)
    assert message.SerializeToString(deterministic=True) == data


def test_what_others_write_is_read(theirs: Mapping[str, Any]) -> None:
    drawn = random.Random(7)
    for _ in range(200):
        code, text = drawn.randint(-(2**31), 2**31 - 1), chr(drawn.randint(0, 0xD7FF))
        event = ServerPinged(
            id=Ulid(drawn.randbytes(16)),
            parent=Ulid(drawn.randbytes(16)),
            status_code=code,
            status_message=text,
        )
        message = theirs["ping_registry"](
            event=112,
            id=event.id.bytes,
            parent=event.parent.bytes,
            status_code=code,
            status_message=text,
        )
        assert message.SerializeToString(deterministic=True) == event.marshal_proto()
        assert Event.unmarshal_proto(message.SerializeToString()) == event


def test_two_charts_define_one_message_in_one_process() -> None:
    assert ping_registry.DECLARATION.message == ping_registry_index.DECLARATION.message
    data = bytes.fromhex("086f" + HEADER_HEX + REGISTRY + WORKFLOW)
    assert ping_registry.Event.unmarshal_proto(data).registry_id == UUID_A  # type: ignore[attr-defined]
    assert ping_registry_index.Event.unmarshal_proto(data).workflow_id == UUID_A  # type: ignore[attr-defined]
