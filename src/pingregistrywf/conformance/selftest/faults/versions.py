"""Faults of versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.selftest.faults.around import (
    Answer,
    Fault,
    Json,
    history_of,
    on_ok,
    on_reply,
    on_request,
)


def versions() -> Iterator[Fault]:
    """Each of them."""

    def fault(name: str, around: Callable[[Answer], Answer]) -> Fault:
        return Fault("versions", name, around, "versions")

    def none(request: dict[str, Json]) -> None:
        request.pop("vid", None)

    def only(text: str) -> Callable[[dict[str, Json]], None]:
        def drop(request: dict[str, Json]) -> None:
            if request.get("vid") == text:
                del request["vid"]

        return drop

    def noop(ok: dict[str, Json]) -> None:
        if not ok["events"]:
            ok["vid"] = EPOCH

    def swapped(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
        error = reply.get("error", {})
        if "stored" in error:
            error["stored"], error["expected"] = error["expected"], error["stored"]

    yield fault("no version check", on_request(none))
    yield fault("the epoch is taken as any version", on_request(only(EPOCH)))
    yield fault("the ULID 1 is taken as no_vc", on_request(only(f"{1:026d}")))
    yield fault("the ULID 2 is taken as retry_no_vc", on_request(only(f"{2:026d}")))
    yield fault("a noop answers the epoch", on_ok(noop, "exec"))
    yield fault("stored and expected are mixed up", on_reply(swapped, "exec"))
    yield fault("the state is checked before the version", _state_first)
    yield fault("older versions of a history are accepted", _older_versions)
    yield fault("versions of other histories are accepted", _foreign_versions)
    yield fault("a version conflict claims to be indefinite", on_reply(_indefinite, "exec"))


def _indefinite(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
    if "error" in reply:
        reply["error"]["definite"] = False


def _state_first(answer: Answer) -> Answer:
    """A stale version is complained about only if the chart would accept the command."""

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        if reply.get("error", {}).get("code") != "VersionConflict":
            return reply
        # Where the chart accepts the command it takes effect, which is as wrong.
        tried = answer({key: value for key, value in request.items() if key != "vid"})
        return tried if "error" in tried else reply

    return changed


def _older_versions(answer: Answer) -> Answer:
    seen: dict[str, set[str]] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        known = seen.setdefault(history_of(request), set())
        if request["op"] == "exec" and request.get("vid") in known:
            request = {key: value for key, value in request.items() if key != "vid"}
        reply = answer(request)
        known.update(event["id"] for event in reply.get("ok", {}).get("events", ()))
        return reply

    return changed


def _foreign_versions(answer: Answer) -> Answer:
    heads: dict[str, str] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        here = history_of(request)
        others = {vid for name, vid in heads.items() if name != here}
        if request["op"] == "exec" and request.get("vid") in others:
            request = {key: value for key, value in request.items() if key != "vid"}
        reply = answer(request)
        if request["op"] == "exec" and "vid" in reply.get("ok", {}):
            heads[here] = reply["ok"]["vid"]
        return reply

    return changed
