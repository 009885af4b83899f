"""Adapters that go wrong: each has its exit code and one clear line, and no other case fails."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf.conformance.reports import text
from pingregistrywf.conformance.run import transport
from pingregistrywf.conformance.run.result import Exit, RunResult, Scope, Status
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.session import FORMER_HASHES
from pingregistrywf.conformance.run.transport import (
    CannotStartError,
    ChildTransport,
    ObjectTransport,
)
from pingregistrywf.conformance.suite import Suite

from ..tiers import some
from .adversary import answering
from .conftest import FEW, Runs

LARGEST = "AppendPing with code the greatest"
"""The one case at which some adapters go wrong."""


@pytest.mark.parametrize("name", ["version", "mutli_server", "Wire"])
def test_a_misspelt_capability_is_refused(run_object: Runs, name: str) -> None:
    """It would be taken for none, and what is not claimed is not tested."""
    report = run_object(f"hello:{json.dumps({'capabilities': [name]})}")
    assert report.exit is Exit.INFRASTRUCTURE
    assert f"hello claims {name!r}, which is no capability of this suite: write '" in report.trouble


def test_a_capability_of_a_later_suite_is_listed(run_object: Runs) -> None:
    report = run_object(f"hello:{json.dumps({'capabilities': ['time_travel']})}")
    assert report.exit is Exit.CONFORMS
    assert "unknown to this suite, and not tested: time_travel" in text(report).splitlines()


def test_an_id_that_became_a_text_is_shown_beside_the_number(suite: Suite) -> None:
    answer = answering("right")
    made = ObjectTransport(lambda: lambda request: answer(request) | {"id": str(request["id"])})
    report = run(Plan(suite, Scope((1,), "n")), made)
    assert report.exit is Exit.INFRASTRUCTURE
    assert 'bears another id than was asked: "1", not 1, in' in report.trouble


def test_silence_is_told_with_its_usual_cause(run_child: Runs) -> None:
    report = run_child("hangs:find", timeout=0.5)
    assert "output that is not flushed after each answer" in report.trouble


def former_head(request: Any, reply: Any) -> Any:
    """The vid answered is that from before the append."""
    if "ok" in reply and reply["ok"].get("events"):
        reply["ok"]["vid"] = reply["ok"]["events"][0]["parent"]
    return reply


def test_a_head_from_before_the_append_is_not_taken_for_the_id(suite: Suite) -> None:
    answer = answering("right")

    def changed(request: Any) -> Any:
        reply = answer(request)
        return former_head(request, reply) if request.get("command") == "Init" else reply

    report = run(Plan(suite, Scope((1,), "n")), ObjectTransport(lambda: changed))
    wrong = [each for each in report.failures[0].shortest.exchanges if not each.right]
    assert "vid1 is the epoch" in wrong[-1].differs


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_delete_that_is_refused_should_delete(suite: Suite) -> None:
    answer = answering("right")

    def changed(request: Any) -> Any:
        if request.get("command") == "Delete":
            error = {"code": "StateConflict", "definite": True, "message": ""}
            return {"id": request["id"], "error": error}
        return answer(request)

    report = run(Plan(suite, Scope((1,), "n"), explain=0), ObjectTransport(lambda: changed))
    told = [str(each) for each in report.differences]
    assert any(each.endswith("answers StateConflict, should delete the history") for each in told)


def test_what_is_found_after_a_refusal_is_not_blamed_on_the_refusal(suite: Suite) -> None:
    answer = answering("right")

    def changed(request: Any) -> Any:
        reply = answer(request)
        if request["op"] == "find" and reply.get("error", {}).get("code") == "Uninitialized":
            reply["error"]["code"] = "StateConflict"
        return reply

    report = run(Plan(suite, Scope((1,), "n")), ObjectTransport(lambda: changed))
    rules = {each.rule for each in report.failures}
    assert "find" in rules
    assert "otherwise" not in rules


STARTS = """
import os, sys
store = os.environ.get("PINGREGISTRYWF_ADAPTER_STORE")
with open(sys.argv[1], "a") as starts:
    print("stored" if store else "in memory", file=starts)
adapter = ["-m", "pingregistrywf", "adapter", "--journal", ""]
os.execv(sys.executable, [sys.executable, *adapter])
"""


@pytest.mark.slow
def test_the_adapter_is_given_a_store_only_for_cases_that_kill_it(
    suite: Suite, tmp_path: Path
) -> None:
    """Its journal is in memory for all others; the cases with a store come last."""
    starts = tmp_path / "starts"
    line = shlex.join([sys.executable, "-c", STARTS, str(starts)])
    scope = Scope((6,), "n", only=("commit, *",))
    report = run(Plan(suite, scope), ChildTransport(line, 60))
    assert report.count(Status.PASSED) == 4  # run to its end, and killed after three steps
    assert not report.unclaimed
    first, *others = starts.read_text().splitlines()
    assert first == "in memory"
    assert set(others) == {"stored"}


def test_failures_are_told_as_they_come_and_counted(suite: Suite) -> None:
    told: list[tuple[int, bool]] = []
    done = 0

    def progress(count: int, _all: int | None, _level: int) -> None:
        nonlocal done
        done = count

    plan = Plan(
        suite,
        Scope((1,), "n"),
        progress=progress,
        failed=lambda _, first: told.append((done, first)),
        explain=0,
    )
    report = run(plan, ObjectTransport(lambda: answering("no events:Commit")))
    assert len(told) == report.count(Status.FAILED) > 1
    assert told[0][1]
    assert sum(first for _, first in told) < len(told)
    assert told[0][0] < told[-1][0] <= done  # while the run went on


def test_the_time_of_each_level_is_in_the_report(run_object: Runs) -> None:
    report = run_object("right", 1, 3)
    assert set(report.level_seconds) == {1, 3}
    assert 0 < sum(report.level_seconds.values()) <= report.seconds
    assert re.search(r"^took level 1 \d+\.\d s, level 3 \d+\.\d s$", text(report), re.MULTILINE)


def line(report: RunResult, exit: Exit) -> str:
    """The verdict, which is one line, after the exit code was checked."""
    assert report.exit is exit, report.verdict
    assert "\n" not in report.verdict
    return report.verdict


def failed(report: RunResult) -> list[str]:
    return [each.case.title for each in report.results if each.status is Status.FAILED]


# --- Nothing can be said ------------------------------------------------------------------------


def test_dead(run_child: Runs) -> None:
    assert line(run_child("dead"), Exit.INFRASTRUCTURE) == (
        "no verdict: hello is not answered as it must be: the adapter ended with exit code 3;"
        " its log ends: about to die"
    )


def test_no_such_program(suite: Suite) -> None:
    report = run(Plan(suite, Scope((1,), "n")), ChildTransport("no-such-program --fast", 60))
    assert line(report, Exit.INFRASTRUCTURE) == (
        "no verdict: the adapter no-such-program cannot be started: no such file or directory;"
        " check the command of --adapter"
    )


@pytest.mark.parametrize(("command", "why"), [("", "empty"), ("a 'b", "check its quotes")])
def test_no_command(command: str, why: str) -> None:
    with pytest.raises(CannotStartError, match=why):
        ChildTransport(command, 60)


def test_garbage_from_the_start(run_child: Runs) -> None:
    verdict = line(run_child("garbage"), Exit.INFRASTRUCTURE)
    assert "a line is no JSON object: 'Traceback:'" in verdict
    assert verdict.endswith("standard output is for answers, standard error for a log")


def test_a_log_on_standard_output_is_what_each_failure_is_about(run_child: Runs) -> None:
    """Answers that come after such a line are read by no later case."""
    report = run_child("logs where it answers")
    assert report.exit is Exit.DEVIATES
    assert {each.shortest.why.partition(":")[0] for each in report.failures} == {
        "a line is no JSON object"
    }


def test_a_hello_without_a_protocol(suite: Suite) -> None:
    answer = answering("right")

    def greeted(request: Any) -> Any:
        reply = answer(request)
        reply.get("hello", {}).pop("protocol", None)
        return reply

    report = run(Plan(suite, Scope((1,), "n")), ObjectTransport(lambda: greeted))
    assert line(report, Exit.INFRASTRUCTURE) == (
        'no verdict: hello has no protocol: add "protocol": 1 to it'
    )


def test_a_byte_order_mark(run_child: Runs) -> None:
    verdict = line(run_child("byte-order mark"), Exit.INFRASTRUCTURE)
    assert "a line begins with a byte-order mark: write UTF-8 without one, not '\\ufeff{" in verdict


@pytest.mark.parametrize(
    ("hello", "why"),
    [
        ('{"protocol": 2}', "the adapter speaks protocol 2, this suite 1"),
        ('{"protocol": true}', "the adapter speaks protocol true, this suite 1"),
        ('{"protocol": null}', "the adapter speaks protocol null, this suite 1"),
        ('{"protocol": 1.0}', "the adapter speaks protocol 1.0, this suite 1"),
        ('{"chart_sha256": "0123456789abcdef"}', "the chart of hash 0123456789ab…, the suite for"),
        ('{"chart_sha256": 7}', "the chart of hash 7…, the suite for"),
        ('{"capabilities": "wire"}', "hello must have capabilities, a list of names"),
        ('{"capabilities": [1]}', "hello must have capabilities, a list of names"),
    ],
)
def test_another_protocol_or_chart(run_object: Runs, hello: str, why: str) -> None:
    report = run_object(f"hello:{hello}")
    assert why in line(report, Exit.INFRASTRUCTURE)
    assert not report.results


def test_a_hash_need_not_be_given(run_object: Runs) -> None:
    assert run_object('hello:{"chart_sha256": null}').exit is Exit.CONFORMS


def test_the_former_hash_of_the_same_chart_is_accepted(run_object: Runs, suite: Suite) -> None:
    (former,) = (old for old, new in FORMER_HASHES.items() if new == suite.chart.sha256)
    assert run_object(f'hello:{{"chart_sha256": "{former}"}}').exit is Exit.CONFORMS


def test_a_former_hash_of_another_chart_is_not(run_object: Runs, suite: Suite) -> None:
    (other,) = (old for old, new in FORMER_HASHES.items() if new != suite.chart.sha256)
    report = run_object(f'hello:{{"chart_sha256": "{other}"}}')
    verdict = line(report, Exit.INFRASTRUCTURE)
    assert "the chart of hash 43606a1e3cce…" in verdict
    assert verdict.endswith("give its hash, the field sha256 inside chart.json")


def test_hello_unsupported(run_object: Runs) -> None:
    verdict = line(run_object("unsupported:hello"), Exit.INFRASTRUCTURE)
    assert 'hello is answered by {"unsupported":{"reason":"not yet"}}' in verdict


@pytest.mark.exhaustive
def test_quits_after_every_answer(run_child: Runs, tmp_path: Any) -> None:
    starts = tmp_path / "starts"
    report = run_child(f"quits after every answer:{starts}")
    assert (
        "the adapter ends whatever it is asked: the adapter ended with exit code 1; its log ends"
        in (line(report, Exit.INFRASTRUCTURE))
    )
    assert not report.results
    assert len(starts.read_text(encoding="utf-8").splitlines()) <= 11


@pytest.mark.parametrize("op", ["hello", "exec"])
def test_hangs(run_child: Runs, op: str) -> None:
    """Adapters that hang say nothing, however many do; the limit may be as small as one likes."""
    report = run_child(f"hangs:{op}", timeout=0.5)
    assert "no answer within 0.5 s" in line(report, Exit.INFRASTRUCTURE)
    assert not failed(report)


def test_a_hang_in_one_case_is_no_verdict(run_child: Runs, few: Suite) -> None:
    report = run_child("hangs:at one", 3, suite=few)
    assert line(report, Exit.INFRASTRUCTURE) == "no verdict: 1 case not answered in time"
    assert [each.case.title for each in report.results if each.status is Status.HANGS] == [LARGEST]
    assert report.count(Status.PASSED) == len(report.results) - 1


def test_hangs_after_bye(run_child: Runs) -> None:
    verdict = line(run_child("hangs after bye"), Exit.INFRASTRUCTURE)
    assert verdict.endswith("the adapter did not end within 0.5 s; it must end with exit code 0")


def test_bye_is_not_answered(suite: Suite) -> None:
    answer = answering("right")

    def ends(request: Any) -> Any:
        if request["op"] == "bye":
            raise SystemExit
        return answer(request)

    report = run(Plan(suite, Scope((1,), "n")), ObjectTransport(lambda: ends))
    verdict = line(report, Exit.INFRASTRUCTURE)
    assert verdict.endswith("bye is not answered as it must be: the adapter raised SystemExit()")


def test_fails_after_bye(run_child: Runs) -> None:
    verdict = line(run_child("fails after bye"), Exit.INFRASTRUCTURE)
    assert verdict.endswith("the adapter ended with exit code 1; it must end with exit code 0")


# --- Not all was run ----------------------------------------------------------------------------


def test_all_unsupported(run_object: Runs) -> None:
    assert line(run_object("unsupported"), Exit.INCOMPLETE) == (
        "incomplete: 0 cases run; 57 cases answered unsupported, though claimed"
    )


def test_something_unsupported(run_object: Runs) -> None:
    report = run_object("unsupported:decode", 4)
    assert "answered unsupported, though claimed" in line(report, Exit.INCOMPLETE)
    assert report.count(Status.PASSED) > 20


def test_an_empty_filter(run_object: Runs) -> None:
    report = run_object("right", scope=Scope((1,), "n", ("no such*",)))
    assert line(report, Exit.INCOMPLETE) == "incomplete: 0 cases run; no case is like: no such*"


@pytest.mark.parametrize("pattern", ["Commit.*", "1-a76d4f90753d52b2", "Commit in *"])
def test_a_filtered_run_that_passes(run_object: Runs, pattern: str) -> None:
    report = run_object("right", scope=Scope((1,), "n", (pattern,)))
    assert f"a filter was used: {pattern}" in line(report, Exit.INCOMPLETE)
    assert 0 < report.count(Status.PASSED) == len(report.results) < 57


def test_a_vanished_case(run_object: Runs, suite: Suite) -> None:
    level = frozenset({2})
    manifest = {case.id for case in suite.cases(level)} | {"2-0123456789abcdef", "3-0000"}
    report = run_object("right", scope=Scope((2,), "n+2"), manifest=manifest)
    assert line(report, Exit.INCOMPLETE).endswith(
        "1 case of the manifest not in the suite: 2-0123456789abcdef"
    )


def test_nothing_claimed(run_object: Runs) -> None:
    report = run_object("not claiming:wire", 4)
    assert line(report, Exit.INCOMPLETE) == "incomplete: 0 cases run; not claimed: level 4"


# --- It deviates, and the run goes on -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "why"),
    some(
        [
            ("dies at one", "the adapter ended with exit code 1"),
            ("half a line", """after half a line: '{"id": 1, "ok": {"vi'"""),
            ("another id", 'an answer bears an id that was not asked: {"error":{"code":'),
            ("second answers:at one", 'a request is answered a second time: {"error":{"code":'),
            ("no JSON", 'a line is no JSON object: \'{"id": '),
            ("two kinds", 'an answer has not just one object ok, error or unsupported: {"ok":'),
        ],
        every=3,
    ),
)
def test_one_bad_answer_fails_its_case_and_no_other(
    run_child: Runs, few: Suite, name: str, why: str
) -> None:
    report = run_child(name, 3, suite=few)
    assert line(report, Exit.DEVIATES).startswith("deviates: 1 of 7 cases failed")
    assert failed(report) == [LARGEST]
    assert report.count(Status.PASSED) == len(report.results) - 1
    (failure,) = report.failures
    assert why in failure.shortest.why
    assert len(failure.shortest.case.scenario.actions) == 1


def test_a_line_without_end(run_child: Runs, few: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LONGEST", 1 << 22)
    report = run_child("a line without end", 3, suite=few)
    assert failed(report) == [LARGEST]
    assert report.failures[0].shortest.why.startswith("a line is longer than 4 MiB, after half")


@pytest.mark.exhaustive
def test_garbage_after_hello_ends_early(run_child: Runs) -> None:
    report = run_child("garbage:after hello")
    assert line(report, Exit.DEVIATES).startswith("deviates: 10 of 10 cases failed")
    assert "47 of 57 cases not run" in report.missing
    assert any("each broke the protocol" in each for each in report.missing)


@pytest.mark.exhaustive
def test_second_answers_everywhere(run_child: Runs) -> None:
    report = run_child("second answers to events")
    assert line(report, Exit.DEVIATES).startswith("deviates: 10 of 10 cases failed")
    (failure,) = report.failures
    assert failure.shortest.why.startswith("a request is answered a second time")
    assert not failure.note


def test_a_late_second_answer_is_that_of_its_own_case(run_child: Runs, few: Suite) -> None:
    """The last look of one case is answered again, which is seen in the case after it."""
    report = run_child("second answer to the last look", 3, suite=few)
    assert failed(report) == ["AppendPing 3 times"]
    assert report.count(Status.PASSED) == len(FEW) - 1


@pytest.mark.parametrize(
    ("name", "wrong"), [("float", "code zero"), ("false", "code zero"), ("at most:2", "times")]
)
def test_wrong_answers(run_object: Runs, few: Suite, name: str, wrong: str) -> None:
    report = run_object(name, 3, suite=few)
    assert line(report, Exit.DEVIATES).startswith("deviates: ")
    assert (
        failed(report)
        == [each.case.title for each in report.results if each.case.title.endswith(wrong)][-2:]
    )


def test_an_adapter_may_log_much(run_child: Runs) -> None:
    for name in ("10 MiB of log", "a log without end"):
        assert run_child(name).exit is Exit.CONFORMS


def test_the_end_of_a_long_log_is_shown(run_child: Runs, few: Suite) -> None:
    report = run_child("10 MiB of log, then dies", 3, suite=few)
    (failure,) = report.failures
    assert len(failure.shortest.log) <= 1 << 16
    assert failure.shortest.log.endswith("about to die\n")


def test_the_log_of_a_failure_is_its_own(run_child: Runs) -> None:
    (failure, *_) = run_child("logs").failures
    assert failure.shortest.log.splitlines() == ["asked exec"]


def test_keys_of_an_adapter_are_ignored(run_object: Runs) -> None:
    """Also those that look like what the runner says to itself when an adapter has died."""
    assert run_object("more keys").exit is Exit.CONFORMS
    report = run_object("pretends to die", 6)
    assert line(report, Exit.DEVIATES)
    asked = [each for each in report.results if each.status is not Status.NOT_CLAIMED]
    crashes = [each.case for each in asked if "crash" in each.case.needs]
    assert crashes == [each.case for each in report.unexpected]


# --- In this process ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("raises:error", "the adapter raised ValueError('no such\\nthing')"),
        ("raises:exit", "the adapter raised SystemExit(0)"),
        ("no JSON at all", "an answer is no JSON: Object of type set is not JSON serializable"),
    ],
)
def test_an_object_that_raises(run_object: Runs, name: str, why: str) -> None:
    report = run_object(name)
    assert line(report, Exit.DEVIATES)
    assert why in {each.shortest.why for each in report.failures}


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: None, "the factory gave None, which cannot be called"),
        (lambda: sys.exit(0), "the factory raised SystemExit(0)"),
        (lambda: {}[1], "the factory raised KeyError(1)"),
    ],
)
def test_a_factory_that_makes_nothing(suite: Suite, make: Any, why: str) -> None:
    report = run(Plan(suite, Scope((1,), "n")), ObjectTransport(make))
    assert why in line(report, Exit.INFRASTRUCTURE)
