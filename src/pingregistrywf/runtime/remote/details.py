"""Errors as names with text fields, as the details of a call that failed carry them, and back.

An error's name is that of its class: ``VERSION_CONFLICT`` for a ``VersionConflictError``.  An error
inside another one is a field with its name, and its own fields follow with that field's name and a
dot before theirs: ``last.stored``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pingregistrywf.runtime import errors
from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.ids import Ulid

DOMAIN: Final = "pingregistrywf"
"""The domain of the errors' names."""
DETAILS: Final = "grpc-status-details-bin"
"""The key of the details in a call's trailing metadata."""

_BETWEEN_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_READERS: Final[Mapping[Any, Any]] = {
    str: str,
    int: int,
    bool: "true".__eq__,
    UUID: UUID,
    Ulid: Ulid.parse,
}
"""How the text of a field is read, by the field's type."""


class RemoteCauseError(Exception):
    """What went wrong inside a service, in its words."""


def reason(name: str) -> str:
    """Return the name of an error or refusal as details have it."""
    return _BETWEEN_WORDS.sub("_", name.removesuffix("Error")).upper()


def fields(error: Exception) -> dict[str, str]:
    """Return the fields of an error as text, without those that are no plain values."""
    texts: dict[str, str] = {}
    for name, value in vars(error).items():
        if isinstance(value, bool):
            texts[name] = str(value).lower()
        elif isinstance(value, str | int | UUID | Ulid):
            texts[name] = str(value)
        elif isinstance(value, WorkflowError):
            inside = {"message": str(value), **fields(value)}
            texts[name] = reason(type(value).__name__)
            texts |= {f"{name}.{each}": text for each, text in inside.items()}
        elif isinstance(value, Exception):
            texts[name] = str(value)
    return texts


def rebuilt(
    name: str, texts: Mapping[str, str], declared: Iterable[type[Exception]] = ()
) -> WorkflowError | None:
    """Return the error of a name with such fields; None if this version knows none of that name.

    Args:
        name: the name.
        texts: its fields as text, with its ``message``.
        declared: the errors of charts, which may be meant as well.
    """
    kind = {**_KINDS, **{reason(each.__name__): each for each in declared}}.get(name)
    if kind is None:
        return None
    for each in kind.__mro__:
        error = _made(each, texts, declared)
        if error is not None:
            message = texts.get("message", "")
            if str(error) != message:
                error.args = (message,)
            return error
    return None


def _made(
    kind: Any, texts: Mapping[str, str], declared: Iterable[type[Exception]]
) -> WorkflowError | None:
    """Return an error of a class, if the fields are those that it takes."""
    if not issubclass(kind, WorkflowError):
        return None
    hints = get_type_hints(kind.__init__, vars(errors) | globals())
    arguments: dict[str, Any] = {}
    try:
        for parameter in [*inspect.signature(kind).parameters.values()]:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if parameter.name in texts:
                value = _value(hints[parameter.name], parameter.name, texts, declared)
                arguments[parameter.name] = value
            elif parameter.default is parameter.empty:
                return None
        error: WorkflowError = kind(**arguments)
    except (KeyError, TypeError, ValueError):
        return None
    return error


def _value(
    hint: Any, name: str, texts: Mapping[str, str], declared: Iterable[type[Exception]]
) -> Any:
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kind = next(each for each in kinds if each is not type(None))
    if issubclass(kind, Exception):
        prefix = f"{name}."
        inside = {
            key.removeprefix(prefix): each for key, each in texts.items() if key.startswith(prefix)
        }
        known = rebuilt(texts[name], inside, declared) if inside else None
        return known or RemoteCauseError(inside.get("message", texts[name]))
    return _READERS[kind](texts[name])


_KINDS: Final[Mapping[str, type[WorkflowError]]] = {
    reason(name): each
    for name, each in vars(errors).items()
    if isinstance(each, type) and issubclass(each, WorkflowError) and not name.startswith("_")
}
"""The errors of the run time by their names."""
