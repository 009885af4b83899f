"""What a step of an operation relies on: what was read before the operation's first step.

Between two steps anything may happen: another run of the operation may finish, and what the first
step wrote may be deleted again.  A view compares what a step finds with what was read, so that a
step writes only if what it relies on still holds.  The compare-and-set of the commit proves that
nothing came between the comparison and the write.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pingregistrywf.runtime.engine import Checkpoint, Engine, View
from pingregistrywf.runtime.errors import JournalError, VersionConflictError
from pingregistrywf.runtime.values import Command


def unchanged(
    engine: Engine[Any, Any], history: UUID, command: Command, since: Checkpoint[Any]
) -> View[Any]:
    """Return a view that refuses a history that changed after a checkpoint.

    Of a keyed history only the entry that the command names must be unchanged.  An entry that was
    changed and changed back has changed, and so has one whose events can no longer be read.

    Raises:
        JournalError: the view raises it, with a version conflict, when there was a change.
    """
    keyed = engine.declaration.keyed
    key = getattr(command, keyed.key, None) if keyed else None

    def view(read: Checkpoint[Any]) -> Checkpoint[Any]:
        if read.head.vid == since.head.vid:
            return read
        if keyed is not None and key is not None:
            changes = engine.follow(history, since, whole=True)
            follows = changes.continues or _begins_after(since, changes.checkpoint)
            if follows and all(getattr(each, keyed.key, None) != key for each in changes.events):
                return read
        conflict = VersionConflictError(read.head.vid, since.head.vid)
        raise JournalError(conflict) from conflict

    return view


def _begins_after(since: Checkpoint[Any], now: Checkpoint[Any]) -> bool:
    """Return whether the history was empty, and all that came since is read."""
    return not since.head.vid and bool(now.origin)
