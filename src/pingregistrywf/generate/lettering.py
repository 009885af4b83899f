"""How wide a text is at most, whatever font it is shown in.

A diagram is shown in a font of the reader's machine, so its texts cannot be measured: they are
given the room that the widest of the usual fonts takes: DejaVu Sans, about the same as Verdana, and
Arial for the letters in which that is wider; or a monospaced font, for a text of narrow letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


def _by_character(rows: Mapping[float, str]) -> Mapping[str, float]:
    return MappingProxyType({letter: width for width, row in rows.items() for letter in row})


REGULAR: Final = _by_character(
    {
        0.30: "'Iijl",
        0.35: " ,./:;\\|",
        0.40: "()-[]ft",
        0.45: "!r",
        0.50: '"*J`',
        0.55: "csz",
        0.60: "?L_kvxy",
        0.65: "$0123456789FTabdeghnopqu{}",
        0.70: "ABEKPSVXYZ",
        0.75: "CNRU",
        0.80: "&DGHOQ",
        0.85: "#+<=>^w~",
        0.90: "M",
        1.00: "%Wm",
        1.05: "@",
    }
)
BOLD: Final = _by_character(
    {
        0.35: " 'ijl",
        0.40: ",./:;I\\|",
        0.45: "-f",
        0.50: "!()[]`rt",
        0.55: '"*',
        0.60: "J_csz",
        0.65: "?Lx",
        0.70: "$0123456789EFTaekovy",
        0.75: "CPSYZbdghnpqu{}",
        0.80: "ABKRVX",
        0.85: "#+<=>DGHNU^~",
        0.90: "&OQ",
        0.95: "w",
        1.00: "@M",
        1.05: "%m",
        1.15: "W",
    }
)
MONOSPACE: Final = 0.61
ANY_OTHER: Final = 1.05


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The most room that a line of text takes at a font size."""
    widths = BOLD if bold else REGULAR
    letters = [letter for letter in text if not unicodedata.combining(letter)]
    proportional = sum(widths.get(letter, ANY_OTHER) for letter in letters)
    return size * max(proportional, MONOSPACE * len(letters))
