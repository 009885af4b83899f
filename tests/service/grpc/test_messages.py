"""The messages of a service: their bytes, their ``.proto`` file, and other people's modules."""

from __future__ import annotations

import importlib
import sys
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from pingregistrywf import EPOCH, InvalidCommandError, Ulid
from pingregistrywf._generated import ping_registry_service
from pingregistrywf._generated.ping_registry import State, StateCode, Status
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.runtime.services import Method
from pingregistrywf.service.grpc.messages import Known, Messages

MESSAGES = Messages(SERVICE)
ID = bytes(range(16))
VID = bytes(range(16, 32))
INDEX_VID = bytes(range(32, 48))
SUMMARY = Status(1, "sum", Ulid(VID))


def method(name: str) -> Method:
    return next(each for each in SERVICE.methods if each.name == name)


def tagged(number: int, data: bytes) -> bytes:
    """A field that holds bytes, written by hand."""
    return bytes([number << 3 | 2, len(data)]) + data


@pytest.mark.parametrize(
    ("name", "data", "fields"),
    [
        ("BeginPingRegistry", tagged(1, b"reg") + tagged(3, ID),
         {"registry": "reg", "vid": None, "workflow": UUID(bytes=ID)}),
        ("BeginPingRegistry", tagged(1, b"reg") + tagged(2, VID) + tagged(3, ID),
         {"registry": "reg", "vid": Ulid(VID), "workflow": UUID(bytes=ID)}),
        ("ServerPing", tagged(1, ID) + tagged(2, VID) + b"\x18\x05" + tagged(4, b"well"),
         {"workflow": UUID(bytes=ID), "workflow_vid": Ulid(VID), "status_code": 5,
          "status_message": "well"}),
        ("ServerPing", b"\x18" + b"\xff" * 9 + b"\x01",
         {"workflow": None, "workflow_vid": None, "status_code": -1, "status_message": ""}),
        ("CommitPingRegistry", tagged(1, ID) + tagged(9, b"unknown"),
         {"workflow": UUID(bytes=ID), "workflow_vid": None}),
        ("GetRegistryPings", tagged(1, ID) + b"\x10\x01",
         {"workflow": UUID(bytes=ID), "job_control": 1}),
        ("RegistryWorkflowIndexEvents", tagged(1, b"reg") + tagged(2, VID) + b"\x18\x01",
         {"registry": "reg", "after": Ulid(VID), "watch": True}),
        ("RegistryWorkflowEvents",
         tagged(1, b"reg") + tagged(2, ID) + tagged(3, VID) + b"\x20\x01",
         {"registry": "reg", "workflow": UUID(bytes=ID), "after": Ulid(VID), "watch": True}),
        ("AggregateSignals", tagged(1, b"\x02\x03\x04\x05"), {"select_aggregates": [2, 3, 4, 5]}),
    ],
)  # fmt: skip
def test_a_request(name: str, data: bytes, fields: dict[str, Any]) -> None:
    assert MESSAGES.read(method(name), data) == fields


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tagged(1, b""), "workflow has 0 bytes, not 16"),
        (tagged(1, ID) + tagged(2, b""), "workflow_vid has 0 bytes, not 16"),
        (tagged(1, ID[:15]), "workflow has 15 bytes, not 16"),
        (tagged(2, VID + b"\0"), "workflow_vid has 17 bytes, not 16"),
        (b"\x0a\xff", "the bytes are no CommitPingRegistryI"),
    ],
)
def test_a_malformed_request(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidCommandError) as caught:
        MESSAGES.read(method("CommitPingRegistry"), data)
    assert caught.value.reason == reason


def test_the_reply_to_a_begin() -> None:
    vids = {"ping_registry": Ulid(VID), "ping_registry_index": Ulid(INDEX_VID)}
    known = Known(ids={"registry_id": UUID(bytes=ID)}, vids=vids)
    reply = MESSAGES.reply(method("BeginPingRegistry"), known)
    assert reply.SerializeToString() == tagged(1, ID) + tagged(2, INDEX_VID) + tagged(3, VID)


@pytest.mark.parametrize(
    ("code", "summary", "written"),
    [
        ("Initialized", Status(), b"\x08\x65" + tagged(2, b"initialized")),
        ("Appending", Status(), b"\x08\x65" + tagged(2, b"appending")),
        ("Summarized", SUMMARY, b"\x08\x64" + tagged(2, b"sum") + tagged(3, VID)),
        ("Completed", SUMMARY, b"\x08\x01" + tagged(2, b"sum") + tagged(3, VID)),
        ("Terminated", Status(0, "", EPOCH), b""),
    ],
)  # fmt: skip
def test_the_summary_is_always_there(code: str, summary: Status, written: bytes) -> None:
    state = State(
        UUID(bytes=ID), Ulid(VID), state_code=StateCode[code.upper()], summary_status=summary
    )
    known = Known(vids={"ping_registry": Ulid(VID)}, state=(state, code))
    reply = MESSAGES.reply(method("GetRegistryPings"), known)
    assert reply.SerializeToString() == tagged(1, VID) + tagged(2, written)


def compiled(place: Path, *options: str) -> None:
    """Compile the package's ``.proto`` into a directory."""
    with resources.as_file(
        resources.files(ping_registry_service) / "ping_registry_service.proto"
    ) as source:
        assert protoc.main(["protoc", f"-I{source.parent}", *options, str(source)]) == 0


def test_the_proto_file_says_what_the_descriptor_says(tmp_path: Path) -> None:
    made = tmp_path / "made.binpb"
    compiled(tmp_path, f"--descriptor_set_out={made}")
    theirs = descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes())
    ours = descriptor_pb2.FileDescriptorSet.FromString(SERVICE.descriptor)
    for file in (*theirs.file, *ours.file):
        for message in file.message_type:
            _forget_json_names(message)
    for service in theirs.file[0].service:
        for each in service.method:
            each.ClearField("options")
    assert ours == theirs


def _forget_json_names(message: Any) -> None:
    for each in message.field:
        each.ClearField("json_name")
    for nested in message.nested_type:
        _forget_json_names(nested)


def test_it_lives_beside_somebodys_own_modules(tmp_path: Path) -> None:
    compiled(tmp_path, f"--python_out={tmp_path}")
    name = "ping_registry_service_pb2"
    sys.path.insert(0, str(tmp_path))
    try:
        theirs: ModuleType = importlib.import_module(name)
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop(name, None)
    message = theirs.BeginPingRegistryI(registry="reg", workflow=ID)
    read = Messages(SERVICE).read(method("BeginPingRegistry"), message.SerializeToString())
    assert read == {"registry": "reg", "vid": None, "workflow": UUID(bytes=ID)}
