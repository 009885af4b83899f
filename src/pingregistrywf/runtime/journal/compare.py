"""The compare-and-set check: which commits and deletions a journal accepts.

Every backend calls these functions while it holds whatever keeps others from writing, and writes
only if they return.  A *head* here is the one that is stored: ``NO_HEAD`` for a history that is
unknown, empty or deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pingregistrywf.runtime.errors import HistoryDeletedError, VersionConflictError
from pingregistrywf.runtime.journal.history import Entry, Head


def check_commit(
    history: UUID, head: Head, after: Head, entries: Sequence[Entry], *, deleted: bool
) -> None:
    """Accept a commit of ``entries`` after the head that was read as ``after``.

    Raises:
        ValueError: there is no entry.
        HistoryDeletedError: the commit begins a history whose id is not free yet.
        VersionConflictError: ``after`` is not the head.
    """
    if not entries:
        raise ValueError("a commit has at least one entry")
    if deleted and not after.vid:
        raise HistoryDeletedError(history)
    _check(head, after)


def check_delete(head: Head, after: Head) -> bool:
    """Accept the deletion of the history whose head was read as ``after``.

    Return False if there is nothing left to delete: the history is empty, or another deletion came
    first (documentation: Behaviour, section 5).

    Raises:
        VersionConflictError: ``after`` is not the head.
    """
    if head.vid:
        _check(head, after)
    return bool(head.vid)


def _check(head: Head, after: Head) -> None:
    if head.vid != after.vid or (head.vid and head.token != after.token):
        raise VersionConflictError(head.vid, after.vid)
