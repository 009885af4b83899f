"""Faults of histories: of versions, of what a journal keeps, and of several instances on one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.selftest.faults.around import (
    Answer,
    Around,
    Json,
    Message,
    Table,
    between,
    deep,
    history_of,
    on_error,
    on_ok,
    on_request,
    whose,
)
from pingregistrywf.conformance.suite.scenario import CROCKFORD

# --- Versions ------------------------------------------------------------------------------------


def ignored_version(ignored: Callable[[Json], bool]) -> Around:
    """Some versions are taken as none."""

    def ignore(request: Message) -> None:
        if ignored(request.get("vid")):
            request.pop("vid", None)

    return on_request(ignore)


def _epoch_of_noop(ok: Message) -> None:
    if not ok["events"]:
        ok["vid"] = EPOCH


def _swap_versions(error: Message) -> None:
    if "stored" in error:
        error["stored"], error["expected"] = error["expected"], error["stored"]


@between("exec")
def _state_first(answer: Answer, request: Message, _: object) -> Message:
    """A stale version is complained about only if the chart would accept the command."""
    reply = answer(request)
    if reply.get("error", {}).get("code") != "VersionConflict":
        return reply
    # Where the chart accepts the command it takes effect, which is as wrong.
    del request["vid"]
    tried = answer(request)
    return tried if "error" in tried else reply


@between("exec")
def _older_versions(answer: Answer, request: Message, seen: dict[str, set[str]]) -> Message:
    known = seen.setdefault(history_of(request), set())
    if request.get("vid") in known:
        del request["vid"]
    reply = answer(request)
    known.update(event["id"] for event in reply.get("ok", {}).get("events", ()))
    return reply


@between("exec")
def _foreign_versions(answer: Answer, request: Message, heads: dict[str, str]) -> Message:
    here = history_of(request)
    if request.get("vid") in {vid for name, vid in heads.items() if name != here}:
        del request["vid"]
    reply = answer(request)
    if "vid" in reply.get("ok", {}):
        heads[here] = reply["ok"]["vid"]
    return reply


# --- What a journal keeps, in which order, and for how long --------------------------------------


def on_history(change: Callable[[list[Json]], object]) -> Around:
    """The events of a history are changed when they are read."""
    return on_ok(lambda ok: change(ok["events"]), "events")


def on_events(change: Callable[[list[Json]], object]) -> Around:
    """Events are changed wherever they are shown."""
    return on_ok(lambda ok: change(ok["events"]), "exec", "events")


def _lose_the_second(events: list[Json]) -> None:
    del events[1:2]


def _keep_two(events: list[Json]) -> None:
    del events[2:]


def _orphan_the_last(events: list[Json]) -> None:
    for event in events[-1:]:
        event["parent"] = EPOCH


def _make_own_parents(events: list[Json]) -> None:
    for event in events:
        event["parent"] = event["id"]


def _drop_fields(events: list[Json]) -> None:
    for event in events:
        event["fields"] = {}


@between()
def _shrinking_ids(answer: Answer, request: Message, _: object) -> Message:
    if "vid" in request:
        request["vid"] = _mirrored(request["vid"])
    reply = answer(request)
    return {**deep(_mirrored, reply), "id": reply["id"]}


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


@between("exec", "events")
def _not_rolled_back(answer: Answer, request: Message, left: dict[str, list[Json]]) -> Message:
    """A refused command leaves an event behind."""
    reply = answer(request)
    here = history_of(request)
    if request["op"] == "exec" and "error" in reply:
        history = answer({**whose(request), "op": "events"}).get("ok", {}).get("events", [])
        left[here] = history[-1:]
    if request["op"] == "events" and "ok" in reply:
        reply["ok"]["events"] += left.get(here, [])
    return reply


@between("find", "events")
def _undead(answer: Answer, request: Message, last: dict[tuple[str, str], Message]) -> Message:
    reply = answer(request)
    key = (request["op"], history_of(request))
    if "ok" in reply and reply["ok"].get("events") != []:
        last[key] = reply
    return {**last.get(key, reply), "id": reply["id"]}


@between()
def _free_at_once(answer: Answer, request: Message, lives: dict[str, int]) -> Message:
    here = history_of(request)

    def of_this_life() -> Message:
        life = lives.get(here, 0)
        if not life or "workflow" not in request:
            return request
        return {**request, "workflow": f"{here[:-12]}{int(here[-12:], 16) ^ life:012x}"}

    reply = answer(of_this_life())
    if reply.get("error", {}).get("code") == "HistoryDeleted":
        lives[here] = lives.get(here, 0) + 1
        return answer(of_this_life())
    return reply


@between("find")
def _leaking(answer: Answer, request: Message, last: dict[str, Message]) -> Message:
    """What is found of one history is what was found last of any that is in the same state."""
    reply = answer(request)
    if "state" in reply.get("ok", {}):
        found: Message = reply["ok"]
        reply["ok"] = {**last.get(found["state"], found), "vid": found["vid"]}
        last[found["state"]] = found
    return reply


@between("find")
def _behind(answer: Answer, request: Message, last: dict[str, Message]) -> Message:
    reply = answer(request)
    before = last.get(history_of(request), reply)
    last[history_of(request)] = reply
    return {**before, "id": reply["id"]}


# --- Several instances on one journal ------------------------------------------------------------


def stale_cache(op: str) -> Around:
    """An instance other than the first answers as it did first."""

    @between(op)
    def around(answer: Answer, request: Message, known: dict[Any, Message]) -> Message:
        reply = answer(request)
        server = request.get("server", "s0")
        if server == "s0" or "ok" not in reply:
            return reply
        return {**known.setdefault((server, history_of(request)), reply), "id": reply["id"]}

    return around


@between("exec", "events")
def _blind(answer: Answer, request: Message, own: dict[Any, int]) -> Message:
    reply = answer(request)
    key = (request.get("server", "s0"), history_of(request))
    if request["op"] == "exec" and "ok" in reply:
        own[key] = own.get(key, 0) + len(reply["ok"]["events"])
    if request["op"] == "events" and "ok" in reply and not own.get(key):
        reply["ok"]["events"] = []
    return reply


@between("gc")
def _no_collection(_answer: Answer, request: Message, _: object) -> Message:
    return {"id": request["id"], "ok": {}}


@between("exec")
def _lost_in_race(answer: Answer, request: Message, last: dict[str, str]) -> Message:
    """Of what two instances append in turns, the second is acknowledged and dropped."""
    server = str(request.get("server", "s0"))
    before = last.get(history_of(request), server)
    last[history_of(request)] = server
    if server not in ("s0", before) and request.get("vid") == "retry_no_vc":
        read = answer({**whose(request), "op": "events"})
        events = read.get("ok", {}).get("events", [])
        if events:
            return {"id": request["id"], "ok": {"vid": events[-1]["id"], "events": events[-1:]}}
    return answer(request)


FAULTS: Final[Table] = {
    ("versions", "versions"): {
        "no version check": ignored_version(lambda _: True),
        "the epoch is taken as any version": ignored_version(lambda vid: vid == EPOCH),
        "the ULID 1 is taken as no_vc": ignored_version(lambda vid: vid == f"{1:026d}"),
        "the ULID 2 is taken as retry_no_vc": ignored_version(lambda vid: vid == f"{2:026d}"),
        "a noop answers the epoch": on_ok(_epoch_of_noop, "exec"),
        "stored and expected are mixed up": on_error(_swap_versions),
        "the state is checked before the version": _state_first,
        "older versions of a history are accepted": _older_versions,
        "versions of other histories are accepted": _foreign_versions,
        "a version conflict claims to be indefinite": on_error(
            lambda error: error.update(definite=False)
        ),
    },
    ("journal", ""): {
        "lost event": on_history(_lose_the_second),
        "only the first two events are kept": on_history(_keep_two),
        "doubled event": on_history(lambda events: events.extend(events[-1:])),
        "events in the wrong order": on_history(lambda events: events.reverse()),
        "wrong parent": on_events(_orphan_the_last),
        "an event is its own parent": on_events(_make_own_parents),
        "ids do not grow": _shrinking_ids,
        "what was appended is not answered": on_ok(lambda ok: ok.update(events=[]), "exec"),
        "events are stored without their fields": on_history(_drop_fields),
        "state not rolled back after a refusal": _not_rolled_back,
        "histories leak into each other": _leaking,
        "the state found is one command behind": _behind,
    },
    ("journal", "delete"): {
        "a deleted history can be read": _undead,
        "a deleted history's id is free at once": _free_at_once,
    },
    ("servers", "multi_server"): {
        "stale cache: an instance finds what it found first": stale_cache("find"),
        "stale cache: an instance reads what it read first": stale_cache("events"),
        "an instance sees only what it did itself": _blind,
    },
    ("servers", "gc"): {"garbage collection does nothing": _no_collection},
    ("servers", "concurrent"): {"an acknowledged command is lost in a race": _lost_in_race},
}
