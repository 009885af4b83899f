"""Journals: where events rest.

``open_journal`` opens one by its URL; ``protocol`` says what each of them promises.
"""

from __future__ import annotations

import time
from typing import Final

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.inspection import Fault, Scanned, Stored, Trim
from pingregistrywf.runtime.journal.protocol import (
    NO_HEAD,
    Collected,
    Entry,
    Head,
    Journal,
    Reading,
    Retention,
    Subscription,
)

__all__ = [
    "NO_HEAD",
    "Collected",
    "Entry",
    "Fault",
    "Head",
    "Journal",
    "Reading",
    "Retention",
    "Scanned",
    "Stored",
    "Subscription",
    "Trim",
    "open_journal",
]

_FORMS: Final = "use memory: or sqlite:PATH, for example sqlite:pings.db"


def open_journal(
    url: str,
    *,
    create: bool = True,
    clock: Clock = time.time,
    retention: Retention | None = None,
) -> Journal:
    """Open a journal; close it, or use it as a context manager.

    Args:
        url: ``memory:``, or ``sqlite:PATH`` for a file that is made if there is none.
        create: False to refuse a file that does not exist yet.
        clock: seconds since the Unix epoch; marks deletions and trims.
        retention: how long the journal keeps what is no longer needed.

    Raises:
        JournalOpenError: the URL makes no sense, or what it names cannot be opened.
    """
    if not isinstance(url, str):
        raise JournalOpenError(repr(url), "a journal URL is text", _FORMS)
    scheme, colon, rest = url.partition(":")
    match scheme, colon, rest:
        case "memory", ":", "":
            from pingregistrywf.runtime.journal.memory import MemoryJournal

            return MemoryJournal(clock=clock, retention=retention)
        case "memory", ":", _:
            raise JournalOpenError(url, "a memory journal has no name", "use memory:")
        case "sqlite", ":", _:
            from pingregistrywf.runtime.journal.sqlite import open_sqlite

            return open_sqlite(url, rest, create=create, clock=clock, retention=retention)
        case _, "", _:
            raise JournalOpenError(url, "it names no kind of journal", _FORMS)
        case _:
            raise JournalOpenError(url, f"there is no kind of journal {scheme!r}", _FORMS)
