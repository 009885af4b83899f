"""A sequence of commands as a link of the explorer, whose format is in ``link.mjs``.

A row of a link is one command: its mark, the place of its chart, the number of its history, the
place of the command, its version, and its arguments in their order.  A link names the model that it
is for by a hash, so that the explorer of another model refuses it.
"""

from __future__ import annotations

import base64
import json
import re
import string
from collections.abc import Sequence
from typing import Any, Final

from pingregistrywf.chart.ir import Model

COMMAND: Final = 0
"""The mark of a command."""
ANY_VERSION: Final = 0
"""In place of a version: the command is told without one."""
POOL: Final = 9
"""How many histories of each chart, and how many ids of each argument, a link can name."""
_VERSION: Final = "1"
_WORD: Final = 0xFFFFFFFF
_DIGITS: Final = string.digits + string.ascii_lowercase
_SEQUENCE: Final = r"\d+\.[0-9a-z]+\.[0-9a-z]+\.[A-Za-z0-9_-]+"
_PLACE: Final = r"state\.\w+\.\w+(\.\w+(\.other)?)?|operation\.\w+\.\w+"
_FRAGMENT: Final = re.compile(
    rf"({_SEQUENCE}|{_PLACE})|chart\.[A-Za-z0-9_-]+~({_SEQUENCE}|{_PLACE})?"
)
"""What the explorer reads: a sequence, a place, or a chart and perhaps one of them."""


def is_fragment(text: str) -> bool:
    """Return whether a text has the form of what comes after ``#`` in a link.

    Only the explorer can tell whether a link is whole, and for the charts of its page.
    """
    return _FRAGMENT.fullmatch(text) is not None


def fragment(model: Model, rows: Sequence[Any]) -> str:
    """Return the rows as what comes after ``#`` in a link."""
    data = base64.urlsafe_b64encode(_compact(rows).encode()).decode().rstrip("=")
    charts = [chart.sha256 for chart in model.charts.values()]
    mark = link_hash(_compact([charts, list(model.operations)]))
    return ".".join((_VERSION, _base36(mark), _base36(link_hash(data)), data))


def link_hash(text: str) -> int:
    """Return the hash FNV-1a of a text's UTF-16 units, as in ``ids.mjs``."""
    value = 0x811C9DC5
    units = text.encode("utf-16-le")
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = (value ^ (low | high << 8)) * 0x01000193 & _WORD
    return value


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = f"{_DIGITS[digit]}{digits}"
    return digits
