"""Adapter protocol 1: generated packages, answered for on standard input and output.

One JSON object a line comes in, exactly one with the same ``id`` goes out.  The adapter promises
nothing about time, and refuses nothing but what the protocol calls malformed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO, Final, TypeAlias
from uuid import UUID

from pingregistrywf.conformance.render import error_reply, event_reply, state_reply
from pingregistrywf.runtime.behavior import Behavior
from pingregistrywf.runtime.engine import Engine
from pingregistrywf.runtime.errors import (
    InvalidCommandError,
    UninitializedError,
    WorkflowError,
)
from pingregistrywf.runtime.ids import EPOCH, NO_VC, RETRY_NO_VC, Ulid, Vid
from pingregistrywf.runtime.journal.protocol import Journal
from pingregistrywf.runtime.values import NIL, Command
from pingregistrywf.runtime.wire import codec_of

PROTOCOL: Final = 1
CAPABILITIES: Final = ("versions", "retry", "delete", "multi_server", "wire", "gc")
DAY: Final = 86_400.0
CENTURY: Final = 36_525

Request: TypeAlias = Mapping[str, Any]
Reply: TypeAlias = dict[str, Any]
Behaviors: TypeAlias = Mapping[str, type[Behavior[Any, Any]]]


class Adapter:
    """Answers requests for the charts of generated packages on one journal.

    Args:
        behaviors: the behavior of each chart by its name; the first is the default.
        journal: where the events rest.
        version: the implementation's version.
    """

    def __init__(self, behaviors: Behaviors, journal: Journal, version: str) -> None:
        self._behaviors = behaviors
        self._default = next(iter(behaviors))
        self._journal = journal
        self._version = version
        self._engines: dict[tuple[str, str], Engine[Any, Any]] = {}
        self._answers: Mapping[str, Callable[[Request], Reply]] = {
            "exec": self._exec,
            "find": self._find,
            "events": self._events,
            "decode": self._decode,
            "gc": self._gc,
        }

    def answer(self, request: Request) -> Reply:
        """The reply to one request, its id included."""
        bearing = {"id": request.get("id")}
        op = request.get("op")
        if op == "hello":
            return bearing | {"hello": self._hello(request)}
        if op == "bye":
            return bearing | {"bye": {}}
        answer = self._answers.get(op) if isinstance(op, str) else None
        if answer is None:
            return bearing | {"unsupported": {"reason": f"there is no op {op!r} here"}}
        if self._behavior(request) is None:
            reason = f"there is no chart {request['chart']!r} here"
            return bearing | {"unsupported": {"reason": reason}}
        try:
            return bearing | {"ok": answer(request)}
        except WorkflowError as error:
            return bearing | {"error": error_reply(error)}

    def _hello(self, request: Request) -> Reply:
        behavior = self._behavior(request)
        hello = {
            "implementation": "pingregistrywf",
            "version": self._version,
            "language": "python",
            "protocol": PROTOCOL,
            "capabilities": list(CAPABILITIES),
        }
        return hello | ({"chart_sha256": behavior.declaration.sha256} if behavior else {})

    def _exec(self, request: Request) -> Reply:
        engine = self._engine(request)
        command = _command(engine, request.get("command"), request.get("args", {}))
        starts = type(command) in engine.declaration.starting
        vid = NO_VC if starts else _vid(request.get("vid", "no_vc"))
        told = engine.tell(_history(engine, request), vid, command)
        return {"vid": str(told.vid), "events": self._rendered(engine, told.events)}

    def _find(self, request: Request) -> Reply:
        engine = self._engine(request)
        history = _history(engine, request)
        state = engine.find(history)
        if engine.declaration.keyed is None and state.vid == EPOCH:
            raise UninitializedError(history)
        return state_reply(engine.declaration, state)

    def _events(self, request: Request) -> Reply:
        engine = self._engine(request)
        return {"events": self._rendered(engine, engine.events(_history(engine, request)))}

    def _decode(self, request: Request) -> Reply:
        engine = self._engine(request)
        try:
            data = bytes.fromhex(request.get("bytes", ""))
        except (TypeError, ValueError):
            raise InvalidCommandError("bytes is hexadecimal text") from None
        event = codec_of(engine.declaration).decode(data)
        return {"event": event_reply(engine.declaration, event)}

    def _gc(self, request: Request) -> Reply:
        days = request.get("days")
        if isinstance(days, bool) or not isinstance(days, int | float) or not abs(days) <= CENTURY:
            raise InvalidCommandError("days is a number, of a century at most")
        now = self._journal.clock() + days * DAY
        while self._journal.collect(now):
            pass
        return {}

    def _behavior(self, request: Request) -> type[Behavior[Any, Any]] | None:
        chart = request.get("chart", self._default)
        return self._behaviors.get(chart) if isinstance(chart, str) else None

    def _engine(self, request: Request) -> Engine[Any, Any]:
        chart = request.get("chart", self._default)
        key = (chart, str(request.get("server", "s0")))
        if key not in self._engines:
            self._engines[key] = Engine(self._behaviors[chart], self._journal)
        return self._engines[key]

    @staticmethod
    def _rendered(engine: Engine[Any, Any], events: Iterable[Any]) -> list[Reply]:
        return [event_reply(engine.declaration, event) for event in events]


def serve(adapter: Adapter, requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer line by line until ``bye`` or the end of input."""
    for line in requests:
        reply = _answer_line(adapter, line)
        replies.write(json.dumps(reply, separators=(",", ":")).encode() + b"\n")
        replies.flush()
        if "bye" in reply:
            return


def _answer_line(adapter: Adapter, line: bytes) -> Reply:
    try:
        request = json.loads(line.decode(), parse_int=_integer)
    except (ValueError, RecursionError) as error:
        request, problem = None, f"a request is one JSON object a line: {error}"
    else:
        problem = "a request is one JSON object a line"
    if not isinstance(request, dict):
        return {"id": None, "error": error_reply(InvalidCommandError(problem))}
    return adapter.answer(request)


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits; no argument is that large anyway.
    return int(digits) if len(digits) < 100 else float(digits)


def _history(engine: Engine[Any, Any], request: Request) -> UUID:
    name = "workflow" if engine.declaration.keyed is None else "index"
    return _uuid(name, request.get(name))


def _command(engine: Engine[Any, Any], name: Any, args: Any) -> Command:
    kind = engine.declaration.commands.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidCommandError(f"there is no command {name!r}")
    if not isinstance(args, dict):
        raise InvalidCommandError("args is an object")
    arguments = dict(args)
    for argument, field in kind.model_fields.items():
        if argument in arguments and field.annotation in _READERS:
            arguments[argument] = _READERS[field.annotation](argument, arguments[argument])
    return kind(**arguments)


def _vid(text: Any) -> Vid:
    match text:
        case "no_vc":
            return NO_VC
        case "retry_no_vc":
            return RETRY_NO_VC
        case _:
            return _ulid("vid", text)


def _uuid(name: str, text: Any) -> UUID:
    try:
        value = UUID(text)
    except (AttributeError, TypeError, ValueError):
        value = NIL
    if value == NIL or str(value) != text:
        raise InvalidCommandError(f"{name} is a UUID in lower case with hyphens, and not nil")
    return value


def _ulid(name: str, text: Any) -> Ulid:
    try:
        return Ulid.parse(text)
    except ValueError:
        raise InvalidCommandError(
            f"{name} is a ULID: 26 characters of Crockford base 32 in upper case"
        ) from None


_READERS: Final[Mapping[Any, Callable[[str, Any], object]]] = {UUID: _uuid, Ulid: _ulid}
"""How arguments that JSON has no type for are read."""
