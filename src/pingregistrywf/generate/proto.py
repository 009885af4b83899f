"""The wire format of a chart: a ``.proto`` file as text for others, and its descriptor for us.

Both are written from one list of messages, so that they cannot differ.
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    OneofDescriptorProto,
)

from pingregistrywf.chart.ir import Chart, EventField, WireValue
from pingregistrywf.chart.types import Type
from pingregistrywf.generate.rendering import templates

SCALARS: Final = {
    Type.INT32: "int32",
    Type.STRING: "string",
    Type.UUID: "bytes",
    Type.ULID: "bytes",
    Type.BOOL: "bool",
}
MEANINGS: Final = {Type.UUID: "UUID, 16 bytes", Type.ULID: "ULID, 16 bytes"}


class Field(NamedTuple):
    """A field of a message."""

    name: str
    number: int
    kind: str  # the type of a scalar, "enum", or "message"
    of: str = ""  # the full name of the enum or message
    label: str = ""
    comment: str = ""

    @property
    def type(self) -> str:
        return self.of.rpartition(".")[2] or self.kind


class Message(NamedTuple):
    """A message, as text and descriptor have it."""

    name: str
    fields: list[Field]
    nested: tuple[Message, ...] = ()
    values: tuple[tuple[str, int], ...] = ()  # of the enum Type inside of it


def file_name(chart: Chart) -> str:
    """Return the name of the chart's ``.proto`` file."""
    return f"{chart.name}.proto"


def proto(chart: Chart) -> str:
    """Return the ``.proto`` file as text."""
    template = templates().get_template("chart.proto.jinja")
    return template.render(chart=chart, messages=messages(chart))


def descriptor(chart: Chart) -> bytes:
    """Return the same as a serialized FileDescriptorSet of one file."""
    file = FileDescriptorProto(
        name=file_name(chart),
        package=chart.wire.package,
        message_type=map(message_descriptor, messages(chart)),
        syntax="proto3",
    )
    return FileDescriptorSet(file=[file]).SerializeToString(deterministic=True)


def messages(chart: Chart) -> list[Message]:
    """Return the messages of the chart's events: the event's own first."""
    wire = chart.wire
    scope = f".{wire.package}"
    fields = {
        "event": Field("event", wire.event, "enum", f"{scope}.{wire.message}.Type"),
        "id": scalar("id", wire.id, Type.ULID),
        "parent": scalar("parent", wire.parent, Type.ULID),
    }
    values = {"EV_UNSPECIFIED": 0}
    explicit = {
        name
        for event in chart.events.values()
        for name, each in event.fields.items()
        if each.default is not None
    }
    listed = []
    for event in chart.events.values():
        values[event.wire_name] = event.number
        declared: list[EventField | WireValue] = [*event.fields.values()]
        for each in [*declared, *event.other_forms.values()]:
            optional = each.name in explicit
            fields[each.name] = scalar(each.name, each.wire, each.type, optional=optional)
        if listing := event.listing:
            full = f"{scope}.{listing.message}"
            fields[listing.field] = Field(listing.field, listing.wire, "message", full)
            parts = (scalar(each.name, each.wire, each.type) for each in listing.fields.values())
            entry = Message(listing.entry_message, sorted(parts, key=attrgetter("number")))
            of = f"{full}.{entry.name}"
            entries = Field(listing.name, listing.entries_wire, "message", of, "repeated")
            listed.append(Message(listing.message, [entries], nested=(entry,)))
    by_number = sorted(fields.values(), key=attrgetter("number"))
    types = tuple(sorted(values.items(), key=itemgetter(1)))
    return [Message(wire.message, by_number, values=types), *listed]


def scalar(name: str, number: int, kind: Type, *, optional: bool = False) -> Field:
    # Ids are optional, so that an absent one differs from a present, empty one (documentation:
    # Bytes); so are fields that have a default where they are absent.
    label = "optional" if optional or kind.is_id else ""
    return Field(name, number, SCALARS[kind], label=label, comment=MEANINGS.get(kind, ""))


def message_descriptor(message: Message) -> DescriptorProto:
    """Return what describes a message."""
    optional = [field.name for field in message.fields if field.label == "optional"]
    values = [EnumValueDescriptorProto(name=name, number=number) for name, number in message.values]
    return DescriptorProto(
        name=message.name,
        field=[
            FieldDescriptorProto(
                name=field.name,
                number=field.number,
                label=(
                    FieldDescriptorProto.LABEL_REPEATED
                    if field.label == "repeated"
                    else FieldDescriptorProto.LABEL_OPTIONAL
                ),
                type=FieldDescriptorProto.Type.Value(f"TYPE_{field.kind.upper()}"),
                type_name=field.of or None,
                json_name=_json_name(field.name),
                oneof_index=optional.index(field.name) if field.name in optional else None,
                proto3_optional=field.name in optional or None,
            )
            for field in message.fields
        ],
        nested_type=map(message_descriptor, message.nested),
        enum_type=[EnumDescriptorProto(name="Type", value=values)] if values else [],
        oneof_decl=[OneofDescriptorProto(name=f"_{name}") for name in optional],
    )


def _json_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
