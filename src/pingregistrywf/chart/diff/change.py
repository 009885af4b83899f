"""One change of a chart, and what it does to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

AS_BEFORE: Final = "as before"


@dataclass(frozen=True, slots=True)
class Change:
    """A change between two versions of a chart.

    Attributes:
        path: the part that changed, as in ``events.Approved.fields.by``.
        what: what changed.
        stored: what it does to stored histories.
        readers: what it does to programs that read new histories by the old chart.
        implementations: what it does to implementations of the old chart, and to its callers.
        breaks: whether stored histories are refused or mean something else, or a name is gone.
        remedy: what to write so that it breaks nothing, or what else to do; empty if nothing is to
            be done.
    """

    path: str
    what: str
    stored: str = AS_BEFORE
    readers: str = AS_BEFORE
    implementations: str = AS_BEFORE
    breaks: bool = False
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"
