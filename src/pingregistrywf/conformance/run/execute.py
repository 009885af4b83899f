"""One case on one adapter: what to send next, and whether what comes back is right.

An execution is a generator of requests, so that several may be under way on one adapter.  It ends
at the first answer that is not the one expected.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any, TypeAlias

from pingregistrywf.conformance.run.crosscheck import CrossCheck
from pingregistrywf.conformance.run.difference import of_replies
from pingregistrywf.conformance.run.matching import Names
from pingregistrywf.conformance.run.result import CaseResult, Status
from pingregistrywf.conformance.run.transcript import DIED, Transcript
from pingregistrywf.conformance.suite.case import Case, Step

Json: TypeAlias = Any
Batch: TypeAlias = Sequence[Mapping[str, Json]]
Execution: TypeAlias = Generator[Batch, list[dict[str, Json]], CaseResult]


def execute(case: Case, crosscheck: CrossCheck, random: Random) -> Execution:
    """Execute a case with ids that are made up; the cross-check judges its histories at the end."""
    names = Names(case.ids, case.define, random)
    transcript = Transcript(names, crosscheck.charts)
    seen: dict[Json, dict[str, tuple[Step, Json]]] = {}
    for step in case.steps:
        if step.together:
            if why := (yield from _race(step, names, transcript)):
                return transcript.failed(case, why)
            continue
        sent = names.fill(step.send)
        (reply,) = yield [sent]
        if step.died:
            right = DIED in reply
        elif "unsupported" in reply:
            content = reply["unsupported"]
            reason = content.get("reason", "") if isinstance(content, dict) else ""
            return CaseResult(case, Status.UNSUPPORTED, f"{step.send['op']}: {reason}")
        else:
            right = names.answers(step.expect, reply) or any(
                names.answers(each, reply) for each in step.any_of
            )
        transcript.add(step, sent, reply, right=right, why=names.broken)
        if not right:
            return transcript.failed(case, _why(step))
        if step.observes and "ok" in reply:
            seen.setdefault(_whose(sent), {})[sent["op"]] = (step, reply["ok"])
    for looks in seen.values():
        if why := _contradiction(crosscheck, case.chart, looks):
            transcript.contradict(looks["find"][0], why)
            return transcript.failed(case, why)
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
    step: Step, names: Names, transcript: Transcript
) -> Generator[Batch, list[dict[str, Json]], str]:
    """Send requests at once; each that was acknowledged must be in the history just once."""
    requests = [names.fill(each) for each in step.together]
    first = requests[0]
    look = {key: first[key] for key in ("chart", "workflow", "index") if key in first}
    (before,) = yield [{"op": "events"} | look]
    if "ok" not in before:
        why = "a history that is about to be raced for cannot be read"
        transcript.add(step, look, before, right=False, why=why)
        return why
    replies = yield requests
    servers = sorted({each.get("server", "s0") for each in requests})
    after = yield [{"op": "events", "server": server} | look for server in servers]
    ok = [reply["ok"] for reply in replies if "ok" in reply]
    refusals = [each["error"] for each in step.any_of if "error" in each]
    for sent, reply in zip(requests, replies, strict=True):
        fits = "ok" in reply or any(names.answers({"error": each}, reply) for each in refusals)
        transcript.add(step, sent, reply, right=fits, why="" if fits else _neither(step, reply))
        if not fits:
            return "a command that lost a race is answered otherwise"
    for reply in after:
        why = _lost(before, ok, reply)
        transcript.add(step, look, reply, right=not why, why=why)
        if why:
            return why
    return ""


def _neither(step: Step, reply: Json) -> str:
    """How an answer in a race is none of those that there may be."""
    return "; ".join(of_replies(each, reply) for each in step.any_of)


def _lost(before: Json, ok: list[Json], after: Json) -> str:
    """What is wrong with the history after a race; empty if nothing is."""
    try:
        known, history = before["ok"]["events"], after["ok"]["events"]
        answered = [event for each in ok for event in each["events"]]
        acknowledged = [each["vid"] for each in ok]
    except (KeyError, TypeError):
        return "a race is answered by what is no answer"
    added = history[len(known) :]
    if history[: len(known)] != known:
        return "what was in the history before a race is not there after it"
    if sorted(acknowledged) != [each["id"] for each in added]:
        return "the history does not hold each acknowledged command just once"
    if sorted(answered, key=lambda each: str(each["id"])) != added:
        return "an acknowledged event is another than the one in the history"
    if any(b["parent"] != a["id"] for a, b in pairwise(history)):
        return "the history is no chain after a race"
    return ""
