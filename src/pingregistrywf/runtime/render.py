"""Events and states as JSON, in the form of adapter protocol 1; texts of others as plain text."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.field_types import is_zero
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.json_forms import forms_of
from pingregistrywf.runtime.values import Event, KeyedState

Json: TypeAlias = dict[str, Any]
_NOT_ASCII_TEXT: Final = re.compile("[^ -~]")


def event_json(declaration: Declaration, event: Event) -> Json:
    """Return an event as JSON, as ``model_dump(mode="json")`` does."""
    form: Json = _texts(forms_of(declaration).form(event))
    return form


def _texts(value: Any) -> Any:
    """Return what has texts in the places of ids."""
    if isinstance(value, dict):
        return {name: _texts(each) for name, each in value.items()}
    return [_texts(each) for each in value] if isinstance(value, list) else _plain(value)


def state_json(declaration: Declaration, state: Any) -> Json:
    """Return a state as JSON: its name, vid and carried values.

    The state of a keyed chart is its vid, and the sorted keys of the entries in each state.
    """
    if isinstance(state, KeyedState):
        listed = {
            name.lower(): [str(key) for key in state.in_state(code)]
            for code, name in declaration.state_names.items()
            if code != declaration.initial
        }
        return {"vid": str(state.vid), **listed}
    carried = {
        name: _carried(getattr(state, attribute)) for name, attribute in declaration.carried.items()
    }
    code = state.state_code
    return {"state": declaration.state_names[code], "vid": str(state.vid), **carried}


def _carried(value: Any) -> Any:
    if isinstance(value, UUID | Ulid):
        return None if is_zero(value) else str(value)
    if is_dataclass(value):
        return _record(value) if getattr(value, "event_id", None) else None
    return _plain(value) if isinstance(value, str | int) else [_record(each) for each in value]


def _record(record: Any) -> Json:
    return {each.name: _plain(getattr(record, each.name)) for each in fields(record)}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID | Ulid) else value


def printable(text: str, *, keep: str = "") -> str:
    """Return a text with all that is not printable escaped, but for the characters to keep.

    What is left commands no terminal and does not turn the direction of writing.
    """

    def escaped(found: re.Match[str]) -> str:
        letter = found.group()
        kept = letter.isprintable() or letter in keep
        return letter if kept else letter.encode("unicode_escape").decode()

    return _NOT_ASCII_TEXT.sub(escaped, text)
