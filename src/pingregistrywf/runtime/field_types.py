"""The types of the fields of commands, events and states, as pydantic and Hypothesis see them.

Numbers, flags and texts are never converted.  An id is an instance, or its canonical text, since
JSON and those who pass JSON on have texts alone.  JSON Schemas say what the validators check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_args
from uuid import UUID

from annotated_types import Interval, Predicate
from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema
from pyrsistent import PMap, PVector, pmap, pvector
from pyrsistent.typing import PMap as PMapOf
from pyrsistent.typing import PVector as PVectorOf

from pingregistrywf.runtime.ids import EPOCH, NIL, id_schema

K = TypeVar("K")
V = TypeVar("V")

JsonSchema: TypeAlias = dict[str, Any]

LEAST: Final = -(2**31)
"""The least number of 32 bits."""
MOST: Final = 2**31 - 1
"""The greatest number of 32 bits."""


def without_default(schema: Any) -> CoreSchema:
    """Return pydantic's schema of a field that must be given."""
    given: CoreSchema = schema["schema"] if schema["type"] == "default" else schema
    return given


def is_zero(value: object) -> bool:
    """True for zero, the empty text, false, and nil ids."""
    return not (value.int if isinstance(value, UUID) else value)


# --- Numbers, texts and ids -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Format:
    """Adds a format to a JSON Schema."""

    format: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        return handler(schema) | {"format": self.format}


def _is_unicode(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("it holds an unpaired surrogate, which no UTF-8 text can") from None
    return text


Int32: TypeAlias = Annotated[int, Interval(ge=LEAST, le=MOST), _Format("int32")]
"""A signed 32-bit integer."""
Text: TypeAlias = Annotated[str, AfterValidator(_is_unicode)]
"""Text that UTF-8 can hold: no unpaired surrogates."""


class _CanonicalUuid(_Format):
    """A UUID, or its text in lower case with hyphens: no braces, no bare digits."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return id_schema(
            UUID,
            UUID,
            "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
            "a UUID, or its text in lower case with hyphens",
        )


Uuid: TypeAlias = Annotated[UUID, _CanonicalUuid("uuid")]
"""A UUID; its text in lower case with hyphens is read, and no other spelling."""

_NO_ZEROS: Final[Mapping[str, JsonSchema]] = {
    "int32": {"not": {"const": 0}},
    "uuid": {"not": {"const": str(NIL)}},
    "ulid": {"not": {"const": str(EPOCH)}},
    "string": {"minLength": 1},
    "boolean": {"const": True},
}
"""What a JSON Schema says of values that are not zero, by its format or else its type."""


def _is_nonzero(value: object) -> bool:
    return not is_zero(value)


def _nonzero(value: Any) -> Any:
    if is_zero(value):
        raise ValueError("it must not be zero, empty or nil")
    return value


class _NonZeroJson:
    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        json = handler(schema)
        return json | _NO_ZEROS[str(json.get("format", json["type"]))]


NonZero: TypeAlias = Annotated[
    V,
    AfterValidator(_nonzero),
    Predicate(_is_nonzero),  # for Hypothesis: where it is false, the validator has raised
    _NonZeroJson(),
]
"""A value of that type but zero, the empty text, false and nil ids."""


# --- Lists and maps that share what is the same ---------------------------------------------------


class _PersistentList:
    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        (item,) = map(handler.generate_schema, get_args(source))
        return _persistent(PVector, core_schema.list_schema(item, strict=True), pvector, list)


class _PersistentMap:
    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        key, value = map(handler.generate_schema, get_args(source))
        return _persistent(PMap, core_schema.dict_schema(key, value, strict=True), pmap, _sorted)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        json = handler(schema)
        # Pydantic's leaves free what a key of another pattern has.
        for pattern, value in json.pop("patternProperties", {}).items():
            json["propertyNames"] |= {"pattern": pattern}
            json["additionalProperties"] = value
        return json


def _persistent(
    kind: type[Any], plain: CoreSchema, freeze: Callable[[Any], Any], thaw: Callable[[Any], Any]
) -> CoreSchema:
    frozen = core_schema.no_info_after_validator_function(freeze, plain)
    return core_schema.json_or_python_schema(
        frozen,
        core_schema.no_info_before_validator_function(
            lambda value: thaw(value) if isinstance(value, kind) else value, frozen
        ),
        serialization=core_schema.plain_serializer_function_ser_schema(thaw, return_schema=plain),
    )


def _sorted(items: Mapping[Any, Any]) -> dict[Any, Any]:
    return dict(sorted(items.items()))


PersistentList: TypeAlias = Annotated[PVectorOf[V], _PersistentList()]
"""A persistent list: an array in JSON."""
PersistentMap: TypeAlias = Annotated[PMapOf[K, V], _PersistentMap()]
"""A persistent map: an object in JSON, its keys sorted."""
