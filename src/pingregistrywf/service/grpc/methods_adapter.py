"""Adapter protocol 1 in front of any server that answers a service's own methods.

A server that speaks the three services of the 2019 system, in any language, is so put under test.
Which method is an operation, a command, a state or a history follows from the service's declaration
(model/ping_registry_service.yaml).  The limits in the greeting say what the methods cannot carry:
single commands but for operations of one step, a part of the state, and most errors by name
(documentation: Adapter protocol 1, Limits).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

import grpc

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
from pingregistrywf.runtime.values import command_name
from pingregistrywf.runtime.wire import codec_of
from pingregistrywf.service.grpc.messages import Messages, message_class
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
        self._connection = connection
        self._messages = Messages(service)
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
                return {"hello": self._hello()}
            case "bye":
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
            "implementation": f"the server at {self._connection.address.place}",
            "version": "",
            "language": "gRPC",
            "protocol": 1,
            "capabilities": list(CAPABILITIES),
            "limits": {
                "requests": sorted([*self._methods, *self._versioned]),
                "begun": True,
                "find": sorted(["vid", *(name for name, _ in self._carried(found))]),
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
        message = self._message(method)
        if self._service.name not in message.DESCRIPTOR.fields_by_name:
            if self._owners.setdefault(history, name) != name:
                raise _UnsupportedError(f"{method.name} takes no {self._service.name}")
        elif history not in self._begun:
            self._owners[history] = name
        reply = self._called(method, self._filled(method, action, message, args))
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
        reply = self._called(method, self._filled(method, action, self._message(method), args))
        appended = [each for each in self._events(request) if each not in before]
        return {"vid": self._vids(method, reply)[step.chart], "events": appended}

    def _find(self, request: Request) -> Reply:
        method, action = self._method(f"find{self._of(self._chart(request))}", Find)
        message = self._message(method)
        setattr(message, action.history, UUID(request["workflow"]).bytes)
        if action.wait:
            values = message.DESCRIPTOR.fields_by_name[action.wait.field].enum_type.values_by_name
            setattr(message, action.wait.field, values[NO_WAIT].number)
        reply = self._called(method, message)
        found: Reply = {"vid": self._vids(method, reply)[action.chart]}
        for key, name in self._carried(method):
            inside = self._service.messages[str(method.reply[name].message)].fields
            found[key] = [_record(inside, each) for each in getattr(reply, name)]
        return found

    def _events(self, request: Request) -> list[Reply]:
        chart = self._chart(request)
        method, action = self._method(f"events{self._of(chart)}", Events)
        history = UUID(request["index" if isinstance(action.history, IdOf) else "workflow"])
        name = (self._names if isinstance(action.history, IdOf) else self._owners).get(history)
        if name is None:
            raise _UnsupportedError(f"nothing has told the {self._service.name} of {history}")
        message = self._message(method)
        setattr(message, self._service.name, name)
        if isinstance(action.history, str):
            setattr(message, action.history, history.bytes)
        kind = self._class(f"{method.name}O")
        path = f"/{method.service}/{method.name}"
        replies = map(kind.FromString, self._connection.replies(path, message.SerializeToString()))
        declaration = self._declarations[chart]
        codec = codec_of(declaration)
        return [
            event_json(declaration, codec.decode(event.SerializeToString()))
            for reply in replies
            for event in getattr(reply, action.field)
        ]

    # --- Messages -------------------------------------------------------------------------------

    def _method(self, request: str, kind: type[Kind]) -> tuple[Method, Kind]:
        """The method that answers a request, and what it does."""
        method = self._methods.get(request)
        if method is None or not isinstance(method.action, kind):
            raise _UnsupportedError(f"no method is like {request!r}")
        return method, method.action

    def _chart(self, request: Request) -> str:
        return str(request.get("chart", self._service.owner.chart))

    def _class(self, name: str) -> type[Protobuf]:
        return message_class(self._messages.pool, f"{self._service.package}.{name}")

    def _message(self, method: Method) -> Protobuf:
        return self._class(f"{method.name}I")()

    def _called(self, method: Method, message: Protobuf) -> Protobuf:
        path = f"/{method.service}/{method.name}"
        data = self._connection.reply(path, message.SerializeToString())
        return self._class(f"{method.name}O").FromString(data)

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

    def _carried(self, method: Method) -> Iterable[tuple[str, str]]:
        """The lists of a state that a method tells as they are, and its fields with them."""
        declaration = self._declarations[self._service.owner.chart]
        keys = {attribute: key for key, attribute in declaration.carried.items()}
        return [
            (keys[each.source.attribute], name)
            for name, each in method.reply.items()
            if isinstance(each.source, Carried) and each.source.many and not each.by_state
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
