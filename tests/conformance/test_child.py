"""The child process where no system call waits for several pipes, as on Windows."""

from __future__ import annotations

import pytest

from pingregistrywf.conformance.run import transport
from pingregistrywf.conformance.run.child import ThreadedChild
from pingregistrywf.conformance.run.result import Exit
from pingregistrywf.conformance.suite import Suite

from .conftest import Runs


@pytest.fixture(autouse=True)
def threaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pipe has a thread."""
    monkeypatch.setattr(transport, "start_child", ThreadedChild)


@pytest.mark.parametrize("name", ["right", "10 MiB of log", "a log without end"])
def test_what_is_right_conforms(run_child: Runs, name: str) -> None:
    assert run_child(name).exit is Exit.CONFORMS


def test_who_is_dead_is_told_with_the_end_of_the_log(run_child: Runs) -> None:
    assert run_child("dead").verdict == (
        "no verdict: hello is not answered as it must be: the adapter ended with exit code 3;"
        " its log ends: about to die"
    )


@pytest.mark.parametrize("name", ["hangs:hello", "hangs after bye"])
def test_who_hangs_is_no_verdict(run_child: Runs, name: str) -> None:
    assert run_child(name, timeout=0.5).exit is Exit.INFRASTRUCTURE


@pytest.mark.slow
def test_a_line_without_end(run_child: Runs, few: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LONGEST", 1 << 22)
    report = run_child("a line without end", 3, suite=few)
    assert report.failures[0].shortest.why.startswith("a line is longer than 4 MiB, after half")


@pytest.mark.slow
def test_the_end_of_a_long_log_is_shown(run_child: Runs, few: Suite) -> None:
    (failure,) = run_child("10 MiB of log, then dies", 3, suite=few).failures
    assert failure.shortest.log.endswith("about to die\n")
