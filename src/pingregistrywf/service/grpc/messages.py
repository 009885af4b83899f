"""The messages of a service: requests read strictly, replies filled as they are declared.

The classes are built in a descriptor pool of the service's own, so that somebody's own generated
modules of the same package can live in this process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, TypeAlias
from uuid import UUID

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from pingregistrywf.runtime.errors import InvalidCommandError
from pingregistrywf.runtime.ids import ID_SIZE, ID_TYPES, Ulid
from pingregistrywf.runtime.remote.messages import Protobuf
from pingregistrywf.runtime.services import (
    Carried,
    Constant,
    IdOf,
    Method,
    ReplyField,
    Service,
    VidOf,
)

Request: TypeAlias = Mapping[str, Any]
"""The fields of a request; an id that is absent is None."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a reply can be filled with.

    Attributes:
        request: the fields of the request.
        ids: the ids that follow from the name that the call is about.
        vids: the version of each chart's history after the call.
        state: the state that was found, with its name in the chart.
        names: the names that the service serves.
        signals: the histories that have changed.
    """

    request: Request = field(default_factory=dict)
    ids: Mapping[str, UUID] = field(default_factory=dict)
    vids: Mapping[str, Ulid] = field(default_factory=dict)
    state: tuple[Any, str] | None = None
    names: Iterable[str] = ()
    signals: Iterable[UUID] = ()


class Messages:
    """The message classes of a service.

    Attributes:
        pool: the descriptor pool, which reflection shows.
    """

    def __init__(self, service: Service) -> None:
        self.pool: Final = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(service.descriptor).file:
            self.pool.AddSerializedFile(file.SerializeToString())
        self._service = service

    def read(self, method: Method, data: bytes) -> Request:
        """Return the fields of a request.

        Raises:
            InvalidCommandError: the bytes are no such message, or an id has not 16 bytes.
        """
        message = parsed(self._class(f"{method.name}I"), data)
        fields: dict[str, Any] = {}
        for each in message.DESCRIPTOR.fields:
            name: str = each.name
            kind = method.ids.get(name)
            value = getattr(message, name)
            if kind is None:
                fields[name] = value
            elif not message.HasField(name):
                fields[name] = None
            else:
                fields[name] = ID_TYPES[kind](sized(name, value))
        return fields

    def reply(self, method: Method, known: Known) -> Protobuf:
        """Return a reply, filled with what is known."""
        message: Protobuf = self._class(f"{method.name}O")()
        for name, each in method.reply.items():
            if each.message is not None:
                self._fill_messages(message, name, each, known)
            else:
                _put(message, name, _value(each, known.request, known))
        return message

    def required_scope(self, action: str, name: str) -> Protobuf:
        """Return the message that tells which scope a call needs."""
        return self._class(str(self._service.required_scope))(action=action, name=name)

    def _fill_messages(
        self, message: Protobuf, name: str, declared: ReplyField, known: Known
    ) -> None:
        inside = self._service.messages[str(declared.message)]
        many = True
        parts: Iterable[Mapping[str, Any]]
        match inside.made_of:
            case "name":
                parts = [{"name": each} for each in known.names]
            case "signal":
                parts = [{"history": each} for each in known.signals]
            case "record":
                many, parts = _records(declared, known)
        for part in parts:
            one: Protobuf = getattr(message, name).add() if many else getattr(message, name)
            if not many:
                one.SetInParent()
            for field_name, each in inside.fields.items():
                _put(one, field_name, _value(each, part, known))
            if known.state is not None:
                for field_name, by_state in declared.by_state.items():
                    if known.state[1] in by_state:
                        _put(one, field_name, by_state[known.state[1]])

    def _class(self, name: str) -> type[Protobuf]:
        return message_class(self.pool, f"{self._service.package}.{name}")


def message_class(pool: descriptor_pool.DescriptorPool, full: str) -> type[Protobuf]:
    """Return the class of a message in a pool, by its full name."""
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full))


def parsed(kind: type[Protobuf], data: bytes) -> Protobuf:
    """Return the message that bytes are.

    Raises:
        InvalidCommandError: they are no such message.
    """
    try:
        return kind.FromString(data)
    except DecodeError:
        raise InvalidCommandError(f"the bytes are no {kind.DESCRIPTOR.name}") from None


def sized(name: str, data: bytes, size: int = ID_SIZE) -> bytes:
    """Return the bytes of an id, or of something else, which a field of that name gives.

    Raises:
        InvalidCommandError: they are not so many.
    """
    if len(data) != size:
        raise InvalidCommandError(f"{name} has {len(data)} bytes, not {size}")
    return data


def _records(declared: ReplyField, known: Known) -> tuple[bool, Iterable[Mapping[str, Any]]]:
    """Whether a field holds a list of records, and the fields of each."""
    carried = declared.source
    if not isinstance(carried, Carried) or known.state is None:
        return True, ()
    value = getattr(known.state[0], carried.attribute)
    records = value if carried.many else (value,)
    return carried.many, [
        {name: getattr(each, name) for name in each.__dataclass_fields__} for each in records
    ]


def _value(declared: ReplyField, made_of: Mapping[str, Any], known: Known) -> object:
    match declared.source:
        case str(name):
            return made_of[name]
        case IdOf(id):
            return known.ids[id]
        case VidOf(chart):
            return known.vids[chart]
        case Constant(value):
            return value
        case _:
            return None


def _put(message: Protobuf, name: str, value: object) -> None:
    """Set a field.  Ids that are nil, and what is not known, are left out."""
    if isinstance(value, UUID | Ulid):
        value = value.bytes if any(value.bytes) else None
    if isinstance(value, IntEnum):
        value = int(value)
    if value is not None:
        setattr(message, name, value)
