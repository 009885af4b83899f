"""Daemons under test: each on its own clock, and every fault in them found."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

import pingregistrywf
from pingregistrywf import open_journal
from pingregistrywf.chart.ir import to_json
from pingregistrywf.chart.locate import model_directory
from pingregistrywf.chart.mistakes import ChartError
from pingregistrywf.chart.reader import read_model
from pingregistrywf.cli.adapter import references
from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.daemons import daemons_of
from pingregistrywf.conformance.run.result import Status
from pingregistrywf.conformance.run.session import Session
from pingregistrywf.conformance.run.transport import ChildTransport, ObjectTransport
from pingregistrywf.conformance.selftest.daemoned import Daemoned
from pingregistrywf.conformance.selftest.daemons import daemon_departures, right
from pingregistrywf.conformance.selftest.matrix import SelfTest
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.service.daemon_requests import SettableClock

from ..tiers import EXHAUSTIVE

Json = Any
Answer = Callable[[Mapping[str, Json]], Json]

DAY = 86_400_000
ADAPTERS = references()


@cache
def suite() -> Suite:
    return suite_of()


@cache
def cases() -> tuple[Case, ...]:
    """The cases that ask for daemons, the short ones first."""
    of_level = suite().cases(frozenset({6}))
    return tuple(
        sorted(
            (case for case in of_level if "daemons" in case.needs),
            key=lambda case: len(case.steps),
        )
    )


@cache
def self_test() -> SelfTest:
    return SelfTest(suite(), bound="n")


def adapter(url: str = "memory:", clock: SettableClock | None = None) -> Answer:
    journal = open_journal(url, clock=clock or SettableClock())
    return ADAPTERS(journal).answer


def failing(make: Callable[[], Answer], chosen: tuple[Case, ...]) -> list[str]:
    """The titles of the cases that fail on an adapter of this process."""
    session = Session(suite(), ObjectTransport(make), Random(7))
    results = session.execute(case for case in chosen if "crash" not in case.needs)
    return [each.case.title for each in results if each.status is not Status.PASSED]


# --- The suite ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["memory", "sqlite"])
def test_the_reference_conforms(backend: str, tmp_path: Path) -> None:
    made: list[Answer] = []

    def make() -> Answer:
        url = "memory:" if backend == "memory" else f"sqlite:{tmp_path / f'{len(made)}.db'}"
        made.append(adapter(url))
        return made[-1]

    longest = cases()[-1]
    assert len(longest.steps) > 3_000  # an index that is worth a snapshot
    chosen = cases() if backend == "memory" else cases()[:-1]
    assert len(chosen) > 50
    assert failing(make, chosen) == []


def test_the_sides_of_every_declared_limit_are_asked() -> None:
    found = daemons_of(suite().model)
    assert found is not None
    asked = {
        step["send"]["now"]["time"][1]
        for case in cases()
        for step in case.document()["steps"]
        if step.get("send", {}).get("daemon") == "collect"
    }
    for age in found[0].collecting.ages:
        assert {age.days * DAY - 1, age.days * DAY, age.days * DAY + 1} <= asked


@pytest.mark.slow
def test_departures_from_the_daemons_are_found() -> None:
    if EXHAUSTIVE:
        (found,) = self_test().run_daemons().classes
        assert found.survivors == []
        assert found.made == found.by_level[6] > 50
        return
    declared = daemons_of(suite().model)
    assert declared is not None
    for each in [*daemon_departures(*declared)][::6]:
        made = partial(Daemoned, suite().model, each)
        assert not all(self_test()._passes(case, made()) for case in cases()), each.name


def test_what_is_declared_is_no_departure() -> None:
    found = daemons_of(suite().model)
    assert found is not None
    declared = right(*found)
    short = [case for case in cases() if len(case.steps) < 1_000]
    assert all(self_test()._passes(case, Daemoned(suite().model, declared)) for case in short)
    names = [each.name for each in daemon_departures(*found)]
    assert len(names) == len(set(names))
    assert {
        "expire a millisecond early",
        "delete a millisecond late",
        "posts are counted in memory, and again after a restart",
        "a post that tells of trouble is not counted",
        "what failed is left out of the count",
        "a summary of errors has the other code",
        "expire does delete",
    } <= set(names)


class OfTheMachinesClock(Daemoned):
    """One whose clock is that of before again after each request that sets it."""

    def __init__(self) -> None:
        found = daemons_of(suite().model)
        assert found is not None
        super().__init__(suite().model, right(*found))

    def __call__(self, request: Mapping[str, Json]) -> dict[str, Json]:
        if request["op"] == "hello":
            claimed = ["daemons", "operations", "index", "multi_server"]
            hello = {"protocol": 1, "capabilities": claimed}
            return {"id": request["id"], "hello": hello}
        if request["op"] == "bye":
            return {"id": request["id"], "bye": {}}
        before = self._clock
        reply = super().__call__(request)
        self._clock = before
        return reply


@pytest.mark.parametrize(
    ("made", "started"),
    [
        pytest.param(adapter, 1, id="the clock stays where it was set"),
        pytest.param(OfTheMachinesClock, 3, id="the clock is the machine's for other requests"),
    ],
)
def test_an_adapter_is_never_given_an_earlier_time(
    made: Callable[[], Answer], started: int
) -> None:
    """It is started again only if the case at hand needs an earlier time."""
    times: list[list[int]] = []

    def make() -> Answer:
        answer, given = made(), list[int]()
        times.append(given)

        def noting(request: Mapping[str, Json]) -> Json:
            if request["op"] == "daemon":
                given.append(request["now"])
            return answer(request)

        return noting

    far = tuple(case for case in cases() if case.title.startswith("expire around"))[:3]
    near = tuple(case for case in cases() if case.rule == "ping")[:3]
    assert failing(make, (*near, *far)) == []
    assert all(given == sorted(given) for given in times)
    assert len(times) == started  # the near ones and the first of the far ones share one


def test_an_adapter_that_claims_no_daemons_is_not_asked() -> None:
    found = set()
    for case in suite().cases(frozenset({6})):
        asked = any(step.send.get("op") == "daemon" for step in case.steps)
        assert asked == ("daemons" in case.needs), case.title
        found.add(asked)
    assert found == {True, False}


# --- The reference's adapter ----------------------------------------------------------------------


WORKFLOW = "0198c0de-0000-4000-8000-000000000001"
TO = {"op": "daemon", "registry": "reg", "workflow": WORKFLOW, "name": "fs1", "count": 2}


def began(answer: Answer) -> int:
    args = {"registry": "reg", "workflow": WORKFLOW}
    reply = answer({"id": 1, "op": "run", "operation": "begin", "args": args})
    history = answer({"id": 2, "op": "events", "workflow": WORKFLOW})["ok"]["events"]
    assert reply["ok"]["vids"]["ping_registry"] == history[0]["id"]
    return time_of(history[0]["id"])


def time_of(ulid: str) -> int:
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for digit in ulid[:10]:
        number = number * 32 + digits.index(digit)
    return number


def test_what_a_daemon_writes_bears_the_time_that_it_was_given() -> None:
    answer = adapter()
    later = began(answer) + 3 * DAY
    assert answer({"id": 3, "daemon": "ping", "now": later, **TO})["ok"] == {"posted": 1}
    assert answer({"id": 4, "daemon": "ping", "now": later + 5, **TO})["ok"] == {"posted": 2}
    events = answer({"id": 5, "op": "events", "workflow": WORKFLOW})["ok"]["events"]
    assert [time_of(each["id"]) for each in events[1:]] == [later, later + 5]
    # What is written afterwards is not older.
    begin = {"registry": "reg", "workflow": WORKFLOW.replace("1", "2")}
    vids = answer({"id": 6, "op": "run", "operation": "begin", "args": begin})["ok"]["vids"]
    assert time_of(vids["ping_registry"]) == later + 5


def test_a_gatherer_posts_until_it_is_time_and_then_sums_up() -> None:
    answer = adapter()
    due = began(answer) + 10_000
    gather = {"id": 3, **TO, "daemon": "gather", "duration": 10_000}
    assert answer({**gather, "now": due - 1})["ok"] == {"waiting": True, "posted": 1}
    assert answer({**gather, "now": due})["ok"] == {"waiting": False}
    found = answer({"id": 4, "op": "find", "workflow": WORKFLOW})["ok"]
    assert found["summary"]["message"] == "{ totalCount: 1, errorCount: 0 }"
    assert answer({**gather, "now": due})["ok"] == {"waiting": False}


@pytest.mark.parametrize(
    "wrong",
    [
        {"daemon": "dance"},
        {"daemon": None},
        {"now": 1},  # it is earlier than before
        {"now": 1e12},
        {"now": 1 << 48},
        {"now": None},
        {"count": 0},
        {"count": True},
        {"name": ""},
        {"name": 7},
        {"registry": "Reg"},
        {"registry": 7},
        {"workflow": "reg"},
        {"duration": -1, "daemon": "gather"},
    ],
    ids=str,
)
def test_a_malformed_request_is_refused_and_changes_nothing(wrong: dict[str, Json]) -> None:
    answer = adapter()
    now = began(answer) + DAY
    assert answer({"id": 3, "daemon": "ping", "now": now, **TO})["ok"] == {"posted": 1}
    before = answer({"id": 4, "op": "events", "workflow": WORKFLOW})["ok"]
    reply = answer({"id": 5, **TO, "daemon": "ping", "now": now, "duration": 5} | wrong)
    assert reply["error"]["code"] == "InvalidCommand", reply
    assert answer({"id": 6, "op": "events", "workflow": WORKFLOW})["ok"] == before


def test_a_journal_with_a_clock_of_its_own_has_no_daemons() -> None:
    answer = ADAPTERS(open_journal("memory:")).answer
    assert "daemons" not in answer({"id": 1, "op": "hello"})["hello"]["capabilities"]
    assert "unsupported" in answer({"id": 2, "daemon": "ping", "now": 1, **TO})


# --- The declaration ------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_reference_does_what_its_declaration_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits, codes and texts are nowhere else: a copy of the package with others has others."""
    files = changed(
        tmp_path,
        ("days: 1,", "days: 2,"),
        ("days: 5,", "days: 3,"),
        ("code: 0, message: '{name} ping {number}'", "code: 4, message: '{number} of <{name}>'"),
        ("code_of_errors: 1", "code_of_errors: 9"),
        ("totalCount: {count}, errorCount", "of {count}, wrong"),
        ("told: expired", "told: over"),
    )
    theirs = suite_of(files)
    chosen = [
        case
        for case in theirs.cases(frozenset({6}))
        if "daemons" in case.needs and "crash" not in case.needs and len(case.steps) < 1_000
    ]
    package = tmp_path / "copied" / "pingregistrywf"
    shutil.copytree(Path(pingregistrywf.__file__).parent, package)
    name = "ping_registry_operations"
    document = package / "_generated" / name / "operations.json"
    document.write_text(to_json(theirs.model.operations[name]), "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    transport = ChildTransport(f"{shlex.quote(sys.executable)} -m pingregistrywf adapter", 60)
    with closing(Session(theirs, transport, Random(7))) as session:
        results = [*session.execute(chosen)]
    assert [each.case.title for each in results if each.status is not Status.PASSED] == []
    assert len(results) > 40
    assert failing(adapter, tuple(chosen))


def changed(directory: Path, *changes: tuple[str, str]) -> list[Path]:
    """Our charts and operations, with changes to the text of the operations."""
    files = []
    for name in ("ping_registry", "ping_registry_index", "ping_registry_operations"):
        text = (model_directory() / f"{name}.yaml").read_text("utf-8")
        for old, new in changes if name == "ping_registry_operations" else ():
            assert old in text
            text = text.replace(old, new)
        files.append(directory / f"{name}.yaml")
        files[-1].write_text(text, "utf-8")
    return files


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("posting: {operation: ping", "posting: {operation: pong", "pong"),
        ("held: pings", "held: pongs", "pongs"),
        ("in: Active, since", "in: Actve, since", "Active"),
        ("since: started_workflow", "since: stated_workflow", "started_workflow_event_id"),
        ("- {operation: expire, in", "- {operation: snapshot, in", "about no listed history"),
        ("then: [snapshot]", "then: [snapshoot]", "snapshot"),
        ("days: 1,", "days: 0,", "days"),
    ],
)
def test_a_mistake_in_the_declaration_is_named(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ChartError) as raised:
        read_model(changed(tmp_path, (old, new)))
    assert said in str(raised.value)
    assert "daemons" in str(raised.value) or "ping_registry_operations.yaml:" in str(raised.value)
