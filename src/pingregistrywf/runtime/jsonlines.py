"""JSON, one object a line: read strictly, written compactly, both quickly.

orjson does nearly all of the work.  The standard library does what orjson refuses although it is
JSON: unpaired surrogates in escapes, and numbers beyond 64 bits.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

import orjson

Json: TypeAlias = Any

DIGITS: Final = 100
"""Integers of more digits are read as floats: Python refuses thousands, and no value has them."""


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < DIGITS else float(digits)


def _no_json(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_constant=_no_json)
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def read_line(line: bytes) -> dict[str, Json] | None:
    """Return the JSON object of a line; None if the line is none."""
    try:
        value = orjson.loads(line)
    except ValueError:
        try:
            value = _DECODER.decode(line.decode())
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def written_line(value: dict[str, Json]) -> bytes:
    """Return a JSON object as a line, its end included."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # As escapes, so that an unpaired surrogate reaches the other side.
        return _ENCODER.encode(value).encode() + b"\n"
