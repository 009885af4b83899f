"""The reference adapter, request by request, as adapter protocol 1 has it."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from pingregistrywf import Behavior, Event, open_journal
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf.service.requests import Service
from pingregistrywf.service.stdio import Adapter, serve

DAY = 86_400
EPOCH = "0" * 26
REGISTRY = str(uuid.uuid4())
Ask = Callable[..., Any]


def adapter() -> Adapter:
    return Adapter(Service([Behavior], open_journal("memory:")), "1.2.3")


@pytest.fixture
def ask() -> Ask:
    made = adapter()

    def ask(op: str, **keys: Any) -> Any:
        reply = made.answer({"id": 7, "op": op, **keys})
        assert reply.pop("id") == 7
        ((kind, content),) = reply.items()
        return content if kind in ("ok", "hello", "bye") else {kind: content}

    return ask


@pytest.fixture
def tell(ask: Ask) -> Ask:
    workflow = str(uuid.uuid4())

    def tell(command: str, args: dict[str, Any] | None = None, **keys: Any) -> Any:
        keys = {"workflow": workflow, "command": command, "args": args or {}} | keys
        return ask("exec", **keys)

    tell.workflow = workflow  # type: ignore[attr-defined]
    return tell


def code(reply: Any) -> str:
    text: str = reply["error"]["code"]
    return text


def ping(message: str = "hi", status: Any = 0) -> dict[str, Any]:
    return {"code": status, "message": message}


class TestHello:
    def test_says_who_it_is_and_what_it_can(self, ask: Ask) -> None:
        hello = ask("hello", protocol=1, suite="1.0.0", chart="ping_registry", chart_sha256="no")
        assert hello["protocol"] == 1
        assert hello["version"] == "1.2.3"
        assert hello["language"] == "python"
        assert hello["chart_sha256"] == Behavior.declaration.sha256
        assert set(hello["capabilities"]) == {
            "versions",
            "retry",
            "delete",
            "multi_server",
            "wire",
            "gc",
            "concurrent",
        }


class TestExec:
    def test_answers_vid_and_events(self, tell: Ask) -> None:
        started = tell("Init", {"registry_id": REGISTRY})
        (event,) = started["events"]
        assert event["event"] == "PingRegistryStarted"
        assert (event["id"], event["parent"]) == (started["vid"], EPOCH)
        assert event["fields"] == {"registry_id": REGISTRY}
        assert Event.unmarshal_proto(bytes.fromhex(event["wire"])).marshal_proto()
        pinged = tell("AppendPing", ping("hi", -1))
        assert pinged["events"][0]["parent"] == started["vid"]
        assert pinged["events"][0]["fields"] == {"status_code": -1, "status_message": "hi"}

    def test_a_noop_answers_the_head_and_no_event(self, tell: Ask) -> None:
        started = tell("Init", {"registry_id": REGISTRY})
        assert tell("Init", {"registry_id": REGISTRY}) == {"vid": started["vid"], "events": []}

    def test_the_vid_of_init_is_ignored(self, tell: Ask) -> None:
        assert "vid" in tell("Init", {"registry_id": REGISTRY}, vid="nonsense")

    def test_versions(self, tell: Ask) -> None:
        vid = tell("Init", {"registry_id": REGISTRY})["vid"]
        conflict = tell("AppendPing", ping(), vid="00000000000000000000000001")
        assert code(conflict) == "VersionConflict"
        assert conflict["error"]["stored"] == vid
        assert conflict["error"]["expected"] == "00000000000000000000000001"
        assert conflict["error"]["definite"] is True
        assert code(tell("Commit", vid=EPOCH)) == "VersionConflict"
        for right in (vid, "no_vc", "retry_no_vc"):
            answer = tell("AppendPing", ping(), vid=right)
            assert answer["events"]

    def test_errors_of_the_chart(self, tell: Ask) -> None:
        assert code(tell("Commit")) == "StateConflict"
        tell("Init", {"registry_id": REGISTRY})
        other = tell("Init", {"registry_id": str(uuid.uuid4())})
        assert code(other) == "ArgumentNotIdempotent"
        assert other["error"]["arg"] == "RegistryId"

    def test_delete_and_what_follows(self, ask: Ask, tell: Ask) -> None:
        tell("Init", {"registry_id": REGISTRY})
        tell("AbortExpired")
        assert tell("Delete") == {"vid": EPOCH, "events": []}
        assert tell("Delete") == {"vid": EPOCH, "events": []}
        assert code(tell("Init", {"registry_id": REGISTRY})) == "HistoryDeleted"
        assert ask("gc", days=29) == {}
        assert code(tell("Init", {"registry_id": REGISTRY})) == "HistoryDeleted"
        assert ask("gc", days=31) == {}
        assert tell("Init", {"registry_id": REGISTRY})["events"]

    def test_servers_see_each_other(self, ask: Ask, tell: Ask) -> None:
        vid = tell("Init", {"registry_id": REGISTRY}, server="a")["vid"]
        vid = tell("AppendPing", ping(), server="b", vid=vid)["vid"]
        assert ask("find", workflow=tell.workflow, server="a")["vid"] == vid  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("command", "args"),
        [
            ("Init", {}),
            ("Init", {"registry_id": REGISTRY, "more": 1}),
            ("Init", {"registry_id": REGISTRY.upper()}),
            ("Init", {"registry_id": REGISTRY.replace("-", "")}),
            ("Init", {"registry_id": str(uuid.UUID(int=0))}),
            ("Init", {"registry_id": 7}),
            ("AppendPing", ping(status=1.0)),
            ("AppendPing", ping(status=True)),
            ("AppendPing", ping(status="1")),
            ("AppendPing", ping(status=2**31)),
            ("AppendPing", ping(status=-(2**31) - 1)),
            ("AppendPing", ping(status=10**300)),
            ("AppendPing", {"code": 0}),
            ("AppendPing", {"code": 0, "message": None}),
            ("AppendPing", ping("\ud800")),
            ("AppendPing", []),
            ("Commit", {"code": 0}),
            ("Dance", {}),
            (None, {}),
            ({}, {}),
        ],
    )
    def test_what_is_malformed(self, tell: Ask, command: Any, args: Any) -> None:
        # Before version and state are looked at: the vid is stale, and nothing has begun.
        assert code(tell(command, args, vid="0000000000000000000000000Z")) == "InvalidCommand"

    @pytest.mark.parametrize(
        "keys",
        [
            {"vid": "yes"},
            {"vid": None},
            {"vid": 1},
            {"vid": "8" + "0" * 25},
            {"vid": "0000000000000000000000000z"},
            {"workflow": str(uuid.UUID(int=0))},
            {"workflow": "x"},
            {"workflow": None},
        ],
    )
    def test_a_malformed_vid_or_workflow(self, tell: Ask, keys: dict[str, Any]) -> None:
        assert code(tell("AppendPing", ping(), **keys)) == "InvalidCommand"


class TestFindAndEvents:
    def test_what_is_empty(self, ask: Ask) -> None:
        workflow = str(uuid.uuid4())
        assert code(ask("find", workflow=workflow)) == "Uninitialized"
        assert ask("events", workflow=workflow) == {"events": []}

    def test_state_and_history(self, ask: Ask, tell: Ask) -> None:
        workflow = tell.workflow  # type: ignore[attr-defined]
        told = [tell("Init", {"registry_id": REGISTRY}), tell("AppendPing", ping("ä\0", 5))]
        found = ask("find", workflow=workflow)
        assert found == {
            "state": "Appending",
            "vid": told[1]["vid"],
            "registry_id": REGISTRY,
            "pings": [{"code": 5, "message": "ä\0", "event_id": told[1]["vid"]}],
            "summary": None,
        }
        told.append(tell("PostSummary", ping("sum", 1)))
        assert ask("find", workflow=workflow)["summary"] == {
            "code": 1,
            "message": "sum",
            "event_id": told[2]["vid"],
        }
        events = [event for each in told for event in each["events"]]
        assert ask("events", workflow=workflow) == {"events": events}


class TestDecode:
    def test_an_event(self, ask: Ask, tell: Ask) -> None:
        (event,) = tell("Init", {"registry_id": REGISTRY})["events"]
        assert ask("decode", bytes=event["wire"]) == {"event": event}

    def test_what_the_bytes_lack(self, ask: Ask) -> None:
        event = ask("decode", bytes="086f")["event"]
        assert (event["id"], event["parent"], event["fields"]) == (EPOCH, EPOCH, {})
        event = ask("decode", bytes="0870")["event"]
        assert event["fields"] == {"status_code": 0, "status_message": ""}

    def test_what_is_no_event(self, ask: Ask) -> None:
        assert code(ask("decode", bytes="0874")) == "EventType"
        assert code(ask("decode", bytes="086f1200")) == "Malformed"
        assert code(ask("decode", bytes="0x")) == "InvalidCommand"
        assert code(ask("decode", bytes=7)) == "InvalidCommand"


class TestIndex:
    """What the adapter does for any chart, here for a keyed one."""

    def test_find_lists_keys_by_state_sorted(self) -> None:
        made = Adapter(Service([index.Behavior], open_journal("memory:")), "1")
        history, vid = str(uuid.uuid4()), "01" + "0" * 24
        ids = sorted(str(uuid.uuid4()) for _ in range(3))

        def tell(command: str, **args: Any) -> Any:
            keys = {"op": "exec", "index": history, "command": command, "args": args}
            return made.answer({"id": 1, **keys})["ok"]

        def find() -> Any:
            return made.answer({"id": 1, "op": "find", "index": history})["ok"]

        assert find() == {"vid": EPOCH, "active": [], "completed": []}
        for each in reversed(ids):
            tell("BeginPingRegistry", workflow_id=each, workflow_event_id=vid)
        last = tell("CommitPingRegistry", workflow_id=ids[1], workflow_event_id=vid)["vid"]
        assert find() == {"vid": last, "active": [ids[0], ids[2]], "completed": [ids[1]]}
        _, state, _ = tell("Snapshot", if_storage_reduction=False)["events"]
        assert state["event"] == "SnapshotState"
        told = {each["workflow_id"]: each for each in state["fields"]["ping_registry"]}
        assert told[ids[1]]["completed_workflow_event_id"] == vid
        assert "completed_workflow_event_id" not in told[ids[0]]
        error = made.answer(
            {"id": 1, "op": "exec", "index": history, "command": "DeletePingRegistry"}
            | {"args": {"workflow_id": str(uuid.uuid4())}}
        )["error"]
        assert error["code"] == "UnknownWorkflow"


class TestWhatItDoesNot:
    @pytest.mark.parametrize("op", ["run", "crash", "dance", None, [], {}])
    def test_ops(self, ask: Ask, op: Any) -> None:
        assert "reason" in ask(op)["unsupported"]

    @pytest.mark.parametrize("chart", ["ping_registry_index", "none", [], {}, None, 7])
    def test_charts(self, ask: Ask, chart: Any) -> None:
        reply = ask("find", chart=chart, workflow=str(uuid.uuid4()))
        assert "reason" in reply["unsupported"]

    @pytest.mark.parametrize("days", [None, "31", True, [], float("nan"), float("inf"), 1e400])
    def test_days_that_are_none(self, ask: Ask, days: Any) -> None:
        assert code(ask("gc", days=days)) == "InvalidCommand"


class TestLines:
    def replies(self, *lines: bytes) -> list[Any]:
        out = io.BytesIO()
        serve(adapter(), io.BytesIO(b"".join(line + b"\n" for line in lines)), out)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def test_one_reply_a_request_until_bye(self) -> None:
        hello, bye = b'{"id": 0, "op": "hello"}', b'{"id": "x", "op": "bye"}'
        replies = self.replies(hello, bye, hello)
        assert [reply["id"] for reply in replies] == [0, "x"]
        assert replies[1] == {"id": "x", "bye": {}}

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"[]",
            b"7",
            b"{",
            b"\xff",
            b'{"id": ' + b"9" * 10_000 + b"",
            b"[" * 100_000,
        ],
    )
    def test_a_line_that_is_no_request_is_answered_and_survived(self, line: bytes) -> None:
        first, second = self.replies(line, b'{"id": 1, "op": "hello"}')
        assert first["id"] is None
        assert first["error"]["code"] == "InvalidCommand"
        assert second["id"] == 1

    def test_an_integer_of_ten_thousand_digits_is_no_code(self) -> None:
        number = "9" * 10_000
        line = (
            f'{{"id": 1, "op": "exec", "workflow": "{REGISTRY}", "command": "AppendPing",'
            f' "args": {{"code": {number}, "message": ""}}}}'
        )
        (reply,) = self.replies(line.encode())
        assert reply["error"]["code"] == "InvalidCommand"

    def test_any_text_survives(self) -> None:
        message = "".join(map(chr, range(256))) + "\u2028\U0001f600"
        lines = [
            {"id": 1, "op": "exec", "workflow": REGISTRY, "command": "Init"}
            | {"args": {"registry_id": REGISTRY}},
            {"id": 2, "op": "exec", "workflow": REGISTRY, "command": "AppendPing"}
            | {"args": {"code": 0, "message": message}},
            {"id": 3, "op": "find", "workflow": REGISTRY},
        ]
        *_, found = self.replies(*(json.dumps(line).encode() for line in lines))
        assert found["ok"]["pings"][0]["message"] == message
