"""Adapter protocol 1 in front of any server that answers a service's own methods.

A server that speaks the three services of the 2019 system, in any language, is so put under test.
Which method is an operation, a command, a state or a history follows from the service's declaration
(model/ping_registry_service.yaml).  The limits in the greeting say what the methods cannot carry:
single commands but for operations of one step, a part of the state, and most errors by name
(documentation: Adapter protocol 1, Limits).  What the methods tell in further ways is compared
here (``methods_ways``), because the protocol has one request for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

import grpc

from pingregistrywf.runtime.behavior import evolve
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.operations import Operation
from pingregistrywf.runtime.remote.connection import Connection
from pingregistrywf.runtime.remote.messages import Protobuf
from pingregistrywf.runtime.render import event_json
from pingregistrywf.runtime.services import (
    Carried,
    Events,
    Find,
    IdOf,
    Method,
    ReplyField,
    Run,
    Service,
    VidOf,
)
from pingregistrywf.runtime.values import Event, command_name
from pingregistrywf.runtime.wire import codec_of
from pingregistrywf.service.grpc.methods_calls import Calling
from pingregistrywf.service.grpc.methods_ways import DisagreementError, Told, Ways, encoded
from pingregistrywf.service.requests import Reply, Request, error_json

ERRORS: Final[Mapping[str, tuple[str, ...]]] = {
    "ArgumentNotIdempotent": ("FAILED_PRECONDITION", "UNKNOWN"),
    "HistoryDeleted": ("FAILED_PRECONDITION",),
    "InvalidCommand": ("INVALID_ARGUMENT",),
    "StateConflict": ("FAILED_PRECONDITION",),
    "Uninitialized": ("NOT_FOUND", "UNKNOWN"),
    "UnknownWorkflow": ("NOT_FOUND", "UNKNOWN"),
    "VersionConflict": ("FAILED_PRECONDITION", "UNKNOWN"),
}
"""The statuses that a server may give in place of each error: those of ``serve``, and UNKNOWN where
the 2019 system gives that (documentation: Serve registries to other machines)."""
Kind = TypeVar("Kind", Run, Find, Events)

CAPABILITIES: Final = ("versions", "index", "operations")
NO_WAIT: Final = "JC_NO_WAIT"
"""The value with which the clients of the 2019 system say that a call does not wait."""


class _UnsupportedError(Exception):
    """The methods cannot carry what was asked; the text says why."""


class MethodsAdapter:
    """A server as the adapter protocol presents it.

    Args:
        service: what the server's methods are about.
        connection: leads to the server.
    """

    def __init__(self, service: Service, connection: Connection) -> None:
        self._service = service
        self._place = connection.address.place
        self._calling = Calling(service, connection)
        self._ways = Ways(service, self._calling)
        facades = service.operations.facades
        self._declarations: dict[str, Declaration] = {
            each.behavior.declaration.name: each.behavior.declaration for each in facades
        }
        self._names: dict[UUID, str] = {}
        """The name that each derived id follows from, as far as the runner has used it."""
        self._owners: dict[UUID, str] = {}
        """The name that each history was begun for, or else last asked for."""
        self._begun: set[UUID] = set()
        self._methods: dict[str, Method] = {}
        self._versioned: list[str] = []
        for method in service.methods:
            if request := self._request_of(method):
                self._methods[request] = method
                if isinstance(method.action, Run) and method.action.vid:
                    self._versioned.append(f"{request} with vid")

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request, its id included."""
        try:
            reply = self._answer(request)
        except _UnsupportedError as error:
            reply = {"unsupported": {"reason": str(error)}}
        except grpc.RpcError as error:
            told = {"code": error.code().name, "message": str(error.details())}
            reply = {"error": {**told, "definite": True}}
        except DisagreementError as error:
            told = {"code": "Internal", "message": str(error)}
            reply = {"error": {**told, "definite": True}}
        except WorkflowError as error:
            reply = {"error": error_json(error)}
        return {"id": request.get("id")} | reply

    def _request_of(self, method: Method) -> str:
        """The request that a method answers, as limits write it; empty if none does."""
        match method.action:
            case Run(operation=operation):
                first, *rest = operation.steps
                return f"run {operation.name}" if rest else f"exec {command_name(first.command)}"
            case Find(chart=chart):
                return f"find{self._of(chart)}"
            case Events(chart=chart):
                return f"events{self._of(chart)}"
            case _:
                return ""

    def _of(self, chart: str) -> str:
        return "" if chart == self._service.owner.chart else f" of {chart}"

    def _answer(self, request: Request) -> Reply:
        op = request.get("op")
        match op:
            case "hello":
                self._ways.listen()
                return {"hello": self._hello()}
            case "bye":
                self._ways.close()
                return {"bye": {}}
            case "run":
                return {"ok": {"vids": self._run(request)}}
            case "exec":
                return {"ok": self._exec(request)}
            case "find":
                return {"ok": self._find(request)}
            case "events":
                return {"ok": {"events": self._events(request)}}
        raise _UnsupportedError(f"no method is like {op!r}")

    def _hello(self) -> Reply:
        (found,) = (each for each in self._methods.values() if isinstance(each.action, Find))
        return {
            "implementation": f"the server at {self._place}",
            "version": "",
            "language": "gRPC",
            "protocol": 1,
            "capabilities": list(CAPABILITIES),
            "limits": {
                "requests": sorted([*self._methods, *self._versioned]),
                "begun": True,
                "find": sorted(["vid", *(key for key, _, _ in self._carried(found))]),
                "errors": {code: list(each) for code, each in ERRORS.items()},
            },
        }

    # --- Requests -------------------------------------------------------------------------------

    def _run(self, request: Request) -> Mapping[str, str]:
        method, action = self._method(f"run {request.get('operation')}", Run)
        args = dict(request["args"])
        name, history = str(args[self._service.name]), self._history_of(action.operation, args)
        for argument, operation in self._service.derived.items():
            self._names[operation.derive(argument, name)] = name
        message = self._calling.message(method)
        if self._service.name not in message.DESCRIPTOR.fields_by_name:
            if self._owners.setdefault(history, name) != name:
                raise _UnsupportedError(f"{method.name} takes no {self._service.name}")
        elif history not in self._begun:
            self._owners[history] = name
        reply = self._written(method, action, message, args)
        self._begun.add(history)
        return self._vids(method, reply)

    def _exec(self, request: Request) -> Reply:
        method, action = self._method(f"exec {request.get('command')}", Run)
        step = action.operation.steps[0]
        history = action.operation.arguments[step.history].input
        args = {**request["args"], history: request["workflow"]}
        if request.get("vid", "no_vc") != "no_vc":
            args["vid"] = request["vid"]
        before = self._events(request)
        reply = self._written(method, action, self._calling.message(method), args)
        appended = [each for each in self._events(request) if each not in before]
        return {"vid": self._vids(method, reply)[step.chart], "events": appended}

    def _find(self, request: Request) -> Reply:
        method, action = self._method(f"find{self._of(self._chart(request))}", Find)
        history = UUID(request["workflow"])
        message = self._calling.message(method)
        setattr(message, action.history, history.bytes)
        if action.wait:
            values = message.DESCRIPTOR.fields_by_name[action.wait.field].enum_type.values_by_name
            setattr(message, action.wait.field, values[NO_WAIT].number)
        reply = self._calling.reply(method, message)
        state, name = self._replayed(action.chart, history)
        self._ways.check_found(method, action, message, reply, name)
        found: Reply = {"vid": self._vids(method, reply)[action.chart]}
        for key, told, carried in self._carried(method):
            record = self._service.messages[str(method.reply[told].message)].fields
            if carried.many:
                found[key] = [_record(record, each) for each in getattr(reply, told)]
            else:
                value = getattr(state, carried.attribute)
                found[key] = _one_record(record, method, told, reply, name, value)
        return found

    def _events(self, request: Request) -> list[Reply]:
        declaration = self._declarations[self._chart(request)]
        events = self._read(declaration, UUID(request.get("index") or request["workflow"]))
        return [event_json(declaration, each) for each in events]

    def _read(self, declaration: Declaration, history: UUID) -> list[Event]:
        """The events of a history, read in every way."""
        method, action = self._method(f"events{self._of(declaration.name)}", Events)
        name = (self._names if isinstance(action.history, IdOf) else self._owners).get(history)
        if name is None:
            raise _UnsupportedError(f"nothing has told the {self._service.name} of {history}")
        message = self._calling.message(method)
        setattr(message, self._service.name, name)
        if isinstance(action.history, str):
            setattr(message, action.history, history.bytes)
        replies = self._calling.replies(method, message)
        told = encoded(action, replies)
        codec = codec_of(declaration)
        events = [codec.decode(each) for each in told]
        ids = [each.id for each in events]
        self._ways.check_events(Told(method, action, message, history, told, ids))
        return events

    def _replayed(self, chart: str, history: UUID) -> tuple[Any, str]:
        """The state that a history's events lead to, and its name."""
        declaration = self._declarations[chart]
        state = declaration.state(history)
        for event in self._read(declaration, history):
            state = evolve(declaration, state, event)
        return state, declaration.state_names[state.state_code]

    # --- Messages -------------------------------------------------------------------------------

    def _method(self, request: str, kind: type[Kind]) -> tuple[Method, Kind]:
        """The method that answers a request, and what it does."""
        method = self._methods.get(request)
        if method is None or not isinstance(method.action, kind):
            raise _UnsupportedError(f"no method is like {request!r}")
        return method, method.action

    def _chart(self, request: Request) -> str:
        return str(request.get("chart", self._service.owner.chart))

    def _written(
        self, method: Method, action: Run, message: Protobuf, args: Mapping[str, Any]
    ) -> Protobuf:
        """The reply to a call that may write."""
        self._ways.writes()
        return self._calling.reply(method, self._filled(method, action, message, args))

    @staticmethod
    def _history_of(operation: Operation, args: Mapping[str, Any]) -> UUID:
        """The history that an operation begins with."""
        return UUID(args[operation.arguments[operation.steps[0].history].input])

    @staticmethod
    def _filled(
        method: Method, action: Run, message: Protobuf, args: Mapping[str, Any]
    ) -> Protobuf:
        fields = {each: args[name] for name, each in action.inputs.items()}
        if "vid" in args:
            if action.vid is None:
                raise _UnsupportedError(f"{method.name} takes no vid of a history")
            fields[action.vid] = args["vid"]
        ids = {"uuid": lambda text: UUID(text).bytes, "ulid": lambda text: Ulid.parse(text).bytes}
        for name, value in fields.items():
            if name in message.DESCRIPTOR.fields_by_name:
                read = ids[method.ids[name]] if name in method.ids else (lambda given: given)
                setattr(message, name, read(value))
        return message

    @staticmethod
    def _vids(method: Method, reply: Protobuf) -> Mapping[str, str]:
        return {
            each.source.chart: _vid(getattr(reply, name))
            for name, each in method.reply.items()
            if isinstance(each.source, VidOf)
        }

    def _carried(self, method: Method) -> Iterable[tuple[str, str, Carried]]:
        """What a method tells of the carried values: the chart's name, the field, and which."""
        declaration = self._declarations[self._service.owner.chart]
        keys = {attribute: key for key, attribute in declaration.carried.items()}
        return [
            (keys[each.source.attribute], name, each.source)
            for name, each in method.reply.items()
            if isinstance(each.source, Carried)
        ]


def _vid(data: bytes) -> str:
    """A vid as text; bytes that are none as hexadecimal digits, which no vid is like."""
    return str(Ulid(data)) if len(data) == len(EPOCH.bytes) else f"0x{data.hex()}"


def _record(fields: Mapping[str, ReplyField], message: Protobuf) -> Reply:
    record: Reply = {}
    for name, each in fields.items():
        value = getattr(message, name)
        record[str(each.source)] = _vid(value) if isinstance(value, bytes) else value
    return record


def _one_record(
    fields: Mapping[str, ReplyField],
    method: Method,
    told: str,
    reply: Protobuf,
    state: str,
    carried: Any,
) -> Reply | None:
    """A record of which a reply has one, or None if it has no event.

    What the state replaces in it must be as declared.  Its own value is not told then, and taken
    from the history.
    """
    if not reply.HasField(told):
        text = f"{method.name} gives no {told}, without which clients of the 2019 system crash"
        raise DisagreementError(text)
    said = getattr(reply, told)
    record = _record(fields, said)
    for name, by_state in method.reply[told].by_state.items():
        if state not in by_state:
            continue
        value = getattr(said, name)
        if value != by_state[state]:
            text = f"{method.name} gives {value!r} as {told}.{name} in {state}"
            raise DisagreementError(f"{text}, and not {by_state[state]!r}")
        source = str(fields[name].source)
        record[source] = getattr(carried, source)
    return record if record["event_id"] not in (_vid(b""), str(EPOCH)) else None
