"""Faults of several instances on one journal."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping

from pingregistrywf.conformance.selftest.faults.around import Answer, Fault, Json, history_of, whose


def servers() -> Iterator[Fault]:
    """Each of them."""

    def fault(name: str, around: Callable[[Answer], Answer], needs: str = "multi_server") -> Fault:
        return Fault("servers", name, around, needs)

    yield fault("stale cache: an instance finds what it found first", _stale("find"))
    yield fault("stale cache: an instance reads what it read first", _stale("events"))
    yield fault("an instance sees only what it did itself", _blind)
    yield fault("garbage collection does nothing", _no_collection, "gc")
    yield fault("an acknowledged command is lost in a race", _lost_in_race, "concurrent")


def _stale(op: str) -> Callable[[Answer], Answer]:
    def around(answer: Answer) -> Answer:
        known: dict[Json, Json] = {}

        def changed(request: Mapping[str, Json]) -> dict[str, Json]:
            reply = answer(request)
            server = request.get("server", "s0")
            if request["op"] == op and server != "s0" and "ok" in reply:
                first = known.setdefault((server, history_of(request)), copy.deepcopy(reply))
                return {**first, "id": reply["id"]}
            return reply

        return changed

    return around


def _blind(answer: Answer) -> Answer:
    own: dict[Json, int] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        key = (request.get("server", "s0"), history_of(request))
        if request["op"] == "exec" and "ok" in reply:
            own[key] = own.get(key, 0) + len(reply["ok"]["events"])
        if request["op"] == "events" and "ok" in reply and not own.get(key):
            return {**reply, "ok": {"events": []}}
        return reply

    return changed


def _no_collection(answer: Answer) -> Answer:
    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        if request["op"] == "gc":
            return {"id": request["id"], "ok": {}}
        return answer(request)

    return changed


def _lost_in_race(answer: Answer) -> Answer:
    """Of what two instances append in turns, the second is acknowledged and dropped."""
    last: dict[str, str] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        server = str(request.get("server", "s0"))
        before = last.get(history_of(request), server)
        if request["op"] == "exec":
            last[history_of(request)] = server
            if server not in ("s0", before) and request.get("vid") == "retry_no_vc":
                find = answer({**whose(request), "op": "events"})
                events = find.get("ok", {}).get("events", [])
                if events:
                    ok = {"vid": events[-1]["id"], "events": events[-1:]}
                    return {"id": request["id"], "ok": ok}
        return answer(request)

    return changed
