"""How long a journal keeps what is no longer needed, and what is garbage at a given time.

Every backend collects and trims by these functions, and ``runtime.verify`` excuses by them what may
be missing.  Ages are compared strictly: a thing goes when it is *older than* its limit, and stays
when it is exactly as old (documentation: Behaviour, section 5).  Times are compared in whole
microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pingregistrywf.runtime.journal.inspection import Stored, Trim


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a journal keeps what is no longer needed.

    The defaults are those of the documentation: Behaviour, sections 5 and 6.

    Attributes:
        deleted_entries: from the mark of a deletion to the removal of the entries.
        deleted_mark: from the mark of a deletion to the removal of the mark, which frees the id.
        unreachable: the age at which entries reachable from no head are removed, in a backend
            that can have such entries.
        trim_interval: the least time between two trims of one history.
        trimmed_entries: from a trim to the removal of the entries before the history's new start.
    """

    deleted_entries: timedelta = timedelta(days=15)
    deleted_mark: timedelta = timedelta(days=30)
    unreachable: timedelta = timedelta(days=30)
    trim_interval: timedelta = timedelta(days=30)
    trimmed_entries: timedelta = timedelta(days=30)

    def free_at(self, deleted_at: float) -> float:
        """Return the time after which garbage collection frees the id of a deleted history."""
        return deleted_at + self.deleted_mark.total_seconds()


@dataclass(frozen=True, slots=True)
class Garbage:
    """What garbage collection removes from one history.

    Attributes:
        before: the entries of lower serials; 0 for none.
        trims: the records of these trims.
        mark: True for the mark of the deletion, and with it the history, which frees the id.
    """

    before: int = 0
    trims: tuple[Trim, ...] = ()
    mark: bool = False


@dataclass(frozen=True, slots=True)
class Collected:
    """How many entries one pass of garbage collection removed, and which ids became free."""

    entries: int = 0
    freed: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.entries or self.freed)


def reported(collected: Collected) -> Collected:
    """Log what one pass of garbage collection removed, if anything, and return it."""
    if collected:
        from pingregistrywf.runtime.log import JOURNAL, logged

        freed = " ".join(map(str, collected.freed))
        logged(JOURNAL, "collected", entries=collected.entries, freed=freed)
    return collected


def garbage(stored: Stored, retention: Retention, now: float) -> Garbage:
    """Return what garbage collection removes from a history, whatever its ``size``.

    ``now`` is in seconds since the Unix epoch.
    """
    if stored.deleted_at is not None:
        mark = _older(stored.deleted_at, now, retention.deleted_mark)
        # Without the mark nothing tells whose the entries are, however long they were to be kept.
        if mark or _older(stored.deleted_at, now, retention.deleted_entries):
            return Garbage(stored.end, stored.trims, mark)
    over = tuple(each for each in stored.trims if _older(each.at, now, retention.trimmed_entries))
    # A damaged trim must not take visible entries with it.
    return Garbage(min(stored.start, max((each.start for each in over), default=0)), over)


def trim_is_due(stored: Stored, retention: Retention, now: float) -> bool:
    """Return whether a history's start may move to its newest restart point.

    Only the start, the restart point and the times of ``stored`` are looked at.
    """
    if stored.deleted_at is not None or stored.restart == stored.start:
        return False
    return stored.trimmed_at is None or _older(stored.trimmed_at, now, retention.trim_interval)


def _older(then: float, now: float, limit: timedelta) -> bool:
    # Seconds as floats are right to a fraction of a microsecond.
    return round((now - then) * 1e6) > limit // timedelta(microseconds=1)
