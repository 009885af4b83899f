"""The calls of ``pingregistrywf.v1``, on the names that a service serves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from google.protobuf import descriptor_pb2, json_format, struct_pb2
from google.protobuf.descriptor_pool import DescriptorPool

from pingregistrywf.runtime.engine import Engine
from pingregistrywf.runtime.errors import InvalidCommandError, UninitializedError
from pingregistrywf.runtime.ids import EPOCH, NO_VC, RETRY_NO_VC, Ulid, Vid
from pingregistrywf.runtime.render import state_json
from pingregistrywf.runtime.services import ErrorStatus, Method, Nothing, Service
from pingregistrywf.runtime.values import Event
from pingregistrywf.service.grpc.auth.caller import Caller
from pingregistrywf.service.grpc.messages import Protobuf, message_class, parsed, sized
from pingregistrywf.service.grpc.served import Served
from pingregistrywf.service.requests import read_command, read_inputs

DESCRIPTOR: Final = (Path(__file__).parent / "workflows.binpb").read_bytes()
"""The descriptor of the messages, a serialized FileDescriptorSet of one file."""
(_FILE,) = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR).file


class OwnCalls:
    """The methods of ``pingregistrywf.v1``.

    Attributes:
        methods: the methods.
        pool: describes their messages.
        errors: empty, because every error is answered with its own text.

    Args:
        served: what is served.
        pool: a descriptor pool, to which the messages are added.
    """

    errors: Final[Mapping[str, ErrorStatus]] = {}

    def __init__(self, served: Served, pool: DescriptorPool) -> None:
        self._served = served
        self.pool: Final = pool
        pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
        pool.AddSerializedFile(_FILE.SerializeToString())
        self.methods: Final = tuple(
            Method(
                f"{_FILE.package}.{service.name}",
                each.name,
                Nothing(streams=each.server_streaming),
                ids={},
                reply={},
                roles=_roles(served.service, each.name),
            )
            for service in _FILE.service
            for each in service.method
        )
        self._answers: Final[Mapping[str, Callable[[Protobuf, Caller], Protobuf]]] = {
            "Tell": self._tell,
            "Find": self._find,
            "Run": self._run,
        }

    async def answer(self, method: Method, data: bytes, caller: Caller) -> Protobuf:
        """Return the reply to a call of a method that does not stream.

        Raises:
            CallRefusedError: the history belongs to no name that is served.
            WorkflowError: what the command or the operation raised.
        """
        request = parsed(self._message(f"{method.name}Request"), data)
        return await self._served.journal.command(self._answers[method.name], request, caller)

    async def stream(self, method: Method, data: bytes, caller: Caller) -> AsyncIterator[Protobuf]:
        """Return the replies to a call of a method that streams.

        Raises:
            CallRefusedError: the history belongs to no name that is served.
            WorkflowError: what the reading of the history raised; a step raises it, too.
        """
        request = parsed(self._message("EventsRequest"), data)
        journal, watch = self._served.journal, method.name == "Follow"
        engine, history = self._history(request)
        chart, after = engine.declaration.name, _vid(request, "after")
        checked = partial(self._served.check, caller, method.roles, chart, history)
        await journal.read(checked)
        if watch:
            await journal.watch.begin()
        stream = self._served.events(chart, history, after, watch=watch, ends=True)

        async def replies() -> AsyncIterator[Protobuf]:
            async for events in stream:
                if events:
                    await journal.read(checked)  # it may have begun only now
                yield self._message("EventsReply")(events=self._events(events))

        return replies()

    def _tell(self, request: Protobuf, caller: Caller) -> Protobuf:
        engine, history = self._history(request)
        arguments = _json(request.arguments)
        command = read_command(engine.declaration, request.command, arguments)
        vid: Vid | None = _vid(request, "vid")
        if vid is None or type(command) in engine.declaration.starting:
            vid = RETRY_NO_VC if request.retry else NO_VC
        chart = engine.declaration.name
        roles = self._served.service.tellers(chart, request.command)
        name = self._served.check(caller, roles, chart, history, command)
        if name is None and not caller.may_everywhere(roles):
            raise UninitializedError(history)
        result = engine.tell(history, vid, command)
        return self._message("TellReply")(vid=result.vid.bytes, events=self._events(result.events))

    def _find(self, request: Protobuf, caller: Caller) -> Protobuf:
        engine, history = self._history(request)
        roles = self._served.service.readers(events=False)
        self._served.check(caller, roles, engine.declaration.name, history)
        state = engine.find(history)
        if engine.declaration.keyed is None and state.vid == EPOCH:
            raise UninitializedError(history)
        reply = self._message("FindReply")(vid=state.vid.bytes)
        json_format.ParseDict(state_json(engine.declaration, state), reply.state)
        return reply

    def _run(self, request: Protobuf, caller: Caller) -> Protobuf:
        served = self._served
        operation = served.operations.declared.get(request.operation)
        if operation is None:
            raise InvalidCommandError(f"there is no operation {request.operation!r}")
        inputs, _ = read_inputs(operation, _json(request.inputs))
        vid = _vid(request, "vid")
        if vid is not None and not operation.versioned:
            raise InvalidCommandError(f"{operation.name} takes no version")
        arguments = operation.resolve(inputs)
        roles = served.service.runners(operation.name)
        histories = {(step.chart, arguments[step.history]) for step in operation.steps}
        names = {served.check(caller, roles, *each) for each in sorted(histories)}
        if names == {None} and not caller.may_everywhere(roles):
            raise UninitializedError(arguments[operation.steps[0].history])
        vids = served.operations.run_from(operation, inputs, vid)
        return self._message("RunReply")(vids={chart: each.bytes for chart, each in vids.items()})

    def _history(self, request: Protobuf) -> tuple[Engine[Any, Any], UUID]:
        """Return the engine of the chart that a request names, and the history's id."""
        topics = self._served.topics.get(request.chart)
        if topics is None:
            raise InvalidCommandError(f"there is no chart {request.chart!r}")
        return topics.engine, UUID(bytes=sized("history", request.history))

    def _events(self, events: Iterable[Event]) -> list[Protobuf]:
        kind = self._message("Event")
        return [
            kind(name=type(each).__name__, id=each.id.bytes, encoded=each.marshal_proto())
            for each in events
        ]

    def _message(self, name: str) -> type[Protobuf]:
        return message_class(self.pool, f"{_FILE.package}.{name}")


def _roles(service: Service, method: str) -> tuple[str, ...]:
    """Return the roles that may call a method about something; nobody may call an unknown one."""
    match method:
        case "Tell":
            return tuple(name for name, role in service.roles.items() if role.tells)
        case "Run":
            return tuple(name for name, role in service.roles.items() if role.runs)
        case "Find":
            return service.readers(events=False)
        case "Events" | "Follow":
            return service.readers(events=True)
    return ()


def _json(struct: Protobuf) -> dict[str, Any]:
    """Return a struct as JSON; its numbers are all of one type, and whole ones become integers."""
    return {
        name: int(each) if isinstance(each, float) and each.is_integer() else each
        for name, each in json_format.MessageToDict(struct).items()
    }


def _vid(request: Protobuf, name: str) -> Ulid | None:
    """Return the version that a field gives; None if it is absent."""
    return Ulid(sized(name, getattr(request, name))) if request.HasField(name) else None
