"""Events as protobuf: the codec of one generated package (wire.md).

The message class is built in a descriptor pool of the package's own, so that packages that define
a message of the same name live in one process.  Decoding never crashes: any bytes give an event,
``EventTypeError`` (an event of another chart) or ``MalformedEventError`` (no event).  Where wire.md
is silent, the protobuf library's rules hold, which are those of the 2019 package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeAlias
from uuid import UUID

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from pingregistrywf.runtime.declaration import (
    Declaration,
    EventDeclaration,
    FieldType,
    Listing,
)
from pingregistrywf.runtime.errors import EventTypeError, MalformedEventError
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.values import Event, is_zero

_Message: TypeAlias = Any  # classes of a private pool have no static types

_ID_SIZE: Final = 16
_IDS: Final[Mapping[str, Callable[[bytes], UUID | Ulid]]] = {
    "uuid": lambda data: UUID(bytes=data),
    "ulid": Ulid,
}


class Codec:
    """Encodes and decodes the events of one declaration."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(declaration.descriptor).file:
            pool.AddSerializedFile(file.SerializeToString())
        self._message: type[_Message] = message_factory.GetMessageClass(
            pool.FindMessageTypeByName(declaration.message)
        )
        self._by_number: dict[int, list[EventDeclaration]] = {}
        for event in declaration.by_event.values():
            self._by_number.setdefault(event.number, []).append(event)

    def encode(self, event: Event) -> bytes:
        """The event's bytes: fields in the order of their numbers, zero numbers and texts left out.

        Raises:
            EventTypeError: it is no event of this chart.
        """
        known = self._declaration.by_event.get(type(event))
        if known is None:
            raise EventTypeError
        message = self._message(event=known.number, id=event.id.bytes, parent=event.parent.bytes)
        for name, field in known.fields.items():
            # An id that was absent when the event was decoded stays absent.
            if field.type not in _IDS or name in event.model_fields_set:
                setattr(message, name, _plain(getattr(event, name)))
        if known.listing:
            self._write_entries(known.listing, message, event)
        data: bytes = message.SerializeToString(deterministic=True)
        return data

    def decode(self, data: bytes) -> Event:
        """The event that the bytes encode.

        Raises:
            EventTypeError: an event of another chart.
            MalformedEventError: no event.
        """
        message = self._message()
        try:
            message.ParseFromString(data)
        except DecodeError as error:
            raise MalformedEventError(f"not a protobuf message of an event: {error}") from None
        number: int = message.event
        header = {
            name: _read_id(message, name, "ulid")
            for name in ("id", "parent")
            if message.HasField(name)
        }
        for known in self._by_number.get(number, ()):
            if all(
                is_zero(getattr(message, name)) is not nonzero
                for name, nonzero in known.when.items()
            ):
                return known.event(**header, **self._read_fields(known, message))
        raise EventTypeError(number)

    def _read_fields(self, known: EventDeclaration, message: _Message) -> dict[str, Any]:
        for name in known.other_forms:
            if message.HasField(name):
                _read_id(message, name, "uuid")
        fields: dict[str, Any] = {}
        for name, field in known.fields.items():
            if field.type not in _IDS:
                fields[name] = getattr(message, name)
            elif message.HasField(name):
                fields[name] = _read_id(message, name, field.type)
            elif field.required:
                raise MalformedEventError(f"it has no {name}")
        if known.listing:
            fields[known.listing.name] = tuple(self._read_entries(known.listing, message))
        return fields

    def _write_entries(self, listing: Listing, message: _Message, event: Event) -> None:
        holder = getattr(message, listing.field)
        holder.SetInParent()  # an empty list is not an absent one
        for entry in getattr(event, listing.name):
            values = self._declaration.listed(listing, entry)
            getattr(holder, listing.name).add(
                **{name: _plain(each) for name, each in values.items()}
            )

    def _read_entries(self, listing: Listing, message: _Message) -> Iterator[Any]:
        declaration = self._declaration
        if declaration.keyed is None or not message.HasField(listing.field):
            raise MalformedEventError(f"it has no {listing.field}")
        for entry in getattr(getattr(message, listing.field), listing.name):
            values: dict[str, Any] = {}
            for name, type_ in listing.values.items():
                if type_ not in _IDS:
                    values[declaration.attribute(name)] = getattr(entry, name)
                elif entry.HasField(name):
                    values[declaration.attribute(name)] = _read_id(entry, name, type_)
                elif name not in declaration.carried:
                    raise MalformedEventError(f"an entry has no {name}")
            code = next(
                code
                for code, attribute in listing.states
                if attribute is None or not is_zero(values.get(attribute))
            )
            yield declaration.keyed.entry(**values, state_code=code)


@cache
def codec_of(declaration: Declaration) -> Codec:
    """The one codec of a declaration."""
    return Codec(declaration)


def _plain(value: Any) -> Any:
    return value.bytes if isinstance(value, UUID | Ulid) else value


def _read_id(message: _Message, name: str, kind: FieldType) -> UUID | Ulid:
    data: bytes = getattr(message, name)
    if len(data) != _ID_SIZE:
        raise MalformedEventError(f"its {name} has {len(data)} bytes, not {_ID_SIZE}")
    return _IDS[kind](data)
