"""The one mapping of requests to commands and operations, and of results and errors to replies.

A request is a mapping of plain values, as JSON or a message from a client gives them; its keys are
those of adapter protocol 1.  Arguments are checked strictly before anything is read or written.  A
reply has one key: ``ok`` with the result, ``error`` with a code and its facts, or ``unsupported``
with the reason.  Nothing in here knows how requests and replies travel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.runtime import errors
from pingregistrywf.runtime.behavior import Behavior
from pingregistrywf.runtime.deciding import Deciding
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.engine import Engine
from pingregistrywf.runtime.errors import InvalidCommandError, UninitializedError, WorkflowError
from pingregistrywf.runtime.ids import EPOCH, NIL, NO_VC, RETRY_NO_VC, Ulid, Vid
from pingregistrywf.runtime.journal.protocol import Journal
from pingregistrywf.runtime.operations import Interpreter, Operation
from pingregistrywf.runtime.render import event_json, state_json
from pingregistrywf.runtime.values import Command, DeclaredError, Event
from pingregistrywf.runtime.wire import codec_of

DAY: Final = 86_400.0
CENTURY: Final = 36_525
FIRST_SERVER: Final = "s0"
"""The server that answers where a request names none."""

Request: TypeAlias = Mapping[str, Any]
Reply: TypeAlias = dict[str, Any]

_CODES: Final[Mapping[type[Exception], str]] = {
    errors.ArgumentNotIdempotentError: "ArgumentNotIdempotent",
    errors.ChartChangedError: "CorruptedData",
    errors.CorruptedDataError: "CorruptedData",
    errors.EventTypeError: "EventType",
    errors.HistoryDeletedError: "HistoryDeleted",
    errors.InvalidCommandError: "InvalidCommand",
    errors.MalformedEventError: "Malformed",
    errors.RetryNoVCError: "RetryExhausted",
    errors.StateConflictError: "StateConflict",
    errors.UninitializedError: "Uninitialized",
    errors.VersionConflictError: "VersionConflict",
}


class Service:
    """Answers requests for the charts of generated packages on one journal.

    Each server that a request names is an independent instance over that journal.  Requests of
    different servers may be answered at the same time.

    Args:
        behaviors: the behavior of each chart.  A request that names no chart is for the first one
            that is not keyed.
        journal: where the events rest.
        operations: run the operations that ``run`` may name.
        daemons: answers requests for a daemon, if there are any.

    Attributes:
        collects: whether garbage is collected here, and not behind another service.
        daemons: whether requests for a daemon are answered.
    """

    def __init__(
        self,
        behaviors: Iterable[type[Behavior[Any, Any, Any]]],
        journal: Journal,
        operations: Iterable[Interpreter] = (),
        daemons: Callable[[Request], Reply] | None = None,
    ) -> None:
        self.operations = {
            name: (interpreter, operation)
            for interpreter in operations
            for name, operation in interpreter.declared.items()
        }
        self._behaviors = {each.declaration.name: each for each in behaviors}
        self.declarations = {name: each.declaration for name, each in self._behaviors.items()}
        unkeyed = (name for name, each in self.declarations.items() if each.keyed is None)
        self._default = next(unkeyed, next(iter(self.declarations)))
        self._journal = journal
        self._engines: dict[tuple[str, str], Engine[Any, Any]] = {}
        self._engines_lock = threading.Lock()
        self._answers: dict[str, Callable[[Request], Reply]] = {
            "exec": self._exec,
            "find": self._find,
            "events": self._events,
            "decode": self._decode,
        }
        self.collects = not isinstance(journal, Deciding)
        if self.collects:
            self._answers["gc"] = self._gc
        if self.operations:
            self._answers["run"] = self._run
        self.daemons = daemons is not None
        if daemons is not None:
            self._answers["daemon"] = daemons

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request."""
        op = request.get("op")
        answer = self._answers.get(op) if isinstance(op, str) else None
        if answer is None:
            return {"unsupported": {"reason": f"there is no op {op!r} here"}}
        if self.declaration(request) is None:
            return {"unsupported": {"reason": f"there is no chart {request['chart']!r} here"}}
        try:
            return {"ok": answer(request)}
        except WorkflowError as error:
            return {"error": error_json(error)}

    def declaration(self, request: Request) -> Declaration | None:
        """Return the declaration of the chart that a request is for; None if there is none."""
        chart = request.get("chart", self._default)
        return self.declarations.get(chart) if isinstance(chart, str) else None

    def operation(self, name: Any) -> tuple[Interpreter, Operation]:
        """Return the operation of a name, and what runs it.

        Raises:
            InvalidCommandError: there is no such operation.
        """
        operation = self.operations.get(name) if isinstance(name, str) else None
        if operation is None:
            raise InvalidCommandError(f"there is no operation {name!r}")
        return operation

    def _exec(self, request: Request) -> Reply:
        engine = self._engine(request)
        command = read_command(engine.declaration, request.get("command"), request.get("args", {}))
        starts = type(command) in engine.declaration.starting
        vid = NO_VC if starts else _vid(request.get("vid", "no_vc"))
        result = engine.tell(_history(engine.declaration, request), vid, command)
        return {"vid": str(result.vid), "events": _events(engine.declaration, result.events)}

    def _find(self, request: Request) -> Reply:
        engine = self._engine(request)
        history = _history(engine.declaration, request)
        state = engine.find(history)
        if engine.declaration.keyed is None and state.vid == EPOCH:
            raise UninitializedError(history)
        return state_json(engine.declaration, state)

    def _events(self, request: Request) -> Reply:
        engine = self._engine(request)
        events = engine.events(_history(engine.declaration, request))
        return {"events": _events(engine.declaration, events)}

    def _decode(self, request: Request) -> Reply:
        declaration = self._engine(request).declaration
        try:
            data = bytes.fromhex(request.get("bytes", ""))
        except (TypeError, ValueError):
            raise InvalidCommandError("bytes is hexadecimal text") from None
        (event,) = _events(declaration, [codec_of(declaration).decode(data)])
        return {"event": event}

    def _gc(self, request: Request) -> Reply:
        days = request.get("days")
        if isinstance(days, bool) or not isinstance(days, int | float) or not abs(days) <= CENTURY:
            raise InvalidCommandError("days is a number, of a century at most")
        now = self._journal.clock() + days * DAY
        while self._journal.collect(now):
            pass
        return {}

    def _run(self, request: Request) -> Reply:
        interpreter, operation = self.operation(request.get("operation"))
        inputs, vid = read_inputs(operation, request.get("args", {}))
        vids = interpreter.run_from(operation, inputs, vid)
        return {"vids": {chart: str(vid) for chart, vid in vids.items()}}

    def _engine(self, request: Request) -> Engine[Any, Any]:
        chart = request.get("chart", self._default)
        key = (chart, server_of(request))
        with self._engines_lock:
            if key not in self._engines:
                self._engines[key] = Engine(self._behaviors[chart], self._journal)
            return self._engines[key]


def server_of(request: Request) -> str:
    """Return the name of the server that a request is for."""
    return str(request.get("server", FIRST_SERVER))


# --- Results and errors --------------------------------------------------------------------------


def error_json(error: WorkflowError) -> Reply:
    """Return an error as JSON: its code, whether it is definite, and its facts.

    The code is that of the innermost error, wrappers left out.
    """
    inner = error.err if isinstance(error, errors.JournalError) else error
    if isinstance(inner, DeclaredError):
        code = type(inner).__name__.removesuffix("Error")
    else:
        code = _CODES.get(type(inner), "Internal")
    reply = {"code": code, "definite": error.definite, "message": str(inner)}
    match inner:
        case errors.VersionConflictError(stored=stored, expected=expected):
            reply |= {"stored": str(stored), "expected": str(expected)}
        case errors.ArgumentNotIdempotentError(arg=arg):
            reply["arg"] = arg
    return reply


def _events(declaration: Declaration, events: Iterable[Event]) -> list[Reply]:
    return [
        event_json(declaration, event) | {"wire": event.marshal_proto().hex()} for event in events
    ]


# --- Arguments, read strictly --------------------------------------------------------------------


def _history(declaration: Declaration, request: Request) -> UUID:
    name = "workflow" if declaration.keyed is None else "index"
    return read_uuid(name, request.get(name))


def read_command(declaration: Declaration, name: Any, args: Any) -> Command:
    """Return a command of a chart, made of its name and its arguments as JSON.

    Raises:
        InvalidCommandError: there is no such command, or an argument is malformed.
    """
    kind = declaration.commands.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidCommandError(f"there is no command {name!r}")
    arguments = _object(args)
    for argument, field in kind.model_fields.items():
        if argument in arguments and field.annotation in _READERS:
            arguments[argument] = _READERS[field.annotation](argument, arguments[argument])
    return kind(**arguments)


def read_inputs(operation: Operation, args: Any) -> tuple[dict[str, Any], Ulid | None]:
    """Return the inputs of an operation, made of JSON by their types, and the vid if any.

    Raises:
        InvalidCommandError: they are malformed.
    """
    inputs = _object(args)
    vid = None
    if "vid" in inputs and operation.versioned:
        vid = _ulid("vid", inputs.pop("vid"))
    for each in operation.arguments.values():
        if each.derived is None and each.input in inputs and each.type in _READERS:
            inputs[each.input] = _READERS[each.type](each.input, inputs[each.input])
    return inputs, vid


def read_arguments(operation: Operation, args: Any) -> dict[str, Any]:
    """Return the arguments of an operation, made of JSON by their types.

    Raises:
        InvalidCommandError: they are malformed.
    """
    arguments = _object(args)
    if arguments.keys() != operation.arguments.keys():
        raise InvalidCommandError(f"{operation.name} takes {', '.join(operation.arguments)}")
    for name, each in operation.arguments.items():
        if each.type in _READERS:
            arguments[name] = _READERS[each.type](name, arguments[name])
    return arguments


def _object(args: Any) -> dict[str, Any]:
    if not isinstance(args, Mapping):
        raise InvalidCommandError("args is an object")
    return dict(args)


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


def read_uuid(name: str, text: Any) -> UUID:
    """Return the id that a request writes as text.

    Raises:
        InvalidCommandError: it is malformed, or nil.
    """
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


_READERS: Final[Mapping[Any, Callable[[str, Any], object]]] = {
    **dict.fromkeys((UUID, "uuid"), read_uuid),
    **dict.fromkeys((Ulid, "ulid"), _ulid),
}
"""How arguments that JSON has no type for are read, by their types in Python and in charts."""
