"""Read the values of a file as a chart or operations, and report every mistake of shape.

The vocabulary's models are the grammar.  pydantic lists all that does not fit them, and this module
says each in the file's own terms, with what to write instead.  A mistake of shape is one that a
part of a file has by itself: an unknown or missing key, a wrong type, a name that is spelt wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

from pydantic import Tag, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pingregistrywf.chart.mistakes import Path, closest, spoken
from pingregistrywf.chart.parts import Word
from pingregistrywf.chart.yaml_source import UNREADABLE, YamlSource

W = TypeVar("W", bound=Word)

_NEAR: Final = 0.76
"""How near an unknown key must be to a missing one to be read as that."""


def read(word: type[W], source: YamlSource) -> W | None:
    """Read a file as a part of the vocabulary; None if its YAML or its shape has mistakes."""
    value = None
    try:
        value = word.model_validate(source.data)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            if each["input"] is not UNREADABLE:
                _report(word, source, each)
    return None if source.report.mistakes else value


def is_word(kind: Any) -> bool:
    """Whether a type is a part of the vocabulary."""
    return isinstance(kind, type) and issubclass(kind, Word)


def keys(word: type[Word]) -> dict[str, FieldInfo]:
    """The keys of a part of the vocabulary, as they are written."""
    return {field.alias or name: field for name, field in word.model_fields.items()}


def _report(word: type[Word], source: YamlSource, error: ErrorDetails) -> None:
    """Report one of pydantic's errors."""
    value = error["input"]
    at, owner, kind = _place(word, error)
    here, around = spoken(at), spoken(at[:-1])
    key = str(at[-1]) if at else ""
    what = f"{here} is {_shown(value, source.texts.get(at))}"
    match error["type"]:
        case "missing":
            if key in _misspelt(owner, value).values():
                return  # The key that stands in its place is reported.
            what = f"{around} lacks the key {key}"
            remedy = f"add {key}: {_clause(keys(owner)[key].description)}"
        case "extra_forbidden":
            what = f"{around} has an unknown key {key}"
            meant = _misspelt(owner, _value(source.data, at[:-1]))[key]
            listed = f"the keys are {', '.join(keys(owner))}"
            remedy = f"did you mean {meant}? T{listed[1:]}" if meant else listed
        case _ if value is None:
            what = f"{here} is empty"
            optional = is_word(owner) and not keys(owner)[key].is_required()
            remedy = "write a value, or remove the key" if optional else "write a value"
        case "too_short" | "string_too_short":
            what, remedy = f"{here} is empty", "write at least one"
        case "value_error":
            problem, _, remedy = str(error["ctx"]["error"]).partition(": ")
            what = f"{here}: {problem}"
        case "enum" | "literal_error":
            remedy = _one_of(re.findall(r"'(\w+)'", error["ctx"]["expected"]), value)
        case "model_type":
            remedy = f"write a mapping with the keys {', '.join(keys(kind))}"
        case "list_type":
            remedy = f"write a list: [{value if isinstance(value, str) else '…'}]"
        case "bool_type":
            remedy = "write true or false"
        case "dict_type":
            remedy = "write a mapping, {NAME: …}"
        case "string_type":
            remedy = "write text, in quotes if YAML reads it otherwise"
        case _:
            if error["loc"][-1] == "[key]":
                what = f"{here} has no proper name"
            written = "…" if isinstance(value, (str, dict, list)) else str(value).lower()
            remedy = f"write {error['msg'].replace('…', written)}"
    in_key = error["type"] in ("missing", "extra_forbidden") or "[key]" in error["loc"][-1:]
    source.report.say(at, what, remedy, value=not in_key)


def _place(word: type[Word], error: ErrorDetails) -> tuple[Path, Any, Any]:
    """Where an error is, the type of what is around that place, and the type that is wanted there.

    pydantic's locations also name, in brackets, branches of unions and that a key is meant.  No
    key of a file begins with a bracket.
    """
    at: Path = ()
    owner: Any = None
    kind: Any = word
    for step in error["loc"]:
        if isinstance(step, str) and step.startswith("["):
            kind = _branches(kind).get(step, kind)
        else:
            owner, kind = kind, _inside(kind, step)
            at = (*at, step + 1 if isinstance(step, int) else step)
    return at, owner, kind


def _bare(kind: Any) -> Any:
    """A type without what annotates it, and without None."""
    while get_origin(kind) is Annotated or type(None) in get_args(kind):
        kind = next(each for each in get_args(kind) if each is not type(None))
    return kind


def _branches(kind: Any) -> dict[Any, Any]:
    """The branches of a union, by what pydantic calls them."""
    return {
        tag.tag: _bare(branch)
        for branch in get_args(kind)
        for tag in getattr(branch, "__metadata__", ())
        if isinstance(tag, Tag)
    }


def _inside(kind: Any, step: str | int) -> Any:
    """The type of what stands under a key or in a list; None under an unknown key."""
    if is_word(kind):
        field = keys(kind).get(str(step))
        return _bare(field.annotation) if field else None
    return _bare(get_args(kind)[-1])


def _value(data: Any, at: Path) -> Any:
    """What stands at a place."""
    for step in at:
        data = data[step - 1 if isinstance(step, int) else step]
    return data


def _misspelt(word: type[Word], value: Mapping[str, Any]) -> dict[str, str | None]:
    """The unknown keys of a mapping, each with the key that was probably meant."""
    absent = [key for key in keys(word) if key not in value]
    return {key: closest(key, absent, _NEAR) for key in value if key not in keys(word)}


def _one_of(choices: list[str], value: object) -> str:
    near = closest(value, choices) if isinstance(value, str) else None
    listed = ", ".join(choices)
    return f"did you mean {near}? Allowed are {listed}" if near else f"write one of {listed}"


def _shown(value: object, text: str | None) -> str:
    """A value, for people."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f'"{value[:60]}{"…" if len(value) > 60 else ""}"'
    read = "a truth value" if isinstance(value, bool) else "a number"
    return f"{(text or str(value))[:60]}, which YAML reads as {read}"


def _clause(description: str | None) -> str:
    """The first sentence of a description, as the end of another."""
    text = " ".join((description or "").split()).split(". ")[0].rstrip(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
