"""Adapter protocol 1: generated packages, answered for on standard input and output.

One JSON object a line comes in, exactly one with the same ``id`` goes out.  The adapter promises
nothing about time, and refuses nothing but what the protocol calls malformed.
"""

from __future__ import annotations

import inspect
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache
from typing import Any, BinaryIO, Final, TypeAlias
from uuid import UUID

from pingregistrywf.conformance.lines import read_line, written_line
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
from pingregistrywf.runtime.operations import Operation
from pingregistrywf.runtime.values import NIL, Command
from pingregistrywf.runtime.wire import codec_of

PROTOCOL: Final = 1
CAPABILITIES: Final = ("versions", "retry", "delete", "multi_server", "wire", "gc", "concurrent")
"""What is claimed in any case."""
DAY: Final = 86_400.0
NO_REQUEST: Final = object()
"""The op of a line that is no request."""
CENTURY: Final = 36_525

Request: TypeAlias = Mapping[str, Any]
Reply: TypeAlias = dict[str, Any]
Behaviors: TypeAlias = Mapping[str, type[Behavior[Any, Any]]]
Operations: TypeAlias = Mapping[str, Callable[..., Mapping[str, Ulid]]]


class CrashPoint:
    """Kills this process right after a step of the next run of an operation: an observer."""

    def __init__(self) -> None:
        self._armed: tuple[str, int] | None = None

    def arm(self, operation: str, after_step: int) -> None:
        """Arm it; step 0 is before the first."""
        self._armed = (operation, after_step)

    def before(self, operation: Operation, number: int) -> None:
        """Dies before the first step if armed for step 0."""
        self._die_if_armed_for(operation, number - 1 if number == 1 else None)

    def after(self, operation: Operation, number: int) -> None:
        """Dies after the step that it is armed for."""
        self._die_if_armed_for(operation, number)

    def _die_if_armed_for(self, operation: Operation, step: int | None) -> None:
        if self._armed == (operation.name, step):
            os.kill(os.getpid(), signal.SIGKILL)


class Adapter:
    """Answers requests for the charts of generated packages on one journal.

    Args:
        behaviors: the behavior of each chart by its name; the first is the default.
        journal: where the events rest.
        version: the implementation's version.
        operations: a function for each operation that ``run`` may name.
        crash: observes those operations, where the journal outlives this process.
    """

    def __init__(
        self,
        behaviors: Behaviors,
        journal: Journal,
        version: str,
        *,
        operations: Operations | None = None,
        crash: CrashPoint | None = None,
    ) -> None:
        self._behaviors = behaviors
        self._default = next(iter(behaviors))
        self._journal = journal
        self._version = version
        self._operations = operations or {}
        self._crash_point = crash
        self._engines: dict[tuple[str, str], Engine[Any, Any]] = {}
        self._engines_lock = threading.Lock()
        self._answers: dict[str, Callable[[Request], Reply]] = {
            "exec": self._exec,
            "find": self._find,
            "events": self._events,
            "decode": self._decode,
            "gc": self._gc,
        }
        if self._operations:
            self._answers |= {"run": self._run}
        if crash is not None:
            self._answers |= {"crash": self._crash}

    def answer(self, request: Request) -> Reply:
        """The reply to one request, its id included."""
        bearing = {"id": request.get("id")}
        op = request.get("op")
        if op == "hello":
            return bearing | {"hello": self._hello(request)}
        if op == "bye":
            return bearing | {"bye": {}}
        answer = self._answers.get(op) if isinstance(op, str) else None
        if op is NO_REQUEST:
            error = InvalidCommandError("a request is one JSON object a line")
            return bearing | {"error": error_reply(error)}
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
            "capabilities": self._capabilities(),
        }
        return hello | ({"chart_sha256": behavior.declaration.sha256} if behavior else {})

    def _capabilities(self) -> list[str]:
        keyed = any(each.declaration.keyed for each in self._behaviors.values())
        claimed = {
            "index": keyed,
            "operations": bool(self._operations),
            "crash": self._crash_point is not None,
        }
        return [*CAPABILITIES, *(name for name, can in claimed.items() if can)]

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

    def _run(self, request: Request) -> Reply:
        operation = self._operation(request)
        args = request.get("args", {})
        if not isinstance(args, dict):
            raise InvalidCommandError("args is an object")
        known = inspect.signature(operation).parameters
        missing = {name for name, each in known.items() if each.default is each.empty} - set(args)
        if missing or not set(args) <= set(known):
            raise InvalidCommandError(f"args are {', '.join(known)}")
        readers = {"workflow": _uuid, "vid": _ulid}
        read = {
            name: readers[name](name, value) if name in readers else value
            for name, value in args.items()
        }
        vids = operation(**read)
        return {"vids": {chart: str(vid) for chart, vid in vids.items()}}

    def _crash(self, request: Request) -> Reply:
        self._operation(request)
        step = request.get("after_step")
        if type(step) is not int or step < 0:
            raise InvalidCommandError("after_step is the number of a step, or 0")
        if self._crash_point is not None:
            self._crash_point.arm(request["operation"], step)
        return {}

    def _operation(self, request: Request) -> Callable[..., Mapping[str, Ulid]]:
        name = request.get("operation")
        operation = self._operations.get(name) if isinstance(name, str) else None
        if operation is None:
            raise InvalidCommandError(f"there is no operation {name!r}")
        return operation

    def _behavior(self, request: Request) -> type[Behavior[Any, Any]] | None:
        chart = request.get("chart", self._default)
        return self._behaviors.get(chart) if isinstance(chart, str) else None

    def _engine(self, request: Request) -> Engine[Any, Any]:
        chart = request.get("chart", self._default)
        key = (chart, _server(request))
        with self._engines_lock:
            if key not in self._engines:
                self._engines[key] = Engine(self._behaviors[chart], self._journal)
            return self._engines[key]

    @staticmethod
    def _rendered(engine: Engine[Any, Any], events: Iterable[Any]) -> list[Reply]:
        return [event_reply(engine.declaration, event) for event in events]


def serve(adapter: Adapter, requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until ``bye`` or the end of input.

    Each server answers its requests in order; several servers work side by side.
    """
    writing = threading.Lock()

    def safely(request: Request) -> None:
        try:
            line = written_line(adapter.answer(request))
            with writing:
                replies.write(line)
                replies.flush()
        except Exception:  # a defect, or a runner that no longer reads: there is no reply
            traceback.print_exc()

    last = None
    servers: set[str] = set()
    with ExitStack() as stack:
        lanes: dict[str, ThreadPoolExecutor] = {}
        for line in requests:
            request = _request(line)
            if request.get("op") == "bye":
                last = request
                break
            server = _server(request)
            servers.add(server)
            if len(servers) == 1:
                safely(request)  # there is nothing to be side by side with yet
                continue
            if server not in lanes:
                lanes[server] = stack.enter_context(ThreadPoolExecutor(max_workers=1))
            lanes[server].submit(safely, request)
    if last is not None:
        safely(last)  # after all that was asked before it


def _request(line: bytes) -> Request:
    request = read_line(line)
    return {"id": None, "op": NO_REQUEST} if request is None else request


def _server(request: Request) -> str:
    return str(request.get("server", "s0"))


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


@lru_cache(maxsize=1024)
def _read_uuid(text: str) -> UUID:
    """The id that a text writes; nil if none, or not as the protocol writes it."""
    try:
        value = UUID(text)
    except ValueError:
        return NIL
    return value if str(value) == text else NIL


def _uuid(name: str, text: Any) -> UUID:
    value = _read_uuid(text) if isinstance(text, str) else NIL
    if value == NIL:
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
