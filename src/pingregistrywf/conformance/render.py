"""Errors, events and states as adapter protocol 1 writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.runtime import errors
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.values import DeclaredError, Event, KeyedState, is_zero

Json: TypeAlias = dict[str, Any]

_CODES: Final[Mapping[type[Exception], str]] = {
    errors.ArgumentNotIdempotentError: "ArgumentNotIdempotent",
    errors.CorruptedDataError: "CorruptedData",
    errors.EventTypeError: "EventType",
    errors.HistoryDeletedError: "HistoryDeleted",
    errors.InvalidCommandError: "InvalidCommand",
    errors.MalformedEventError: "Malformed",
    errors.RetryNoVCError: "RetryExhausted",
    errors.StateConflictError: "StateConflict",
    errors.UninitializedError: "Uninitialized",
    errors.VersionConflictError: "VersionConflict",
}


def error_reply(error: errors.WorkflowError) -> Json:
    """An error: the code of what a wrapper holds, whether it is definite, and its facts."""
    inner = error.err if isinstance(error, errors.JournalError) else error
    reply: Json = {"code": _code(inner), "definite": error.definite, "message": str(inner)}
    match inner:
        case errors.VersionConflictError(stored=stored, expected=expected):
            reply |= {"stored": str(stored), "expected": str(expected)}
        case errors.ArgumentNotIdempotentError(arg=arg):
            reply["arg"] = arg
    return reply


def event_reply(declaration: Declaration, event: Event) -> Json:
    """An event: its name, id, parent, fields and bytes; an id that its bytes lack is left out."""
    known = declaration.by_event.get(type(event))
    if known is not None:
        told = {
            name: _plain(getattr(event, name))
            for name, field in known.fields.items()
            if field.type not in ("uuid", "ulid") or name in event.model_fields_set
        }
    else:
        told = _snapshot_fields(declaration, event)
    return {
        "event": type(event).__name__,
        "id": str(event.id),
        "parent": str(event.parent),
        "fields": told,
        "wire": event.marshal_proto().hex(),
    }


def state_reply(declaration: Declaration, state: Any) -> Json:
    """A state: its name, vid and carried values; of a keyed chart, the keys by state, sorted."""
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
    return {
        "state": declaration.state_names[state.state_code],
        "vid": str(state.vid),
        **carried,
    }


def _code(error: Exception) -> str:
    if isinstance(error, DeclaredError):
        return type(error).__name__.removesuffix("Error")
    return _CODES.get(type(error), "Internal")


def _snapshot_fields(declaration: Declaration, event: Event) -> Json:
    keyed = declaration.keyed
    if not (keyed and keyed.snapshot and isinstance(event, keyed.snapshot.state)):
        return {}
    snapshot = keyed.snapshot
    entries = [
        {name: getattr(entry, declaration.attribute(name)) for name in snapshot.values}
        for entry in getattr(event, snapshot.entries)
    ]
    return {
        snapshot.entries: [
            {
                name: _plain(value)
                for name, value in entry.items()
                if name == keyed.key or not is_zero(value)
            }
            for entry in entries
        ]
    }


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
