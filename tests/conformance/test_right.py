"""What is right conforms: the reference on each journal, and adapters made from others' charts."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pingregistrywf.conformance.run.result import Exit, RunResult, Scope, Status
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ChildTransport
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.levels import LEVELS
from pingregistrywf.conformance.suite.scenario import Action, Collect, Look, Run, Scenario, Tell

from ..tiers import EXHAUSTIVE

pytestmark = pytest.mark.slow

BOUND = "n+2" if EXHAUSTIVE else "n"
OTHERS = Path(__file__).parents[1] / "other_workflow"
SEVERAL = "leases split_repo split_repo_operations"


def reference(suite: Suite, levels: tuple[int, ...], *words: str) -> RunResult:
    line = [sys.executable, "-m", "pingregistrywf", "adapter", *words]
    plan = Plan(suite, Scope(levels, BOUND))
    return run(plan, ChildTransport(shlex.join(line), 300))


@pytest.fixture(autouse=True)
def no_journal_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PINGREGISTRYWF_JOURNAL", raising=False)


def test_the_reference_in_memory(suite: Suite) -> None:
    report = reference(suite, tuple(LEVELS), "--journal", "memory:")
    assert report.exit is Exit.CONFORMS, report.verdict
    assert report.unclaimed == "crash in level 6"


@pytest.mark.exhaustive
def test_the_reference_on_sqlite(suite: Suite, tmp_path: Path) -> None:
    """All is claimed, crashes too: the journal outlives the process."""
    levels = tuple(LEVELS)
    report = reference(suite, levels, "--journal", f"sqlite:{tmp_path / 'journal.db'}")
    assert report.exit is Exit.CONFORMS, report.verdict
    assert report.claimed == levels
    assert not report.unclaimed


UNLISTED = (Tell("Init"), Run("expire"), Run("delete"), Look())
REUSED = (
    *(Run("begin"), Run("expire"), Tell("Delete"), Collect(31), Tell("Init")),
    *(Run("expire"), Tell("AbortExpired"), Run("delete"), Look()),
)


@pytest.mark.parametrize("actions", [UNLISTED, REUSED], ids=["unlisted", "reused"])
def test_operations_see_only_what_is_listed(suite: Suite, actions: tuple[Action, ...]) -> None:
    """The oracle and the run time agree on a workflow that is not listed, or another is."""
    scenario = Scenario("unlisted", actions, "operation", level=6, chart=suite.chart.name)
    plan = Plan(suite, Scope((6,), BOUND), cases=[suite.compiler.compile(scenario)])
    line = [sys.executable, "-m", "pingregistrywf", "adapter", "--journal", "memory:"]
    report = run(plan, ChildTransport(shlex.join(line), 300))
    assert report.exit is Exit.INCOMPLETE, report.verdict  # a replay is not the suite
    assert report.count(Status.PASSED) == 1


@pytest.mark.parametrize(
    ("names", "journal", "bound"),
    [("leases", "memory:", "n+2"), (SEVERAL, "sqlite:", "n")]
    if EXHAUSTIVE
    else [("leases", "sqlite:", "n"), (SEVERAL, "memory:", "n")],
)
def test_the_charts_of_others(tmp_path: Path, names: str, journal: str, bound: str) -> None:
    """``adapter --model`` is their reference implementation; nobody wrote Python for it."""
    model = [word for name in names.split() for word in ("--model", str(OTHERS / f"{name}.yaml"))]
    program = [sys.executable, "-m", "pingregistrywf"]
    url = journal if journal == "memory:" else f"sqlite:{tmp_path / 'journal.db'}"
    adapter = shlex.join([*program, "adapter", "--journal", url, *model])
    levels = "1-6" if EXHAUSTIVE or names != SEVERAL else "1, 5-6"
    words = ["conform", "--adapter", adapter, "--level", levels.replace(" ", ""), "--bound", bound]
    done = subprocess.run(
        [*program, *words, *model], cwd=tmp_path, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    *_, verdict = done.stdout.splitlines()
    # A single chart has no case of level 5, which is for keyed charts beside another.
    ran = levels if names == SEVERAL else "1-4, 6"
    assert verdict.startswith(f"conforms: levels {ran} at bound {bound}, "), verdict
