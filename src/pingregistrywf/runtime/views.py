"""What a step of an operation relies on: what was read before the operation's first step.

Between two steps anything may happen: another run of the operation may finish, what the first step
wrote may be deleted, and the id may be used again.  A view compares what a step finds with what was
read, so that a step writes only if what it relies on still holds.  The compare-and-set of the
commit proves that nothing came between the comparison and the write.
"""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

from pingregistrywf.runtime.engine import Checkpoint, Engine, View
from pingregistrywf.runtime.errors import JournalError, VersionConflictError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal.history import NO_HEAD
from pingregistrywf.runtime.values import Command

# --- Only what is unchanged -----------------------------------------------------------------------


def unchanged(
    engine: Engine[Any, Any],
    history: UUID,
    command: Command,
    since: Checkpoint[Any],
    view: View[Any],
) -> View[Any]:
    """Return a view that refuses a history that changed after a checkpoint.

    Of a keyed history only the entry that the command names must be unchanged.  An entry that was
    changed and changed back has changed, and so has one whose events can no longer be read.

    Args:
        view: what is seen of a history that is unchanged.

    Raises:
        JournalError: the view raises it, with a version conflict, when there was a change.
    """
    keyed = engine.declaration.keyed
    key = getattr(command, keyed.key, None) if keyed else None

    def checked(read: Checkpoint[Any]) -> Checkpoint[Any]:
        if read.head.vid == since.head.vid:
            return view(read)
        if keyed is not None and key is not None:
            changes = engine.read_on(history, since, whole=True)
            follows = changes.continues or _begins_after(since, changes.checkpoint)
            if follows and all(getattr(each, keyed.key, None) != key for each in changes.events):
                return view(read)
        conflict = VersionConflictError(read.head.vid, since.head.vid)
        raise JournalError(conflict) from conflict

    return checked


def _begins_after(since: Checkpoint[Any], now: Checkpoint[Any]) -> bool:
    """Return whether the history was empty, and all that came since is read."""
    return not since.head.vid and bool(now.origin)


# --- Only one incarnation -------------------------------------------------------------------------


def whole(read: Checkpoint[Any]) -> Checkpoint[Any]:
    """Show all that is read."""
    return read


def origin(listed: Checkpoint[Any], key: UUID, began_with: str) -> Ulid:
    """Return the id of the event that the history of an entry began with.

    Args:
        listed: the keyed history.
        key: the entry's key.
        began_with: the entry's attribute that holds the id.

    Returns:
        The epoch, if there is no such entry.
    """
    found = listed.state.entries.get(key)
    return EPOCH if found is None else getattr(found, began_with)


def entry(key: UUID, began_with: str, began: Ulid) -> View[Any]:
    """Return a view of a keyed history without the entry, if its history began otherwise."""

    def view(read: Checkpoint[Any]) -> Checkpoint[Any]:
        if origin(read, key, began_with) in (began, EPOCH):
            return read
        entries = read.state.entries.remove(key)
        return dataclasses.replace(read, state=dataclasses.replace(read.state, entries=entries))

    return view


def history(engine: Engine[Any, Any], id: UUID, began: Ulid) -> View[Any]:
    """Return a view in which the history is empty, if it began otherwise."""

    def view(read: Checkpoint[Any]) -> Checkpoint[Any]:
        if not read.head.vid or read.origin == began:
            return read
        return Checkpoint(NO_HEAD, engine.declaration.state(id))

    return view
