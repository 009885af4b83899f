"""Values of a chart's types: ordinary ones, numbered, extreme ones, and bad ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Argument
from pingregistrywf.chart.types import Type
from pingregistrywf.conformance.suite.levels import SuiteError

Json: TypeAlias = Any

MIB: Final = 1 << 20
INT32_MIN: Final = -(1 << 31)
INT32_MAX: Final = (1 << 31) - 1


ZERO: Final[Mapping[Type, Json]] = {
    Type.INT32: 0,
    Type.STRING: "",
    Type.BOOL: False,
    Type.ULID: "0" * 26,
}
"""The value that is zero or empty, of each type that has a valid one: a nil UUID is malformed."""


def ordinary(type_: Type, number: int, nonzero: bool = False) -> Json:
    """An ordinary value; another number gives another value, except of bool, which has but two."""
    match type_:
        case Type.INT32:
            return number
        case Type.STRING:
            return f"text {number}"
        case Type.BOOL:
            return nonzero or number % 2 == 1
        case Type.UUID:
            return f"a0000000-0000-4000-8000-{number:012x}"
        case Type.ULID:
            return f"01E{number:023d}"


EXTREME: Final[Mapping[Type, Mapping[str, Json]]] = {
    Type.INT32: {
        "zero": 0,
        "one": 1,
        "minus one": -1,
        "the least": INT32_MIN,
        "the greatest": INT32_MAX,
        "seven bits": 127,
        "eight bits": 128,
    },
    Type.STRING: {
        "empty": "",
        "one mebibyte": {"repeat": ["ab", MIB // 2]},
        "one mebibyte of a script of three bytes a letter": {"repeat": ["語", MIB // 3]},
        "several scripts": "Zażółć, Ελληνικά, русский, עברית, العربية, हिन्दी, ไทย, 日本語",
        "beyond sixteen bits": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🙂👩‍👩‍👧‍👦",
        "control characters": "".join(map(chr, range(32))) + "\x7f\x80\x9f",
        "composed": "é Å ﬁ",
        "decomposed": "e\u0301 A\u030a fi",
        "line separators": "a\nb\r\nc\rd\u2028e\u2029f\u0085g",
        "quotes": '"double" \'single\' \\back\\slash\\ /slash/ \\u0041 {"json": [null]} %s $x',
        "white space around": " \t text \u00a0\u3000 ",
        "marks of order and width": "\ufeff\u200b\u200f\u202e\ufffd\ufffe",
    },
    Type.BOOL: {"false": False, "true": True},
    Type.UUID: {
        "all bits": "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "the first": "00000000-0000-0000-0000-000000000001",
        "of version 1": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "with zero bytes": "00010002-0000-4000-8000-000000000000",
    },
    Type.ULID: {
        "the first": f"{1:026d}",
        "the second": f"{2:026d}",
        "the last": "7" + "Z" * 25,
        "an ordinary one": "01ARYZ6S2CDCQ8YBGT5CY4TQKF",
    },
}


def bad(argument: Argument) -> Iterator[tuple[str, Json]]:
    """Values that are refused before anything is looked at, each with what is wrong with it."""
    yield "null", None
    yield "a list", []
    yield "an object", {}
    match argument.type:
        case Type.INT32:
            yield "a text", "1"
            yield "true", True
            yield "1.0", 1.0
            yield "1.5", 1.5
            yield "too great by one", INT32_MAX + 1
            yield "too small by one", INT32_MIN - 1
            yield "of 65 bits", 1 << 64
        case Type.STRING:
            yield "a number", 7
            yield "true", True
            yield "an unpaired high surrogate", "a\ud800b"
            yield "an unpaired low surrogate", "\udc00"
            yield "surrogates in the wrong order", "\udc00\ud800"
        case Type.BOOL:
            yield "a text", "true"
            yield "a number", 1
        case Type.UUID:
            yield "a number", 7
            yield "empty", ""
            yield "nil", "00000000-0000-0000-0000-000000000000"
            yield "in upper case", "A0000000-0000-4000-8000-00000000000A"
            yield "without hyphens", "a0000000000040008000000000000001"
            yield "in braces", "{a0000000-0000-4000-8000-000000000001}"
            yield "with urn:uuid:", "urn:uuid:a0000000-0000-4000-8000-000000000001"
            yield "too short", "a0000000-0000-4000-8000-00000000001"
            yield "no hexadecimal", "g0000000-0000-4000-8000-000000000001"
            yield "with a line's end", "a0000000-0000-4000-8000-000000000001\n"
        case Type.ULID:
            yield "a number", 7
            yield "empty", ""
            yield from BAD_ULIDS.items()
    if argument.nonzero and argument.type in ZERO:
        yield "zero", ZERO[argument.type]


BAD_ULIDS: Final[Mapping[str, str]] = {
    "in lower case": "01aryz6s2cdcq8ybgt5cy4tqkf",
    "too short": "01ARYZ6S2CDCQ8YBGT5CY4TQK",
    "too long": "01ARYZ6S2CDCQ8YBGT5CY4TQKFF",
    "above 128 bits": "8" + "0" * 25,
    "with a letter that Crockford left out": "01ARYZ6S2CDCQ8YBGT5CY4TQKU",
    "as a UUID": "a0000000-0000-4000-8000-000000000001",
}
"""Malformed vids and ULIDs, by what is wrong with them."""


# --- Names that a run makes up -------------------------------------------------------------------

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
SHAPES: Final = tuple(
    (template, alphabet, length)
    for template in ("*", "a*", "A*", "*.*", "*/*", "*-*", "*_*", "*:*", "*@*.*")
    for alphabet in (LETTERS, LETTERS.upper(), "0123456789", "0123456789abcdef")
    for length in (16, 12, 8)
)
"""What a name looks like; the letters in place of each asterisk, and how many they are."""


def name_shape(pattern: str) -> Json:
    """How to make a name up that a pattern matches.

    Returns:
        ``name``: ``name-`` and 32 hexadecimal digits.
        Or ``{"name": [template, alphabet, length]}``:
        the template with each asterisk replaced by the same letters, drawn at random.

    Raises:
        SuiteError: the suite can make up nothing that matches.
    """
    if re.fullmatch(pattern, "name-0123456789abcdef"):
        return "name"
    for template, alphabet, length in SHAPES:
        samples = (template.replace("*", letter * length) for letter in alphabet)
        if all(re.fullmatch(pattern, sample) for sample in samples):
            return {"name": [template, alphabet, length]}
    raise SuiteError(
        f"the suite cannot make up a name that matches {pattern}: allow names of letters alone, "
        "or write trials: [] to leave the operations out"
    )
