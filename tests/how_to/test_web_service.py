"""The page's web service, in a process of its own under uvicorn, with real clients."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from pingregistrywf import (
    CorruptedDataError,
    DBError,
    HistoryDeletedError,
    JournalBusyError,
    JournalClosedError,
    JournalError,
    StateConflictError,
    Ulid,
    WorkflowError,
)

from ..snippets import python_snippets
from ..tiers import EXHAUSTIVE, SOAK
from ..typing.test_names import mypy, pyright
from .load import Workload

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "how-to" / "web-service.md"
CLIENTS, READERS = (50, 20) if EXHAUSTIVE else (10, 4)
SECONDS = 20.0 if SOAK else 2.0 if EXHAUSTIVE else 0.2
"""For how long the clients of each service send commands."""
LONGEST_STANDSTILL = 0.1
"""For how many seconds an event loop may stand still."""
INIT = {"command": "Init", "args": {"registry_id": str(uuid4())}}
PING = {"command": "AppendPing", "args": {"code": 0, "message": "well"}}
END = (
    {"command": "PostSummary", "args": {"code": 0, "message": "all well"}},
    {"command": "Commit"},
    {"command": "End"},
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's program, as the module ``service`` in a directory of its own."""
    directory = tmp_path_factory.mktemp("program")
    (program,) = python_snippets(PAGE.read_text(encoding="utf-8"))
    (directory / "service.py").write_text(program, encoding="utf-8")
    return directory


class Service:
    """The service in a process, and a client."""

    def __init__(self, program: Path, journal: Path, way: str = "page") -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "serve.py"), way],
            env={**os.environ, "JOURNAL": f"sqlite:{journal}", "PYTHONPATH": str(program)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def tell(self, id: object, command: object, **more: object) -> Any:
        """Send a command; return the answer's status and body."""
        answer = self.client.post(f"/workflows/{id}", json={"command": command, **more})
        return answer.status_code, answer.json()

    def begin(self, pings: int) -> tuple[str, list[str]]:
        """Begin a workflow with so many pings; return its id and the vids of its events."""
        workflow = str(uuid4())
        return workflow, [self.tell(workflow, each)[1]["vid"] for each in (INIT, *[PING] * pings)]

    @contextmanager
    def events(self, id: object, after: str | None = None) -> Iterator[Iterator[Any]]:
        """Read a workflow's events."""
        headers = {} if after is None else {"Last-Event-ID": after}
        path = f"/workflows/{id}/events"
        with self.client.stream("GET", path, headers=headers) as answer:
            yield iter(httpx2.EventSource(answer))

    def ask_to_end(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def ended(self) -> dict[str, float]:
        """Wait for the process; return for how long its loop stood still."""
        self.client.close()
        out, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == -signal.SIGTERM
        standstill: dict[str, float] = json.loads(out)
        return standstill

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.ask_to_end()
            self.ended()


@pytest.fixture(scope="module")
def service(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(program, tmp_path_factory.mktemp("journal") / "pings.db") as service:
        yield service


@pytest.fixture(scope="module")
def module(program: Path) -> ModuleType:
    """The page's program in this process."""
    module = ModuleType("service")
    source = (program / "service.py").read_text(encoding="utf-8")
    sys.modules["service"] = module  # where FastAPI looks up the names in annotations
    exec(compile(source, "service.py", "exec"), vars(module))
    del sys.modules["service"]
    return module


pytestmark = pytest.mark.slow


def test_commands_and_states(service: Service) -> None:
    workflow, vids = service.begin(2)
    state = service.client.get(f"/workflows/{workflow}").json()
    assert (state["vid"], len(state["pings"])) == (vids[-1], 2)
    status, done = service.tell(workflow, PING, vid=vids[-1])
    assert status == 200
    assert done["vid"] > vids[-1]


def test_a_refusal_names_the_error_and_what_to_do(service: Service) -> None:
    workflow, vids = service.begin(1)
    unknown = uuid4()
    for (status, body), expected in [
        (service.tell(workflow, END[1]), (409, "StateConflictError", "never")),
        (service.tell(workflow, PING, vid=vids[0]), (409, "VersionConflictError", "after reading")),
    ]:
        assert (status, body["error"], body["retry"]) == expected
        assert body["message"]
        assert body["attempted"] == []
    for path in (f"/workflows/{unknown}", f"/workflows/{unknown}/events"):
        answer = service.client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, "UninitializedError")
    assert service.tell(workflow, {"command": "NoSuch"})[0] == 422
    headers = {"Last-Event-ID": "no id"}
    assert service.client.get(f"/workflows/{workflow}/events", headers=headers).status_code == 422


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (JournalError(JournalBusyError(1000)), 503),
        (JournalError(JournalClosedError()), 503),
        (JournalError(DBError("commit", OSError())), 503),
        (JournalError(DBError("commit", OSError(), definite=False)), 500),
        (JournalError(CorruptedDataError("read", OSError())), 500),
        (JournalError(HistoryDeletedError(UUID(int=1))), 409),
        (StateConflictError(), 409),
    ],
    ids=str,
)
def test_what_a_client_sends_again_is_503(
    module: ModuleType, error: WorkflowError, status: int
) -> None:
    error.attempted = (Ulid(bytes(15) + b"\1"),)
    answer = asyncio.run(module.refuse(None, error))
    assert answer.status_code == status
    assert (answer.headers.get("Retry-After") is not None) == (status == 503)
    assert json.loads(answer.body)["attempted"] == ["00000000000000000000000001"]


def test_a_reader_resumes_after_the_event_that_it_saw_last(service: Service) -> None:
    workflow, vids = service.begin(2)
    with service.events(workflow) as events:
        seen = [next(events).id for _ in range(2)]
    vids += [service.tell(workflow, each)[1]["vid"] for each in (PING, PING)]
    with service.events(workflow, seen[-1]) as events:
        seen += [next(events).id for _ in range(2)]
        vids += [service.tell(workflow, each)[1]["vid"] for each in END]
        rest = list(events)
    assert seen + [each.id for each in rest] == vids
    assert json.loads(rest[-1].data)["event"] == "PingRegistryCommitted"
    headers = {"Last-Event-ID": vids[-1]}
    assert service.client.get(f"/workflows/{workflow}/events", headers=headers).status_code == 204


def test_a_reader_is_told_that_the_events_are_gone(service: Service) -> None:
    workflow, vids = service.begin(1)
    with service.events(workflow, vids[-1]) as events:
        for each in ({"command": "AbortExpired"}, {"command": "Delete"}):
            assert service.tell(workflow, each)[0] == 200
        told = [(each.event, each.data) for each in events][-1]
    assert told == ("gone", "was deleted")


def test_a_service_that_ends_lets_readers_go_on_at_the_next_one(
    program: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "pings.db"
    with Service(program, journal) as first, ExitStack() as stack:
        workflow, vids = first.begin(3)
        readers = [stack.enter_context(first.events(workflow)) for _ in range(3)]
        seen = [[next(each).id for _ in vids] for each in readers]
        assert seen == [vids] * 3
        first.ask_to_end()
        assert [list(each) for each in readers] == [[]] * 3
        first.ended()
    with Service(program, journal) as second:
        vids.append(second.tell(workflow, PING)[1]["vid"])
        with second.events(workflow, seen[0][-1]) as events:
            assert next(events).id == vids[-1]


@pytest.mark.soak
def test_nothing_is_lost_or_doubled_and_the_loop_never_stands_still(
    program: Path, tmp_path: Path
) -> None:
    """Beside a service that is made by hand, in turn, a second each."""
    ways = ("page", "hand_made") if EXHAUSTIVE else ("page",)
    with ExitStack() as stack:
        services = {
            way: stack.enter_context(Service(program, tmp_path / f"{way}.db", way)) for way in ways
        }
        loads = {way: Workload(each.port, CLIENTS, READERS) for way, each in services.items()}
        asyncio.run(_loaded(loads.values()))
        for load in loads.values():
            assert load.read == [load.followed(reader) for reader in range(READERS)]
            assert min(map(len, load.appended)) > 1
        for each in services.values():
            each.ask_to_end()
        standstill = {way: each.ended() for way, each in services.items()}
    print({way: round(load.rate) for way, load in loads.items()}, standstill)
    assert standstill["page"]["explained"] <= LONGEST_STANDSTILL
    if SOAK:
        assert standstill["page"]["longest"] <= LONGEST_STANDSTILL
        assert loads["page"].rate >= loads["hand_made"].rate


async def _loaded(loads: Any) -> None:
    for load in loads:
        await load.begin()
    for _ in range(max(1, int(SECONDS))):
        for load in loads:
            await load.run(min(SECONDS, 1.0))


@pytest.mark.exhaustive
@pytest.mark.parametrize("check", [mypy, pyright])
def test_it_is_typed(
    check: Callable[[Path], dict[int, str]], program: Path, tmp_path: Path
) -> None:
    source = (program / "service.py").read_text(encoding="utf-8")
    (tmp_path / "program.py").write_text(source + "reveal_type(tell)\n", encoding="utf-8")
    messages = list(check(tmp_path).values())
    assert len(messages) == 1, messages
    assert "Done" in messages[0]
