"""Whether this machine can hold a journal, and whether one can be used: a list of checks.

A backend checks what only it knows (``sqlite.health``).  What every journal has is checked here: it
opens, and its newest event is not younger than the clock says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from pingregistrywf.runtime.counts import counted
from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.check import Check, Verdict
from pingregistrywf.runtime.journal.opening import open_journal
from pingregistrywf.runtime.journal.urls import without_password

SLACK: Final = 1.0
"""Seconds by which clocks of sound machines may differ."""


def journal_checks(url: str, clock: Clock) -> Iterator[Check]:
    """Check a journal and the place where it is, without making one.

    ``clock`` is in seconds since the Unix epoch.
    """
    if url.startswith("sqlite:"):
        from pingregistrywf.runtime.journal.sqlite.health import file_checks

        yield from file_checks(url)
    try:
        with open_journal(url, create=False, clock=clock) as journal:
            histories = list(journal.histories())
    except WorkflowError as error:
        yield Check("journal", Verdict.FAULT, str(error))
        return
    events = sum(stored.entries for stored in histories)
    held = f"{counted(len(histories), 'history', 'histories')}, {counted(events, 'event')}"
    yield Check("journal", Verdict.OK, f"{held} in {without_password(url)}")
    newest = max((stored.vid.milliseconds / 1000 for stored in histories), default=0.0)
    yield clock_check(clock(), newest)


def clock_check(now: float, newest: float) -> Check:
    """Compare the clock with the newest event's time, both in seconds since the Unix epoch."""
    shown = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    if newest <= now + SLACK:
        return Check("clock", Verdict.OK, shown)
    return Check(
        "clock",
        Verdict.FAULT,
        f"{shown}, and the newest event is {newest - now:.0f} seconds younger",
        "set the clock: until then, new events bear the newest one's time",
    )
