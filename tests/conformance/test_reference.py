"""``pingregistrywf adapter`` whole: every capability, through the process that runners start."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

EPOCH = "0" * 26


class Reference:
    """The adapter's process, and one request at a time."""

    def __init__(self, store: Path | None) -> None:
        environment = {**os.environ, "PINGREGISTRYWF_ADAPTER_STORE": str(store or "")}
        environment.pop("PINGREGISTRYWF_JOURNAL", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pingregistrywf", "adapter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests, self.replies = self.process.stdin, self.process.stdout
        self.number = 0

    def send(self, op: str, **keys: Any) -> int:
        self.number += 1
        request = {"id": self.number, "op": op, **keys}
        self.requests.write(json.dumps(request).encode() + b"\n")
        self.requests.flush()
        return self.number

    def receive(self) -> Any:
        line = self.replies.readline()
        return json.loads(line) if line else None

    def ask(self, op: str, **keys: Any) -> Any:
        number = self.send(op, **keys)
        reply = self.receive()
        if reply is None:
            return None
        assert reply.pop("id") == number
        ((kind, content),) = reply.items()
        return content if kind in ("ok", "hello", "bye") else {kind: content}

    def run(self, operation: str, **args: Any) -> Any:
        return self.ask("run", operation=operation, args=args)

    def state(self, workflow: str) -> Any:
        return self.ask("find", workflow=workflow).get("state")

    def listed(self, index: str) -> Any:
        return self.ask("find", chart="ping_registry_index", index=index)

    def end(self) -> int:
        with contextlib.suppress(BrokenPipeError):
            self.requests.close()
        self.replies.close()
        return self.process.wait(60)


def index_of(registry: str) -> str:
    namespace = uuid.UUID("ecb02ec6-006d-429f-a378-9392612f9c61")
    return str(uuid.uuid5(namespace, f"fsoregephwfl:{registry}"))


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[Reference]:
    made = Reference(tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="module")
def asked_by_many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    """One process, for requests that are refused and so change nothing."""
    made = Reference(tmp_path_factory.mktemp("reference"))
    yield made
    assert made.end() == 0


@pytest.fixture
def workflow() -> str:
    return str(uuid.uuid4())


def test_every_capability_is_claimed(reference: Reference) -> None:
    assert set(reference.ask("hello", protocol=1)["capabilities"]) == {
        "versions",
        "retry",
        "delete",
        "index",
        "multi_server",
        "wire",
        "gc",
        "operations",
        "crash",
        "concurrent",
        "daemons",
    }


def test_in_memory_there_is_no_crash_to_come_back_from() -> None:
    reference = Reference(None)
    assert "crash" not in reference.ask("hello")["capabilities"]
    assert "unsupported" in reference.ask("crash", operation="commit", after_step=1)
    assert reference.ask("bye") == {}
    assert reference.end() == 0


class TestOperations:
    def test_a_workflow_from_begin_to_delete(self, reference: Reference, workflow: str) -> None:
        index = index_of("reg")
        vids = reference.run("begin", registry="reg", workflow=workflow)["vids"]
        assert vids == {
            "ping_registry": reference.ask("find", workflow=workflow)["vid"],
            "ping_registry_index": reference.listed(index)["vid"],
        }
        assert reference.listed(index)["active"] == [workflow]
        reference.ask(
            "exec", workflow=workflow, command="PostSummary", args={"code": 0, "message": ""}
        )
        vids = reference.run("commit", registry="reg", workflow=workflow)["vids"]
        assert reference.state(workflow) == "Terminated"
        assert reference.listed(index)["completed"] == [workflow]
        assert reference.run("commit", registry="reg", workflow=workflow)["vids"] == vids
        vids = reference.run("delete", registry="reg", workflow=workflow)["vids"]
        assert vids["ping_registry"] == EPOCH
        assert reference.listed(index)["completed"] == []

    def test_expire_and_snapshot(self, reference: Reference, workflow: str) -> None:
        reference.run("begin", registry="reg", workflow=workflow)
        reference.run("expire", registry="reg", workflow=workflow)
        assert reference.state(workflow) == "Terminated"
        # A snapshot would save nothing: refused, ignored, and answered with the index's vid.
        vids = reference.run("snapshot", registry="reg")["vids"]
        assert vids == {"ping_registry_index": reference.listed(index_of("reg"))["vid"]}

    def test_a_given_vid(self, reference: Reference, workflow: str) -> None:
        stale = "01" + "0" * 24
        answer = reference.run("begin", registry="reg", workflow=workflow, vid=stale)
        assert answer["error"]["code"] == "VersionConflict"
        assert reference.run("begin", registry="reg", workflow=workflow, vid=EPOCH)["vids"]

    @pytest.mark.parametrize(
        ("operation", "args"),
        [
            ("dance", {"registry": "reg"}),
            (None, {}),
            ("begin", {"registry": "reg"}),
            ("begin", {"registry": "", "workflow": str(uuid.UUID(int=1))}),
            ("begin", {"registry": 7, "workflow": str(uuid.UUID(int=1))}),
            ("begin", {"registry": "Reg", "workflow": str(uuid.UUID(int=1))}),
            ("begin", {"registry": "reg", "workflow": "x"}),
            ("begin", {"registry": "reg", "workflow": str(uuid.UUID(int=0))}),
            ("begin", {"registry": "reg", "workflow": str(uuid.UUID(int=1)), "vid": "no_vc"}),
            ("begin", {"registry": "reg", "workflow": str(uuid.UUID(int=1)), "more": 1}),
            ("expire", {"registry": "reg", "workflow": str(uuid.UUID(int=1)), "vid": EPOCH}),
            ("snapshot", {"registry": "reg", "workflow": str(uuid.UUID(int=1))}),
            ("snapshot", []),
        ],
    )
    def test_malformed(self, asked_by_many: Reference, operation: Any, args: Any) -> None:
        answer = asked_by_many.ask("run", operation=operation, args=args)
        assert answer["error"]["code"] == "InvalidCommand"


@pytest.mark.slow
class TestCrash:
    @pytest.mark.parametrize("after", [0, 1, 2, 3])
    def test_a_commit_killed_at_a_gap_is_finished_by_the_next(
        self, tmp_path: Path, workflow: str, after: int
    ) -> None:
        first = Reference(tmp_path)
        first.run("begin", registry="reg", workflow=workflow)
        summary = {"code": 0, "message": ""}
        first.ask("exec", workflow=workflow, command="PostSummary", args=summary)
        assert first.ask("crash", operation="commit", after_step=after) == {}
        assert first.run("commit", registry="reg", workflow=workflow) is None
        assert first.end() == -signal.SIGKILL
        second = Reference(tmp_path)
        states = ("Summarized", "Completed", "Completed", "Terminated")
        assert second.state(workflow) == states[after]
        listed = second.listed(index_of("reg"))
        assert (listed["completed"] == [workflow]) is (after >= 2)
        assert "vids" in second.run("commit", registry="reg", workflow=workflow)
        assert second.state(workflow) == "Terminated"
        assert second.listed(index_of("reg"))["completed"] == [workflow]
        assert second.end() == 0

    def test_malformed(self, reference: Reference) -> None:
        for keys in ({"operation": "dance", "after_step": 1}, {"operation": "commit"}):
            assert reference.ask("crash", **keys)["error"]["code"] == "InvalidCommand"
        for step in (True, -1, "1", 1.0):
            answer = reference.ask("crash", operation="commit", after_step=step)
            assert answer["error"]["code"] == "InvalidCommand"


@pytest.mark.slow
class TestConcurrent:
    def test_servers_side_by_side_lose_no_ping(self, reference: Reference, workflow: str) -> None:
        args: dict[str, Any] = {"registry_id": workflow}
        reference.ask("exec", workflow=workflow, command="Init", args=args)
        sent = [
            reference.send(
                "exec",
                workflow=workflow,
                command="AppendPing",
                args={"code": number, "message": ""},
                vid="retry_no_vc",
                server=f"s{number % 8}",
            )
            for number in range(80)
        ]
        replies = [reference.receive() for _ in sent]
        assert sorted(reply["id"] for reply in replies) == sent
        assert all("ok" in reply for reply in replies)
        pings = reference.ask("find", workflow=workflow)["pings"]
        assert sorted(ping["code"] for ping in pings) == list(range(80))

    def test_one_server_answers_in_order(self, reference: Reference, workflow: str) -> None:
        sent = [reference.send("find", workflow=workflow) for _ in range(50)]
        assert [reference.receive()["id"] for _ in sent] == sent
