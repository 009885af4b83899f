"""The bases of what generated packages are made of: commands, events, states, declared errors.

All are immutable, compare by value, copy and pickle.  Commands and events are strict pydantic
models: values are never converted, and a bad one is refused where it is made.  Pydantic carries
all of them, to JSON and back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Any, ClassVar, Final, Generic, Protocol, Self, TypeVar
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic_core import CoreSchema, core_schema
from pyrsistent import pmap

from pingregistrywf.runtime.errors import (
    BehaviorError,
    EventTypeError,
    InvalidCommandError,
    MalformedEventError,
)
from pingregistrywf.runtime.field_types import (
    LEAST,
    MOST,
    PersistentMap,
    Uuid,
    without_default,
)
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.prose import described, summary_of

T = TypeVar("T", bound="Event")
R = TypeVar("R")

_set: Final = object.__setattr__


def problems(error: ValidationError) -> str:
    """Return all that is wrong, in one line, without the values' text (it may be long)."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_url=False, include_input=False)
    )


class _Signature:
    """The signature of a model, for completion and for Hypothesis.

    Pydantic makes it when it builds the model, and puts it in this one's place.
    """

    def __get__(self, instance: object, owner: type[BaseModel]) -> Any:
        owner.model_rebuild()
        return owner.__signature__


_SIGNATURE: Final[Any] = _Signature()


def _at_once_in_adapters(config: ConfigDict) -> ConfigDict:
    """Return the configuration of a model that is built late, but in a type adapter at once.

    FastAPI makes type adapters where it ignores a warning of pydantic, and uses them elsewhere.
    """
    return {**config, "defer_build": False}


class _Described:
    """Its JSON Schema has the prose of its docstring."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        made = handler(schema)
        described(cls, handler.resolve_ref_schema(made))
        return made


class Command(_Described, BaseModel):
    """What somebody asks for.

    Raises:
        InvalidCommandError: an argument is missing, unknown, or not as the chart declares it.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    def __init__(self, /, **arguments: Any) -> None:
        try:
            self.__pydantic_validator__.validate_python(arguments, strict=True, self_instance=self)
        except ValidationError as error:
            name = command_name(type(self))
            raise InvalidCommandError(f"{name}: {problems(error)}") from None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.__signature__ = _SIGNATURE
        cls.model_config = _at_once_in_adapters(cls.model_config)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _bypass_constructor(handler.resolve_ref_schema(schema))
        return schema


def _bypass_constructor(schema: Any) -> None:
    """Let pydantic validate a model's fields itself: the constructor's errors are its own."""
    if schema["type"] == "model":
        schema["custom_init"] = False


def command_name(kind: type[Command]) -> str:
    """Return the name of a command in its chart."""
    return kind.__name__.removeprefix("Cmd")


class EventCodec(Protocol):
    """Events to bytes and back; ``runtime.wire`` has the one that packages use."""

    def encode(self, event: Event) -> bytes: ...
    def decode(self, data: bytes) -> Event: ...


class EventForms(Protocol):
    """Events to JSON and back; ``runtime.json_forms`` has those that packages use."""

    def schema(
        self, kind: type[Event], flat: Any, generate: Callable[[Any], CoreSchema]
    ) -> CoreSchema: ...
    def describe(self, kind: type[Event], schema: dict[str, Any]) -> None: ...
    def form(self, event: Event) -> dict[str, Any]: ...


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
    forms: ClassVar[EventForms]

    id: Ulid = EPOCH
    parent: Ulid = EPOCH

    def __init__(self, /, **fields: Any) -> None:
        try:
            self.__pydantic_validator__.validate_python(fields, strict=True, self_instance=self)
        except ValidationError as error:
            name = type(self).__name__
            raise MalformedEventError(f"{name}: {problems(error)}") from None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.__signature__ = _SIGNATURE
        if Event not in cls.__bases__:  # but a chart's base, from which this is inherited
            cls.model_config = _at_once_in_adapters(cls.model_config)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        schema = handler(source)
        model = handler.resolve_ref_schema(schema)
        _bypass_constructor(model)
        if model["type"] != "model" or not hasattr(cls, "forms"):  # made before, or of no chart
            return schema
        return cls.forms.schema(cls, model, handler.generate_schema)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        made = handler(schema)
        if hasattr(cls, "forms"):
            cls.forms.describe(cls, handler.resolve_ref_schema(made))
        return made

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
    "int32": lambda value: type(value) is int and LEAST <= value <= MOST,
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
    """The code of a state.  As text it is the state's name in the chart, as in ``f"{code}"``.

    It is a number in JSON, and in Python where pydantic reads what was JSON.
    """

    names: ClassVar[Mapping[IntEnum, str]]

    def __str__(self) -> str:
        return self.names[self]

    def __format__(self, spec: str) -> str:
        return int.__format__(self, spec) if spec else str(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.no_info_after_validator_function(
            cls, core_schema.literal_schema([each.value for each in cls])
        )
        return core_schema.json_or_python_schema(
            number,
            core_schema.union_schema(
                [core_schema.is_instance_schema(cls), number], mode="left_to_right"
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(int, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        codes = [
            {"const": each.value, "title": str(each), "description": each.__doc__} for each in cls
        ]
        return {"type": "integer", "description": summary_of(cls), "oneOf": codes}


class Record(_Described):
    """Base of states and of what they carry: frozen dataclasses, as strict as the models.

    Pydantic reads them whole: a field that is missing has no default there.
    """

    __slots__ = ()

    __pydantic_config__: ClassVar = ConfigDict(strict=True, extra="forbid")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        resolved: Any = handler.resolve_ref_schema(schema)
        resolved["strict"] = False  # so that a mapping of the fields is read in Python, too
        for field in resolved["schema"]["fields"]:
            field["schema"] = without_default(field["schema"])
        return schema


class State(Record):
    """What a history amounts to: its id, its vid, its state code, and what events carried."""

    __slots__ = ()

    id: Uuid
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

    id: Uuid
    vid: Ulid = EPOCH
    entries: PersistentMap[K, E] = dataclasses.field(default_factory=pmap)
    events_since_snapshot: int = 0
    rewritten: PersistentMap[K, E] | None = None

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
