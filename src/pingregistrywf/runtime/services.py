"""Services, as declared data: what each remote procedure call is about.

A generated package of a service holds ``service.json`` and a descriptor of its messages.  What is
declared here, ``pingregistrywf.service.grpc`` answers calls with.  No rule of a workflow is code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from pingregistrywf.runtime.loading import Document, read_document
from pingregistrywf.runtime.operations import DerivedId, Interpreter, Operation


@dataclass(frozen=True, slots=True)
class IdOf:
    """The id of that name, which follows from the name that a call is about."""

    id: str


@dataclass(frozen=True, slots=True)
class VidOf:
    """The version of a chart's history after the call."""

    chart: str


@dataclass(frozen=True, slots=True)
class Carried:
    """A value of the state that was found; ``many`` if it is a list of records."""

    attribute: str
    many: bool


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant."""

    value: object


Source: TypeAlias = str | IdOf | VidOf | Carried | Constant
"""Where a value comes from.  A text is a part of what the message is made of."""


@dataclass(frozen=True, slots=True)
class ReplyField:
    """A field of a reply, or of a message inside of one.

    Attributes:
        message: the message that it is, if it is one.
        source: where its value comes from; None if it is left out, or if the call fills it.
        by_state: fields of the message with other values in some states, by the states' names.
    """

    message: str | None
    source: Source | None
    by_state: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Message:
    """A message inside of replies.

    Attributes:
        made_of: ``name``, ``signal``, or ``record``.
    """

    made_of: Literal["name", "signal", "record"]
    fields: Mapping[str, ReplyField]


@dataclass(frozen=True, slots=True)
class Run:
    """Run an operation.

    Attributes:
        inputs: the request's fields with the operation's inputs, by the input.
        vid: the field with the version to expect.
        constant: fields with a version that is an id, each with the id.
    """

    operation: Operation
    inputs: Mapping[str, str]
    vid: str | None
    constant: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait while a history is in some states, if a field has some value."""

    field: str
    value: int
    states: frozenset[str]


@dataclass(frozen=True, slots=True)
class Find:
    """Answer with the state of the history that a field names."""

    chart: str
    history: str
    wait: Wait | None


@dataclass(frozen=True, slots=True)
class Events:
    """Stream the events of a history: that which a field names, or that of an id.

    Attributes:
        field: the reply's field with the events.
        fails: whether an unknown ``after`` is an error, and not the end of the stream.
    """

    chart: str
    history: str | IdOf
    field: str
    after: str
    watch: str
    will_block: str
    fails: bool


@dataclass(frozen=True, slots=True)
class Signals:
    """Stream which histories have changed."""

    field: str
    select: str
    kind: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """Do nothing but answer; ``streams`` if there is no answer at all."""

    streams: bool


Action: TypeAlias = Run | Find | Events | Signals | Nothing


@dataclass(frozen=True, slots=True)
class Method:
    """A method.

    Attributes:
        service: the full name of its service.
        ids: the request's fields that are ids, and their types.
        roles: the roles that may call it, the most usual one first; nobody may if there is none.
    """

    service: str
    name: str
    action: Action
    ids: Mapping[str, Literal["uuid", "ulid"]]
    reply: Mapping[str, ReplyField]
    roles: tuple[str, ...] = ()

    @property
    def streams(self) -> bool:
        """Whether it answers with a stream."""
        return isinstance(self.action, Events | Signals) or (
            isinstance(self.action, Nothing) and self.action.streams
        )


@dataclass(frozen=True, slots=True)
class Owner:
    """How a history tells to which name it belongs.

    Attributes:
        chart: the chart of the history.
        history: the request's field that names it.
        attribute: the state's attribute with the id.
        id: which id it is.
        refusal: what is said of a history that belongs to another name.
    """

    chart: str
    history: str
    attribute: str
    id: str
    refusal: str


@dataclass(frozen=True, slots=True)
class ErrorStatus:
    """How an error is answered: with a status, and with its own text unless ``says`` is given."""

    status: str
    says: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token of the 2019 system's kind says to give a role.

    Attributes:
        action: the action, for people.
        code: the action, as tokens write it.
        name: what goes with it if that is no name that is served.
    """

    action: str
    code: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Role:
    """What a caller may do beside calling the methods that name the role.

    Attributes:
        scope: what gives the role in a token of the 2019 system's kind.
        reads: what it reads by ``pingregistrywf.v1``; ``events`` includes the state.
        runs: the operations that it runs there.
        tells: the commands that it gives there, by the chart.
    """

    scope: Scope | None
    reads: Literal["state", "events"] | None
    runs: frozenset[str]
    tells: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Service:
    """What a service does.

    Attributes:
        package: the protobuf package.
        descriptor: a serialized FileDescriptorSet of its messages.
        operations: what runs its operations.
        name: the request's field with the name that a call is about.
        owner: how a history tells to which name it belongs.
        methods: its methods.
        messages: the messages inside of replies.
        errors: how errors are answered that are not answered like others of their kind.
        roles: the roles that callers have.
        required_scope: the message that tells which scope a call needs, if there is one.
    """

    package: str
    descriptor: bytes
    operations: type[Interpreter]
    name: str
    owner: Owner
    methods: tuple[Method, ...]
    messages: Mapping[str, Message]
    errors: Mapping[str, ErrorStatus]
    roles: Mapping[str, Role]
    required_scope: str | None

    def readers(self, *, events: bool) -> tuple[str, ...]:
        """Return the roles that read states, or states and events, by ``pingregistrywf.v1``."""
        reads = ("events",) if events else ("events", "state")
        return tuple(name for name, role in self.roles.items() if role.reads in reads)

    def runners(self, operation: str) -> tuple[str, ...]:
        """Return the roles that run an operation by ``pingregistrywf.v1``."""
        return tuple(name for name, role in self.roles.items() if operation in role.runs)

    def tellers(self, chart: str, command: str) -> tuple[str, ...]:
        """Return the roles that give a history of a chart a command by ``pingregistrywf.v1``."""
        return tuple(
            name for name, role in self.roles.items() if command in role.tells.get(chart, ())
        )

    @cached_property
    def derived(self) -> Mapping[str, Operation]:
        """An operation that knows how an id follows from the name, by the id."""
        return {
            argument: operation
            for operation in self.operations.declared.values()
            for argument, each in operation.arguments.items()
            if isinstance(each.derived, DerivedId) and each.input == self.name
        }


def load_service(directory: Path, operations: type[Interpreter]) -> Service:
    """Return the service of a generated package.

    Args:
        directory: where its ``service.json`` and ``descriptor.binpb`` are.
        operations: the operations that it runs.
    """
    document = read_document(directory / "service.json")
    return _Loader(document, operations).service((directory / "descriptor.binpb").read_bytes())


class _Loader:
    """Makes a service of its document."""

    def __init__(self, document: Document, operations: type[Interpreter]) -> None:
        self._document = document
        self._operations = operations
        self._charts = {
            each.behavior.declaration.name: each.behavior.declaration for each in operations.facades
        }

    def service(self, descriptor: bytes) -> Service:
        """The service."""
        document, owner = self._document, self._document["owner"]
        return Service(
            package=document["package"],
            descriptor=descriptor,
            operations=self._operations,
            name=document["name"],
            owner=Owner(
                owner["chart"],
                owner["history"],
                self._charts[owner["chart"]].attribute(owner["carried"]),
                owner["carried"],
                owner["refusal"],
            ),
            methods=tuple(
                self._method(f"{document['package']}.{service}", name, each)
                for service, methods in document["services"].items()
                for name, each in methods.items()
            ),
            messages={name: self._message(each) for name, each in document["messages"].items()},
            errors={
                name: ErrorStatus(each["status"], each["says"])
                for name, each in document["errors"].items()
            },
            roles={name: self._role(each) for name, each in document["roles"].items()},
            required_scope=document["required_scope"],
        )

    def _role(self, role: Document) -> Role:
        scope = role["scope"]
        return Role(
            scope and Scope(scope["action"], scope["code"], scope["name"]),
            role["reads"],
            frozenset(role["runs"]),
            {chart: frozenset(commands) for chart, commands in role["tells"].items()},
        )

    def _message(self, message: Document) -> Message:
        made_of: Document = message["made_of"]
        return Message(
            "record" if isinstance(made_of, dict) else made_of,
            {name: self._field(each, None) for name, each in message["fields"].items()},
        )

    def _method(self, service: str, name: str, method: Document) -> Method:
        request = method["request"]
        return Method(
            service,
            name,
            self._action(method),
            {field: each["type"] for field, each in request.items() if each["type"] in _IDS},
            {field: self._field(each, method) for field, each in method["reply"].items()},
            tuple(method["roles"]),
        )

    def _action(self, method: Document) -> Action:
        request = method["request"]
        if run := method["run"]:
            operation = self._operations.declared[run["operation"]]
            inputs = {name: run["inputs"].get(name, name) for name in operation.inputs}
            return Run(operation, inputs, run["vid"], run["constant"])
        if find := method["find"]:
            wait = find["wait"]
            return Find(
                find["chart"],
                find["history"],
                wait
                and Wait(
                    wait["field"],
                    self._number(request[wait["field"]]["enum"], wait["value"]),
                    frozenset(wait["while"]),
                ),
            )
        if events := method["events"]:
            history = events["history"]
            return Events(
                events["chart"],
                history if isinstance(history, str) else IdOf(history["id"]),
                next(name for name, each in method["reply"].items() if each["type"] == "event"),
                events["after"],
                events["watch"],
                events["will_block"],
                events["unknown_after"] == "fails",
            )
        if signals := method["signals"]:
            enum = request[signals["select"]]["enum"]
            kind = self._number(enum, signals["kind"])
            return Signals(signals["signals"], signals["select"], kind)
        return Nothing(streams=method["stream"] is not None)

    def _number(self, enum: str, value: str) -> int:
        number: int = self._document["enums"][enum]["values"][value]
        return number

    def _field(self, field: Document, method: Document) -> ReplyField:
        return ReplyField(field["message"], self._source(field["is"], method), field["by_state"])

    def _source(self, source: Document, method: Document) -> Source | None:
        if source is None or isinstance(source, str):
            return source
        if "id" in source:
            return IdOf(source["id"])
        if "vid_of" in source:
            return VidOf(source["vid_of"])
        if "constant" in source:
            return Constant(source["constant"])
        declaration = self._charts[method["find"]["chart"]]
        carried = source["carried"]
        many = any(
            carry.append and carry.attribute == declaration.attribute(carried)
            for event in declaration.by_event.values()
            for carry in event.carries
        )
        return Carried(declaration.attribute(carried), many)


_IDS = frozenset({"uuid", "ulid"})
"""The types of ids."""
