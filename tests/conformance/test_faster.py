"""Faster answers: runs that end early, what failed goes first, watched files, times of answers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pingregistrywf.cli import changes
from pingregistrywf.cli.changes import changed_files
from pingregistrywf.conformance.reports import as_json, text
from pingregistrywf.conformance.run.remembered import recall, remember
from pingregistrywf.conformance.run.result import Exit, Scope
from pingregistrywf.conformance.suite import Suite

from ..command_line import on_terminal
from .conftest import Runs, command

pytestmark = pytest.mark.slow


def test_a_run_ends_after_the_first_failing_group(run_object: Runs) -> None:
    whole = run_object("other code:End", 1)
    report = run_object("other code:End", 1, fail_fast=1)
    assert report.exit is Exit.DEVIATES
    assert len(report.failures) == 1
    assert len(report.results) < len(whole.results)
    assert "incomplete: ended after 1 failing group" in text(report)


def test_failures_that_look_the_same_are_one_group(run_object: Runs) -> None:
    report = run_object("another target", 1, fail_fast=3)
    assert len(report.results) == 57


def test_an_expected_failure_ends_nothing(run_object: Runs, tmp_path: Path) -> None:
    from .test_expected import TODAY, listed

    expected = listed(tmp_path, level=1, flaky=True)
    report = run_object("other code:End", 1, fail_fast=1, expected=expected, today=TODAY)
    assert report.exit is Exit.CONFORMS


def test_what_failed_last_goes_first(run_object: Runs, tmp_path: Path, suite: Suite) -> None:
    before = run_object("another target", 1)
    remember(tmp_path / "cache", before.results)
    failed = [each.case for each in before.unexpected]
    again = run_object("another target", 1, first=recall(tmp_path / "cache"))
    assert [each.case.id for each in again.results][: len(failed)] == [each.id for each in failed]
    assert [each.case.title for each in again.unexpected] == [each.title for each in failed]
    assert len(again.results) == len(before.results) == 57
    # Only what is in scope goes first.
    scope = Scope((2,), "n")
    assert all(
        each.case.level == 2
        for each in run_object("right", scope=scope, first=recall(tmp_path / "cache")).results
    )


@pytest.mark.parametrize("content", ["", "[1]", '[{"title": "x"}]', "null"])
def test_what_is_remembered_wrongly_is_forgotten(tmp_path: Path, content: str) -> None:
    (tmp_path / "failed.json").write_text(content, encoding="utf-8")
    assert list(recall(tmp_path)) == []
    assert list(recall(tmp_path / "none")) == []


def test_how_long_answers_take(run_object: Runs) -> None:
    report = run_object("right", 1, profile=True)
    count = {each.operation: each.count for each in report.timings}
    assert set(count) == {
        *("find", "events"),
        *(f"exec {name}" for name in ("Init", "AppendPing", "PostSummary", "Commit", "End")),
        *("exec AbortExpired", "exec Delete"),
    }
    assert count["find"] == count["events"] == 331
    assert all(0 <= each.median <= each.slow <= each.total for each in report.timings)
    assert "Answers took, in milliseconds:" in text(report)
    assert len(json.loads(as_json(report))["timings"]) == len(count)


# --- The command --------------------------------------------------------------------------------


def test_the_last_failures_are_remembered_only_if_asked(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pingregistrywf", "conform", "--level", "1", "--bound", "n"]
    words += ["--adapter", command("other code:End"), "-x"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    for more in ((), ("--failed-first",)):
        done = subprocess.run(
            [*words, *more], cwd=tmp_path, capture_output=True, text=True, env=environment
        )
        assert done.returncode == 1, done.stderr
        assert (tmp_path / ".pingregistrywf" / "failed.json").exists() == bool(more)


def test_a_report_on_a_terminal_is_wrapped_between_words_but_for_what_is_copied() -> None:
    words = ("--level", "1", "--bound", "n", "-x", "--adapter", command("other code:End"))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_terminal("conform", *words, width=60))
    lines = [line.strip("\r") for line in shown[shown.index("FAILED ") :].split("\n")]
    whole = ("replay:", "explore:", "expected ", "got ")
    kept = [line for line in lines if line.strip().startswith(whole)]
    assert len(kept) == 4
    assert all(len(line) > 60 for line in kept[2:])  # to be copied
    assert all(len(line) <= 60 for line in lines if line not in kept)
    assert any(line.startswith("  ") and " first differs: " in f" {line}" for line in lines)


def test_a_watched_file_that_changes_starts_another_run(tmp_path: Path) -> None:
    watched = tmp_path / "source"
    watched.write_text("1", encoding="utf-8")
    words = [sys.executable, "-m", "pingregistrywf", "conform", "--level", "1", "--bound", "n"]
    words += ["--adapter", command("right"), "--watch", str(watched), "--only", "Commit.1"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        waiting = "waiting for a change; Ctrl-C ends it\n"
        assert process.stderr.readline() == waiting
        # At once: on a busy machine a file that is written in steps may change twice.
        written = tmp_path / "written"
        written.write_text("22", encoding="utf-8")
        written.replace(watched)
        assert process.stderr.readline() == waiting
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert out.count("a filter was used: Commit.1") == 2


def test_a_changed_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("1", encoding="utf-8")
    steps = iter(
        [
            lambda: None,  # nothing happens
            lambda: (source / "b").write_text("2", encoding="utf-8"),
            lambda: (source / "b").write_text("22", encoding="utf-8"),  # still at it
            lambda: None,
            lambda: (source / "a").unlink(),
            lambda: None,
        ]
    )
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        next(steps)()

    monkeypatch.setattr(changes.time, "sleep", sleep)
    seen = changed_files([source, tmp_path / "none"])
    next(seen)
    assert len(slept) == 4
    next(seen)
    assert next(steps, None) is None


def test_what_the_command_writes_itself_is_no_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else ``--watch .`` would run for ever: each run remembers what failed, and writes reports."""
    (tmp_path / "a").write_text("1", encoding="utf-8")
    for name in (".pingregistrywf", "__pycache__", "cases"):
        (tmp_path / name).mkdir()
    report = tmp_path / "report.json"
    seen = changed_files([tmp_path], [report, tmp_path / "cases"])
    written = [
        tmp_path / ".pingregistrywf" / "failed.json",
        tmp_path / "__pycache__" / "a.pyc",
        tmp_path / "cases" / "1-0.json",
        report,
    ]
    slept = 0

    def sleep(_: float) -> None:
        nonlocal slept
        slept += 1
        if slept <= len(written):
            written[slept - 1].write_text("2", encoding="utf-8")
        elif slept == len(written) + 1:
            (tmp_path / "a").write_text("22", encoding="utf-8")

    monkeypatch.setattr(changes.time, "sleep", sleep)
    next(seen)
    assert slept == len(written) + 2
