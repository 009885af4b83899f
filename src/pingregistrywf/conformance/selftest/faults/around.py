"""Ways to put a fault around an implementation: requests and replies are changed in passing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Any
Message: TypeAlias = dict[str, Json]
Answer: TypeAlias = Callable[[Mapping[str, Json]], Message]
Around: TypeAlias = Callable[[Answer], Answer]
Table: TypeAlias = Mapping[tuple[str, str], Mapping[str, Around]]
"""Faults by their names, by their class and the capability that they need."""
Change: TypeAlias = Callable[[Json], Json]


def between(*ops: str) -> Callable[[Callable[[Answer, Message, dict[Any, Any]], Message]], Around]:
    """Make a fault from a function that answers requests of some ops, or of all if none is named.

    The function gets the implementation, the request, and a memory that is as old as the
    implementation.  Requests and replies are copies: it may change and keep them.
    """

    def fault(answers: Callable[[Answer, Message, dict[Any, Any]], Message]) -> Around:
        def around(answer: Answer) -> Answer:
            memory: dict[Any, Any] = {}

            def right(request: Mapping[str, Json]) -> Message:
                return copy.deepcopy(answer(request))

            def changed(request: Mapping[str, Json]) -> Message:
                if ops and request["op"] not in ops:
                    return answer(request)
                return answers(right, copy.deepcopy(dict(request)), memory)

            return changed

        return around

    return fault


def on_request(change: Callable[[Message], object], op: str = "exec") -> Around:
    """Requests of an op are changed on their way in."""

    @between(op)
    def around(answer: Answer, request: Message, _: object) -> Message:
        change(request)
        return answer(request)

    return around


def on_ok(change: Callable[[Message], object], *ops: str, part: str = "ok") -> Around:
    """What is answered well to some ops is changed on its way out."""

    @between(*ops)
    def around(answer: Answer, request: Message, _: object) -> Message:
        reply = answer(request)
        if part in reply:
            change(reply[part])
        return reply

    return around


def on_error(change: Callable[[Message], object], op: str = "exec") -> Around:
    """Errors that are answered to an op are changed on their way out."""
    return on_ok(change, op, part="error")


def other_error(old: str, new: str, op: str = "exec") -> Around:
    """One error is answered in place of another."""

    def rename(error: Message) -> None:
        if error["code"] == old:
            error["code"] = new

    return on_error(rename, op)


def on_values(change: Change) -> Around:
    """Every value is changed wherever it is shown."""
    return on_ok(lambda ok: ok.update(deep(change, ok)), "exec", "find", "events")


def on_arguments(change: Change) -> Around:
    """Every argument is changed on its way in."""
    return on_request(lambda request: request.update(args=deep(change, request.get("args"))))


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


def if_number(change: Callable[[int], int | float]) -> Change:
    """Whole numbers are changed, and nothing else."""
    return lambda value: change(value) if type(value) is int else value


def whose(request: Message) -> Message:
    """The history that a request is about, as its keys say."""
    return {
        key: value for key, value in request.items() if key not in ("op", "command", "args", "vid")
    }


def history_of(request: Message) -> str:
    """The id of that history."""
    return str(request.get("workflow", request.get("index")))
