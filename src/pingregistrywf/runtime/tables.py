"""Events and records as rows of a table: flat dictionaries of plain values, for pandas and others.

Ids become text, state codes the names of their states, and the fields of a record inside another
one get dotted names.  Numbers, texts, flags and times stay what they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.values import Code, Event


def to_dicts(values: Iterable[object]) -> list[dict[str, Any]]:
    """Return a row for each event, state, ping, index entry, or other dataclass.

    The row of an event has its name as ``event``, its ``time`` in UTC, its ``id`` and ``parent``,
    and its fields.  A list inside a value, such as the pings of a state, stays a list in its row;
    records in it become rows.

    Raises:
        TypeError: one of them is no event and no dataclass.
    """
    return [dict(_columns(each)) for each in values]


def _columns(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Event):
        yield "event", type(value).__name__
        yield "time", value.time
        named = ((name, getattr(value, name)) for name in type(value).model_fields)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    else:
        raise TypeError(f"a row is made of an event or a dataclass, not of {value!r}")
    for name, each in named:
        if dataclasses.is_dataclass(each):
            yield from ((f"{name}.{inner}", plain) for inner, plain in _columns(each))
        else:
            yield name, _plain(each)


def _plain(value: Any) -> Any:
    if isinstance(value, Code | Ulid | UUID):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [
            dict(_columns(each)) if dataclasses.is_dataclass(each) else _plain(each)
            for each in value
        ]
    return value
