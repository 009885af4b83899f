"""Real processes killed at every gap between the declared steps, and what heals afterwards.

The gaps are those of the declared operations: an operation that is new has no scenario here, and a
step that is new is in none's ``done``, so that either fails until it is covered.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pingregistrywf import (
    PingRegistryCommitted,
    PingRegistryCompleted,
    PingRegistryStarted,
    ServerPinged,
    ServerPingsGathered,
    StateCode,
    open_journal,
)
from pingregistrywf._generated.ping_registry_index import DECLARATION as INDEX
from pingregistrywf._generated.ping_registry_index import SnapshotBegin
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf._generated.ping_registry_operations import OPERATIONS
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.runtime.journal import NO_HEAD

from ..tiers import some

START = 1_700_000_000.0
DAY = 86_400.0
PATIENCE = 60.0
"""How long a process may take, in seconds, before a test gives up."""

# A daemon that can go on with both goes on with the first.
WORKFLOW, NEXT = UUID(int=0x1001), UUID(int=0x1002)
GAPS = [(each.name, step) for each in OPERATIONS.values() for step in range(len(each.steps) + 1)]


class Place:
    """A journal file, and who works on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"sqlite:{directory / 'pings.db'}"

    @contextmanager
    def registry(self, now: float = START) -> Iterator[PingRegistry]:
        with open_journal(self.url, clock=lambda: now) as journal:
            yield PingRegistry(journal, "reg")

    def start(self, act: str, now: float, gap: tuple[str, int, int] | None) -> Any:
        job = {"journal": self.url, "now": now, "act": act, "workflow": str(WORKFLOW), "gap": gap}
        script = Path(__file__).with_name("killed.py")
        return subprocess.Popen(
            [sys.executable, str(script), json.dumps(job)], stdout=subprocess.PIPE, text=True
        )

    def copy(self, directory: Path) -> Place:
        shutil.copytree(self.directory, directory)
        return Place(directory)


# --- One scenario an operation -------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """How an operation comes to run in a process.

    Attributes:
        prepare: what happened before.
        act: what the process does, and ``now`` its clock.
        done: how many steps of the operation are done.
        check: what must hold once the process has run again to its end.
        run: in which run of the operation it is killed.
        again: what is run again, if not the same; each in a process of its own.
        rested: for a daemon, whether it has nothing left to do, once NEXT has begun as well.
    """

    prepare: Callable[[PingRegistry], object]
    act: str
    done: Callable[[PingRegistry], int]
    check: Callable[[PingRegistry], object]
    now: float = START
    run: int = 1
    again: tuple[str, ...] = ()
    rested: Callable[[PingRegistry], bool] | None = None


def begin(registry: PingRegistry) -> None:
    registry.begin(WORKFLOW)


def post_pings(registry: PingRegistry) -> None:
    begin(registry)
    for number in (1, 2):
        registry.operations.ping(WORKFLOW, number - 1, f"beta ping {number}")


def summarize(registry: PingRegistry) -> None:
    post_pings(registry)
    registry.operations.gather(WORKFLOW, 1, "{ totalCount: 2, errorCount: 1 }")


def commit(registry: PingRegistry) -> None:
    summarize(registry)
    registry.commit(WORKFLOW)


def fill_the_index(registry: PingRegistry) -> None:
    """An index of which a snapshot saves storage, made elsewhere and brought in at once."""
    with open_journal("memory:", clock=registry.journal.clock) as elsewhere:
        other = PingRegistry(elsewhere, registry.name)
        index_id = registry.index_id
        for number in range(340):
            workflow = UUID(int=0x2000 + number)
            other.operations.begin(workflow, index_id, registry.id)
            other.operations.expire(workflow, index_id)
            other.operations.delete(workflow, index_id)
        entries = elsewhere.read(index_id, whole=True).entries
    registry.journal.commit(index_id, NO_HEAD, entries, chart=INDEX.identity)
    begin(registry)


def kinds(registry: PingRegistry) -> list[type]:
    return [type(event) for event in registry.workflows.events(WORKFLOW)]


def listed(registry: PingRegistry, workflow: UUID = WORKFLOW) -> Any:
    return registry.indexes.find_id(registry.index_id).entries.get(workflow)


def begun(registry: PingRegistry) -> int:
    return len(kinds(registry)) + (listed(registry) is not None)


def completed(registry: PingRegistry) -> int:
    happened = kinds(registry)
    in_index = listed(registry).state_code is ListedCode.COMPLETED
    return (PingRegistryCompleted in happened) + in_index + (PingRegistryCommitted in happened)


def deleted(registry: PingRegistry) -> int:
    return (kinds(registry) == []) + (listed(registry) is None)


def snapshots(registry: PingRegistry) -> int:
    events = registry.indexes.events(registry.index_id)
    return sum(isinstance(event, SnapshotBegin) for event in events)


def is_active(registry: PingRegistry) -> None:
    assert kinds(registry) == [PingRegistryStarted]
    (first,) = registry.workflows.events(WORKFLOW)
    assert listed(registry).state_code is ListedCode.ACTIVE
    assert listed(registry).started_workflow_event_id == first.id
    assert len(registry.indexes.events(registry.index_id)) == 1


def has_each_ping_once(registry: PingRegistry) -> None:
    pings = registry.workflows.find_id(WORKFLOW).pings
    assert [ping.message for ping in pings] == [f"alpha ping {number}" for number in (1, 2, 3)]


def is_summarized_once(registry: PingRegistry) -> None:
    pings = [ServerPinged] * 3
    assert kinds(registry) == [PingRegistryStarted, *pings, ServerPingsGathered]
    posted = registry.workflows.find_id(WORKFLOW).summary_status
    assert (posted.code, posted.message) == (1, "{ totalCount: 3, errorCount: 1 }")


def is_over(registry: PingRegistry) -> None:
    events = registry.workflows.events(WORKFLOW)
    assert kinds(registry)[-2:] == [PingRegistryCompleted, PingRegistryCommitted]
    assert kinds(registry).count(ServerPinged) == 2
    assert listed(registry).state_code is ListedCode.COMPLETED
    assert listed(registry).started_workflow_event_id == events[0].id
    assert listed(registry).completed_workflow_event_id == events[-2].id
    assert len(registry.indexes.events(registry.index_id)) == 2


def is_gone(registry: PingRegistry) -> None:
    assert kinds(registry) == []
    assert listed(registry) is None
    assert len(registry.indexes.events(registry.index_id)) == 3


def is_rewritten(registry: PingRegistry) -> None:
    index = registry.indexes.find_id(registry.index_id)
    assert (snapshots(registry), index.events_since_snapshot) == (1, 0)
    assert index.in_state(ListedCode.ACTIVE) == (WORKFLOW,)
    assert kinds(registry) == [PingRegistryStarted]


SCENARIOS = {
    "begin": Scenario(lambda registry: None, "begin", begun, is_active),
    "ping": Scenario(
        begin,
        "server",
        lambda registry: registry.workflows.find_id(WORKFLOW).num_pings - 1,
        has_each_ping_once,
        run=2,
        rested=lambda registry: registry.workflows.find_id(NEXT).num_pings == 3,
    ),
    "gather": Scenario(
        post_pings,
        "gatherer",
        lambda registry: kinds(registry).count(ServerPingsGathered),
        is_summarized_once,
        now=START + 20,
        rested=lambda registry: registry.workflows.find_id(NEXT).state_code is StateCode.SUMMARIZED,
    ),
    "commit": Scenario(summarize, "commit", completed, is_over),
    "expire": Scenario(
        post_pings,
        "collect",
        completed,
        is_over,
        now=START + 2 * DAY,
        # Once it is listed as completed, a collector leaves it alone until it deletes it.
        again=("collect", "expire"),
    ),
    "delete": Scenario(commit, "collect", deleted, is_gone, now=START + 6 * DAY),
    "snapshot": Scenario(fill_the_index, "collect", snapshots, is_rewritten),
}


def test_there_is_a_scenario_for_each_operation() -> None:
    assert set(SCENARIOS) == set(OPERATIONS)


@pytest.fixture(params=some(GAPS, every=6), ids=lambda gap: f"{gap[0]}-{gap[1]}")
def gap(request: pytest.FixtureRequest) -> tuple[str, int]:
    found: tuple[str, int] = request.param
    return found


@pytest.mark.slow
def test_killed_at_a_gap(tmp_path: Path, gap: tuple[str, int]) -> None:
    operation, step = gap
    scenario = SCENARIOS[operation]
    (tmp_path / "first").mkdir()
    place = Place(tmp_path / "first")
    with place.registry() as registry:
        scenario.prepare(registry)
    before = _history(place)

    process = place.start(scenario.act, scenario.now, (operation, step, scenario.run))
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    with place.registry(scenario.now) as registry:
        assert scenario.done(registry) == step

    alone = place.copy(tmp_path / "alone")
    _run_again(place, scenario)
    with place.registry(scenario.now) as registry:
        scenario.check(registry)
    if operation != "delete":
        after = _history(place)
        assert after[: len(before)] == before

    _heals(alone, scenario.now)


def _history(place: Place) -> tuple[Any, ...]:
    with place.registry() as registry:
        return registry.workflows.events(WORKFLOW)


def _run_again(place: Place, scenario: Scenario) -> None:
    if scenario.rested is None:
        for act in scenario.again or (scenario.act,):
            process = place.start(act, scenario.now, None)
            process.communicate(timeout=PATIENCE)
            assert process.returncode == 0
        return
    with place.registry(START) as registry:
        registry.begin(NEXT)
        with registry.journal.subscribe(NEXT) as news:
            process = place.start(scenario.act, scenario.now, None)
            try:
                while not scenario.rested(registry):
                    assert news.wait(PATIENCE)
            finally:
                process.kill()
                process.communicate(timeout=PATIENCE)


def _heals(place: Place, now: float) -> None:
    """The collector alone leaves nothing active, then nothing at all."""
    with place.registry(now + 1.1 * DAY) as registry:
        _collect(registry)
        for entry in registry.indexes.find_id(registry.index_id).entries.values():
            assert entry.state_code is ListedCode.COMPLETED
            state = registry.workflows.find_id(entry.workflow_id)
            assert state.state_code in (StateCode.COMPLETED, StateCode.TERMINATED)
    with place.registry(now + 6.2 * DAY) as registry:
        _collect(registry)
        assert not registry.indexes.find_id(registry.index_id).entries


def _collect(registry: PingRegistry) -> None:
    assert [action for action in registry.collector().run() if action.error] == []
