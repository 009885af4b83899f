"""What commands cost.  ``make bench`` prints the figures; nothing here judges them.

Histories are of several lengths, so that a cost that grows with them would show.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    NO_VC,
    Behavior,
    CmdAppendPing,
    CmdInit,
    Event,
    Journal,
    ServerPinged,
    Ulid,
    Workflows,
    open_journal,
)
from pingregistrywf.runtime.ids import UlidSource
from pingregistrywf.runtime.journal import Entry

LENGTHS = (1, 1_000, 20_000)
CHART = Behavior.declaration.identity


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    url = {"memory": "memory:", "sqlite": f"sqlite:{tmp_path / 'pings.db'}"}[request.param]
    with open_journal(url) as opened:
        yield opened


def long_history(journal: Journal, workflows: Workflows, length: int) -> UUID:
    """A workflow with so many pings, committed in one go."""
    history, ids = uuid4(), UlidSource()
    workflows.init(history, CmdInit(registry_id=uuid4()))
    head = journal.read(history).head
    parent, entries = head.vid, []
    for number in range(length):
        vid = ids.next(parent)
        event = ServerPinged(
            id=vid, parent=parent, status_code=0, status_message=f"server one ping {number}"
        )
        entries.append(Entry(vid, parent, event.marshal_proto()))
        parent = vid
    journal.commit(history, head, entries, chart=CHART)
    return history


def length_of(request: pytest.FixtureRequest, length: int) -> int:
    """The length; a short one where the tests only see that the benchmarks still run."""
    return min(length, 10) if request.config.getoption("benchmark_disable") else length


@pytest.mark.parametrize("length", LENGTHS)
def test_append(request: Any, benchmark: Any, journal: Journal, length: int) -> None:
    workflows = Workflows(journal)
    history = long_history(journal, workflows, length_of(request, length))
    workflows.find_id(history)
    vid = benchmark(workflows.append_ping, history, NO_VC, 0, "server one is well")
    assert isinstance(vid, Ulid)


@pytest.mark.parametrize("length", LENGTHS)
def test_find_again(request: Any, benchmark: Any, journal: Journal, length: int) -> None:
    workflows = Workflows(journal)
    history = long_history(journal, workflows, length_of(request, length))
    state = benchmark(workflows.find_id, history)
    assert state.num_pings == length_of(request, length)


@pytest.mark.parametrize("length", LENGTHS[:2])
def test_find_at_first(request: Any, benchmark: Any, journal: Journal, length: int) -> None:
    history = long_history(journal, Workflows(journal), length_of(request, length))
    state = benchmark(lambda: Workflows(journal).find_id(history))
    assert state.num_pings == length_of(request, length)


def test_decide_and_evolve(benchmark: Any) -> None:
    behavior = Behavior()
    advancer = behavior.new_advancer()
    state = behavior.new_state(uuid4())
    (started,) = behavior.tell(state, CmdInit(registry_id=uuid4()))
    state = advancer.advance(state, started)
    command = CmdAppendPing(code=0, message="server one is well")

    def append() -> Any:
        (event,) = behavior.tell(state, command)
        return advancer.advance(state, event)

    assert benchmark(append).num_pings == 1


PINGED = ServerPinged(
    id=UlidSource().next(EPOCH), parent=EPOCH, status_code=0, status_message="server one is well"
)


def test_encode(benchmark: Any) -> None:
    assert benchmark(PINGED.marshal_proto)


def test_decode(benchmark: Any) -> None:
    assert benchmark(Event.unmarshal_proto, PINGED.marshal_proto()) == PINGED


@pytest.mark.parametrize(
    "statement",
    [
        "import pydantic, google.protobuf, sqlite3",
        "import pydantic, google.protobuf, sqlite3, pingregistrywf",
        "from pingregistrywf import CmdInit, StateCode, Workflows, open_journal",
    ],
    ids=["libraries", "with-the-package", "with-its-names"],
)
def test_import(benchmark: Any, statement: str) -> None:
    """In a process of its own, whose start counts, too."""
    benchmark.pedantic(
        subprocess.run, ([sys.executable, "-c", statement],), {"check": True}, rounds=10
    )
