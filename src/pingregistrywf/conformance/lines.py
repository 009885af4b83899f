"""JSON, one object a line: read strictly, written compactly, both quickly.

orjson does nearly all of it.  What it refuses and JSON has after all (unpaired surrogates in
escapes, numbers beyond 64 bits) the standard library does.
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
    """The JSON object of a line; None if it is none."""
    try:
        value = orjson.loads(line)
    except ValueError:
        try:
            value = _DECODER.decode(line.decode())
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def written_line(value: dict[str, Json]) -> bytes:
    """A JSON object as a line, its end included."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # As escapes, so that an unpaired surrogate reaches the other side.
        return _ENCODER.encode(value).encode() + b"\n"
