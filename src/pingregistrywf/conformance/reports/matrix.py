"""The kill matrix of the self-test, for a terminal and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from pingregistrywf.conformance.reports.rendered import render
from pingregistrywf.conformance.selftest.matrix import Matrix
from pingregistrywf.conformance.selftest.power import percent
from pingregistrywf.conformance.suite.levels import LEVELS

SHOWN: Final = 20
"""So many survivors of a class are named."""


def text(matrix: Matrix) -> str:
    """Return a table: a row a class, a column a level, how many of the class the level found.

    Below it is what each suite finds by itself.
    """
    return render(
        "matrix.txt.jinja", **_document(matrix), levels=LEVELS, shown=SHOWN, percent=percent
    )


def as_json(matrix: Matrix) -> str:
    """Return the text of the JSON document."""
    return json.dumps(_document(matrix), indent=2, ensure_ascii=False) + "\n"


def _document(matrix: Matrix) -> dict[str, Any]:
    return {
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
        "alike": list(matrix.alike),
        "idle": list(matrix.idle),
        "power": matrix.power and asdict(matrix.power),
    }
