"""What a journal holds, as operators see it: histories as they are stored, and what is damaged.

Users of a workflow read with ``WorkflowJournal.read``, which hides what is deleted or trimmed and
stops at the first fault.  Here nothing is hidden, and a fault is a value that others may follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from pingregistrywf.runtime.errors import Fault
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal.history import ChartIdentity, Entry


@dataclass(frozen=True, slots=True)
class Trim:
    """A trim whose entries are still stored.

    Attributes:
        at: when it was, in seconds since the Unix epoch.
        start: the serial of the first entry that stayed visible.
    """

    at: float
    start: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What a history says of itself, deleted or not.  Serials count its entries from 0.

    Attributes:
        id: the history's UUID.
        chart: the name of the chart that its first event was written under.
        vid: the id of its newest entry, also when it is deleted.
        first: the serial of the oldest entry that is still stored; ``end`` if none is.
        start: the serial of the first visible entry.
        restart: the serial of the entry where a reader may start.
        end: the serial that the next entry would have.
        deleted_at: when it was deleted, in seconds since the Unix epoch; None if it was not.
        trimmed_at: when it was last trimmed, likewise.
        trims: those whose entries are still to be removed, oldest first.
        size: how many bytes of events it holds.
    """

    id: UUID
    chart: str
    vid: Ulid
    first: int
    start: int
    restart: int
    end: int
    deleted_at: float | None = None
    trimmed_at: float | None = None
    trims: tuple[Trim, ...] = ()
    size: int = 0

    @property
    def entries(self) -> int:
        """How many entries are stored."""
        return self.end - self.first

    def extended(self, entries: Sequence[Entry], *, restart: bool) -> Stored:
        """Return the history with more entries, at which a reader may start if ``restart``."""
        # Written out, since it is part of every commit and `replace` takes several times as long.
        return Stored(
            self.id,
            self.chart,
            entries[-1].id,
            self.first,
            self.start,
            self.end if restart else self.restart,
            self.end + len(entries),
            self.deleted_at,
            self.trimmed_at,
            self.trims,
            self.size,
        )

    def trimmed(self, at: float) -> Stored:
        """Return the history after a trim, which moves its start to its restart point."""
        trims = (*self.trims, Trim(at, self.restart))
        return replace(self, start=self.restart, trimmed_at=at, trims=trims)

    def check_entries(self, entries: Sequence[Entry], charts: Sequence[ChartIdentity]) -> None:
        """Check that these can be the history's entries, from ``first`` to ``end``.

        Raises:
            ValueError: there are more or fewer, or not as many charts as entries.
        """
        if len(entries) != self.entries:
            raise ValueError(f"a history of {self.entries} entries has not {len(entries)}")
        if len(charts) != len(entries):
            raise ValueError(f"{len(entries)} entries have not {len(charts)} charts")


@dataclass(frozen=True, slots=True)
class Written:
    """How an entry was written.

    Attributes:
        position: its place in the order of commit of the whole journal, counted from 1.  Marks of
            deletion take a position, too, and none is ever used twice, but that a commit of very
            many entries may give one to several of them.  Two journals have positions of their own,
            so that it is left out of comparisons.
        chart: the chart that it was written under.
    """

    position: int = field(compare=False)
    chart: ChartIdentity


@dataclass(frozen=True, slots=True)
class Log:
    """A log that grows while somebody reads the journal for long.

    Attributes:
        size: in bytes.
        readers: the processes that read from it now, as far as they are known: the words for each,
            by its number.
    """

    size: int
    readers: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Scanned:
    """A history as a scan found it, or what the scan found beside all histories.

    Attributes:
        stored: what the history says of itself; None if that cannot be believed.
        entries: the entries that are as they were written, each with its serial, in order.
        written: how each of these entries was written, in the same order.
        faults: what is wrong.
    """

    stored: Stored | None
    entries: tuple[tuple[int, Entry], ...] = field(default=(), repr=False)
    written: tuple[Written, ...] = field(default=(), repr=False)
    faults: tuple[Fault, ...] = ()

    def chart_of(self, event: Ulid) -> ChartIdentity | None:
        """Return the chart that an event was written under, None if that is not known."""
        charts = (
            written.chart
            for (_, entry), written in zip(self.entries, self.written, strict=False)
            if entry.id == event
        )
        return next(charts, None)
