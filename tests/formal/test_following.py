"""The formal model follows what the product has written, and refuses what it cannot have written.

The journal is the trace: each run of the product here is one of the model, or one of them is wrong.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pingregistrywf import NO_VC, Journal, open_journal
from pingregistrywf._generated import ping_registry as workflow
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf._generated.ping_registry import CmdInit
from pingregistrywf.chart.locate import load_model
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.formal.following import Verdict, follow
from pingregistrywf.formal.journal_trace import JournalTrace, committed, read_trace
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.values import Event

from ..command_line import run
from ..coordination.simulation import DAY, PASSES, Ask, Go, Kill, Pass, System
from ..coordination.test_interruption import PATIENCE, SCENARIOS, Place
from ..tiers import some

MODEL = load_model([])
(SYSTEM,) = MODEL.systems
DECLARATIONS = {each.DECLARATION.name: each.DECLARATION for each in (workflow, index)}
WORKFLOWS = (UUID(int=0x1001), UUID(int=0x1002))

pytestmark = pytest.mark.slow


def run_two_workflows(journal: Journal) -> None:
    """One workflow is committed and deleted, while another one of another registry goes on."""
    for name, each in zip(("one", "two"), WORKFLOWS, strict=True):
        registry = PingRegistry(journal, name)
        registry.begin(each)
        for number in (1, 2):
            registry.operations.ping(each, 0, f"server ping {number}")
    registry = PingRegistry(journal, "one")
    head = registry.workflows.engine.find(WORKFLOWS[0]).vid
    registry.operations.gather(WORKFLOWS[0], 0, "all well", vid=head)
    registry.commit(WORKFLOWS[0])
    registry.indexes.snapshot(registry.index_id, NO_VC, if_storage_reduction=False)
    registry.operations.delete(WORKFLOWS[0], registry.index_id)


@pytest.fixture(scope="module")
def trace() -> JournalTrace:
    """What the journal says of the two workflows."""
    with open_journal("memory:") as journal:
        run_two_workflows(journal)
        return read_trace(journal, DECLARATIONS)


def test_it_follows_the_product(toolchain: Toolchain, trace: JournalTrace) -> None:
    assert follow(toolchain, MODEL, SYSTEM, trace) == Verdict(True, len(trace.events))


def place(trace: JournalTrace, event: type[Event]) -> int:
    """The place of the first such event, counted from 0."""
    return next(n for n, each in enumerate(trace.events) if type(each.event) is event)


def without(trace: JournalTrace, event: type[Event]) -> tuple[JournalTrace, int]:
    """The trace without such an event, and how much of it can be followed."""
    dropped = place(trace, event)
    events = (*trace.events[:dropped], *trace.events[dropped + 1 :])
    return replace(trace, events=events), dropped


def a_ping_is_missing(trace: JournalTrace) -> tuple[JournalTrace, int]:
    return without(trace, workflow.ServerPinged)


def the_index_does_not_list_it(trace: JournalTrace) -> tuple[JournalTrace, int]:
    return without(trace, index.PingRegistryStarted)


def pings_are_swapped(trace: JournalTrace) -> tuple[JournalTrace, int]:
    first = place(trace, workflow.ServerPinged)
    events = list(trace.events)
    events[first : first + 2] = reversed(events[first : first + 2])
    return replace(trace, events=tuple(events)), first


def moved(trace: JournalTrace, event: type[Event], before: type[Event]) -> tuple[JournalTrace, int]:
    """The trace in which one event comes before another one of another history."""
    events = list(trace.events)
    target = place(trace, before)
    events.insert(target, events.pop(place(trace, event)))
    return replace(trace, events=tuple(events)), target


def listed_as_completed_before_it_is(trace: JournalTrace) -> tuple[JournalTrace, int]:
    return moved(trace, index.PingRegistryCompleted, workflow.PingRegistryCompleted)


def terminated_before_it_is_listed_as_completed(trace: JournalTrace) -> tuple[JournalTrace, int]:
    return moved(trace, workflow.PingRegistryCommitted, index.PingRegistryCompleted)


def changed(trace: JournalTrace, event: type[Event], **fields: Any) -> tuple[JournalTrace, int]:
    """The trace in which an event has other values."""
    at = place(trace, event)
    events = list(trace.events)
    other = events[at].event.model_copy(update=fields)
    events[at] = replace(events[at], event=other)
    return replace(trace, events=tuple(events)), at


def the_index_names_another_event(trace: JournalTrace) -> tuple[JournalTrace, int]:
    ping = trace.events[place(trace, workflow.ServerPinged)].event
    return changed(trace, index.PingRegistryCompleted, workflow_event_id=ping.id)


def the_index_names_no_event(trace: JournalTrace) -> tuple[JournalTrace, int]:
    return changed(trace, index.PingRegistryCompleted, workflow_event_id=Ulid(bytes(15) + b"x"))


def the_snapshot_lists_nothing(trace: JournalTrace) -> tuple[JournalTrace, int]:
    corrupted, at = changed(trace, index.SnapshotState, ping_registry=())
    return corrupted, at - 1  # the group is all or nothing


def a_ping_after_the_summary(trace: JournalTrace) -> tuple[JournalTrace, int]:
    at = place(trace, workflow.ServerPingsGathered)
    summary, ping = trace.events[at], trace.events[place(trace, workflow.ServerPinged)]
    late = ping.event.model_copy(update={"id": Ulid(bytes(15) + b"x"), "parent": summary.event.id})
    events = (*trace.events[: at + 1], replace(ping, event=late), *trace.events[at + 1 :])
    return replace(trace, events=events), at + 1


def it_is_not_deleted(trace: JournalTrace) -> tuple[JournalTrace, int]:
    return replace(trace, deleted=frozenset()), place(trace, index.PingRegistryDeleted)


def one_that_goes_on_is_deleted(trace: JournalTrace) -> tuple[JournalTrace, int]:
    (newest,) = [each for each in trace.events if each.history == WORKFLOWS[1]][-1:]
    return replace(trace, deleted=trace.deleted | {newest.event.id}), len(trace.events)


CORRUPTIONS = (
    a_ping_after_the_summary,
    the_index_names_another_event,
    a_ping_is_missing,
    pings_are_swapped,
    listed_as_completed_before_it_is,
    the_index_does_not_list_it,
    terminated_before_it_is_listed_as_completed,
    the_index_names_no_event,
    the_snapshot_lists_nothing,
    it_is_not_deleted,
    one_that_goes_on_is_deleted,
)


@pytest.mark.parametrize(
    "corrupted",
    some(CORRUPTIONS, every=len(CORRUPTIONS)),
    ids=lambda each: each.__name__,
)
def test_what_is_corrupted_is_refused(
    toolchain: Toolchain,
    trace: JournalTrace,
    corrupted: Callable[[JournalTrace], tuple[JournalTrace, int]],
) -> None:
    wrong, length = corrupted(trace)
    assert follow(toolchain, MODEL, SYSTEM, wrong) == Verdict(False, length)


class TestCommand:
    """``verify --trace``."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:{tmp_path / 'journal.db'}"

    def test_what_is_accepted(self, toolchain: Toolchain, url: str) -> None:
        with open_journal(url) as journal:
            PingRegistry(journal, "one").begin(WORKFLOWS[0])
        done = run("verify", "--trace", url)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"accepted: the model could have written the 2 events of {url}\n"

    def test_what_is_refused(self, toolchain: Toolchain, url: str) -> None:
        """A server posts a ping before the index lists the workflow, which breaks no chart."""
        with open_journal(url) as journal:
            registry = PingRegistry(journal, "one")
            registry.workflows.init(WORKFLOWS[0], CmdInit(registry_id=registry.id))
            registry.operations.ping(WORKFLOWS[0], 0, "alpha ping 1")
        assert run("journal", "verify", "--journal", url).returncode == 0
        done = run("verify", "--trace", url)
        assert done.returncode == 1
        assert [line.split()[2] for line in done.stdout.splitlines()] == [
            "PingRegistryStarted",
            "ServerPinged",
        ]
        assert done.stderr == (
            "pingregistrywf: refused: the model cannot write the event shown last,"
            " which is number 2 of 2\n"
        )

    def test_what_is_not_whole(self, toolchain: Toolchain, url: str) -> None:
        with open_journal(url) as journal:
            run_two_workflows(journal)
            journal.collect(journal.clock() + 1e9)
        done = run("verify", "--trace", url)
        assert (done.returncode, done.stdout) == (2, "")
        assert "garbage collection has removed some of it" in done.stderr

    def test_it_needs_no_size(self, url: str) -> None:
        done = run("verify", "--trace", url, "--size", "reuse")
        assert (done.returncode, done.stdout) == (2, "")
        assert "--trace goes with" in done.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_follows_whole_systems(toolchain: Toolchain, seed: int) -> None:
    """Participants go on in any order, are killed and start again, and months pass."""
    drawn = random.Random(seed)
    with System() as system:
        for move in (Ask("begin"), Ask("commit"), Ask("begin", 1), Ask("commit", 1)):
            system.make(move)
        for _ in range(60):
            passed = Pass(drawn.choice(PASSES))
            role = drawn.randrange(len(system.roles))
            system.make(drawn.choice([*[Go(role)] * 24, *[Kill(role)] * 4, *[passed] * 3]))
        system.finish(admin_returns=seed % 2 == 0)
    written = written_by(system)
    assert follow(toolchain, MODEL, SYSTEM, written) == Verdict(True, len(written.events))


@pytest.mark.exhaustive
def test_it_follows_an_id_that_is_used_again(toolchain: Toolchain) -> None:
    with System() as system:
        for command in ("begin", "commit"):
            system.make(Ask(command))
        for days in (0, 5.1, 31):
            system.make(Pass(days * DAY))
            for number in range(90):
                system.make(Go(number % len(system.roles)))
        system.make(Ask("begin"))
        for _ in range(10):
            system.make(Go(0))
        system.finish(admin_returns=False)
    written = written_by(system)
    begun = [each for each in written.events if type(each.event) is workflow.PingRegistryStarted]
    assert [each.history for each in begun] == [WORKFLOWS[0]] * 2
    assert follow(toolchain, MODEL, SYSTEM, written) == Verdict(True, len(written.events))


def written_by(system: System) -> JournalTrace:
    """All that a simulated system has written, also what its journal no longer keeps."""
    events = tuple(
        committed(DECLARATIONS[chart], history, entry)
        for chart, history, entry in system.record.entries
    )
    return JournalTrace(events, frozenset(system.record.deleted))


@pytest.mark.exhaustive
def test_it_follows_a_demo_with_a_killed_server(toolchain: Toolchain, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'journal.db'}"
    done = run("demo", "--chaos", "--duration", "1", "--interval", "0.1", "--journal", url)
    assert done.returncode == 0, done.stderr
    with open_journal(url) as journal:
        written = read_trace(journal, DECLARATIONS)
    assert follow(toolchain, MODEL, SYSTEM, written) == Verdict(True, len(written.events))


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("commit", 2),
        pytest.param("commit", 1, marks=pytest.mark.exhaustive),
        pytest.param("begin", 1, marks=pytest.mark.exhaustive),
        pytest.param("expire", 1, marks=pytest.mark.exhaustive),
        pytest.param("expire", 2, marks=pytest.mark.exhaustive),
        pytest.param("delete", 1, marks=pytest.mark.exhaustive),
    ],
)
def test_it_follows_killed_processes(
    toolchain: Toolchain, tmp_path: Path, operation: str, step: int
) -> None:
    """A process is killed after a step of an operation, and another one finishes it."""
    journal_file, scenario = Place(tmp_path), SCENARIOS[operation]
    with journal_file.registry() as registry:
        scenario.prepare(registry)
    acts = scenario.again or (scenario.act,)
    for act, gap in ((scenario.act, (operation, step, 1)), *((act, None) for act in acts)):
        process = journal_file.start(act, scenario.now, gap)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == (0 if gap is None else -signal.SIGKILL)
    with journal_file.registry(scenario.now) as registry:
        written = read_trace(registry.journal, DECLARATIONS)
    assert len(written.events) > 1
    assert follow(toolchain, MODEL, SYSTEM, written) == Verdict(True, len(written.events))
