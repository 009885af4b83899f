"""The bases of what generated packages are made of: commands, events, states, declared errors.

All are immutable, compare by value, copy and pickle.  Commands and events are strict pydantic
models: values are never converted, and a bad one is refused where it is made.
"""

from __future__ import annotations

import dataclasses
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

NIL: Final = UUID(int=0)
"""The nil UUID: the value of an id that was not given."""


def _is_unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds an unpaired surrogate, which no UTF-8 text can") from None
    return text


def is_zero(value: object) -> bool:
    """True for zero, the empty text, false, and nil ids."""
    return value == NIL if isinstance(value, UUID) else not value


def _is_nonzero(value: Any) -> Any:
    if is_zero(value):
        raise ValueError("it must not be zero, empty or nil")
    return value


Int32: TypeAlias = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
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
            super().__init__(**arguments)
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
            super().__init__(**fields)
        except ValidationError as error:
            name = type(self).__name__
            raise MalformedEventError(f"{name}: {problems(error)}") from None

    def marshal_proto(self) -> bytes:
        """The event's bytes (wire.md)."""
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
