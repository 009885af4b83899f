"""How names, numbers and texts in a chart are spelt, and what to write where one is not.

pydantic's own messages speak of classes and patterns.  The types here replace them by words for
people, which ``chart.shape`` puts into its reports.
"""

from __future__ import annotations

import keyword
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    StrictBool,
    StrictInt,
    StrictStr,
)
from pydantic_core import CoreSchema, core_schema


class Wanted:
    """Annotates a type with constraints, and with what to write instead of a value without them.

    The constraints are more keys for pydantic's schema of the type, like ``pattern``.  pydantic
    then reports one error of the type ``wanted`` with these words, whatever is wrong with the
    value.  An ellipsis in the words stands for the value as it was written.
    """

    def __init__(self, words: str, **constraints: Any) -> None:
        self._words = words
        self._constraints = constraints

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema: Any = {**handler(source), **self._constraints}
        return core_schema.custom_error_schema(
            schema, custom_error_type="wanted", custom_error_message=self._words
        )


def _whole(low: int, high: int | None = None) -> Wanted:
    if high is None:
        return Wanted(f"a whole number from {low}", strict=True, ge=low)
    return Wanted(f"a whole number from {low} to {high}", strict=True, ge=low, le=high)


def _no_reserved(number: int) -> int:
    if 19_000 <= number < 20_000:
        what = f"the number {number} is reserved by protobuf"
        raise ValueError(f"{what}: write another number, not from 19000 to 19999")
    return number


def _no_keyword(name: str) -> str:
    if keyword.iskeyword(name):
        raise ValueError(f"{name!r} is a word of Python: write another name")
    return name


PascalName: TypeAlias = Annotated[
    str,
    Wanted("a name of capitalized words, like DoorOpened", pattern=r"^[A-Z][A-Za-z0-9]*$"),
    AfterValidator(_no_keyword),
]
SnakeName: TypeAlias = Annotated[
    str,
    Wanted(
        "a name of lower-case words, like door_number", pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
    ),
    AfterValidator(_no_keyword),
]
UpperName: TypeAlias = Annotated[
    str, Wanted("a name in capitals, like EV_OPENED", pattern=r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$")
]
ErrorName: TypeAlias = Annotated[
    str,
    Wanted(
        "a name of capitalized words that ends in Error, like DoorStuckError",
        pattern=r"^[A-Z][A-Za-z0-9]*Error$",
    ),
]
UuidText: TypeAlias = Annotated[
    str,
    Wanted(
        "a UUID in lower case with hyphens",
        pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    ),
]
Version: TypeAlias = Annotated[
    str, Wanted('three numbers in quotes, like "1.0.0"', pattern=r"^\d+\.\d+\.\d+$")
]
WirePackage: TypeAlias = Annotated[
    str,
    Wanted(
        "a protobuf package, like doors or acme.doors",
        pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$",
    ),
]
FieldNumber: TypeAlias = Annotated[int, _whole(1, 536_870_911), AfterValidator(_no_reserved)]
EnumNumber: TypeAlias = Annotated[int, _whole(1, 2_147_483_647)]
StateNumber: TypeAlias = Annotated[int, _whole(0, 2_147_483_647)]
Positive: TypeAlias = Annotated[int, _whole(1)]
Count: TypeAlias = Annotated[int, _whole(0)]
Scalar: TypeAlias = Annotated[
    StrictBool | StrictInt | StrictStr, Wanted("a whole number, a text, true or false")
]
Prose: TypeAlias = Annotated[
    str, Field(description="Prose for people: Markdown, whole sentences.", default="")
]


def by_shape(words: str, *keys: str) -> Discriminator:
    """Choose the branch of a union by the shape of a value.

    Text belongs to the branch ``[name]``.  A mapping belongs to ``[mapping]``; or, if keys are
    given, to the branch ``[KEY]`` of the first of them that it has.  The words say what to write
    instead of a value that belongs to no branch.
    """

    def branch(value: Any) -> str | None:
        if isinstance(value, BaseModel):
            value = dict(value)  # It was read before.
        if isinstance(value, dict):
            return next((f"[{key}]" for key in keys if key in value), None if keys else "[mapping]")
        return "[name]" if isinstance(value, str) else None

    return Discriminator(branch, custom_error_type="wanted", custom_error_message=words)
