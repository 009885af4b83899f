"""What is right conforms: the reference on each journal, and adapters made from others' charts."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pingregistrywf.chart.lower import read_model
from pingregistrywf.conformance.run.result import Exit, RunResult, Scope
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ChildTransport
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.levels import LEVELS
from pingregistrywf.generate import artefacts

from ..tiers import EXHAUSTIVE

pytestmark = pytest.mark.slow

BOUND = "n+2" if EXHAUSTIVE else "n"
OTHERS = Path(__file__).parents[1] / "other_workflow"
FACTORY = """
import importlib
from pingregistrywf.service.requests import Service
from pingregistrywf.service.stdio import Adapter
from pingregistrywf.runtime.engine import Engine
from pingregistrywf.runtime.journal import open_journal

def make():
    behaviors = [importlib.import_module("theirs." + name).Behavior for name in {names}]
    journal = open_journal("memory:")
    operations = []
    if {operations}:
        engines = {{each.declaration.name: Engine(each, journal) for each in behaviors}}
        theirs = importlib.import_module("theirs.split_operations")
        operations = [theirs.Operations(engines)]
    return Adapter(Service(behaviors, journal, operations), "1").answer
"""


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


def test_the_reference_on_sqlite(suite: Suite, tmp_path: Path) -> None:
    """All is claimed, crashes too: the journal outlives the process."""
    levels = tuple(LEVELS) if EXHAUSTIVE else (6,)  # the disk is waited for at each command
    report = reference(suite, levels, "--journal", f"sqlite:{tmp_path / 'journal.db'}")
    assert report.exit is Exit.CONFORMS, report.verdict
    assert report.claimed == levels
    assert not report.unclaimed


@pytest.mark.parametrize(
    "names",
    [["leases"], ["split_repo", "leases"], *([["split_repo"]] if EXHAUSTIVE else [])],
    ids=" and ".join,
)
def test_the_charts_of_others(tmp_path: Path, names: list[str]) -> None:
    both = len(names) > 1
    files = [OTHERS / f"{name}.yaml" for name in (*names, *(["operations"] if both else []))]
    artefacts.write(artefacts.theirs(read_model(files)), tmp_path / "theirs")
    (tmp_path / "factory.py").write_text(
        FACTORY.format(names=names, operations=both), encoding="utf-8"
    )
    words = [sys.executable, "-m", "pingregistrywf", "conform", "--python", "factory:make"]
    words += ["--level", "1-6" if EXHAUSTIVE or not both else "1-2,6"]
    words += ["--bound", BOUND, *(word for file in files for word in ("--model", str(file)))]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    *_, verdict = done.stdout.splitlines()
    whole = "1-6" if EXHAUSTIVE else "1-2, 6"
    levels = whole if both else "1-4, 6"
    assert verdict.startswith(f"conforms: levels {levels} at bound {BOUND}, "), verdict
