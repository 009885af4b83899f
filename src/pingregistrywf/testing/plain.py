"""Values as the oracle knows them: JSON, in which an id that is zero is null."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pingregistrywf.chart.types import Type
from pingregistrywf.runtime.ids import EPOCH, NIL, Ulid

_IDS: Final[Mapping[Type, tuple[Any, Callable[[str], Any]]]] = {
    Type.UUID: (NIL, UUID),
    Type.ULID: (EPOCH, Ulid.parse),
}
"""The zero of each type of ids, and what reads the text of one."""


def plain(value: Any) -> Any:
    """Return a value, a record or a list of a generated package as JSON."""
    if isinstance(value, UUID | Ulid):
        return None if value in (NIL, EPOCH) else str(value)
    if dataclasses.is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    return value


def typed(kind: Type, value: Any) -> Any:
    """Return the value of a type for its JSON."""
    if kind not in _IDS:
        return value
    zero, parse = _IDS[kind]
    return zero if value is None else parse(value)
