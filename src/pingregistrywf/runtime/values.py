"""The bases of what generated packages are made of: commands, events, states, declared errors.

All are immutable, compare by value, copy and pickle.  Commands and events are strict pydantic
models: values are never converted, and a bad one is refused where it is made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Final, Generic, Protocol, Self, TypeAlias, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pyrsistent import PMap, pmap

from pingregistrywf.runtime.errors import (
    BehaviorError,
    EventTypeError,
    InvalidCommandError,
    MalformedEventError,
)
from pingregistrywf.runtime.ids import EPOCH, Ulid

T = TypeVar("T", bound="Event")
R = TypeVar("R")

_set: Final = object.__setattr__

NIL: Final = UUID(int=0)
"""The nil UUID: the value of an id that was not given."""


def _is_unicode(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("it holds an unpaired surrogate, which no UTF-8 text can") from None
    return text


def is_zero(value: object) -> bool:
    """True for zero, the empty text, false, and nil ids."""
    return not (value.int if isinstance(value, UUID) else value)


def _is_nonzero(value: Any) -> Any:
    if is_zero(value):
        raise ValueError("it must not be zero, empty or nil")
    return value


_LEAST: Final = -(2**31)
_MOST: Final = 2**31 - 1

Int32: TypeAlias = Annotated[int, Field(ge=_LEAST, le=_MOST)]
"""A signed 32-bit integer."""
Text: TypeAlias = Annotated[str, AfterValidator(_is_unicode)]
"""Text that UTF-8 can hold: no unpaired surrogates."""
NonZero: Final = AfterValidator(_is_nonzero)
"""Refuses zero, the empty text, false, and nil ids."""


def problems(error: ValidationError) -> str:
    """Return all that is wrong, in one line, without the values' text (it may be long)."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_url=False, include_input=False)
    )


class Command(BaseModel):
    """What somebody asks for.

    Raises:
        InvalidCommandError: an argument is missing, unknown, or not as the chart declares it.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    def __init__(self, /, **arguments: Any) -> None:
        try:
            self.__pydantic_validator__.validate_python(arguments, self_instance=self)
        except ValidationError as error:
            name = type(self).__name__.removeprefix("Cmd")
            raise InvalidCommandError(f"{name}: {problems(error)}") from None


class EventCodec(Protocol):
    """Events to bytes and back; ``runtime.wire`` has the one that packages use."""

    def encode(self, event: Event) -> bytes: ...
    def decode(self, data: bytes) -> Event: ...


class Event(BaseModel):
    """What happened: an immutable link of a history's chain.

    Attributes:
        id: the event's ULID.
        parent: the id of the event before it; the epoch for a history's first.

    Raises:
        MalformedEventError: a field is unknown, or not as the chart declares it.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    codec: ClassVar[EventCodec]

    id: Ulid = EPOCH
    parent: Ulid = EPOCH

    def __init__(self, /, **fields: Any) -> None:
        try:
            self.__pydantic_validator__.validate_python(fields, self_instance=self)
        except ValidationError as error:
            name = type(self).__name__
            raise MalformedEventError(f"{name}: {problems(error)}") from None

    @property
    def time(self) -> datetime:
        """When it happened, in UTC to the millisecond: the time in its id.

        Within a history ids grow even if a clock goes back, so that this time never does.
        """
        return self.id.time

    def marshal_proto(self) -> bytes:
        """Return the event's bytes (documentation: Bytes)."""
        return self.codec.encode(self)

    @classmethod
    def unmarshal_proto(cls, data: bytes) -> Self:
        """The event that the bytes encode.

        Raises:
            EventTypeError: they encode an event of another chart, or of another class than this.
            MalformedEventError: they encode no event.
        """
        event = cls.codec.decode(data)
        if not isinstance(event, cls):
            raise EventTypeError
        return event


PLAINLY_VALID: Final[Mapping[str, Callable[[Any], bool]]] = {
    "int32": lambda value: type(value) is int and _LEAST <= value <= _MOST,
    "string": lambda value: type(value) is str and value.isascii(),
    "uuid": lambda value: type(value) is UUID,
    "ulid": lambda value: type(value) is Ulid,
    "bool": lambda value: type(value) is bool,
}
"""By the type of an event's field: whether a value needs no validation.  If not, it may be valid
nevertheless, which the constructor judges."""


def defaults_of(kind: type[Event]) -> dict[str, Any]:
    """Return the values of an event's fields that are not given, in order."""
    return {name: field.default for name, field in kind.model_fields.items()}


def made_of(kind: type[T], fields: dict[str, Any], given: set[str]) -> T:
    """Make an event of valid fields, without another validation.

    The event is as its constructor would make it.

    Args:
        kind: the event's class.
        fields: the values of all fields, in order; they become the event's own.
        given: the names of those that are no defaults; likewise.
    """
    event = kind.__new__(kind)
    _set(event, "__dict__", fields)
    _set(event, "__pydantic_fields_set__", given)
    _set(event, "__pydantic_extra__", None)
    _set(event, "__pydantic_private__", None)
    return event


def maker_of(kind: type[R]) -> Callable[..., R]:
    """Return what makes an instance of a frozen dataclass from the values of all its attributes.

    This takes half the time of a call of the class, which calls ``object.__setattr__`` for each
    attribute: an instance of an equal class that is not frozen is filled, and then frozen.
    """
    if any(map(dataclasses.is_dataclass, kind.__bases__)):
        return kind  # a frozen one has no equal that is not
    names = [each.name for each in dataclasses.fields(kind)]  # type: ignore[arg-type]
    equal: Any = dataclasses.make_dataclass(kind.__name__, names, bases=kind.__bases__, slots=True)

    def make(*values: Any) -> R:
        made: R = equal(*values)
        made.__class__ = kind
        return made

    return make


class Code(IntEnum):
    """The code of a state.  As text it is the state's name in the chart, as in ``f"{code}"``."""

    names: ClassVar[Mapping[IntEnum, str]]

    def __str__(self) -> str:
        return self.names[self]

    def __format__(self, spec: str) -> str:
        return int.__format__(self, spec) if spec else str(self)


class State:
    """What a history amounts to: its id, its vid, its state code, and what events carried."""

    __slots__ = ()

    id: UUID
    vid: Ulid

    def with_vid(self, vid: Ulid) -> Self:
        """The same state at another version."""
        return dataclasses.replace(self, vid=vid)  # type: ignore[type-var]


K = TypeVar("K", bound=UUID | Ulid | str)
E = TypeVar("E")


@dataclasses.dataclass(frozen=True, slots=True)
class KeyedState(State, Generic[K, E]):
    """What a keyed history amounts to: a map from key to entry, each following the chart.

    Attributes:
        id: the history's id.
        vid: the id of its newest event.
        entries: the entries that are not in the initial state, by key.
        events_since_snapshot: how many events follow the newest snapshot, or the beginning.
        rewritten: while a snapshot's events are being read, the entries that they list.
    """

    id: UUID
    vid: Ulid = EPOCH
    entries: PMap[K, E] = dataclasses.field(default_factory=pmap)
    events_since_snapshot: int = 0
    rewritten: PMap[K, E] | None = None

    def in_state(self, code: IntEnum) -> tuple[K, ...]:
        """The keys of the entries in that state, sorted."""
        found: list[Any] = [
            key for key, entry in self.entries.items() if getattr(entry, "state_code", None) == code
        ]
        return tuple(sorted(found))


class DeclaredError(BehaviorError):
    """Base of the errors of a chart's own: the chart's prose, and fields from arguments."""

    prose: ClassVar[str] = ""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)
        facts = ", ".join(f"{name} {value}" for name, value in fields.items())
        super().__init__(f"{self.prose} ({facts})" if facts else self.prose)
