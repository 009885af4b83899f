"""The types of values in a chart: of arguments, event fields and carried values."""

from __future__ import annotations

from enum import StrEnum


class Type(StrEnum):
    """The type of an argument, a field or a carried value."""

    INT32 = "int32"
    STRING = "string"
    UUID = "uuid"
    ULID = "ulid"
    BOOL = "bool"

    @property
    def is_id(self) -> bool:
        """True for the types that are 16 bytes on the wire."""
        return self in (Type.UUID, Type.ULID)
