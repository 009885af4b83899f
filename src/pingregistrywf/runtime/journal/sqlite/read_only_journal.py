"""The journal protocol on a SQLite file that is only read.

Every write raises the same ``JournalUnusableError``.  A read sees what was durable at one
moment, or raises.  A file that nobody has open is read without locks, so that another process may
begin to write in the middle: a read of one history or of a feed is then repeated, and everything
else raises ``ChangedError``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn, TypeVar
from uuid import UUID

from pingregistrywf.runtime.errors import JournalOpenError, JournalUnusableError
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.changes import Change, Position
from pingregistrywf.runtime.journal.history import Head, Reading
from pingregistrywf.runtime.journal.retention import Retention
from pingregistrywf.runtime.journal.sqlite.database import Database
from pingregistrywf.runtime.journal.sqlite.journal import SqliteJournal, named
from pingregistrywf.runtime.journal.sqlite.read_only_guard import ChangedError

T = TypeVar("T")

_ATTEMPTS: Final = 10


class ReadOnlyJournal(SqliteJournal):
    """A journal in one SQLite file, for reading only.

    Attributes:
        refusal: why it takes no writes, and what to do.
    """

    def __init__(
        self, database: Database, clock: Clock, retention: Retention, refusal: JournalOpenError
    ) -> None:
        super().__init__(database, clock, retention)
        self.refusal: Final = refusal

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        return _unchanged(lambda: super(ReadOnlyJournal, self).read(history, after, whole=whole))

    def exclusive(self, history: UUID) -> NoReturn:
        raise self._refused(f"writing to history {history}")

    def collect(self, now: float | None = None) -> NoReturn:  # noqa: ARG002
        raise self._refused("collecting garbage")

    def _changes(self, after: Position | None, limit: int) -> tuple[tuple[Change, ...], Position]:
        return _unchanged(lambda: super(ReadOnlyJournal, self)._changes(after, limit))

    def _check_writable(self, op: str, history: UUID | None) -> NoReturn:
        raise self._refused(named(op, history))

    def _refused(self, op: str) -> JournalUnusableError:
        self._database.pool.check_open()
        reason = f"the journal is open for reading only, because {self.refusal.cause}"
        return JournalUnusableError(op, PermissionError(f"{reason}: {self.refusal.remedy}"))


def _unchanged(read: Callable[[], T]) -> T:
    """Return what a read gives when the file does not change meanwhile."""
    for _ in range(_ATTEMPTS):
        try:
            return read()
        except ChangedError as error:
            changed = error
    raise changed
