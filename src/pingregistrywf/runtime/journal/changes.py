"""The changes that a feed gives, and the positions from which a reader of it goes on.

A *change* is an entry that was appended, or the deletion of a history.  A feed gives what is
stored, in the order of commit.  Where the beginning of a history was removed, it leaves out what
follows, up to the next entry where a reader may start.

A *position* is text that only the backend reads, because a place in a distributed journal may be a
vector.  For backends that number their changes, ``Cursor`` is what the text says, and ``resumed``
decides whether a reader can go on from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from pingregistrywf.runtime.errors import FeedPositionGoneError
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal.history import ChartIdentity, Entry

Position: TypeAlias = str
"""A place in a feed.  Store its text and give it back; what it says is the backend's business."""


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry was appended to a history.

    Attributes:
        history: the history's UUID.
        position: where a reader goes on after this change.
        entry: the entry.
        chart: the chart that it was written under.
        restart: True where reading the history may start: at its first entry, and at the first one
            of each snapshot.  Forget the history's earlier entries then: some that came after those
            may have been removed.
    """

    history: UUID
    position: Position
    entry: Entry
    chart: ChartIdentity
    restart: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """A history was deleted.  A reader may not have seen any of its entries.

    Attributes:
        history: the history's UUID.
        position: where a reader goes on after this change.
        vid: the id of the history's newest entry.
        at: when it was deleted, in seconds since the Unix epoch.
    """

    history: UUID
    position: Position
    vid: Ulid
    at: float


Change: TypeAlias = Appended | Deleted


@dataclass(frozen=True, slots=True)
class Expiries:
    """Which marks of deletion were removed, as far as it matters to any reader.

    Attributes:
        marks: pairs of how many marks were removed up to this one, and the number of its change.
            A mark is left out if one of a higher number was removed later: a reader who missed the
            first has missed the second as well.
    """

    marks: tuple[tuple[int, int], ...] = ()

    @property
    def count(self) -> int:
        """How many marks were removed."""
        return self.marks[-1][0] if self.marks else 0

    def extended(self, number: int) -> Expiries:
        """Return these expiries and that of the mark of a number."""
        kept = (mark for mark in self.marks if mark[1] > number)
        return Expiries((*kept, (self.count + 1, number)))

    def concern(self, cursor: Cursor) -> bool:
        """Return whether a mark was removed that a reader has not seen, after it began to read."""
        return any(at > cursor.expired and mark > cursor.number for at, mark in self.marks)


class Cursor(NamedTuple):
    """What the text of a position says, in a journal that numbers its changes from 1.

    Attributes:
        journal: the journal's id, in hexadecimal.
        number: the number of the last change that the reader has seen.
        expired: how many marks of deletion had been removed when it began.
    """

    journal: str
    number: int
    expired: int

    def at(self, number: int) -> Position:
        """Return the position after the change of a number, for this reader."""
        return f"{self.journal}.{number}.{self.expired}"

    def appended(
        self,
        number: int,
        history: UUID,
        entry: Entry,
        chart: ChartIdentity,
        *,
        serial: int,
        restart: int,
        first: int,
        start: int,
    ) -> Appended | None:
        """Return the change that an entry is; None if what it follows was removed.

        Args:
            number: the change's number.
            history: the history's UUID.
            entry: the entry.
            chart: the chart that it was written under.
            serial: its serial.
            restart: the serial of the newest entry up to this one where a reader may start.
            first: the serial of the oldest entry of the history that is still stored.
            start: the serial of the history's first visible entry.
        """
        since = max(restart, start) if serial >= start else restart
        if since < first:
            return None
        return Appended(history, self.at(number), entry, chart, serial in (restart, start))

    def deleted(self, number: int, history: UUID, vid: Ulid, at: float) -> Deleted:
        """Return the change that a mark of deletion is."""
        return Deleted(history, self.at(number), vid, at)


def resumed(after: Position | None, journal: UUID, end: int, expiries: Expiries) -> Cursor:
    """Return where a reader goes on.

    Args:
        after: its position; None at the beginning.
        journal: the journal's id.
        end: the highest number that a change ever had.
        expiries: the marks of deletion that were removed.

    Raises:
        FeedPositionGoneError: what came after the position cannot be told any more.
    """
    if after is None:
        return Cursor(journal.hex, 0, expiries.count)
    cursor = _parsed(after)
    if cursor is None or cursor.journal != journal.hex:
        raise FeedPositionGoneError(after, "it is a position of another journal")
    if cursor.number > end:
        raise FeedPositionGoneError(after, "the journal was replaced by an older copy of itself")
    if expiries.concern(cursor):
        raise FeedPositionGoneError(after, "the mark of a history deleted after it has expired")
    return cursor


def _parsed(position: Position) -> Cursor | None:
    try:
        journal, number, expired = position.split(".")
        return Cursor(journal, int(number), int(expired))
    except ValueError:
        return None
