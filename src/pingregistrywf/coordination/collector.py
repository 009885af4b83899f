"""The collector expires, deletes, snapshots, trims and collects garbage (behaviour.md, section 7).

A run reads the index once and uses one fixed time.  A failure on one workflow is reported, and the
run goes on with the next.  The next run finishes what was interrupted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry_index import StateCode
from pingregistrywf.coordination.log import logged
from pingregistrywf.coordination.registry import RegistryContext
from pingregistrywf.runtime.errors import JournalError, JournalLevelError, WorkflowError
from pingregistrywf.runtime.ids import Ulid

_LOGGER: Final = logging.getLogger("pingregistrywf.collector")
EXPIRE_AFTER: Final = timedelta(days=1)
"""From a workflow's start to its expiry, unless it was completed."""
DELETE_AFTER: Final = timedelta(days=5)
"""From a workflow's completion to its deletion."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a run, done or planned.

    Attributes:
        name: expire, delete, snapshot, trim or collect.
        workflow: the workflow, if it is about one.
        error: why it failed; None if it did not.
        detail: its effect in words; empty if it had none.
    """

    name: str
    workflow: UUID | None = None
    error: WorkflowError | None = None
    detail: str = ""


class Collector:
    """The collector of a registry; times are in seconds since the Unix epoch."""

    def __init__(
        self,
        context: RegistryContext,
        *,
        expire_after: timedelta = EXPIRE_AFTER,
        delete_after: timedelta = DELETE_AFTER,
    ) -> None:
        self._context = context
        self._expire_after = expire_after
        self._delete_after = delete_after

    def plan(self, now: float) -> Iterator[Action]:
        """Yield what a run at that time would do with the workflows: expire, then delete.

        Raises:
            JournalError: the index cannot be read.
        """

        def older(since: Ulid, limit: timedelta) -> bool:
            return timedelta(seconds=now - since.milliseconds / 1000) > limit

        entries = self._context.index().entries.values()
        listed = sorted(entries, key=lambda each: each.started_workflow_event_id)
        for entry in listed:
            started = entry.started_workflow_event_id
            if entry.state_code is StateCode.ACTIVE and older(started, self._expire_after):
                yield Action("expire", entry.workflow_id)
        for entry in listed:
            completed = entry.completed_workflow_event_id
            if entry.state_code is StateCode.COMPLETED and older(completed, self._delete_after):
                yield Action("delete", entry.workflow_id)

    def run(self, now: float | None = None) -> Iterator[Action]:
        """Run the collector at that time, by default now, and yield each action when it is done.

        Raises:
            JournalError: the index cannot be read.
        """
        journal, index_id = self._context.journal, self._context.registry.index_id
        moment = journal.clock() if now is None else now
        for action in tuple(self.plan(moment)):
            yield self._tried(action, partial(self._operate, action))
        yield self._tried(Action("snapshot"), self._snapshot)
        yield self._tried(Action("trim"), lambda: "moved" if journal.trim(index_id, moment) else "")
        yield self._tried(Action("collect"), lambda: self._collect(moment))

    def _operate(self, action: Action) -> str:
        operations, index_id = self._context.operations, self._context.registry.index_id
        run = {"expire": operations.expire, "delete": operations.delete}[action.name]
        if action.workflow is not None:
            run(action.workflow, index_id)
        return ""

    def _snapshot(self) -> str:
        ran = self._context.operations.snapshot(self._context.registry.index_id)
        return "written" if ran.events else ""

    def _collect(self, now: float) -> str:
        entries, freed = 0, 0
        while collected := self._context.journal.collect(now):
            entries += collected.entries
            freed += len(collected.freed)
        return f"{entries} events removed, {freed} ids free" if entries or freed else ""

    def _tried(self, action: Action, act: Callable[[], str]) -> Action:
        try:
            done = Action(action.name, action.workflow, None, act())
        except WorkflowError as error:
            # Trim and collect raise a journal's errors unwrapped.
            wrapped = JournalError(error) if isinstance(error, JournalLevelError) else error
            done = Action(action.name, action.workflow, wrapped)
        level = logging.ERROR if done.error else logging.INFO
        fields = {"workflow": done.workflow, "detail": done.detail, "error": done.error}
        given = {name: value for name, value in fields.items() if value}
        logged(_LOGGER, done.name, level, registry=self._context.registry.name, **given)
        return done
