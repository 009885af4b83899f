"""Where an answer differs from the one expected, in words.

The answers are compared as readers see them, with names in place of ids.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any
InBytes: TypeAlias = Callable[[Mapping[str, Json], Mapping[str, Json]], str]
"""Tells how the bytes of an event differ from those expected, given both events."""
WIRE: Final = "wire"
"""The key of an event's bytes."""
_LONG: Final = 60
"""So many characters of a text are quoted."""


def of_replies(
    expect: Mapping[str, Json] | None,
    got: Mapping[str, Json] | None,
    in_bytes: InBytes | None = None,
) -> str:
    """Return where a reply first differs from the one expected; empty if it does not.

    Either is None if there was no reply, or if none was expected.

    Args:
        in_bytes: tells how bytes differ; without it, they are compared as texts.
    """
    if not got:
        return "there is no answer" if expect else ""
    if not expect:
        return f"the answer is {_kind(got)}, should be none: the adapter was to be killed"
    if not set(expect) & set(got):
        return f"the answer is {_kind(got)}, should be {_kind(expect)}"
    return difference(expect, got, in_bytes=in_bytes)


def difference(expect: Json, got: Json, where: str = "", in_bytes: InBytes | None = None) -> str:
    """Return where a value first differs from the one expected; empty if it does not.

    Of an error, only the expected keys count; an event's bytes, only where they are expected.
    """
    if isinstance(expect, dict) and isinstance(got, dict):
        for key, value in expect.items():
            inside = f"{where}.{key}".lstrip(".")
            if key not in got:
                return f"{inside} is missing"
            if key == WIRE and in_bytes and (found := in_bytes(expect, got)):
                return f"{inside} {found}"
            if found := difference(value, got[key], inside, in_bytes):
                return found
        ignored = set(got) if where == "error" else {WIRE}
        more = [key for key in got if key not in expect and key not in ignored]
        return f"{where} has {', '.join(more)}, too" if more else ""
    if isinstance(expect, list) and isinstance(got, list):
        for number, (one, other) in enumerate(zip(expect, got, strict=False)):
            if found := difference(one, other, f"{where}[{number}]", in_bytes):
                return found
        if len(expect) == len(got):
            return ""
        parts = f"{len(got):,} part{'' if len(got) == 1 else 's'}"
        return f"{where} has {parts}, should have {len(expect)}"
    if type(expect) is type(got) and expect == got:
        return ""
    if isinstance(expect, str) and isinstance(got, str):
        return _in_texts(expect, got, where)
    return f"{where} is {_shown(got)}, should be {_shown(expect)}"


def _in_texts(expect: str, got: str, where: str) -> str:
    """How two texts differ; of long ones only what follows from where they do."""
    pairs = enumerate(zip(expect, got, strict=False))
    alike = next((at for at, (one, other) in pairs if one != other), min(len(expect), len(got)))
    marks = _code_points(expect[alike:], got[alike:])
    if max(len(expect), len(got)) <= _LONG or not alike:
        return f"{where} is {_shown(got)}, should be {_shown(expect)}{marks}"
    at = f"{where} from character {alike + 1:,} on"
    return f"{at} is {_shown(got[alike:])}, should be {_shown(expect[alike:])}{marks}"


def _code_points(expect: str, got: str) -> str:
    """The first characters, which differ, by their numbers; empty if both are seen as they are."""
    if all(text[:1].isascii() for text in (expect, got)):
        return ""
    given, right = (f"U+{ord(text[0]):04X}" if text else "the end" for text in (got, expect))
    return f": {given} in place of {right}"


def _kind(reply: Mapping[str, Json]) -> str:
    match reply:
        case {"error": {"code": code}}:
            return f"the error {_shown(code)}"
        case _:
            return next(iter(reply), "empty")


def _shown(value: Json) -> str:
    if isinstance(value, str) and len(value) > _LONG:
        value = f"{value[: _LONG // 2]}… ({len(value):,} characters)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 2 * _LONG else f"{text[:_LONG]}…"
