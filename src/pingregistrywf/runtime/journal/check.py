"""What a check of the machine or of a journal came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What a check came to."""

    OK = "ok"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        subject: what it is, in a word or two.
        verdict: a note is worth knowing; a fault keeps something from working.
        text: what was found.
        remedy: what to do; empty where nothing is to be done.
    """

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""
