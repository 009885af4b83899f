"""The collector expires, deletes, snapshots, trims and collects garbage.

A run reads the index once and uses one fixed time.  What it does, it does to the workflows that it
found there, and not to later ones of the same id.  A failure on one workflow is reported, and the
run goes on with the next.  The next run finishes what was interrupted (documentation: Behaviour,
section 7).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry_index import DECLARATION, WorkflowIndexes
from pingregistrywf._generated.ping_registry_index import State as Index
from pingregistrywf._generated.ping_registry_operations import DAEMONS, Operations
from pingregistrywf.coordination import DELETE_AFTER, EXPIRE_AFTER
from pingregistrywf.runtime.counts import counted
from pingregistrywf.runtime.deciding import Deciding
from pingregistrywf.runtime.engine import Checkpoint
from pingregistrywf.runtime.errors import (
    JournalError,
    JournalLevelError,
    JournalUnusableError,
    WorkflowError,
)
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.log import logged
from pingregistrywf.runtime.operations import Checkpoints

_LOGGER: Final = logging.getLogger("pingregistrywf.collector")
_STATES: Final = {name: code for code, name in DECLARATION.state_names.items()}
"""The states in which an index lists a workflow, by their names."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a run, done or planned: expire, delete, snapshot, trim or collect.

    The detail is its effect in words; it is empty if there was none.
    """

    name: str
    workflow: UUID | None = None
    error: WorkflowError | None = None
    detail: str = ""


@dataclass(frozen=True, eq=False)
class Collector:
    """The collector of a registry; times are in seconds since the Unix epoch.

    Attributes:
        journal: the registry's journal.
        name: the registry's name, for the log.
        index_id: the id of the registry's index.
        operations: the operations on that journal.
        expire_after: from a workflow's start to its expiry, unless it was completed.
        delete_after: from a workflow's completion to its deletion.
    """

    journal: Journal
    name: str
    index_id: UUID
    operations: Operations
    _: KW_ONLY
    expire_after: timedelta = EXPIRE_AFTER
    delete_after: timedelta = DELETE_AFTER

    def plan(self, now: float) -> Iterator[Action]:
        """Yield what a run at that time would do with the workflows: expire, then delete.

        Raises:
            JournalError: the index cannot be read.
        """
        yield from self._planned(now, self._index().state)

    def _planned(self, now: float, index: Index) -> Iterator[Action]:

        def older(since: Ulid, limit: timedelta) -> bool:
            return timedelta(seconds=now - since.milliseconds / 1000) > limit

        limits = {"expire": self.expire_after, "delete": self.delete_after}
        listed = sorted(index.entries.values(), key=lambda each: each.started_workflow_event_id)
        for name, age in DAEMONS.ages.items():
            limit, state = limits.get(name, age.after), _STATES[age.state]
            for entry in listed:
                if entry.state_code is state and older(getattr(entry, age.since), limit):
                    yield Action(name, entry.workflow_id)

    def _index(self) -> Checkpoint[Index]:
        return self.operations.facade(WorkflowIndexes).engine.checkpoint(self.index_id)

    def run(self, now: float | None = None) -> Iterator[Action]:
        """Run the collector at that time, by default now, and yield each action when it is done.

        Raises:
            JournalError: the index cannot be read.
            JournalUnusableError: the journal is behind a service, which neither trims nor collects
                for its clients.  Nothing has been done then.
        """
        if isinstance(self.journal, Deciding):
            where = (
                "a service lets no client collect: run 'pingregistrywf collect"
                f" {self.name} --journal URL' where its journal is, or start it with"
                " 'serve --collect'"
            )
            raise JournalUnusableError(f"collect registry {self.name}", PermissionError(where))
        journal, index_id = self.journal, self.index_id
        moment = journal.clock() if now is None else now
        index = self._index()
        for action in tuple(self._planned(moment, index.state)):
            yield self._tried(action, partial(self._operate, action, {index_id: index}))
        for name in DAEMONS.then:
            yield self._tried(Action(name), partial(self._bound, name))
        yield self._tried(Action("trim"), lambda: "moved" if journal.trim(index_id, moment) else "")
        yield self._tried(Action("collect"), lambda: self._collect(moment))

    def _operate(self, action: Action, read: Checkpoints) -> str:
        age = DAEMONS.ages[action.name]
        arguments = {age.history: self.index_id, age.entry: action.workflow}
        self.operations.run(self.operations.declared[action.name], arguments, read=read)
        return ""

    def _bound(self, name: str) -> str:
        operation = self.operations.declared[name]
        arguments = dict.fromkeys(operation.arguments, self.index_id)
        return "written" if self.operations.run(operation, arguments).events else ""

    def _collect(self, now: float) -> str:
        entries, freed = 0, 0
        while collected := self.journal.collect(now):
            entries += collected.entries
            freed += len(collected.freed)
        found = f"{counted(entries, 'event')} removed, {counted(freed, 'id')} free"
        return found if entries or freed else ""

    def _tried(self, action: Action, act: Callable[[], str]) -> Action:
        try:
            done = Action(action.name, action.workflow, None, act())
        except WorkflowError as error:
            # Trim and collect raise a journal's errors unwrapped.
            bare = isinstance(error, JournalLevelError) and not isinstance(error, JournalError)
            wrapped = JournalError(error) if bare else error
            done = Action(action.name, action.workflow, wrapped)
        level = logging.ERROR if done.error else logging.INFO
        fields = {"workflow": done.workflow, "detail": done.detail, "error": done.error}
        given = {name: value for name, value in fields.items() if value}
        logged(_LOGGER, done.name, level, registry=self.name, **given)
        return done
