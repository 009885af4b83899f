"""One case on one adapter: what to send next, and whether what comes back is right.

An execution is a generator of requests, so that several may be under way on one adapter.  It ends
at the first answer that is not the one expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from random import Random
from typing import Any, Final, TypeAlias

from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.run.crosscheck import CrossCheck
from pingregistrywf.conformance.run.matching import Names
from pingregistrywf.conformance.suite.case import Case, Step
from pingregistrywf.conformance.suite.compile import LAST_ULID
from pingregistrywf.conformance.suite.encoding import ulid_hex

Json: TypeAlias = Any
Batch: TypeAlias = Sequence[Mapping[str, Json]]
Execution: TypeAlias = Generator[Batch, list[dict[str, Json]], "CaseResult"]

DIED: Final = "died"
BROKEN: Final = "broken"
"""In place of an answer: the adapter ended, or what it sent is no answer; and how, in words."""
_ID: Final = re.compile(
    r"\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[0-7][0-9A-HJKMNP-TV-Z]{25})\b"
)
_FIXED: Final = frozenset({EPOCH, LAST_ULID, f"{1:026d}", f"{2:026d}"})
"""Ids that are the same in every run."""


class Status(StrEnum):
    """How a case came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    HANGS = "hangs"
    NOT_CLAIMED = "not claimed"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, with the names of the ids, for readers.

    Attributes:
        step: the step of the case.
        send: what was sent.
        expect: what was expected.
        got: what was answered; None if nothing was.
        right: whether it is the answer expected.
    """

    step: Step
    send: Json
    expect: Json
    got: Json
    right: bool


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case came out.

    Attributes:
        case: the case.
        status: how it came out.
        why: one line that says what was wrong, if anything was.
        exchanges: what was sent and answered up to there, for a case that failed.
        log: the end of what the adapter wrote to standard error meanwhile.
    """

    case: Case
    status: Status
    why: str = ""
    exchanges: tuple[Exchange, ...] = ()
    log: str = ""


@dataclass(slots=True)
class _Exchanged:
    """What was sent and answered so far in an execution.

    Readers see names in place of ids, also of ids that the case has no name for, so that a failure
    reads the same in every run.
    """

    names: Names
    pairs: list[tuple[Step, Mapping[str, Json], Json, bool]] = field(default_factory=list)
    strange: dict[str, str] = field(default_factory=dict)

    def failed(self, case: Case, why: str) -> CaseResult:
        spoken = []
        for step, sent, got, right in self.pairs:
            send = self._spoken(dict(sent), self._literal)
            expect = self.names.expected(dict(step.expect) or None)
            if got and got.keys() & {DIED, BROKEN}:
                why = why if right else next(iter(got.values()))
                got = None
            answer = self._spoken(got, self._stranger)
            spoken.append((step, send, expect, answer, right))
        why = self._spoken(why, self._stranger)
        bytes_of = self._bytes()
        exchanges = tuple(
            Exchange(
                step,
                _in_bytes(send, bytes_of, wire=True),
                expect,
                _in_bytes(answer, bytes_of, wire=case.scenario.wire),
                right,
            )
            for step, send, expect, answer, right in spoken
        )
        return CaseResult(case, Status.FAILED, why, exchanges)

    def _bytes(self) -> dict[str, str]:
        """The names of all ids that were seen, by their bytes in hexadecimal."""
        ids = {text: name for name, text in self.names.known.items()} | self.strange
        return {
            text.replace("-", "") if "-" in text else ulid_hex(text): name
            for text, name in ids.items()
            if name != text
        }

    def _spoken(self, value: Json, named: Callable[[str], str]) -> Json:
        """A value with the names of its ids, also of those inside of texts."""

        def name(found: re.Match[str]) -> str:
            known = str(self.names.spoken(found.group()))
            return named(known) if known == found.group() else known

        def deep(value: Json) -> Json:
            match value:
                case str():
                    return _ID.sub(name, value)
                case list():
                    return [deep(each) for each in value]
                case dict():
                    return {key: deep(each) for key, each in value.items()}
                case _:
                    return value

        return deep(self.names.spoken(value))

    def _literal(self, text: str) -> str:
        return self.strange.setdefault(text, text)

    def _stranger(self, text: str) -> str:
        fixed = text if text in _FIXED else f"unknown{len(self.strange) + 1}"
        return self.strange.setdefault(text, fixed)


def _in_bytes(value: Json, names: Mapping[str, str], *, wire: bool) -> Json:
    """A value with names in its bytes; bytes that are not asked for are left out."""

    def deep(value: Json) -> Json:
        match value:
            case dict():
                return {
                    key: named(each)
                    if key in ("wire", "bytes") and isinstance(each, str)
                    else deep(each)
                    for key, each in value.items()
                    if wire or key != "wire"
                }
            case list():
                return [deep(each) for each in value]
            case _:
                return value

    def named(text: str) -> str:
        for digits, name in names.items():
            text = text.replace(digits, f"{{{name}}}")
        return text

    return deep(value)


def execute(case: Case, crosscheck: CrossCheck, random: Random) -> Execution:
    """Execute a case.

    Args:
        case: the case.
        crosscheck: judges the histories at the end.
        random: makes ids up.
    """
    names = Names(case.ids, case.define, random)
    exchanged = _Exchanged(names)
    seen: dict[Json, dict[str, tuple[Step, Json]]] = {}
    for step in case.steps:
        if step.together:
            why = yield from _race(step, names, exchanged)
            if why:
                return exchanged.failed(case, why)
            continue
        sent = names.fill(step.send)
        (reply,) = yield [sent]
        if step.died:
            right = DIED in reply
        elif "unsupported" in reply:
            unsupported = reply["unsupported"]
            reason = unsupported.get("reason", "") if isinstance(unsupported, dict) else ""
            return CaseResult(case, Status.UNSUPPORTED, f"{step.send['op']}: {reason}")
        else:
            right = names.answers(step.expect, reply)
        exchanged.pairs.append((step, sent, reply, right))
        if not right:
            return exchanged.failed(case, _why(step))
        if step.observes and "ok" in reply:
            seen.setdefault(_whose(sent), {})[sent["op"]] = (step, reply["ok"])
    for looks in seen.values():
        why = _contradiction(crosscheck, case.chart, looks)
        if why:
            return exchanged.failed(case, why)
    return CaseResult(case, Status.PASSED)


def _why(step: Step) -> str:
    op = step.send["op"]
    if op == "exec":
        where = f" in {step.state}" if step.state else ""
        return f"{step.send['command']}{where} is answered otherwise"
    if step.died:
        return f"{step.send.get('operation')} does not kill the adapter where the crash was armed"
    looked = {
        "find": "the state that is found is another",
        "events": "the history that is read is another",
        "decode": "the bytes are decoded otherwise",
    }
    return looked.get(op, f"{op} is answered otherwise")


def _whose(sent: Mapping[str, Json]) -> Json:
    return sent.get("chart"), sent.get("workflow", sent.get("index"))


def _contradiction(
    crosscheck: CrossCheck, chart: str, looks: Mapping[str, tuple[Step, Json]]
) -> str:
    """What the second oracle says against the last look at a history."""
    if "events" not in looks or "find" not in looks:
        return ""
    step, history = looks["events"]
    name = step.send.get("chart", chart)  # the chart that a request need not name is the case's
    return crosscheck.contradicts(name, history["events"], looks["find"][1])


# --- Races --------------------------------------------------------------------------------------


def _race(
    step: Step, names: Names, exchanged: _Exchanged
) -> Generator[Batch, list[dict[str, Json]], str]:
    """Send requests at once; each that was acknowledged must be in the history just once."""
    requests = [names.fill(each) for each in step.together]
    first = requests[0]
    look = {key: first[key] for key in ("chart", "workflow", "index") if key in first}
    (before,) = yield [{"op": "events"} | look]
    if "ok" not in before:
        exchanged.pairs.append((step, look, before, False))
        return "a history that is about to be raced for cannot be read"
    replies = yield requests
    servers = sorted({each.get("server", "s0") for each in requests})
    after = yield [{"op": "events", "server": server} | look for server in servers]
    ok = [reply["ok"] for reply in replies if "ok" in reply]
    refusals = [each["error"] for each in step.any_of if "error" in each]
    for sent, reply in zip(requests, replies, strict=True):
        fits = "ok" in reply or any(names.answers({"error": each}, reply) for each in refusals)
        exchanged.pairs.append((step, sent, reply, fits))
        if not fits:
            return "a command that lost a race is answered otherwise"
    for reply in after:
        exchanged.pairs.append((step, look, reply, False))
        try:
            history = reply["ok"]["events"]
            known = before["ok"]["events"]
            events = [event for each in ok for event in each["events"]]
            acknowledged = [each["vid"] for each in ok]
        except (KeyError, TypeError):
            return "a race is answered by what is no answer"
        if history[: len(known)] != known:
            return "what was in the history before a race is not there after it"
        if sorted(acknowledged) != [each["id"] for each in history[len(known) :]]:
            return "the history does not hold each acknowledged command just once"
        if sorted(events, key=lambda each: str(each["id"])) != history[len(known) :]:
            return "an acknowledged event is another than the one in the history"
        if any(b["parent"] != a["id"] for a, b in pairwise(history)):
            return "the history is no chain after a race"
        exchanged.pairs[-1] = (step, look, reply, True)
    return ""
