"""The steps of a failed case, for readers.

Long texts are cut, and keys stand in the order of those expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from pingregistrywf.conformance.run.result import CaseResult

Json: TypeAlias = Any
OBSERVATIONS: Final = ("find", "events")
AROUND: Final = 5
"""So many steps are shown at the beginning and at the end of a long sequence."""


def aligned(got: Json, expect: Json) -> Json:
    """An answer with its keys in the order of those expected, so that the eye can compare them."""
    if isinstance(expect, dict) and isinstance(got, dict):
        keys = [key for key in expect if key in got] + [key for key in got if key not in expect]
        return {key: aligned(got[key], expect.get(key)) for key in keys}
    if isinstance(expect, list) and isinstance(got, list):
        rest = [None] * (len(got) - len(expect))
        return [aligned(one, other) for one, other in zip(got, [*expect, *rest], strict=False)]
    return got


def steps_of(result: CaseResult) -> list[dict[str, Json]]:
    """Return the requests and answers of a failed case, with long texts cut."""
    return [
        {
            "state": each.step.state,
            "rule": each.step.rule,
            "send": cut(each.send),
            "expect": cut(each.expect),
            "got": cut(aligned(each.got, each.expect)),
            "right": each.right,
            "differs": each.differs,
        }
        for each in result.exchanges
    ]


def abridged(steps: Sequence[dict[str, Json]]) -> Iterator[tuple[int, dict[str, Json] | None]]:
    """The steps to show, each with its number: an observation is left out if it was right.

    In a long sequence only the first and last few are given.  The number of those between comes
    with None.
    """
    shown = (
        each for each in steps if not each["right"] or each["send"].get("op") not in OBSERVATIONS
    )
    numbered = list(enumerate(shown, start=1))
    left_out = len(numbered) - 2 * AROUND
    if left_out <= AROUND:
        yield from numbered
        return
    yield from numbered[:AROUND]
    yield left_out, None
    yield from numbered[-AROUND:]


def cut(value: Json, most: int = 200) -> Json:
    """A value, with long texts and lists cut in the middle."""
    match value:
        case str() if len(value) > most:
            return f"{value[: most // 2]}… ({len(value):,} characters)"
        case list() if len(value) > 10:
            left = f"… {len(value) - 6} more …"
            return [*(cut(each) for each in value[:3]), left, *(cut(each) for each in value[-3:])]
        case list():
            return [cut(each) for each in value]
        case dict():
            return {key: cut(each) for key, each in value.items()}
        case _:
            return value
