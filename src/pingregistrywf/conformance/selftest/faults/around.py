"""Ways to put a fault around an implementation: requests and replies are changed in passing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Any
Answer: TypeAlias = Callable[[Mapping[str, Json]], dict[str, Json]]
Change: TypeAlias = Callable[[Json], Json]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault.

    Attributes:
        group: its class: versions, journal, data, wire, index or servers.
        name: what it does, in words.
        around: puts it around an implementation.
        needs: the capability without which it changes nothing.
    """

    group: str
    name: str
    around: Callable[[Answer], Answer]
    needs: str = ""


def on_request(change: Callable[[dict[str, Json]], None], op: str = "exec") -> Any:
    """Requests of an op are changed on their way in."""

    def around(answer: Answer) -> Answer:
        def changed(request: Mapping[str, Json]) -> dict[str, Json]:
            if request["op"] == op:
                asked = copy.deepcopy(dict(request))
                change(asked)
                return answer(asked)
            return answer(request)

        return changed

    return around


def on_reply(change: Callable[[Mapping[str, Json], dict[str, Json]], None], *ops: str) -> Any:
    """Replies to some ops are changed on their way out."""

    def around(answer: Answer) -> Answer:
        def changed(request: Mapping[str, Json]) -> dict[str, Json]:
            reply = answer(request)
            if request["op"] in ops:
                reply = copy.deepcopy(reply)
                change(request, reply)
            return reply

        return changed

    return around


def on_ok(change: Callable[[dict[str, Json]], None], *ops: str) -> Any:
    """What is answered well to some ops is changed."""

    def if_ok(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
        if "ok" in reply:
            change(reply["ok"])

    return on_reply(if_ok, *ops)


def everywhere(change: Change) -> Any:
    """Every value is changed wherever it is shown."""

    def all_of(ok: dict[str, Json]) -> None:
        for key, value in ok.items():
            ok[key] = deep(change, value)

    return on_ok(all_of, "exec", "find", "events")


def on_arguments(change: Change) -> Any:
    """Every argument is changed on its way in."""

    def all_of(request: dict[str, Json]) -> None:
        request["args"] = deep(change, request.get("args"))

    return on_request(all_of)


def deep(change: Change, value: Json) -> Json:
    """A value with every part that is no list and no object changed."""
    if isinstance(value, dict):
        return {key: deep(change, each) for key, each in value.items()}
    if isinstance(value, list):
        return [deep(change, each) for each in value]
    return change(value)


def if_text(change: Callable[[str], str]) -> Change:
    """Texts are changed, and nothing else."""
    return lambda value: change(value) if isinstance(value, str) else value


def if_number(change: Callable[[int], int]) -> Change:
    """Whole numbers are changed, and nothing else."""
    return lambda value: change(value) if type(value) is int else value


def other_error(old: str, new: str, *ops: str) -> Any:
    """One error is answered in place of another."""

    def other(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
        if reply.get("error", {}).get("code") == old:
            reply["error"]["code"] = new

    return on_reply(other, *(ops or ("exec",)))


def whose(request: Mapping[str, Json]) -> dict[str, Json]:
    """The history that a request is about, as its keys say."""
    return {
        key: value for key, value in request.items() if key not in ("op", "command", "args", "vid")
    }


def history_of(request: Mapping[str, Json]) -> str:
    """The id of that history."""
    return str(request.get("workflow", request.get("index")))
