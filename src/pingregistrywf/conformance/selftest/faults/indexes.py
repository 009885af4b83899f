"""Faults of keyed charts and their snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.selftest.faults.around import (
    Answer,
    Fault,
    Json,
    on_reply,
    other_error,
)


def indexes() -> Iterator[Fault]:
    """Each of them."""

    def fault(name: str, around: Callable[[Answer], Answer]) -> Fault:
        return Fault("index", name, around, "index")

    def lists(change: Callable[[dict[str, list[Json]]], None]) -> Any:
        def of_index(request: Mapping[str, Json], reply: dict[str, Json]) -> None:
            if "index" in request and "ok" in reply:
                change(reply["ok"])

        return on_reply(of_index, "find")

    def each_list(found: dict[str, list[Json]]) -> Iterator[list[Json]]:
        return (value for value in found.values() if isinstance(value, list))

    def backwards(found: dict[str, list[Json]]) -> None:
        for each in each_list(found):
            each.reverse()

    def short(found: dict[str, list[Json]]) -> None:
        for each in each_list(found):
            del each[1:]

    def merged(found: dict[str, list[Json]]) -> None:
        listed = list(each_list(found))
        for each in listed[1:]:
            listed[0] += each

    yield fault("lists are not sorted", lists(backwards))
    yield fault("one entry hides the others", lists(short))
    yield fault("what is over is listed as active, too", lists(merged))
    yield fault("a snapshot loses its entries", on_reply(_unlisted, "exec", "events"))
    yield fault("a snapshot says nothing of its refusal", on_reply(_unrefused, "exec"))
    yield fault(
        "what is not known is a conflict of states", other_error("UnknownWorkflow", "StateConflict")
    )


def _unlisted(request: Mapping[str, Json], reply: dict[str, Json]) -> None:
    if "index" in request and "ok" in reply:
        for event in reply["ok"]["events"]:
            for value in event["fields"].values():
                if isinstance(value, list):
                    value.clear()


def _unrefused(request: Mapping[str, Json], reply: dict[str, Json]) -> None:
    if "index" in request and reply.get("error", {}).get("code") in (
        "SmallStorageReduction",
        "TooManyWorkflows",
    ):
        answer = {"vid": EPOCH, "events": []}
        reply["ok"] = answer
        del reply["error"]
