"""The prose of a class for JSON Schemas: what its docstring says of it and of its attributes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any, Final

_ATTRIBUTE: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def summary_of(kind: type[Any]) -> str:
    """Return what the docstring of a class says before its sections, in one line."""
    return _one_line(_parts(kind)[0])


def attributes_of(kind: type[Any]) -> dict[str, str]:
    """Return the prose of each attribute of a class, in one line.

    It stands in the docstrings of the class and its bases, in Google's style.
    """
    return {
        name: _one_line(prose)
        for each in reversed(kind.__mro__)
        for name, prose in _ATTRIBUTE.findall(_parts(each)[1])
    }


def described(kind: type[Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Add the prose of a class and of its attributes to its JSON Schema, and return this."""
    schema["title"] = kind.__name__
    schema["description"] = summary_of(kind)
    describe(schema["properties"], attributes_of(kind))
    return schema


def describe(properties: dict[str, Any], prose: Mapping[str, str]) -> None:
    """Add the prose of properties to their JSON Schemas."""
    for name, schema in properties.items():
        schema.pop("title", None)  # pydantic's own, which says the name again
        if name in prose:
            schema["description"] = prose[name]


def _parts(kind: type[Any]) -> tuple[str, str]:
    summary, _, attributes = inspect.cleandoc(kind.__doc__ or "").partition("\n\nAttributes:\n")
    return summary, attributes.partition("\n\n")[0]


def _one_line(prose: str) -> str:
    line = " ".join(prose.split())
    return line[:1].upper() + line[1:]
