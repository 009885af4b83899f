"""Faults of journals: what is kept, in which order, and for how long."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.selftest.faults.around import (
    Answer,
    Fault,
    Json,
    deep,
    history_of,
    on_ok,
    whose,
)
from pingregistrywf.conformance.suite.scenario import CROCKFORD


def journals() -> Iterator[Fault]:
    """Each of them."""

    def fault(name: str, around: Callable[[Answer], Answer], needs: str = "") -> Fault:
        return Fault("journal", name, around, needs)

    def at_the_end(change: Callable[[list[Json]], None]) -> Any:
        return on_ok(lambda ok: change(ok["events"]), "events")

    def lost(events: list[Json]) -> None:
        del events[1:2]

    def last(events: list[Json]) -> None:
        del events[2:]

    def doubled(events: list[Json]) -> None:
        events += events[-1:]

    def orphaned(ok: dict[str, Json]) -> None:
        for event in ok.get("events", ())[-1:]:
            event["parent"] = EPOCH

    def parent_is_itself(ok: dict[str, Json]) -> None:
        for event in ok.get("events", ()):
            event["parent"] = event["id"]

    def silent(ok: dict[str, Json]) -> None:
        ok["events"] = []

    def unfielded(ok: dict[str, Json]) -> None:
        for event in ok["events"]:
            event["fields"] = {}

    yield fault("lost event", at_the_end(lost))
    yield fault("only the first two events are kept", at_the_end(last))
    yield fault("doubled event", at_the_end(doubled))
    yield fault("events in the wrong order", at_the_end(lambda events: events.reverse()))
    yield fault("wrong parent", on_ok(orphaned, "exec", "events"))
    yield fault("an event is its own parent", on_ok(parent_is_itself, "exec", "events"))
    yield fault("ids do not grow", _shrinking_ids)
    yield fault("what was appended is not answered", on_ok(silent, "exec"))
    yield fault("events are stored without their fields", on_ok(unfielded, "events"))
    yield fault("state not rolled back after a refusal", _not_rolled_back)
    yield fault("a deleted history can be read", _undead, "delete")
    yield fault("a deleted history's id is free at once", _free_at_once, "delete")
    yield fault("histories leak into each other", _leaking)
    yield fault("the state found is one command behind", _behind)


def _shrinking_ids(answer: Answer) -> Answer:
    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        asked = {key: _mirrored(value) if key == "vid" else value for key, value in request.items()}
        reply = answer(asked)
        return {
            key: value if key == "id" else deep(_mirrored, value) for key, value in reply.items()
        }

    return changed


def _mirrored(value: Json) -> Json:
    """A ULID, counted from the other end; anything else as it is."""
    if not isinstance(value, str) or len(value) != len(EPOCH) or value == EPOCH:
        return value
    if not set(value) <= set(CROCKFORD):
        return value
    tops = (7, *(31,) * (len(EPOCH) - 1))
    return "".join(
        CROCKFORD[top - CROCKFORD.index(digit)] for top, digit in zip(tops, value, strict=True)
    )


def _not_rolled_back(answer: Answer) -> Answer:
    """A refused command leaves an event behind."""
    left: dict[str, list[Json]] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = copy.deepcopy(answer(request))
        here = history_of(request)
        if request["op"] == "exec" and "error" in reply:
            history = answer({**whose(request), "op": "events"}).get("ok", {}).get("events", [])
            left[here] = [history[-1]] if history else []
        if request["op"] == "events" and "ok" in reply:
            reply["ok"]["events"] += left.get(here, [])
        return reply

    return changed


def _undead(answer: Answer) -> Answer:
    last: dict[str, dict[str, Json]] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        key = f"{request['op']} {history_of(request)}"
        if request["op"] in ("find", "events"):
            gone = "error" in reply or reply["ok"].get("events") == []
            if gone and key in last:
                return {**last[key], "id": reply["id"]}
            if not gone:
                last[key] = copy.deepcopy(reply)
        return reply

    return changed


def _free_at_once(answer: Answer) -> Answer:
    lives: dict[str, int] = {}

    def named(request: Mapping[str, Json]) -> Mapping[str, Json]:
        life = lives.get(history_of(request), 0)
        if not life or "workflow" not in request:
            return request
        name = request["workflow"]
        return {**request, "workflow": f"{name[:-12]}{int(name[-12:], 16) ^ life:012x}"}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(named(request))
        if reply.get("error", {}).get("code") == "HistoryDeleted":
            lives[history_of(request)] = lives.get(history_of(request), 0) + 1
            return answer(named(request))
        return reply

    return changed


def _leaking(answer: Answer) -> Answer:
    """What is found of one history is what was found last of any that is in the same state."""
    last: dict[Json, Json] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = copy.deepcopy(answer(request))
        if request["op"] == "find" and "ok" in reply:
            found = reply["ok"]
            state = found.get("state")
            known = last.get(state)
            last[state] = copy.deepcopy(found)
            if known is not None and state is not None:
                reply["ok"] = {**known, "vid": found["vid"]}
        return reply

    return changed


def _behind(answer: Answer) -> Answer:
    last: dict[str, Json] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        if request["op"] != "find":
            return reply
        before = last.get(history_of(request), reply)
        last[history_of(request)] = copy.deepcopy(reply)
        return {**before, "id": reply["id"]}

    return changed
