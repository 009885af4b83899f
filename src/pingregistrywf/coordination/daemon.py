"""What the daemons of a registry share: finding workflows through the index, waiting, stopping."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry import StateCode
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf.coordination.registry import Desk
from pingregistrywf.runtime.errors import StateConflictError, UninitializedError

OPEN: Final = frozenset({StateCode.INITIALIZED, StateCode.APPENDING})
"""The states in which a workflow takes pings and a summary."""


class Stop:
    """Asks a daemon to stop, from any thread; a pause ends at once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._wakes: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        """True once a stop was asked for."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask for a stop.  Not for use in a signal handler itself: start a thread there."""
        self._event.set()
        for wake in tuple(self._wakes):
            wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """While inside, a stop also calls ``wake``; at once if one was asked for already."""
        self._wakes.append(wake)
        try:
            if self.asked:
                wake()
            yield
        finally:
            self._wakes.remove(wake)

    def pause(self, seconds: float) -> bool:
        """Pause for that many seconds, or until a stop is asked for; True if one was."""
        return self._event.wait(max(seconds, 0.0))


def active_workflows(desk: Desk, stop: Stop) -> Iterator[UUID]:
    """Each workflow that the registry's index lists as active, once, as it appears there.

    Wakes by the journal's notification.  Ends when a stop is asked for.

    Args:
        desk: the registry on its journal.
        stop: asks for the end.
    """
    seen: set[UUID] = set()
    index_id = desk.registry.index_id
    with desk.journal.subscribe(index_id) as news, stop.waking(news.close):
        while not stop.asked:
            index = desk.indexes.find_id(index_id)
            seen.intersection_update(index.entries)  # what is deleted may be forgotten
            for workflow_id in index.in_state(ListedCode.ACTIVE):
                if workflow_id not in seen and not stop.asked:
                    seen.add(workflow_id)
                    yield workflow_id
            news.wait()


def post_pings(
    desk: Desk,
    workflow_id: UUID,
    *,
    name: str,
    count: int,
    interval: float,
    code: int,
    stop: Stop,
) -> int:
    """Post the pings of one participant that the workflow does not hold yet.

    A participant's pings say ``NAME ping K``, K from 1; those in the history already are counted,
    so that a restarted daemon posts only what is missing.  A workflow that has advanced past
    appending is left quietly.

    Args:
        desk: the registry on its journal.
        workflow_id: the workflow.
        name: who posts.
        count: how many pings in all.
        interval: the pause between two, in seconds.
        code: the status code of each.
        stop: asks for the end.

    Returns:
        How many were posted.

    Raises:
        JournalError: whatever the journal raised.
    """
    try:
        state = desk.workflows.find_id(workflow_id)
    except UninitializedError:
        return 0
    held = {ping.message for ping in state.pings}
    messages = (f"{name} ping {number}" for number in range(1, count + 1))
    missing = [message for message in messages if message not in held]
    for posted, message in enumerate(missing):
        if posted and stop.pause(interval):
            return posted
        try:
            desk.operations.ping(workflow_id, code, message)
        except StateConflictError:
            return posted
    return len(missing)
