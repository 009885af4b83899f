"""Every property of a check is decided, whatever TLC says of the first one that does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf.formal import verification
from pingregistrywf.formal.plan import Plan
from pingregistrywf.formal.tlc import Kind, ModelError, Outcome, Progress, Violation
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.formal.trace import Trace
from pingregistrywf.formal.verification import run_plan

from .conftest import lamps

NAMES = ("First", "Second", "Third")
TOOLCHAIN = Toolchain(Path("java"), Path("jar"))


class Checker:
    """TLC, for which some properties do not hold; it names those that it names."""

    def __init__(self, violated: Mapping[str, Kind], named: str = "") -> None:
        self.violated, self.named = violated, named
        self.runs: list[list[str]] = []

    def check(
        self, toolchain: Toolchain, files: Mapping[str, str], module: str, config: str, **_: Any
    ) -> Any:
        checked = [name for name in NAMES if name in config]
        self.runs.append(checked)
        for name in checked:
            if name in self.violated:
                named = name if name in self.named else ""
                found = Violation(self.violated[name], named, f"{name} is wrong", Trace())
                return Outcome(1, 1, 1, 0.1, found)
        return Outcome(1, 1, 1, 0.1, None)


def decided(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Run a plan of one check; return whether each of its properties holds."""
    monkeypatch.setattr(verification, "check", checker.check)
    plan = Plan({}, (lamps("small", *(f"INVARIANT {name}" for name in NAMES)),))
    seen: list[tuple[str, Progress]] = []
    results = list(
        run_plan(TOOLCHAIN, plan, progress=lambda each, so_far: seen.append((each.size, so_far)))
    )
    assert seen == [("small", Progress(0, 0, 0, 0.0))] * len(checker.runs)
    assert {result.size for result in results} == {"small"}
    assert len(results) == len(NAMES)
    return {result.property: result.violation is None for result in results}


def test_all_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    checker = Checker({})
    assert decided(checker, monkeypatch) == dict.fromkeys(NAMES, True)
    assert len(checker.runs) == 1


def test_one_that_does_not_hold_hides_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    violated = {"First": Kind.INVARIANT, "Third": Kind.ACTION_PROPERTY}
    checker = Checker(violated, named="First Third")
    assert decided(checker, monkeypatch) == {"First": False, "Second": True, "Third": False}
    assert checker.runs == [["First", "Second", "Third"], ["Second", "Third"], ["Second"]]


def test_one_that_tlc_does_not_name(monkeypatch: pytest.MonkeyPatch) -> None:
    checker = Checker({"Second": Kind.LIVENESS})
    assert decided(checker, monkeypatch) == {"First": True, "Second": False, "Third": True}
    assert checker.runs == [list(NAMES), ["First"], ["Second"], ["Third"]]


@pytest.mark.parametrize("kind", [Kind.ASSUMPTION, Kind.ASSERTION, Kind.DEADLOCK])
def test_a_model_that_contradicts_itself(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="the module Lamps is wrong: First is wrong"):
        decided(Checker({"First": kind}), monkeypatch)
