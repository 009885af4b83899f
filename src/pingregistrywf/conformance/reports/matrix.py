"""The kill matrix of the self-test, for a terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from pingregistrywf.conformance.selftest.matrix import Matrix
from pingregistrywf.conformance.suite.levels import LEVELS

SHOWN: Final = 20
"""So many survivors of a class are named."""


def text(matrix: Matrix) -> str:
    """The matrix: a row a class, a column a level, how many of the class the level found."""
    return "\n".join(_lines(matrix)) + "\n"


def _lines(matrix: Matrix) -> Iterator[str]:
    heads = "".join(f"{f'level {level}':>9}" for level in LEVELS)
    yield f"{'':<13}{'made':>7}{'killed':>9}{heads}"
    for each in matrix.classes:
        killed = each.made - len(each.survivors)
        levels = "".join(
            f"{each.by_level.get(level, 0) if level in each.asked else '·':>9}" for level in LEVELS
        )
        yield f"{each.group:<13}{each.made:>7,}{killed:>9,}{levels}"
    yield ""
    yield "· not asked: level 1 alone answers for the chart's cells."
    for each in matrix.classes:
        for name in each.survivors[:SHOWN]:
            yield f"survived: {each.group}: {name}"
        if len(each.survivors) > SHOWN:
            yield f"survived: {each.group}: {len(each.survivors) - SHOWN:,} more"
    for title in matrix.reference[:SHOWN]:
        yield f"fails on what is right: {title}"
    made = sum(each.made for each in matrix.classes)
    survived = sum(len(each.survivors) for each in matrix.classes)
    right = "what is right passes" if not matrix.reference else "what is right does not pass"
    yield f"{made - survived:,} of {made:,} killed; {right}"


def as_json(matrix: Matrix) -> str:
    """The matrix as JSON."""
    document = {
        "format": "pingregistrywf-self-test/1",
        "sound": matrix.sound,
        "reference_failures": list(matrix.reference),
        "classes": [
            {
                "class": each.group,
                "made": each.made,
                "killed": each.made - len(each.survivors),
                "asked_levels": list(each.asked),
                "killed_by_level": {str(level): n for level, n in sorted(each.by_level.items())},
                "survivors": each.survivors,
            }
            for each in matrix.classes
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
