"""The feed of a journal in one chart's events: decoded, each with its history and position.

It gives what the journal's feed gives, in the same order and with the same positions, but for the
events of other charts, which it passes over.  Deletions are given whatever the chart of the history
was: a journal forgets the chart with the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.errors import (
    ChartChangedError,
    CorruptedDataError,
    JournalError,
    JournalLevelError,
    MalformedEventError,
    WorkflowError,
)
from pingregistrywf.runtime.journal.changes import Appended, Change, Deleted, Position
from pingregistrywf.runtime.journal.feed import READ_AT_ONCE
from pingregistrywf.runtime.journal.protocol import Closable, FeedJournal
from pingregistrywf.runtime.values import Event
from pingregistrywf.runtime.wire import codec_of

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Recorded(Generic[E]):
    """An event was recorded in a history.

    Attributes:
        history: the history's UUID.
        position: where a reader goes on after this change.
        event: the event.
        restart: True where reading the history may start: at its first event, and at the first one
            of each snapshot.  Forget the history's earlier events then: some that came after those
            may have been removed.
    """

    history: UUID
    position: Position
    event: E
    restart: bool


EventChange: TypeAlias = Recorded[E] | Deleted
"""An event was recorded, or a history was deleted."""


class EventFeed(Closable, Generic[E]):
    """A reader of one chart's events in all histories, from the past into the present.

    Each change comes once, in the order of commit.  Read until there is no change, then wait; or
    iterate, which does both.  One thread reads, and any thread may close the feed.

    Attributes:
        position: where this feed goes on; None before anything was read from the beginning.  Store
            it in one transaction with what you make of the changes: then no change is missed, and
            none is applied twice.
    """

    def __init__(
        self, declaration: Declaration, journal: FeedJournal, after: Position | None = None
    ) -> None:
        self._decoder: Final[ChangeDecoder[E]] = ChangeDecoder(declaration)
        try:
            self._feed: Final = journal.feed(after)
        except JournalLevelError as error:
            raise JournalError(error) from error

    @property
    def position(self) -> Position | None:
        return self._feed.position

    def read(self, limit: int = READ_AT_ONCE) -> tuple[EventChange[E], ...]:
        """Return the next changes, at most ``limit``; none if there is none at the moment.

        Raises:
            JournalError: whatever the journal raised, such as a ``FeedPositionGoneError``: what
                came after ``position`` cannot be told any more, and what was built must be built
                anew.  After another error, the next call reads the same changes.
            ValueError: the limit is less than 1.
        """
        while True:
            before = self.position
            try:
                changes = self._feed.read(limit)
                given = tuple(self._decoder.decoded(changes))
            except JournalLevelError as error:
                self._feed.position = before
                raise JournalError(error) from error
            if given or not changes:
                return given

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a change that was made since the feed began, or since the last True.

        Return True at a change, False after ``timeout`` seconds (None: never) or once the feed or
        the journal is closed.  One True may stand for several changes, and a spurious True is
        allowed.
        """
        return self._feed.wait(timeout)

    def __iter__(self) -> Iterator[EventChange[E]]:
        """Iterate over the changes, those to come included, until the feed or journal is closed.

        ``position`` is then that of the change given last.  Errors are those of ``read``.
        """
        before = self.position
        try:
            for change in self._feed:
                yield from self._decoder.decoded([change])
                before = change.position
        except JournalLevelError as error:
            self._feed.position = before
            raise JournalError(error) from error

    def close(self) -> None:
        """End the feed; a thread that waits for a change wakes."""
        self._feed.close()


class ChangeDecoder(Generic[E]):
    """Decodes the changes that a journal's feed gives, as far as they are of one chart."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration: Final = declaration
        self._names: Final = {declaration.name, declaration.was}
        self._codec: Final = codec_of(declaration)

    def decoded(self, changes: Iterable[Change]) -> Iterator[EventChange[E]]:
        """Yield the deletions, and the events of the chart.

        Raises:
            CorruptedDataError: the bytes are no event of the chart, or of another place.
        """
        for change in changes:
            if isinstance(change, Deleted):
                yield change
            elif change.chart.name in self._names:
                yield Recorded(change.history, change.position, self._event(change), change.restart)

    def _event(self, change: Appended) -> E:
        entry, read = change.entry, self._declaration.identity
        try:
            event = self._codec.decode(entry.data)
            if event.id != entry.id or event.parent != entry.parent:
                raise MalformedEventError("its bytes name another id or parent than its entry")
        except WorkflowError as error:
            op = f"decode event {entry.id} of history {change.history}"
            refused = CorruptedDataError(op, error, entry.id)
            if change.chart.is_another_than(read):
                refused = ChartChangedError(refused, change.chart, read)
            raise refused from error
        return event  # type: ignore[return-value]  # the codec is of this chart's events
