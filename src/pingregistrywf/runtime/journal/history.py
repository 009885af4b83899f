"""A history's entries and places, as they go into a journal and come out of it.

A *history* is named by a UUID and holds entries in serial order, each naming its parent, from the
epoch to the head.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pingregistrywf.runtime.ids import EPOCH, Ulid


class Entry(NamedTuple):
    """One stored event.

    Attributes:
        id: the event's ULID.
        parent: the id of the entry before it; the epoch for the first.
        data: the event's bytes.
    """

    id: Ulid
    parent: Ulid
    data: bytes


@dataclass(frozen=True, slots=True)
class ChartIdentity:
    """Which chart an event was written under.

    Attributes:
        name: the chart's name.
        version: its version; empty where that was not recorded.
        sha256: the hash of its meaning, in hexadecimal; empty where that was not recorded.
    """

    name: str
    version: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        return f"chart {self.name}{version} ({self.sha256[:12] or 'unrecorded'})"

    def is_another_than(self, chart: ChartIdentity) -> bool:
        """Return whether this is known to be a chart of another meaning."""
        return bool(self.sha256) and self.sha256 != chart.sha256


@dataclass(frozen=True, slots=True)
class Head:
    """A place in a history.  Opaque but for ``vid``; only the backend that made it reads ``token``.

    Attributes:
        vid: the id of the entry at that place; the epoch where there is none.
    """

    vid: Ulid = EPOCH
    token: object = field(default=None, repr=False)


NO_HEAD: Final = Head()
"""The place before the first entry of any history, known without having read it."""


class Reading(NamedTuple):
    """What ``WorkflowJournal.read`` found.

    Attributes:
        entries: the entries after the place asked for, in order.
        head: the history's head; ``entries[-1].id`` is its vid unless there are none.
        continues: True if ``entries`` follow the place asked for; False if they begin the history
            anew (nothing was asked for, or that place is no longer on the chain).
        rooted: for a reading that does not continue, False if ``entries`` begin at a later restart
            point, so that the first one's parent is not among them.
    """

    entries: tuple[Entry, ...]
    head: Head
    continues: bool = False
    rooted: bool = True
