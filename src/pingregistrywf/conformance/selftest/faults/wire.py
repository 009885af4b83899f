"""Faults of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.selftest.faults.around import (
    Answer,
    Fault,
    Json,
    on_ok,
    on_reply,
    on_request,
    other_error,
)


def wire() -> Iterator[Fault]:
    """Each of them."""

    def fault(name: str, around: Callable[[Answer], Answer]) -> Fault:
        return Fault("wire", name, around, "wire")

    def written(change: Callable[[str], str]) -> Any:
        def all_of(ok: dict[str, Json]) -> None:
            for event in ok.get("events", ()):
                event["wire"] = change(event["wire"])

        return on_ok(all_of, "exec", "events")

    def read(change: Callable[[str], str]) -> Any:
        def bytes_of(request: dict[str, Json]) -> None:
            request["bytes"] = change(request["bytes"])

        return on_request(bytes_of, "decode")

    yield fault(
        "a negative number in five bytes",
        written(lambda text: text.replace("f" * 17 + "01", "f" * 7 + "0f")),
    )
    yield fault("the last byte is not written", written(lambda text: text[:-2]))
    yield fault("the last byte is not read", read(lambda text: text[:-2]))
    yield fault("bytes in capitals", written(str.upper))
    yield fault("foreign events are malformed", other_error("EventType", "Malformed", "decode"))
    yield fault("malformed events are foreign", other_error("Malformed", "EventType", "decode"))
    yield fault(
        "what is malformed is corrupted", other_error("Malformed", "CorruptedData", "decode")
    )
    yield fault("the parent is not read", on_reply(_parentless, "decode"))
    yield fault("malformed bytes are read as what was read last", _lenient)


def _parentless(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
    if "ok" in reply:
        reply["ok"]["event"]["parent"] = EPOCH


def _lenient(answer: Answer) -> Answer:
    last: list[Json] = []

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        if request["op"] == "decode":
            if "ok" in reply:
                last[:] = [reply["ok"]]
            elif last and reply["error"]["code"] == "Malformed":
                return {"id": reply["id"], "ok": last[0]}
        return reply

    return changed
