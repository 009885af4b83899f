"""Reads plain values by the vocabulary's models, and says what is wrong in the file's own terms.

The models are the grammar: keys, types, patterns and bounds are taken from them, so that nothing is
written twice.  pydantic itself stops at the first mistake of a part and speaks of classes and
unions; this reading goes on, with a placeholder where something cannot be used, so that it always
ends with a model that the checks can work on.  It accepts exactly what the models accept, except
that it refuses an empty value (``emit:`` and nothing after it), which is never meant.
"""

from __future__ import annotations

import itertools
import re
import types
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from pydantic import AfterValidator, BeforeValidator
from pydantic.fields import FieldInfo

from pingregistrywf.chart.mistakes import Path, Report, closest, spoken
from pingregistrywf.chart.vocabulary import ERROR, PASCAL, SNAKE, UPPER, Chart, Wire, Word
from pingregistrywf.chart.yaml_source import Spoiled, YamlSource

W = TypeVar("W", bound=Word)

_VERSION = Chart.model_fields["version"].metadata[0].pattern
_PACKAGE = Wire.model_fields["package"].metadata[0].pattern
_PATTERNS: Final[Mapping[str, str]] = {
    PASCAL: "a name of capitalized words, like DoorOpened",
    SNAKE: "a name of lower-case words, like door_number",
    UPPER: "a name in capitals, like EV_DOOR_OPENED",
    ERROR: "a name of capitalized words that ends in Error, like DoorStuckError",
    _VERSION: 'three numbers in quotes, like "1.0.0"',
    _PACKAGE: "a protobuf package, like doors or acme.doors",
}
_PLACEHOLDERS: Final[Mapping[str, str]] = {
    PASCAL: "Placeholder{}",
    SNAKE: "placeholder{}",
    UPPER: "PLACEHOLDER_{}",
    ERROR: "Placeholder{}Error",
    _VERSION: "0.0.{}",
    _PACKAGE: "placeholder{}",
}
_LOST: Final = object()
_MEANT: Final = 0.76
"""How near an unknown key must be to a missing one to be read as that."""


def split(annotation: Any) -> tuple[Any, list[Any]]:
    """A type without what annotates it, and that."""
    metadata: list[Any] = []
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        for each in more:
            metadata += each.metadata if isinstance(each, FieldInfo) else [each]
    return annotation, metadata


def branches(annotation: Any) -> tuple[Any, ...]:
    """The types of a union, without None; or the one type."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return (annotation,)
    return tuple(each for each in get_args(annotation) if each is not type(None))


def is_word(annotation: Any) -> bool:
    """Whether the type is a part of the vocabulary."""
    return isinstance(annotation, type) and issubclass(annotation, Word)


def keys(word: type[Word]) -> dict[str, FieldInfo]:
    """The keys of a part of the vocabulary, as they are written."""
    return {field.alias or name: field for name, field in word.model_fields.items()}


class Grammar:
    """Reads one source.

    Args:
        source: the source.
        report: where its mistakes go.
    """

    def __init__(self, source: YamlSource, report: Report) -> None:
        self._source = source
        self._report = report
        self._fresh = itertools.count(500_000_000)

    def read(self, word: type[W]) -> W:
        """The source as a part of the vocabulary, with placeholders in its holes."""
        return word.model_validate(self._word(word, self._source.data, ()))

    # --- By shape: each gives a value that the model accepts, or _LOST ----------------------------

    def _value(self, annotation: Any, metadata: list[Any], value: Any, at: Path) -> Any:
        if isinstance(value, Spoiled):
            self._report.holes.add(at)
            return _LOST
        kind, more = split(annotation)
        metadata = [*metadata, *more]
        if value is None and type(None) in get_args(kind):
            return None
        choices = branches(kind)
        if len(choices) > 1:
            return self._union(choices, metadata, value, at)
        if choices != (kind,):
            return self._value(choices[0], metadata, value, at)
        for each in metadata:
            if isinstance(each, BeforeValidator):
                value = each.func(value)  # type: ignore[call-arg]  # ours take the value only
        if is_word(kind):
            return self._word(kind, value, at)
        if get_origin(kind) is dict:
            read = self._mapping(get_args(kind), metadata, value, at)
        elif get_origin(kind) is list:
            read = self._list(get_args(kind)[0], metadata, value, at)
        else:
            read = self._leaf(kind, metadata, value, at)
        return read if read is _LOST else self._validated(metadata, read, at)

    def _word(self, word: type[Word], value: Any, at: Path) -> Any:
        if isinstance(value, Spoiled):
            return self._placeholder(word, [])
        allowed = keys(word)
        if not isinstance(value, dict):
            remedy = f"write a mapping with the keys {', '.join(allowed)}"
            self._spoil_shown(value, at, remedy)
            return self._placeholder(word, [])
        found = self._known_keys(allowed, value, at)
        read = {}
        for key, field in allowed.items():
            item: Any = _LOST
            if key in found:
                item = self._entry(field, value[found[key]], (*at, key))
            elif field.is_required():
                what = f"{_place(at)} lacks the key {key}"
                self._spoil((*at, key), what, f"add {key}: {_sentence(field.description or '')}")
            if item is not _LOST:
                read[key] = item
            elif field.is_required():
                read[key] = self._placeholder(field.annotation, field.metadata)
        return read

    def _entry(self, field: FieldInfo, value: Any, at: Path) -> Any:
        if value is None:
            remedy = "write a value" if field.is_required() else "write a value, or remove the key"
            return self._spoil(at, f"{_place(at)} is empty", remedy)
        return self._value(field.annotation, field.metadata, value, at)

    def _known_keys(
        self, allowed: Mapping[str, Any], value: Mapping[str, Any], at: Path
    ) -> dict[str, str]:
        """Where each allowed key is: under its name, or under one that was meant for it."""
        found = {key: key for key in allowed if key in value}
        for key in value:
            if key in allowed:
                continue
            near = closest(key, (each for each in allowed if each not in found), _MEANT)
            listed = f"the keys are {', '.join(allowed)}"
            remedy = f"write {near}; {listed}" if near else listed
            self._report.say((*at, key), f"{_place(at)} has an unknown key {key}", remedy)
            if near:
                found[near] = key
                self._report.rename((*at, key), (*at, near))
            else:
                self._report.holes.add((*at, key))
        return found

    def _mapping(
        self, annotations: tuple[Any, ...], metadata: list[Any], value: Any, at: Path
    ) -> Any:
        keyed, valued = annotations
        if not isinstance(value, dict):
            named = any(isinstance(each, BeforeValidator) for each in metadata)
            remedy = "a name, or {NAME: {FIELD: SOURCE}}" if named else "a mapping, {NAME: …}"
            return self._spoil_shown(value, at, f"write {remedy}")
        if not value and _min_length(metadata):
            return self._spoil(at, f"{_place(at)} is empty", "write at least one")
        read = {}
        for key, item in value.items():
            place = (*at, key)
            if not self._is_name(keyed, key, place):
                self._report.holes |= {place, (*at, "*")}
            elif item is None and type(None) not in get_args(split(valued)[0]):
                self._spoil(place, f"{_place(place)} is empty", "write a value")
                read[key] = self._placeholder(valued, [])
            else:
                inner = self._value(valued, [], item, place)
                read[key] = self._placeholder(valued, []) if inner is _LOST else inner
        if not read and _min_length(metadata):
            self._report.holes.add(at)
            return _LOST
        return read

    def _is_name(self, annotation: Any, key: str, at: Path) -> bool:
        kind, metadata = split(annotation)
        if not _fits(kind, metadata, key):
            self._report.say(
                at, f"{_place(at)} has no proper name", f"write {_expected(kind, metadata)}"
            )
            return False
        return self._validated(metadata, key, at) is not _LOST

    def _list(self, annotation: Any, metadata: list[Any], value: Any, at: Path) -> Any:
        if not isinstance(value, list):
            items = value if isinstance(value, str) else "…"
            return self._spoil_shown(value, at, f"write a list: [{items}]")
        if not value and _min_length(metadata):
            return self._spoil(at, f"{_place(at)} is empty", "write at least one item")
        read = []
        for number, item in enumerate(value, start=1):
            place = (*at, number)
            if item is None:
                inner = self._spoil(place, f"{_place(place)} is empty", "write a value")
            else:
                inner = self._value(annotation, [], item, place)
            read.append(self._placeholder(annotation, []) if inner is _LOST else inner)
        return read

    def _union(self, choices: tuple[Any, ...], metadata: list[Any], value: Any, at: Path) -> Any:
        """The branch that the value's shape is meant for."""
        if type(value) in choices:
            return value
        shaped = [each for each in choices if _is_mapping(each) is isinstance(value, dict)]
        if len(shaped) > 1 and isinstance(value, dict):
            shaped = [each for each in shaped if set(value) & set(keys(each))]
        if len(shaped) == 1 and isinstance(value, (str, dict)):
            return self._value(shaped[0], metadata, value, at)
        written = "…" if isinstance(value, (str, dict, list)) else _written(value)
        expected = " or ".join(_expected(*split(each), written) for each in choices)
        return self._spoil_shown(value, at, f"write {expected}")

    def _leaf(self, kind: Any, metadata: list[Any], value: Any, at: Path) -> Any:
        if _fits(kind, metadata, value):
            return value
        choices = [_written(each) for each in _choices(kind)]
        near = closest(value, choices) if isinstance(value, str) else None
        if near and len(choices) > 1:
            return self._spoil_shown(value, at, f"write {near}; allowed are {', '.join(choices)}")
        return self._spoil_shown(value, at, f"write {_expected(kind, metadata)}")

    def _validated(self, metadata: list[Any], value: Any, at: Path) -> Any:
        for each in metadata:
            if isinstance(each, AfterValidator):
                try:
                    value = each.func(value)  # type: ignore[call-arg]  # ours take the value only
                except ValueError as error:
                    what, _, remedy = str(error).partition(": ")
                    return self._spoil(at, f"{_place(at)}: {what}", remedy)
        return value

    # --- In holes ---------------------------------------------------------------------------------

    def _placeholder(self, annotation: Any, metadata: list[Any]) -> Any:
        """A value that the model accepts and that nothing else in the file uses."""
        kind, more = split(annotation)
        metadata = [*metadata, *more]
        if branches(kind) != (kind,):
            return self._placeholder(branches(kind)[0], metadata)
        if is_word(kind):
            return {
                key: self._placeholder(field.annotation, field.metadata)
                for key, field in keys(kind).items()
                if field.is_required()
            }
        at_least_one = _min_length(metadata) > 0
        if get_origin(kind) is dict:
            key, value = get_args(kind)
            if not at_least_one:
                return {}
            return {self._placeholder(key, []): self._placeholder(value, [])}
        if get_origin(kind) is list:
            return [self._placeholder(get_args(kind)[0], [])] if at_least_one else []
        if get_origin(kind) is Literal:
            return get_args(kind)[0]
        if issubclass(kind, StrEnum):
            return next(iter(kind))
        if kind is str:
            pattern = _pattern(metadata)
            return _PLACEHOLDERS.get(pattern or "", "placeholder{}").format(next(self._fresh))
        return False if kind is bool else next(self._fresh)

    def _spoil(self, at: Path, what: str, remedy: str) -> Any:
        self._report.spoil(at, what, remedy)
        return _LOST

    def _spoil_shown(self, value: Any, at: Path, remedy: str) -> Any:
        return self._spoil(at, f"{_place(at)} is {self._shown(value, at)}", remedy)

    def _shown(self, value: Any, at: Path) -> str:
        if isinstance(value, (dict, list)):
            return f"a {'mapping' if isinstance(value, dict) else 'list'}"
        if isinstance(value, str):
            return f'"{value[:60]}{"…" if len(value) > 60 else ""}"'
        read = "a truth value" if isinstance(value, bool) else "a number"
        return f"{self._source.texts.get(at, str(value))[:60]}, which YAML reads as {read}"


# --- Leaves: a name, a number, a truth value, one of some words -----------------------------------


def _fits(kind: Any, metadata: list[Any], value: Any) -> bool:
    if choices := _choices(kind):
        return any(
            value == each and isinstance(value, bool) is isinstance(each, bool) for each in choices
        )
    if type(value) is not kind:
        return False
    pattern = _pattern(metadata)
    return (
        all(value >= each.ge for each in metadata if isinstance(each, Ge))
        and all(value <= each.le for each in metadata if isinstance(each, Le))
        and (kind is not str or len(value) >= _min_length(metadata))
        and (pattern is None or re.fullmatch(pattern, value) is not None)
    )


def _choices(kind: Any) -> list[Any]:
    """The values that a leaf may have, if it may not have any."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return list(kind) if issubclass(kind, StrEnum) else []


def _expected(kind: Any, metadata: list[Any], value: str = "…") -> str:
    """What to write, in words."""
    if is_word(kind):
        required = (key for key, field in keys(kind).items() if field.is_required())
        return "{" + ", ".join(f"{key}: {value}" for key in required) + "}"
    if get_origin(kind) is dict:
        return "a mapping"
    if choices := [_written(each) for each in _choices(kind)]:
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    if kind is bool:
        return "true or false"
    if kind is int:
        low = [f" from {each.ge}" for each in metadata if isinstance(each, Ge)]
        high = [f" to {each.le}" for each in metadata if isinstance(each, Le)]
        return "".join(["a whole number", *low, *high])
    return _PATTERNS.get(_pattern(metadata) or "", "text, in quotes if YAML reads it otherwise")


def _is_mapping(annotation: Any) -> bool:
    kind = split(annotation)[0]
    return is_word(kind) or get_origin(kind) is dict


def _pattern(metadata: list[Any]) -> str | None:
    return next((each.pattern for each in metadata if getattr(each, "pattern", None)), None)


def _min_length(metadata: list[Any]) -> int:
    return next((each.min_length for each in metadata if isinstance(each, MinLen)), 0)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(at: Path) -> str:
    return spoken(at) or "the file"


def _sentence(description: str) -> str:
    """The first sentence of a description, as the end of another."""
    text = " ".join(description.split()).split(". ")[0].rstrip(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
