"""Events as protobuf: the codec of one generated package (documentation: Bytes).

The message class is built in a descriptor pool of the package's own, so that packages that define
a message of the same name live in one process.  Decoding never crashes: any bytes give an event,
``EventTypeError`` (an event of another chart) or ``MalformedEventError`` (no event).  Where that
page is silent, the protobuf library's rules hold, which are those of the 2019 package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Final, TypeAlias, TypeVar

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from pingregistrywf.runtime.declaration import Declaration, EventDeclaration, Listing
from pingregistrywf.runtime.errors import EventTypeError, MalformedEventError
from pingregistrywf.runtime.field_types import is_zero
from pingregistrywf.runtime.ids import EPOCH, ID_SIZE, ID_TYPES, Ulid
from pingregistrywf.runtime.protobuf import Writer, sized, tag, writer
from pingregistrywf.runtime.values import Event, defaults_of, made_of

T = TypeVar("T")

Message: TypeAlias = Any
"""A message of an event; classes of a private pool have no static types."""
Descriptor: TypeAlias = Any
"""What describes a message, or a field."""


class Codec:
    """Encodes and decodes the events of one declaration."""

    def __init__(self, declaration: Declaration) -> None:
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(declaration.descriptor).file:
            pool.AddSerializedFile(file.SerializeToString())
        self._message: type[Message] = message_factory.GetMessageClass(
            pool.FindMessageTypeByName(declaration.message)
        )
        descriptor, events = self._message.DESCRIPTOR, declaration.by_event
        self._writers = {
            kind: _writers(declaration, known, descriptor) for kind, known in events.items()
        }
        self._by_number: dict[int, list[Form]] = {}
        for known in events.values():
            self._by_number.setdefault(known.number, []).append(Form(declaration, known))

    def encode(self, event: Event) -> bytes:
        """The event's bytes: fields in the order of their numbers, zero numbers and texts left out.

        Raises:
            EventTypeError: it is no event of this chart.
        """
        writers = self._writers.get(type(event))
        if writers is None:
            raise EventTypeError
        return b"".join([write(event) for write in writers])

    def decode(self, data: bytes) -> Event:
        """The event that the bytes encode.

        Raises:
            EventTypeError: an event of another chart.
            MalformedEventError: no event.
        """
        form, message, _, _ = self.parse(data)
        return form.read(message)

    def parse(self, data: bytes) -> tuple[Form, Message, bytes, bytes]:
        """The form of the event that the bytes encode, its message, its id and its parent's.

        The ids are sound; whatever else is an id is not looked at before the form reads it.

        Raises:
            EventTypeError: an event of another chart.
            MalformedEventError: no event.
        """
        try:
            message: Message = self._message.FromString(data)
        except DecodeError as error:
            raise MalformedEventError(f"not a protobuf message of an event: {error}") from None
        vid, parent = message.id, message.parent
        if not len(vid) == len(parent) == ID_SIZE:
            header = (_read_id(message, name, Ulid) or EPOCH for name in ("id", "parent"))
            vid, parent = (each.bytes for each in header)
        number: int = message.event
        for form in self._by_number.get(number, ()):
            if not form.when or form.matches(message):
                return form, message, vid, parent
        raise EventTypeError(number)


class Form:
    """How an event is read from its message.

    Attributes:
        event: the event's class.
        when: the fields that tell it from others of its number.
    """

    def __init__(self, declaration: Declaration, known: EventDeclaration) -> None:
        self.event: Final = known.event
        self.when: Final = known.when
        ids = {name: each for name, each in known.fields.items() if each.type in ID_TYPES}
        values = {name: each for name, each in known.fields.items() if name not in ids}
        self._explicit = [name for name, each in values.items() if each.explicit]
        self._plain = not (ids or known.other_forms or known.listing or self._explicit)
        self._declaration = declaration
        self._other_forms = known.other_forms
        self._listing = known.listing
        self._defaults = defaults_of(known.event)
        self._values = [
            (name, attrgetter(name)) for name, each in values.items() if not each.explicit
        ]
        self._ids = [(name, ID_TYPES[each.type], each.required) for name, each in ids.items()]

    def matches(self, message: Message) -> bool:
        """Whether the message, whose number is that of the event, is of this form."""
        return all(
            is_zero(getattr(message, name)) is not nonzero for name, nonzero in self.when.items()
        )

    def read(self, message: Message) -> Event:
        """The event of a message, whose header is sound.

        Raises:
            MalformedEventError: an id is missing, or has a wrong size.
        """
        given = self._given(message)
        for name in ("id", "parent"):
            if data := getattr(message, name):
                given[name] = Ulid(data)
        return made_of(self.event, self._defaults | given, set(given))

    def view(self, message: Message) -> Any:
        """What has the fields of the event as attributes, but for id and parent: this costs less.

        Raises:
            MalformedEventError: an id is missing, or has a wrong size.
        """
        if self._plain:
            return message
        return SimpleNamespace(**self._defaults | self._given(message))

    def _given(self, message: Message) -> dict[str, Any]:
        """The fields that a message gives, but for id and parent."""
        for name in self._other_forms:
            _read_id(message, name, bytes)
        given = {name: take(message) for name, take in self._values}
        for name in self._explicit:
            if message.HasField(name):
                given[name] = getattr(message, name)
        for name, make, required in self._ids:
            value = _read_id(message, name, make)
            if value is not None:
                given[name] = value
            elif required:
                raise MalformedEventError(f"it has no {name}")
        if self._listing:
            given[self._listing.name] = tuple(self._read_entries(self._listing, message))
        return given

    def _read_entries(self, listing: Listing, message: Message) -> Iterator[Any]:
        declaration = self._declaration
        if not message.HasField(listing.field):
            raise MalformedEventError(f"it has no {listing.field}")
        for entry in getattr(getattr(message, listing.field), listing.name):
            values: dict[str, Any] = {}
            for name, kind in listing.values.items():
                if kind not in ID_TYPES:
                    values[name] = getattr(entry, name)
                elif (value := _read_id(entry, name, ID_TYPES[kind])) is not None:
                    values[name] = value
                elif name not in declaration.carried:
                    raise MalformedEventError(f"an entry has no {name}")
            yield declaration.entry(listing, values)


@cache
def codec_of(declaration: Declaration) -> Codec:
    """The one codec of a declaration."""
    return Codec(declaration)


def _writers(
    declaration: Declaration, known: EventDeclaration, descriptor: Descriptor
) -> list[Writer]:
    """The writers of an event, in the order of the fields' numbers."""
    number_of = {each.name: each.number for each in descriptor.fields}
    event = writer(number_of["event"], "int32", "number")(known)
    writers: dict[str, Writer] = {"event": lambda _: event}
    for name in ("id", "parent"):
        writers[name] = writer(number_of[name], "ulid", name)
    for name, each in known.fields.items():
        write = writer(number_of[name], each.type, name, explicit=each.explicit)
        optional = each.explicit or each.type in ID_TYPES
        writers[name] = _if_given(name, write) if optional else write
    if known.listing:
        name = known.listing.field
        entries = descriptor.fields_by_name[name].message_type.fields_by_name[known.listing.name]
        writers[name] = _listing(declaration, known.listing, number_of[name], entries)
    return [writers[name] for name in sorted(writers, key=number_of.__getitem__)]


def _if_given(name: str, write: Writer) -> Writer:
    """Leave out a field that was absent when the event was decoded."""
    return lambda event: write(event) if name in event.model_fields_set else b""


def _listing(
    declaration: Declaration, listing: Listing, number: int, entries: Descriptor
) -> Writer:
    number_of = {each.name: each.number for each in entries.message_type.fields}
    writers = [
        (name, writer(number_of[name], listing.values[name], declaration.attribute(name)))
        for name in sorted(listing.values, key=number_of.__getitem__)
    ]
    head, entry_head, take = tag(number), tag(entries.number), attrgetter(listing.name)

    def entry_bytes(entry: Any) -> bytes:
        listed = declaration.listed(listing, entry)
        return b"".join([write(entry) for name, write in writers if name in listed])

    return lambda event: (
        head + sized(b"".join([entry_head + sized(entry_bytes(entry)) for entry in take(event)]))
    )


def _read_id(message: Message, name: str, make: Callable[[bytes], T]) -> T | None:
    """What is made of the sixteen bytes of a field; None if it is absent."""
    data: bytes = getattr(message, name)
    if len(data) == ID_SIZE:
        return make(data)
    if message.HasField(name):
        raise _wrong_size(name, data)
    return None


def _wrong_size(name: str, data: bytes) -> MalformedEventError:
    return MalformedEventError(f"its {name} has {len(data)} bytes, not {ID_SIZE}")
