"""The engine behind adapter protocol 1: the tables written by hand, and what is malformed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pingregistrywf.runtime.ids import Ulid

from .engine import Node, started

EPOCH = "0" * 26
REGISTRY = "10000000-0000-4000-8000-000000000001"
OTHER = "10000000-0000-4000-8000-000000000002"
INIT = ("Init", {"registry_id": REGISTRY})
PING = ("AppendPing", {"code": 0, "message": "hi"})
SUMMARY = ("PostSummary", {"code": 0, "message": "all well"})
WAYS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "Uninitialized": [],
    "Initialized": [INIT],
    "Appending": [INIT, PING],
    "Summarized": [INIT, PING, SUMMARY],
    "Completed": [INIT, PING, SUMMARY, ("Commit", {})],
    "Terminated": [INIT, PING, SUMMARY, ("Commit", {}), ("End", {})],
    "Deleted": [INIT, PING, SUMMARY, ("Commit", {}), ("Delete", {})],
}
INDEX_WAYS: dict[str, list[str]] = {
    "Absent": [],
    "Active": ["BeginPingRegistry"],
    "Completed": ["BeginPingRegistry", "CommitPingRegistry"],
}
Tell = Callable[..., Any]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with started() as opened:
        yield opened


@pytest.fixture
def tell(node: Node) -> Tell:
    workflow = str(uuid.uuid4())

    def tell(command: str, args: dict[str, Any], **keys: Any) -> Any:
        request = {"id": 1, "op": "exec", "workflow": workflow, "command": command, "args": args}
        reply = node.answer(request | keys)
        assert reply.pop("id") == 1
        return reply

    tell.workflow = workflow  # type: ignore[attr-defined]
    return tell


def test_each_cell_of_the_workflow(node: Node, tell: Tell, cell: Any) -> None:
    for command, args in WAYS[cell.state]:
        assert "ok" in tell(command, args)
    args = next((args for way in WAYS.values() for name, args in way if name == cell.command), {})
    if cell.same is False:
        args = {"registry_id": OTHER}
    find = {"id": 2, "op": "find", "workflow": tell.workflow}  # type: ignore[attr-defined]
    before = node.answer(find)
    reply = tell(cell.command, args)
    after = node.answer(find)
    if cell.outcome == "reject":
        assert f"{reply['error']['code']}Error" == cell.error
        assert after == before
    else:
        told = [event["event"] for event in reply["ok"]["events"]]
        assert told == ([cell.event] if cell.event else [])
        if cell.outcome == "noop":
            assert after == before
        elif cell.outcome == "delete":
            assert after["error"]["code"] == "Uninitialized"
        else:
            assert after["ok"]["state"] == cell.target
            assert after["ok"]["vid"] == reply["ok"]["vid"] > before.get("ok", {}).get("vid", EPOCH)


def test_each_cell_of_the_index(tell: Tell, index_cell: Any, node: Node) -> None:
    index, workflow = str(uuid.uuid4()), str(uuid.uuid4())
    keys = {"chart": "ping_registry_index", "index": index}

    def told(command: str) -> Any:
        args = {"workflow_id": workflow}
        if command != "DeletePingRegistry":
            args["workflow_event_id"] = str(Ulid(bytes(15) + b"\x07"))
        return tell(command, args, **keys)

    def listed() -> Any:
        found = node.answer({"id": 3, "op": "find", **keys})["ok"]
        return {"Active": found["active"], "Completed": found["completed"]}

    for command in INDEX_WAYS[index_cell.state]:
        assert "ok" in told(command)
    reply = told(index_cell.command)
    if index_cell.outcome == "reject":
        assert f"{reply['error']['code']}Error" == index_cell.error
    else:
        names = [event["event"] for event in reply["ok"]["events"]]
        assert names == ([index_cell.event] if index_cell.event else [])
    expected = {name: [] for name in ("Active", "Completed")} | {index_cell.target: [workflow]}
    assert listed() == {name: expected[name] for name in ("Active", "Completed")}


def test_events_form_a_chain_from_the_epoch(node: Node, tell: Tell) -> None:
    for command, args in WAYS["Terminated"]:
        tell(command, args)
    request = {"id": 4, "op": "events", "workflow": tell.workflow}  # type: ignore[attr-defined]
    events = node.answer(request)["ok"]["events"]
    ids = [event["id"] for event in events]
    assert [event["parent"] for event in events] == [EPOCH, *ids[:-1]]
    assert ids == sorted(set(ids))
    assert all(str(Ulid.parse(each)) == each for each in ids)


def test_versions_come_before_the_state(tell: Tell) -> None:
    head = tell(*INIT)["ok"]["vid"]
    stale = str(Ulid(bytes(15) + b"\x01"))
    conflict = tell("Commit", {}, vid=stale)["error"]
    assert (conflict["code"], conflict["stored"], conflict["expected"]) == (
        "VersionConflict",
        head,
        stale,
    )
    assert tell("Commit", {}, vid=head)["error"]["code"] == "StateConflict"
    assert "ok" in tell(*PING, vid=head)
    assert "ok" in tell(*PING, vid="retry_no_vc")


@pytest.mark.parametrize(
    ("command", "args", "keys"),
    [
        ("Vanish", {}, {}),
        (None, {}, {}),
        ("AppendPing", {"code": 0}, {}),
        ("AppendPing", {"code": 0, "message": "", "more": 1}, {}),
        ("AppendPing", [], {}),
        ("AppendPing", {"code": 1.0, "message": ""}, {}),
        ("AppendPing", {"code": True, "message": ""}, {}),
        ("AppendPing", {"code": 2**31, "message": ""}, {}),
        ("AppendPing", {"code": "0", "message": ""}, {}),
        ("AppendPing", {"code": 0, "message": "\ud800"}, {}),
        ("AppendPing", {"code": 0, "message": "x\udc00"}, {}),
        ("AppendPing", {"code": 0, "message": None}, {}),
        ("Init", {"registry_id": REGISTRY.replace("-", "")}, {}),
        ("Init", {"registry_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12}, {}),
        ("Init", {"registry_id": "ABCDEF00-0000-4000-8000-000000000001"}, {}),
        ("Commit", {}, {"vid": "01ARYZ6S2CDCQ8YBGT5CY4TQK"}),
        ("Commit", {}, {"vid": "81ARYZ6S2CDCQ8YBGT5CY4TQKF"}),
        ("Commit", {}, {"vid": None}),
        ("Commit", {}, {"workflow": None}),
        ("Commit", {}, {"workflow": "0" * 8 + "-0000-0000-0000-" + "0" * 12}),
    ],
)
def test_malformed_arguments(tell: Tell, command: Any, args: Any, keys: dict[str, Any]) -> None:
    assert tell(command, args, **keys)["error"]["code"] == "InvalidCommand"


def test_what_is_no_request_and_what_is_not_claimed(node: Node) -> None:
    for line in ("", "[]", "{", "null", "1"):
        assert node.answer_line(line)["error"]["code"] == "InvalidCommand"
    assert "unsupported" in node.answer({"id": 5, "op": "gc", "days": 31})
    assert "unsupported" in node.answer({"id": 5, "op": "find", "chart": "other"})


def test_hello_names_the_chart(node: Node, tell: Tell) -> None:
    hello = node.answer({"id": 6, "op": "hello", "protocol": 1})["hello"]
    assert hello["language"] == "javascript"
    assert hello["capabilities"] == ["versions", "retry", "delete", "multi_server", "index"]
    assert len(hello["chart_sha256"]) == 64


def test_text_is_kept_as_it_came(tell: Tell) -> None:
    text = 'é "1.0" \\ 𝔘 \u2028'
    tell(*INIT)
    (event,) = tell("AppendPing", {"code": -5, "message": text})["ok"]["events"]
    assert event["fields"] == {"status_code": -5, "status_message": text}
