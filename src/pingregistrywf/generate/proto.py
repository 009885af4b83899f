"""The wire format of a chart: a ``.proto`` file as text for others, and its descriptor for us.

Both are written from one list of messages, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

from pingregistrywf.chart.ir import Chart, EventField, WireValue
from pingregistrywf.chart.types import Type

SCALARS: Final = {
    Type.INT32: "int32",
    Type.STRING: "string",
    Type.UUID: "bytes",
    Type.ULID: "bytes",
    Type.BOOL: "bool",
}
_PROTO_TYPES: Final = {
    "int32": FieldDescriptorProto.TYPE_INT32,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "bool": FieldDescriptorProto.TYPE_BOOL,
}
_MEANINGS: Final = {Type.UUID: "UUID, 16 bytes", Type.ULID: "ULID, 16 bytes"}


@dataclass(frozen=True)
class _Field:
    name: str
    number: int
    type: str
    optional: bool = False
    repeated: bool = False
    comment: str = ""


@dataclass(frozen=True)
class _Message:
    name: str
    fields: tuple[_Field, ...]
    nested: tuple[_Message, ...] = ()
    values: tuple[tuple[str, int], ...] = ()  # of the enum Type inside of it


def file_name(chart: Chart) -> str:
    """The name of the chart's ``.proto`` file."""
    return f"{chart.name}.proto"


def proto(chart: Chart) -> str:
    """The ``.proto`` file as text."""
    lines = [
        f"// Generated from chart {chart.name} {chart.version}. Do not edit: change the chart.",
        "//",
        "// Types and fields of other charts on the same wire are left out; decoders skip them.",
        "",
        'syntax = "proto3";',
        "",
        f"package {chart.wire.package};",
    ]
    for message in _messages(chart):
        lines += ["", *_message_text(message, "")]
    return "\n".join(lines) + "\n"


def descriptor(chart: Chart) -> bytes:
    """The same as a serialized FileDescriptorSet of one file."""
    file = FileDescriptorProto(name=file_name(chart), package=chart.wire.package, syntax="proto3")
    for message in _messages(chart):
        file.message_type.append(_message_descriptor(message, chart.wire.package))
    return FileDescriptorSet(file=[file]).SerializeToString(deterministic=True)


def _messages(chart: Chart) -> list[_Message]:
    wire = chart.wire
    fields = {
        "event": _Field("event", wire.event, "Type"),
        "id": _scalar("id", wire.id, Type.ULID),
        "parent": _scalar("parent", wire.parent, Type.ULID),
    }
    values = {"EV_UNSPECIFIED": 0}
    messages = []
    for event in chart.events.values():
        values[event.wire_name] = event.number
        declared: list[EventField | WireValue] = [*event.fields.values()]
        for each in [*declared, *event.other_forms.values()]:
            fields[each.name] = _scalar(each.name, each.wire, each.type)
        if listing := event.listing:
            holder = _Field(listing.field, listing.wire, listing.message, optional=True)
            fields[listing.field] = holder
            entry = _Message(listing.entry_message, _scalars(listing.fields.values()))
            entries = _Field(listing.name, listing.entries_wire, entry.name, repeated=True)
            messages.append(_Message(listing.message, (entries,), nested=(entry,)))
    by_number = sorted(values.items(), key=lambda value: value[1])
    event_message = _Message(wire.message, _sorted(fields.values()), values=tuple(by_number))
    return [event_message, *messages]


def _scalars(values: Iterable[WireValue]) -> tuple[_Field, ...]:
    return _sorted(_scalar(each.name, each.wire, each.type) for each in values)


def _scalar(name: str, number: int, kind: Type) -> _Field:
    # Ids are optional, so that an absent one can be told from a present, empty one (wire.md).
    comment = _MEANINGS.get(kind, "")
    return _Field(name, number, SCALARS[kind], optional=kind.is_id, comment=comment)


def _sorted(fields: Iterable[_Field]) -> tuple[_Field, ...]:
    return tuple(sorted(fields, key=lambda field: field.number))


def _message_text(message: _Message, indent: str) -> list[str]:
    inner = indent + "  "
    lines = [f"{indent}message {message.name} {{"]
    for nested in message.nested:
        lines += [*_message_text(nested, inner), ""]
    if message.values:
        lines.append(f"{inner}enum Type {{")
        lines += [f"{inner}  {name} = {number};" for name, number in message.values]
        lines += [f"{inner}}}", ""]
    for field in message.fields:
        label = "repeated " if field.repeated else ""
        # A message field has presence without saying so.
        label = "optional " if field.optional and field.type in _PROTO_TYPES else label
        comment = f"  // {field.comment}" if field.comment else ""
        lines.append(f"{inner}{label}{field.type} {field.name} = {field.number};{comment}")
    return [*lines, f"{indent}}}"]


def _message_descriptor(message: _Message, scope: str) -> DescriptorProto:
    full = f"{scope}.{message.name}"
    made = DescriptorProto(name=message.name)
    nested_names = {nested.name for nested in message.nested}
    for field in message.fields:
        label = (
            FieldDescriptorProto.LABEL_REPEATED
            if field.repeated
            else FieldDescriptorProto.LABEL_OPTIONAL
        )
        proto_field = made.field.add(
            name=field.name, number=field.number, label=label, json_name=_json_name(field.name)
        )
        if field.type in _PROTO_TYPES:
            proto_field.type = _PROTO_TYPES[field.type]
            if field.optional:
                proto_field.proto3_optional = True
                proto_field.oneof_index = len(made.oneof_decl)
                made.oneof_decl.add(name=f"_{field.name}")
        elif field.type == "Type":
            proto_field.type = FieldDescriptorProto.TYPE_ENUM
            proto_field.type_name = f".{full}.Type"
        else:
            proto_field.type = FieldDescriptorProto.TYPE_MESSAGE
            inside = full if field.type in nested_names else scope
            proto_field.type_name = f".{inside}.{field.type}"
    for nested in message.nested:
        made.nested_type.append(_message_descriptor(nested, full))
    if message.values:
        enum = EnumDescriptorProto(name="Type")
        for name, number in message.values:
            enum.value.add(name=name, number=number)
        made.enum_type.append(enum)
    return made


def _json_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
