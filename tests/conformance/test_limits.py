"""Adapters that cannot be asked everything, or cannot tell everything: what they say is heeded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pingregistrywf.conformance.reports import as_json, text
from pingregistrywf.conformance.run.result import Exit, RunResult, Scope, Status
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.suite import Suite

from .adversary import answering

PINGS = {"requests": ["events", "exec Init", "exec AppendPing", "exec Commit"]}


def limited(suite: Suite, limits: Any, level: int = 1, change: Any = None) -> RunResult:
    """Run a level on the reference, with these limits and with its other answers changed."""
    answer, asked = answering("right"), set(limits.get("requests", ()))

    def reply(request: Any) -> Any:
        made = answer(request)
        if "hello" in made:
            made["hello"]["limits"] = limits
            return made
        named = request.get("command", request.get("operation"))
        assert request["op"] == "bye" or " ".join(filter(None, (request["op"], named))) in asked
        return change(request, made) if change else made

    return run(Plan(suite, Scope((level,), "n")), ObjectTransport(lambda: reply))


def test_only_what_an_adapter_takes_is_asked(suite: Suite) -> None:
    report = limited(suite, PINGS)
    passed = report.count(Status.PASSED)
    assert 0 < passed < len(report.results) == passed + report.count(Status.NOT_CLAIMED)
    assert report.exit is Exit.CONFORMS
    assert "not claimed: " in report.verdict
    assert "exec PostSummary in level 1" in report.verdict
    assert (
        "the adapter takes no requests but: events, exec Init, exec AppendPing, exec Commit"
        in text(report)
    )
    document = json.loads(as_json(report))
    assert document["adapter"]["limits"]["requests"] == PINGS["requests"]
    assert document["levels"][0]["not_claimed"] == report.count(Status.NOT_CLAIMED)


def test_an_adapter_that_can_be_asked_nothing_does_not_conform(suite: Suite) -> None:
    report = limited(suite, {"requests": ["events"]})
    assert report.count(Status.PASSED) == 0
    assert report.exit is Exit.INCOMPLETE


def test_commands_wait_for_an_operation_if_the_limits_say_so(suite: Suite) -> None:
    report = limited(suite, PINGS | {"begun": True})
    assert report.count(Status.PASSED) == 0
    assert "exec before any run" in text(report)


def test_what_is_observed_by_events_alone_is_still_compared(suite: Suite) -> None:
    def forgetful(request: Any, reply: Any) -> Any:
        return reply | {"ok": {"events": []}} if request["op"] == "events" else reply

    assert limited(suite, PINGS, change=forgetful).exit is Exit.DEVIATES


FOUND = {"requests": [*PINGS["requests"], "find"], "find": ["vid"]}


@pytest.mark.parametrize(("key", "value", "exit"), [("pings", 7, 0), ("vid", 7, 1)])
def test_of_a_state_only_the_named_keys_are_compared(
    suite: Suite, key: str, value: object, exit: int
) -> None:
    def cut(request: Any, reply: Any) -> Any:
        if request["op"] == "find" and "ok" in reply:
            return reply | {"ok": {"vid": (reply["ok"] | {key: value})["vid"]}}
        return reply

    assert limited(suite, FOUND, change=cut).exit == exit


CLASSES = {"StateConflict": ["FAILED", "ELSE"], "ArgumentNotIdempotent": ["FAILED"]}


@pytest.mark.parametrize(
    ("codes", "exit"),
    [
        ({"StateConflict": "ELSE", "ArgumentNotIdempotent": "FAILED"}, Exit.CONFORMS),
        ({"StateConflict": "FAILED", "ArgumentNotIdempotent": "ELSE"}, Exit.DEVIATES),
        ({}, Exit.DEVIATES),
    ],
)
def test_errors_are_compared_by_class(suite: Suite, codes: Mapping[str, str], exit: Exit) -> None:
    def classed(_: Any, reply: Any) -> Any:
        if "error" not in reply:
            return reply
        code = reply["error"]["code"]
        return {"id": reply["id"], "error": {"code": codes.get(code, code)}}

    assert limited(suite, PINGS | {"errors": CLASSES}, change=classed).exit is exit


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"requests": ["exec Init"]}, "limits.requests leaves out events"),
        ({"request": ["events"]}, "hello: limits.requests: Field required"),
        ({"requests": ["events"], "finds": []}, "hello: limits.finds: Extra inputs"),
        ({"requests": ["events"], "errors": {"Malformed": []}}, "hello: limits.errors.Malformed"),
    ],
)
def test_limits_that_make_no_sense_are_refused(suite: Suite, limits: Any, told: str) -> None:
    report = limited(suite, limits)
    assert report.exit is Exit.INFRASTRUCTURE
    assert told in report.trouble
