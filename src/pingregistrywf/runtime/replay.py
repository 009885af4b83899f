"""Replay: fold stored entries into a state, and accept only a chain that the chart allows.

Each entry is checked for its bytes, its place in the chain, and its event's place in the chart.
What is not asked for is not made: one state is made in the end, and no event unless somebody wants
the events; a view of its message does.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pingregistrywf.runtime.behavior import check_end
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.errors import (
    CorruptedDataError,
    JournalEntryParentMismatchError,
    MalformedEventError,
    WorkflowError,
)
from pingregistrywf.runtime.evolution import check_id, evolution_of
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal.history import Reading
from pingregistrywf.runtime.wire import codec_of


def replay(
    declaration: Declaration,
    history: UUID,
    state: Any,
    reading: Reading,
    events: list[Any] | None = None,
) -> Any:
    """Return the state after the entries of a reading.

    Args:
        declaration: the chart.
        history: the history's id, for the texts of errors.
        state: the state before the first entry.
        reading: what was read.
        events: the list to which the events are appended, if they are wanted.

    Raises:
        CorruptedDataError: the chart does not allow the entries, or they are no chain.
    """
    parse, evolution = codec_of(declaration).parse, evolution_of(declaration)
    steps = evolution.steps
    values = evolution.opened(state)
    evolution.make_mutable(values)
    follows: Ulid | None = state.vid
    if not reading.continues and not reading.rooted:
        follows = None  # the entry before a restart point is not among those read
    for entry in reading.entries:
        vid, parent = entry.id, entry.parent
        try:
            form, message, own, before = parse(entry.data)
            event = form.view(message) if events is None else form.read(message)
            if own != vid.bytes or before != parent.bytes:
                raise MalformedEventError("its bytes name another id or parent than its entry")
            if follows is not None and before != follows.bytes:
                raise JournalEntryParentMismatchError(vid, parent, follows)
            check_id(vid)
            step = steps[form.event]
            step.check(values, event)
        except WorkflowError as error:
            op = f"replay event {vid} of history {history}"
            raise CorruptedDataError(op, error, vid) from error
        step.apply(values, event, vid)
        if events is not None:
            events.append(event)
        follows = vid
    evolution.make_persistent(values)
    state = evolution.closed(values, follows or state.vid)
    try:
        check_end(state)
    except WorkflowError as error:
        raise CorruptedDataError(f"replay the events of history {history}", error) from error
    return state
