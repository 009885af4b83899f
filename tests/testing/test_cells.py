"""The report of the cells that tests reached: what it counts, when it fails, what it says."""

from __future__ import annotations

from types import ModuleType
from uuid import UUID

import pytest

from pingregistrywf import (
    EPOCH,
    NO_VC,
    CmdAppendPing,
    CmdInit,
    PingRegistryStarted,
    StateConflictError,
    Ulid,
    Workflows,
    open_journal,
)
from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf._generated.ping_registry_index import WorkflowIndexes
from pingregistrywf.testing import given
from pingregistrywf.testing.cells import ReachedCells

pytest_plugins = ["pytester"]

REGISTRY = UUID(int=7)
STARTED = PingRegistryStarted(registry_id=REGISTRY)


@pytest.fixture
def reached(request: pytest.FixtureRequest) -> ReachedCells:
    return ReachedCells(ping_registry)


def named(reached: ReachedCells) -> set[str]:
    return {cell for cell, yes in reached.cells.items() if yes}


@pytest.mark.parametrize(("package", "count"), [(ping_registry, 43), (ping_registry_index, 13)])
def test_where_no_guard_decides_same_and_other_arguments_are_one_cell(
    package: ModuleType, count: int
) -> None:
    assert len(ReachedCells(package).cells) == count


def test_a_command_reaches_the_cell_that_it_is_decided_in(reached: ReachedCells) -> None:
    with reached.recording():
        given().when(CmdAppendPing(code=0, message="")).then(StateConflictError)
        given(STARTED).when(CmdInit(registry_id=REGISTRY)).then_nothing()
    assert named(reached) == {
        "AppendPing, in Uninitialized: StateConflictError",
        "Init, same registry_id, in Initialized: does nothing",
    }
    given(STARTED).when(CmdInit(registry_id=UUID(int=8)))
    assert len(named(reached)) == 2
    with reached.recording():
        given(STARTED).when(CmdInit(registry_id=UUID(int=8)))
    assert "Init, other registry_id, in Initialized: ArgumentNotIdempotentError" in named(reached)


def test_two_records_at_once_do_not_disturb_each_other(reached: ReachedCells) -> None:
    outer = ReachedCells(ping_registry)
    with outer.recording():
        with reached.recording():
            given().when(CmdInit(registry_id=REGISTRY)).then(STARTED)
        given(STARTED).when(CmdAppendPing(code=0, message=""))
    assert named(reached) == {"Init, in Uninitialized: appends PingRegistryStarted"}
    assert named(outer) == named(reached) | {"AppendPing, in Initialized: appends ServerPinged"}


def test_a_keyed_chart_and_its_rewrites() -> None:
    reached, history, entry = ReachedCells(ping_registry_index), UUID(int=1), UUID(int=2)
    first = Ulid(bytes(15) + b"\1")
    with reached.recording(), open_journal("memory:") as journal:
        indexes = WorkflowIndexes(journal)
        indexes.snapshot(history, NO_VC, False)
        indexes.begin_ping_registry(history, NO_VC, entry, first)
        indexes.begin_ping_registry(history, NO_VC, entry, first)
        indexes.snapshot(history, NO_VC, False)
    assert named(reached) == {
        "Snapshot: does nothing",
        "BeginPingRegistry, in Absent: appends PingRegistryStarted",
        "BeginPingRegistry, in Active: does nothing",
        "Snapshot: rewrites the history",
    }
    assert "Snapshot: TooManyWorkflowsError" in reached.cells


def test_what_the_journal_refuses_is_no_cell(reached: ReachedCells) -> None:
    assert not [cell for cell in reached.cells if "Deleted:" in cell]
    with reached.recording(), open_journal("memory:") as journal:
        workflows = Workflows(journal)
        assert workflows.init(UUID(int=1), CmdInit(registry_id=REGISTRY)) > EPOCH


# --- The plugin -----------------------------------------------------------------------------------

PACKAGE = "pingregistrywf._generated.ping_registry"
TEST = """
from uuid import uuid4

import pytest

from pingregistrywf import CmdInit, StateConflictError, CmdCommit
from pingregistrywf.testing import given


def test_init():
    given().when(CmdInit(registry_id=uuid4()))


def test_commit():
    given().when(CmdCommit()).then(StateConflictError)
"""


@pytest.fixture
def session(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest('pytest_plugins = ["pingregistrywf.testing.cells"]')
    pytester.makepyfile(TEST)
    return pytester


def run(session: pytest.Pytester, *options: str) -> pytest.RunResult:
    return session.runpytest_inprocess("-p", "no:cacheprovider", *options)


def test_it_reports_what_is_missing(session: pytest.Pytester) -> None:
    result = run(session, f"--cells-of={PACKAGE}")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            f"*cells of {PACKAGE}*",
            "reached 2 of 43 cells (4.7 %)",
            "  not reached: Init, same registry_id, in Initialized: does nothing",
        ]
    )
    result.stdout.no_fnmatch_line("*not reached: Commit, in Uninitialized*")


@pytest.mark.parametrize(("minimum", "code"), [("4.6", 0), ("5", 1)])
def test_a_minimum(session: pytest.Pytester, minimum: str, code: int) -> None:
    result = run(session, f"--cells-of={PACKAGE}", f"--cells-minimum={minimum}")
    assert result.ret == code
    failed = f"FAILED: --cells-minimum asks for {minimum} %" in result.outlines
    assert failed is bool(code)


def test_unasked_it_says_nothing(session: pytest.Pytester) -> None:
    run(session).stdout.no_fnmatch_line("*cells of*")


def test_no_generated_package(session: pytest.Pytester) -> None:
    result = run(session, "--cells-of=json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--cells-of json: no generated package*"])


@pytest.mark.slow
@pytest.mark.exhaustive
def test_workers_are_taken_together(session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess(
        "-p", "no:cacheprovider", "-n2", f"--cells-of={PACKAGE}", "--cells-minimum=5"
    )
    result.stdout.fnmatch_lines(["reached 2 of 43 cells (4.7 %)", "FAILED: --cells-minimum*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
