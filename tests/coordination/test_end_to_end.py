"""The whole, as it is deployed: every role a process of its own, on one SQLite file or on NATS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf import ServerPinged, ServerPingsGathered, StateCode, open_journal
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf.coordination.registry import PingRegistry

from ..nats.cluster import Cluster
from ..tiers import EXHAUSTIVE

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

REGISTRY = "reg"
SERVERS = 5 if EXHAUSTIVE else 3
GATHERERS = ("north", "south")
WORKFLOWS = 10 if EXHAUSTIVE else 3
PINGS = 2
DURATION = "4" if EXHAUSTIVE else "1"


def environment(journal: str) -> dict[str, str]:
    return {**os.environ, "PINGREGISTRYWF_JOURNAL": journal, "NO_COLOR": "1"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "pingregistrywf", *words]


def answer(journal: str, *words: str) -> list[Any]:
    done = subprocess.run(
        command(*words, "--json"),
        env=environment(journal),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def daemon(journal: str, log: Path, *words: str) -> Iterator[None]:
    """A daemon that watches by now, and that logs to a file; stopped by SIGTERM at the end."""
    with log.open("w") as stream:
        process = subprocess.Popen(
            command(*words, "--log-json"), env=environment(journal), stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        first = process.stderr.readline().decode()
        assert json.loads(first)["action"] == "watching"
        stream.write(first)
        try:
            yield
        finally:
            process.terminate()
            _, rest = process.communicate(timeout=60)
            stream.write(rest.decode())
    assert process.returncode == 143


def actions(log: Path, name: str) -> list[Any]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if line["action"] == name]


@pytest.fixture(params=["sqlite", "nats"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a journal in a file, or on a cluster of three servers."""
    if request.param == "sqlite":
        yield f"sqlite:{tmp_path / 'pings.db'}"
    else:
        with Cluster(tmp_path / "nats") as cluster:
            yield cluster.url("pings")


@pytest.mark.xdist_group("timing")
def test_many_workflows_and_servers_and_two_gatherers(journal: str, tmp_path: Path) -> None:
    ids = [str(uuid.uuid4()) for _ in range(WORKFLOWS)]
    pace = ("--pings", str(PINGS), "--interval", "0.2")
    logs = [tmp_path / f"server-{number}.log" for number in range(SERVERS)]
    logs += [tmp_path / f"{name}.log" for name in GATHERERS]
    with ExitStack() as daemons:
        for number in range(SERVERS):
            words = ("server", REGISTRY, "--name", f"server-{number}", "--code", str(number % 2))
            daemons.enter_context(daemon(journal, logs[number], *words, *pace))
        for name, log in zip(GATHERERS, logs[SERVERS:], strict=True):
            words = ("gather", REGISTRY, "--name", name, "--duration", DURATION)
            daemons.enter_context(daemon(journal, log, *words, *pace))

        def admin(workflow: str) -> None:
            answer(journal, "begin", REGISTRY, "--workflow", workflow)
            (got,) = answer(journal, "get", REGISTRY, "--workflow", workflow, "--wait", "100")
            assert got["summary"]["code"] == 100
            answer(journal, "commit", REGISTRY, "--workflow", workflow)

        with ThreadPoolExecutor(WORKFLOWS) as admins:
            list(admins.map(admin, ids))

    acknowledged = [line for log in logs for line in actions(log, "pinged")]
    summaries = [line for log in logs for line in actions(log, "summarized")]
    assert sorted(line["workflow"] for line in summaries) == sorted(ids)  # one each, by one of two
    failed = [line["error"] for log in logs for line in actions(log, "failed")]
    if journal.startswith("sqlite:"):
        assert not failed
    else:  # without a queue a process may lose all its attempts; its daemon tries again
        assert all("gave up after repeated version conflicts" in error for error in failed)
    with open_journal(journal, create=False) as opened:
        registry = PingRegistry(opened, REGISTRY)
        index = registry.indexes.find_id(registry.index_id)
        assert set(map(str, index.in_state(ListedCode.COMPLETED))) == set(ids)
        for text in ids:
            workflow_id = uuid.UUID(text)
            state = registry.workflows.find_id(workflow_id)
            events = registry.workflows.events(workflow_id)
            assert state.state_code is StateCode.TERMINATED
            pinged = [str(event.id) for event in events if isinstance(event, ServerPinged)]
            vids = [line["vid"] for line in acknowledged if line["workflow"] == text]
            assert sorted(vids) == sorted(pinged)
            errors = sum(ping.code != 0 for ping in state.pings)
            message = f"{{ totalCount: {len(vids)}, errorCount: {errors} }}"
            assert state.summary_status.message == message
            assert sum(isinstance(event, ServerPingsGathered) for event in events) == 1
