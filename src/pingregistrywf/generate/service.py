"""A service: its ``.proto`` file as text for others, its descriptor, and its Python package.

The file is whole by itself: it defines the messages of the events, too, with what all charts of the
service put into them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Final

from google.protobuf.descriptor_pb2 import (
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from pingregistrywf.chart.ir import Chart, Operations
from pingregistrywf.chart.service import CarriedValue, Method, ReplyField, RequestField, Service
from pingregistrywf.generate.proto import (
    MEANINGS,
    Field,
    Message,
    message_descriptor,
    messages,
)
from pingregistrywf.generate.python import WIDTH
from pingregistrywf.generate.rendering import templates

_IDS: Final[Mapping[str, str]] = {str(kind): meaning for kind, meaning in MEANINGS.items()}
"""What the bytes of an id are, by its type."""

_SCOPE: Final = [
    Field("action", 1, "string", "", "", "The action that a token has to allow."),
    Field("name", 2, "string", "", "", "What it has to allow the action on."),
    Field("path", 3, "string", "", "", "Never given here."),
]
"""The fields of the message that tells which scope a call needs."""


def proto_name(service: Service) -> str:
    """Return the name of the service's ``.proto`` file."""
    return f"{service.service}.proto"


def service_proto(service: Service, charts: Mapping[str, Chart]) -> str:
    """Return the ``.proto`` file as text; ``charts`` has those whose events are streamed."""
    environment = templates(remark)
    environment.tests["streaming"] = is_streaming
    template = environment.get_template("service.proto.jinja")
    return template.render(service=service, messages=_messages(service, charts))


def service_descriptor(service: Service, charts: Mapping[str, Chart]) -> bytes:
    """Return the same as a serialized FileDescriptorSet of one file."""
    scope = f".{service.package}"
    file = FileDescriptorProto(
        name=proto_name(service),
        package=service.package,
        message_type=map(message_descriptor, _messages(service, charts)),
        enum_type=[
            EnumDescriptorProto(
                name=name,
                value=[
                    EnumValueDescriptorProto(name=value, number=number)
                    for value, number in enum.values.items()
                ],
            )
            for name, enum in service.enums.items()
        ],
        service=[
            ServiceDescriptorProto(
                name=name,
                method=[
                    MethodDescriptorProto(
                        name=method,
                        input_type=f"{scope}.{method}I",
                        output_type=f"{scope}.{method}O",
                        server_streaming=is_streaming(declared) or None,
                    )
                    for method, declared in methods.items()
                ],
            )
            for name, methods in service.services.items()
        ],
        syntax="proto3",
    )
    return FileDescriptorSet(file=[file]).SerializeToString(deterministic=True)


def service_module(service: Service, operations: Operations) -> str:
    """Return the module of a service; ``operations`` are those that it runs."""
    template = templates().get_template("service.py.jinja")
    return template.render(service=service, operations=operations)


def is_streaming(method: Method) -> bool:
    """Return whether a method answers with a stream."""
    return bool(method.events or method.signals or method.stream)


def remark(text: str, indent: int = 0) -> str:
    """Return prose as a comment of a ``.proto`` file."""
    margin = " " * indent
    width = WIDTH - indent - 3
    return "\n".join(f"{margin}// {line}" for line in textwrap.wrap(" ".join(text.split()), width))


def _messages(service: Service, charts: Mapping[str, Chart]) -> list[Message]:
    """Return every message: requests and replies, what is inside of them, and the events'."""
    made = []
    for methods in service.services.values():
        for name, method in methods.items():
            made.append(Message(f"{name}I", _fields(service, charts, method.request)))
            made.append(Message(f"{name}O", _fields(service, charts, method.reply, method)))
    for name, message in service.messages.items():
        made.append(Message(name, _fields(service, charts, message.fields)))
    if service.required_scope is not None:
        made.append(Message(service.required_scope, _SCOPE))
    return [*made, *_events(_streamed(service, charts))]


def _streamed(service: Service, charts: Mapping[str, Chart]) -> list[Chart]:
    """Return the charts whose events the service streams."""
    names = {
        method.events.chart: None
        for methods in service.services.values()
        for method in methods.values()
        if method.events
    }
    return [charts[name] for name in names]


def _events(charts: Iterable[Chart]) -> Iterator[Message]:
    """Yield the messages of all events: those of the same name in one."""
    merged: dict[str, Message] = {}
    for each in (message for chart in charts for message in messages(chart)):
        known = merged.get(each.name, each)
        fields = {field.number: field for field in (*known.fields, *each.fields)}
        values = dict((*known.values, *each.values))
        merged[each.name] = Message(
            each.name,
            [fields[number] for number in sorted(fields)],
            nested=tuple({one.name: one for one in (*known.nested, *each.nested)}.values()),
            values=tuple(sorted(values.items(), key=lambda item: item[1])),
        )
    yield from merged.values()


def _fields(
    service: Service,
    charts: Mapping[str, Chart],
    declared: Mapping[str, RequestField] | Mapping[str, ReplyField],
    method: Method | None = None,
) -> list[Field]:
    made = (_field(service, charts, name, each, method) for name, each in declared.items())
    return sorted(made, key=attrgetter("number"))


def _field(
    service: Service,
    charts: Mapping[str, Chart],
    name: str,
    declared: RequestField | ReplyField,
    method: Method | None,
) -> Field:
    scope = f".{service.package}"
    message = declared.message if isinstance(declared, ReplyField) else None
    label = "repeated" if isinstance(declared, RequestField) and declared.repeated else ""
    if declared.enum is not None:
        return Field(name, declared.number, "enum", f"{scope}.{declared.enum}", label, declared.doc)
    if declared.type == "event" and method is not None and method.events is not None:
        event = charts[method.events.chart].wire
        full = f".{event.package}.{event.message}"
        return Field(name, declared.number, "message", full, "repeated", declared.doc)
    if message is not None and isinstance(declared, ReplyField):
        one = _is_one(declared, charts, method)
        full = f"{scope}.{message}"
        label = "" if one else "repeated"
        return Field(name, declared.number, "message", full, label, declared.doc)
    kind = str(declared.type)
    if kind in _IDS:
        label = label or "optional"
        comment = f"{_IDS[kind]}. {declared.doc}".strip()
        return Field(name, declared.number, "bytes", "", label, comment)
    return Field(name, declared.number, kind, "", label, declared.doc)


def _is_one(field: ReplyField, charts: Mapping[str, Chart], method: Method | None) -> bool:
    """Return whether a field holds one message: that of a record, and not those of a list."""
    if not isinstance(field.value, CarriedValue) or method is None or method.find is None:
        return False
    return charts[method.find.chart].carried[field.value.carried].kind == "record"
