"""A case: what is sent, and what must be answered, as data that any language can run.

Ids that only a run can know stand as names: ``history1`` is an id that whoever runs the case makes
up, ``vid1`` one that the implementation draws, bound where it is first answered.  ``event1`` stands
for a whole event, which ``define`` spells out.  As JSON a name is ``{"$": "vid1"}``, a long text
``{"repeat": ["ab", 524288]}``, bytes that hold ids ``{"hex": ["086f1210", {"$": "vid1"}]}``, and a
time some milliseconds after that of an event ``{"time": [{"$": "vid1"}, 10000]}``.

A case's id is made from what is sent and observed, never from what is expected or from prose, so
that it outlives a better explanation and a corrected expectation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Row
from pingregistrywf.conformance.suite.scenario import BOUNDS, WHOLE, Scenario, to_text

Json: TypeAlias = Any

FORMAT: Final = "pingregistrywf-case/1"
"""The format of a case as JSON, and its version."""
DAEMON: Final = "daemon"
"""The request that asks the adapter to be a daemon, at a time that it names."""
DIGITS: Final = 16
"""Hexadecimal digits of an id: 64 bits, so that two of millions of cases are not confused."""


@dataclass(frozen=True, slots=True)
class Ref:
    """The name of an id or of an event."""

    name: str

    def __lt__(self, other: Ref | str) -> bool:
        """Names come in their order; a text that is written out comes before each of them."""
        return isinstance(other, Ref) and self.name < other.name

    def __gt__(self, other: Ref | str) -> bool:
        return not isinstance(other, Ref) or self.name > other.name


@dataclass(frozen=True, slots=True)
class Hex:
    """Bytes in hexadecimal, in which the bytes of ids stand as names."""

    parts: tuple[str | Ref, ...]


@dataclass(frozen=True, slots=True)
class Time:
    """A time in milliseconds since the Unix epoch: so many after that of an event."""

    event: Ref
    after: int


@dataclass(frozen=True, slots=True)
class Step:
    """One request and its answer; or several at once, whose order is open.

    Attributes:
        send: the request, without its id.
        expect: the answer, ``{"ok": …}`` or ``{"error": …}``; of an error only these keys count.
        rule: the rule that says so.
        state: the state of the chart in which it is sent, for readers.
        together: requests that are sent at once, in place of ``send``; each may be answered by any
            of ``any_of``, which are taken as a set: what was acknowledged must be in the history.
        any_of: the answers that each of ``together`` may get; or the answers that ``send`` may get
            where the specification leaves a choice, ``expect`` the first of them.
        died: True if the adapter is killed by this request and gives no answer.
        cell: the state and the row of the chart under test that it comes by, if it is about one.
    """

    send: Mapping[str, Json] = field(default_factory=dict)
    expect: Mapping[str, Json] = field(default_factory=dict)
    rule: str = ""
    state: str = ""
    together: tuple[Mapping[str, Json], ...] = ()
    any_of: tuple[Mapping[str, Json], ...] = ()
    died: bool = False
    cell: tuple[str, Row] | None = None

    @property
    def observes(self) -> bool:
        """True for a look at a history, which changes nothing."""
        return self.send.get("op") in ("find", "events")


@dataclass(frozen=True)
class Case:
    """One case of the suite.

    Attributes:
        level: 1 to 6.
        chart: the chart that it is about.
        title: what it shows, in words.
        rule: the rule of the chart that it is there for.
        rules: all that it covers, in the order in which it comes by them.
        needs: the capabilities without which it is not run.
        bound: for levels 1 and 5, the least bound that it belongs to, from n to n+3.
        ids: the ids to make up, by name, and how.
        define: what the names of events stand for.
        steps: what is sent and expected, in order.
        scenario: the scenario that it was compiled from.
    """

    level: int
    chart: str
    title: str
    rule: str
    rules: tuple[str, ...]
    needs: tuple[str, ...]
    bound: str
    ids: Mapping[str, Json]
    define: Mapping[str, Json]
    steps: tuple[Step, ...]
    scenario: Scenario = field(compare=False, repr=False)

    @cached_property
    def id(self) -> str:
        """The level, a hyphen, and a hash of what is sent."""
        sent = [step.together or step.send for step in self.steps]
        text = _CANONICAL.encode([self.level, self.chart, self.ids, sent])
        return f"{self.level}-{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"

    def bare(self) -> Case:
        """The case without what it sends and expects: a run keeps thousands of cases."""
        made = replace(self, define={}, steps=())
        made.__dict__["id"] = self.id
        return made

    @property
    def beyond(self) -> bool:
        """True if only a greater bound than that of the whole suite has it."""
        return self.bound in BOUNDS[BOUNDS.index(WHOLE) + 1 :]

    @property
    def alone(self) -> bool:
        """True if it may not run beside others.

        It collects garbage, sets the clock, or kills the adapter.
        """
        return any(step.send.get("op") in ("gc", "crash", DAEMON) for step in self.steps)

    def document(self, *, whole: bool = False) -> dict[str, Json]:
        """The case as JSON; as a whole with the scenario that it was compiled from, if any."""
        head = {
            "format": FORMAT,
            "id": self.id,
            "level": self.level,
            "chart": self.chart,
            "title": self.title,
            "rule": self.rule,
            "rules": list(self.rules),
            "needs": list(self.needs),
        }
        return (
            head
            | ({"bound": self.bound} if self.bound else {})
            | {
                "ids": plain(self.ids),
                "define": plain(self.define),
                "steps": [_step(step) for step in self.steps],
            }
            | ({"scenario": json.loads(to_text(self.scenario))} if whole and self.again else {})
        )

    @property
    def again(self) -> bool:
        """True if it can be compiled again, in parts: a case of a file may have no scenario."""
        return bool(self.scenario.actions)


def plain(value: Json) -> Json:
    """A value with its names, as JSON."""
    match value:
        case Ref(name):
            return {"$": name}
        case Hex(parts):
            return {"hex": [plain(part) for part in parts]}
        case Time(event, after):
            return {"time": [plain(event), after]}
        case Mapping():
            return {key: plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            return value


_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=plain)


def _step(step: Step) -> dict[str, Json]:
    head: dict[str, Json] = {"state": step.state, "rule": step.rule}
    if step.together:
        return head | {"together": plain(step.together), "any_of": plain(step.any_of)}
    head["send"] = plain(step.send)
    head |= {"died": True} if step.died else {"expect": plain(step.expect)}
    return head | ({"any_of": plain(step.any_of)} if step.any_of else {})
