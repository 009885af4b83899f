"""Reports do not blame what is right: not the cell, not the rule, not what looks the same."""

from __future__ import annotations

import pytest

from pingregistrywf.conformance.run.difference import of_replies
from pingregistrywf.conformance.run.result import Failure, Scope
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.selftest.faults import faults
from pingregistrywf.conformance.suite import Suite

from .adversary import claiming, reference

FAULTS = {fault.name: fault for fault in faults()}


def first_failure(suite: Suite, name: str, level: int) -> Failure:
    """The first failure of the reference with a fault around it."""

    def adapter() -> object:
        return FAULTS[name].around(claiming(reference().answer, without={"concurrent"}))

    plan = Plan(suite, Scope((level,), "n"), fail_fast=1)
    (failure,) = run(plan, ObjectTransport(adapter)).failures
    return failure


@pytest.mark.parametrize(
    "name",
    [
        "no version check",
        "the epoch is taken as any version",
        "state not rolled back after a refusal",
    ],
)
def test_no_cell_is_blamed_for_what_comes_after_it(suite: Suite, name: str) -> None:
    """Before, Init was to "go to VersionConflict", which the command after it was to answer."""
    failure = first_failure(suite, name, 2)
    assert failure.first is None
    assert failure.rule == "version"


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("lost event", "from Initialized, AppendPing leaves 1 event, should leave 2 events"),
        (
            "a deleted history can be read",
            "from Completed, Delete goes to Completed, should go to an empty history",
        ),
        (
            "the state found is one command behind",
            "from Initialized, AppendPing goes to Initialized, should go to Appending",
        ),
    ],
)
def test_events_are_left_and_no_error_is_a_state(suite: Suite, name: str, first: str) -> None:
    assert str(first_failure(suite, name, 2).first) == first


def test_an_id_that_is_not_free_is_a_matter_of_garbage(suite: Suite) -> None:
    """Before, the rule was that a workflow begins on an empty history."""
    assert first_failure(suite, "garbage collection does nothing", 6).rule == "garbage"


@pytest.mark.parametrize(
    ("expect", "got", "differs"),
    [
        ("e\u0301", "\u00e9", 'ok.n is "\u00e9", should be "e\u0301": U+00E9 in place of U+0065'),
        ("\ufeffa", "a", 'ok.n is "a", should be "\ufeffa": U+0061 in place of U+FEFF'),
        ("a\u200b", "a", 'ok.n is "a", should be "a\u200b": the end in place of U+200B'),
        ("b", "a", 'ok.n is "a", should be "b"'),
    ],
)
def test_texts_that_look_alike_are_told_apart(expect: str, got: str, differs: str) -> None:
    assert of_replies({"ok": {"n": expect}}, {"ok": {"n": got}}) == differs
