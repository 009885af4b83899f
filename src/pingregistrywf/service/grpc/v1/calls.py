"""The calls of ``pingregistrywf.v1``, on the names that a service serves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from uuid import UUID

from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool

from pingregistrywf.runtime.engine import Engine
from pingregistrywf.runtime.errors import InvalidCommandError, UninitializedError
from pingregistrywf.runtime.ids import EPOCH, MARK_SIZE, NIL, NO_VC, RETRY_NO_VC, Ulid, Vid, marking
from pingregistrywf.runtime.operations import Ran, commands_of
from pingregistrywf.runtime.remote.messages import FILE, Messages, Protobuf
from pingregistrywf.runtime.render import state_json
from pingregistrywf.runtime.services import ErrorStatus, Method, Nothing, Service
from pingregistrywf.runtime.values import Event
from pingregistrywf.service.grpc.auth.caller import Caller
from pingregistrywf.service.grpc.messages import parsed, sized
from pingregistrywf.service.grpc.served import Served
from pingregistrywf.service.grpc.statuses import answered
from pingregistrywf.service.grpc.v1.marks import Marks
from pingregistrywf.service.grpc.v1.reading import ReadingCalls
from pingregistrywf.service.requests import read_arguments, read_command, read_inputs


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
        self._messages: Final = Messages(pool)
        self._marks: Final = Marks()
        self._reading: Final = ReadingCalls(served, self._messages)
        self.methods: Final = tuple(
            Method(
                f"{FILE.package}.{service.name}",
                each.name,
                Nothing(streams=each.server_streaming),
                ids={},
                reply={},
                roles=_roles(served.service, each.name),
            )
            for service in FILE.service
            for each in service.method
        )
        self._requests: Final = {
            each.name: each.input_type.rpartition(".")[2]
            for service in FILE.service
            for each in service.method
        }
        self._answers: Final[Mapping[str, Callable[[Protobuf, Caller], Protobuf]]] = {
            "Tell": self._tell,
            "Find": self._find,
            "Run": self._run,
            "Happened": self._happened,
        }

    async def answer(self, method: Method, data: bytes, caller: Caller) -> Protobuf:
        """Return the reply to a call of a method that does not stream.

        Raises:
            CallRefusedError: the history belongs to no name that is served.
            WorkflowError: what the command or the operation raised.
        """
        request = parsed(self._messages[f"{method.name}Request"], data)
        return await self._served.journal.command(self._answers[method.name], request, caller)

    async def stream(self, method: Method, data: bytes, caller: Caller) -> AsyncIterator[Protobuf]:
        """Return the replies to a call of a method that streams.

        Raises:
            CallRefusedError: the history belongs to no name that is served.
            WorkflowError: what the reading of the history raised; a step raises it, too.
        """
        if method.name in self._reading.streams:
            return await self._reading.stream(method, data, caller)
        request = parsed(self._messages["EventsRequest"], data)
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
                yield self._messages["EventsReply"](events=self._events(events))

        return replies()

    def about(self, method: Method, data: bytes) -> str | None:
        """Return the history that a request is about, for logs."""
        try:
            request = parsed(self._messages[self._requests[method.name]], data)
        except InvalidCommandError:
            return None
        if history := getattr(request, "history", b""):
            return str(UUID(bytes=history)) if len(history) == len(NIL.bytes) else None
        operation = self._served.operations.declared.get(getattr(request, "operation", ""))
        if operation is None:
            return None
        given = {**_json(request.inputs), **_json(request.arguments)}
        names = (self._served.service.owner.history, operation.steps[0].history)
        return next((str(given[each]) for each in names if each in given), None)

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
        with self._marking(request):
            result = engine.tell(history, vid, command)
        return self._messages["TellReply"](vid=result.vid.bytes, events=self._events(result.events))

    def _find(self, request: Protobuf, caller: Caller) -> Protobuf:
        engine, history = self._history(request)
        roles = self._served.service.readers(events=False)
        self._served.check(caller, roles, engine.declaration.name, history)
        state = engine.find(history)
        if engine.declaration.keyed is None and state.vid == EPOCH:
            raise UninitializedError(history)
        reply = self._messages["FindReply"](vid=state.vid.bytes)
        json_format.ParseDict(state_json(engine.declaration, state), reply.state)
        return reply

    def _run(self, request: Protobuf, caller: Caller) -> Protobuf:
        served = self._served
        operation = served.operations.declared.get(request.operation)
        if operation is None:
            raise InvalidCommandError(f"there is no operation {request.operation!r}")
        vid = _vid(request, "vid")
        if vid is not None and not operation.versioned:
            raise InvalidCommandError(f"{operation.name} takes no version")
        inputs: dict[str, Any] = {}
        if request.HasField("arguments"):
            arguments = read_arguments(operation, _json(request.arguments))
        else:
            inputs, _ = read_inputs(operation, _json(request.inputs))
            arguments = operation.resolve(inputs)
        roles = served.service.runners(operation.name)
        names = {
            served.check(caller, roles, step.chart, arguments[step.history], command)
            for step, command in zip(
                operation.steps, commands_of(operation, arguments), strict=True
            )
        }
        if names == {None} and not caller.may_everywhere(roles):
            raise UninitializedError(arguments[operation.steps[0].history])
        reply = self._messages["RunReply"]()
        with self._marking(request):
            if inputs:
                vids = served.operations.run_from(operation, inputs, vid)
            else:
                ran = served.operations.run(operation, arguments, vid)
                vids = ran.by_chart
                reply.steps.extend(self._steps(ran))
                reply.events.extend(self._charted(ran.events))
        reply.vids.update({chart: each.bytes for chart, each in vids.items()})
        return reply

    def _steps(self, ran: Ran) -> Iterator[Protobuf]:
        """Yield what each step did."""
        for number, vid in ran.vids.items():
            step = self._messages["Step"](vid=vid.bytes)
            if number in ran.refused:
                step.refused = answered(ran.refused[number], self.errors).details
            yield step

    def _charted(self, events: Iterable[Event]) -> Iterator[Protobuf]:
        """Yield events with the names of their charts."""
        for event, message in zip(events, self._events(events), strict=True):
            for name, topics in self._served.topics.items():
                if type(event) in topics.engine.declaration.by_event:
                    message.chart = name
            yield message

    def _happened(self, request: Protobuf, caller: Caller) -> Protobuf:
        engine, history = self._history(request)
        roles = self._served.service.readers(events=False)
        self._served.check(caller, roles, engine.declaration.name, history)
        ids = [Ulid(sized("events", each)) for each in request.events]
        marks = [sized("marks", each, MARK_SIZE) for each in request.marks]
        self._marks.deny(marks)
        return self._messages["HappenedReply"](happened=engine.happened(history, ids, marks))

    @contextmanager
    def _marking(self, request: Protobuf) -> Iterator[None]:
        """Mark the ids of the events as the request asks for, unless it comes too late."""
        if not request.HasField("mark"):
            yield
            return
        mark = sized("mark", request.mark, MARK_SIZE)
        with self._marks.under_way(mark), marking(mark):
            yield

    def _history(self, request: Protobuf) -> tuple[Engine[Any, Any], UUID]:
        """Return the engine of the chart that a request names, and the history's id."""
        topics = self._served.topics.get(request.chart)
        if topics is None:
            raise InvalidCommandError(f"there is no chart {request.chart!r}")
        return topics.engine, UUID(bytes=sized("history", request.history))

    def _events(self, events: Iterable[Event]) -> list[Protobuf]:
        kind = self._messages["Event"]
        return [
            kind(name=type(each).__name__, id=each.id.bytes, encoded=each.marshal_proto())
            for each in events
        ]


def _roles(service: Service, method: str) -> tuple[str, ...]:
    """Return the roles that may call a method about something; nobody may call an unknown one."""
    match method:
        case "Tell":
            return tuple(name for name, role in service.roles.items() if role.tells)
        case "Run":
            return tuple(name for name, role in service.roles.items() if role.runs)
        case "Find" | "Read" | "Watch" | "Happened":
            return service.readers(events=False)
        case "Events" | "Follow" | "Feed":
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
