"""Events as protobuf: the codec of one generated package (wire.md).

The message class is built in a descriptor pool of the package's own, so that packages that define
a message of the same name live in one process.  Decoding never crashes: any bytes give an event,
``EventTypeError`` (an event of another chart) or ``MalformedEventError`` (no event).  Where wire.md
is silent, the protobuf library's rules hold, which are those of the 2019 package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeAlias
from uuid import UUID

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from pingregistrywf.runtime.declaration import Declaration, EventDeclaration, FieldType, Listing
from pingregistrywf.runtime.errors import EventTypeError, MalformedEventError
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.values import Event, defaults_of, is_zero, made_of

Message: TypeAlias = Any
"""A message of an event; classes of a private pool have no static types."""

_ID_SIZE: Final = 16
_IDS: Final[Mapping[str, Callable[[bytes], UUID | Ulid]]] = {
    "uuid": lambda data: UUID(bytes=data),
    "ulid": Ulid,
}


class Codec:
    """Encodes and decodes the events of one declaration."""

    def __init__(self, declaration: Declaration) -> None:
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(declaration.descriptor).file:
            pool.AddSerializedFile(file.SerializeToString())
        self._message: type[Message] = message_factory.GetMessageClass(
            pool.FindMessageTypeByName(declaration.message)
        )
        self._forms = {
            kind: Form(declaration, known, self._message)
            for kind, known in declaration.by_event.items()
        }
        self._by_number: dict[int, list[Form]] = {}
        for form in self._forms.values():
            self._by_number.setdefault(form.known.number, []).append(form)

    def encode(self, event: Event) -> bytes:
        """The event's bytes: fields in the order of their numbers, zero numbers and texts left out.

        Raises:
            EventTypeError: it is no event of this chart.
        """
        form = self._forms.get(type(event))
        if form is None:
            raise EventTypeError
        data: bytes = form.written(event).SerializeToString(deterministic=True)
        return data

    def decode(self, data: bytes) -> Event:
        """The event that the bytes encode.

        Raises:
            EventTypeError: an event of another chart.
            MalformedEventError: no event.
        """
        form, message = self.parse(data)
        return form.read(message)

    def parse(self, data: bytes) -> tuple[Form, Message]:
        """The message that the bytes encode, with a sound header, and the form of its event.

        Raises:
            EventTypeError: an event of another chart.
            MalformedEventError: no event.
        """
        try:
            message: Message = self._message.FromString(data)
        except DecodeError as error:
            raise MalformedEventError(f"not a protobuf message of an event: {error}") from None
        if not len(message.id) == len(message.parent) == _ID_SIZE:
            for name in ("id", "parent"):
                _read_id(message, name, "ulid")
        number: int = message.event
        for form in self._by_number.get(number, ()):
            if form.matches(message):
                return form, message
        raise EventTypeError(number)


class Form:
    """How an event looks on the wire.

    Attributes:
        event: the event's class.
        known: the event's declaration.
        plain: whether a message holds the event's fields as they are, all but its ids, and so may
            stand in for the event.
    """

    def __init__(
        self, declaration: Declaration, known: EventDeclaration, message: type[Message]
    ) -> None:
        self.event: Final = known.event
        self.known: Final = known
        ids = {name: each for name, each in known.fields.items() if each.type in _IDS}
        self.plain: Final = not (ids or known.other_forms or known.listing)
        self._declaration = declaration
        self._message = message
        self._defaults = defaults_of(known.event)
        self._values = [(name, attrgetter(name)) for name in known.fields if name not in ids]
        self._ids = [(name, each.type, each.required) for name, each in ids.items()]
        self._given = {name for name, _ in self._values}

    def matches(self, message: Message) -> bool:
        """Whether the message, whose number is that of the event, is of this form."""
        when = self.known.when
        return not when or all(
            is_zero(getattr(message, name)) is not nonzero for name, nonzero in when.items()
        )

    def written(self, event: Event) -> Message:
        """The message of an event."""
        message = self._message(
            event=self.known.number, id=event.id.bytes, parent=event.parent.bytes
        )
        for name, take in self._values:
            setattr(message, name, take(event))
        for name, _, _ in self._ids:
            # An id that was absent when the event was decoded stays absent.
            if name in event.model_fields_set:
                setattr(message, name, getattr(event, name).bytes)
        if self.known.listing:
            self._write_entries(self.known.listing, message, event)
        return message

    def read(self, message: Message) -> Event:
        """The event of a message, whose header is sound.

        Raises:
            MalformedEventError: an id is missing, or has a wrong size.
        """
        fields, given = self._defaults.copy(), self._given.copy()
        for name in ("id", "parent"):
            if data := getattr(message, name):
                fields[name] = Ulid(data)
                given.add(name)
        for name in self.known.other_forms:
            _read_id(message, name, "uuid")
        for name, take in self._values:
            fields[name] = take(message)
        for name, kind, required in self._ids:
            value = _read_id(message, name, kind)
            if value is not None:
                fields[name] = value
                given.add(name)
            elif required:
                raise MalformedEventError(f"it has no {name}")
        if self.known.listing:
            name = self.known.listing.name
            fields[name] = tuple(self._read_entries(self.known.listing, message))
            given.add(name)
        return made_of(self.event, fields, given)

    def _write_entries(self, listing: Listing, message: Message, event: Event) -> None:
        holder = getattr(message, listing.field)
        holder.SetInParent()  # an empty list is not an absent one
        for entry in getattr(event, listing.name):
            values = self._declaration.listed(listing, entry)
            getattr(holder, listing.name).add(
                **{name: _plain(each) for name, each in values.items()}
            )

    def _read_entries(self, listing: Listing, message: Message) -> Iterator[Any]:
        declaration = self._declaration
        if declaration.keyed is None or not message.HasField(listing.field):
            raise MalformedEventError(f"it has no {listing.field}")
        for entry in getattr(getattr(message, listing.field), listing.name):
            values: dict[str, Any] = {}
            for name, kind in listing.values.items():
                if kind not in _IDS:
                    values[declaration.attribute(name)] = getattr(entry, name)
                elif (value := _read_id(entry, name, kind)) is not None:
                    values[declaration.attribute(name)] = value
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


def _read_id(message: Message, name: str, kind: FieldType) -> UUID | Ulid | None:
    """The id of a field; None if it is absent."""
    data: bytes = getattr(message, name)
    if len(data) == _ID_SIZE:
        return _IDS[kind](data)
    if message.HasField(name):
        raise _wrong_size(name, data)
    return None


def _wrong_size(name: str, data: bytes) -> MalformedEventError:
    return MalformedEventError(f"its {name} has {len(data)} bytes, not {_ID_SIZE}")
