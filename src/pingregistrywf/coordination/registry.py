"""A registry on a journal: whatever an admin, a server, a gatherer or a collector does with it.

``PingRegistry`` runs the declared operations, with the ids that follow from the registry's name.
Around the steps of ``begin`` and ``commit`` it does what makes them safe to run again.  The daemons
and the commands of the command line are built on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self
from uuid import UUID

from pingregistrywf._generated.ping_registry import (
    DECLARATION,
    CmdAppendPing,
    CmdPostSummary,
    State,
    Workflows,
)
from pingregistrywf._generated.ping_registry_index import (
    Entry,
    UnknownWorkflowError,
    WorkflowIndexes,
)
from pingregistrywf._generated.ping_registry_index import State as Index
from pingregistrywf._generated.ping_registry_operations import Operations
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.coordination import DELETE_AFTER, EXPIRE_AFTER
from pingregistrywf.coordination.collector import Action, Collector
from pingregistrywf.coordination.registry_ids import RegistryIds
from pingregistrywf.coordination.waiting import Stop, wake_ups
from pingregistrywf.runtime.engine import ATTEMPTS
from pingregistrywf.runtime.errors import (
    ArgumentNotIdempotentError,
    StateConflictError,
    UninitializedError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import IdSource, Ulid
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.operations import Observer, Ran
from pingregistrywf.runtime.waiting import seconds_until

OPEN: Final = frozenset(
    code
    for code, commands in State.allowed_in.items()
    if {CmdAppendPing, CmdPostSummary} <= set(commands)
)
"""The states in which the chart lets a workflow take pings and a summary."""
# What the admin is shown in place of the summary, by the state (model/ping_registry_service.yaml).
(_SHOWN,) = (
    field.by_state
    for method in SERVICE.methods
    for field in method.reply.values()
    if field.by_state
)
_CODES: Final = {name: int(str(code)) for name, code in _SHOWN["status_code"].items()}
(ACTIVE,) = {_CODES[DECLARATION.state_names[code]] for code in OPEN}
"""The code of a workflow whose pings are not summarized yet."""
(SUMMARIZED,) = set(_CODES.values()) - {ACTIVE}
"""The code of a workflow that is summarized and not committed yet."""
ABORTED: Final = "aborted without a summary"


@dataclass(frozen=True, slots=True)
class Vids:
    """The vids after an operation: of the registry's index, and of the workflow.

    The workflow's is the epoch once its history is deleted.
    """

    index: Ulid
    workflow: Ulid


@dataclass(frozen=True, slots=True)
class Answer:
    """The admin's view of a workflow (documentation: Behaviour, section 7).

    Attributes:
        state: the workflow's state, with its pings.
        code: 101 while it is active, 100 once summarized, then the summary's own.
        message: the state's name in lower case while it is active, then the summary's own.
        note: ``ABORTED`` if the workflow was expired before a summary was posted, else empty.
    """

    state: State
    code: int
    message: str
    note: str = ""


class PingRegistry:
    """A registry: its workflows, the index that lists them, and the operations on both.

    An operation that was interrupted is finished by running it again.  Threads may share a
    registry.

    Attributes:
        journal: the journal; its clock is the registry's.
        name: the registry's name.
        id: its id, which each of its workflows carries.
        index_id: the id of its index.
        workflows: the commands on single workflows.
        indexes: the commands on the index.
        operations: the declared operations, as they are.

    Args:
        journal: where the events rest; ``open_journal`` opens one.
        name: one or more words of lower-case letters, digits and hyphens, joined by dots.
        namespace: the namespace from which the ids follow; the 2019 system's unless given.
        ids: where new event ids come from; the journal's clock and the system's randomness unless
            given.
        observers: are called before and after each step of an operation.

    Raises:
        InvalidCommandError: it is not the name of a registry.
    """

    def __init__(
        self,
        journal: Journal,
        name: str,
        *,
        namespace: UUID | None = None,
        ids: IdSource | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        operations = Operations(journal, ids=ids, observers=observers)
        self._set_up(journal, RegistryIds(name, namespace), operations)

    @classmethod
    def on(cls, journal: Journal, name: str, operations: Operations) -> Self:
        """Return a registry that runs operations on the same journal.

        Raises:
            InvalidCommandError: it is not the name of a registry.
        """
        made = cls.__new__(cls)
        made._set_up(journal, RegistryIds(name), operations)
        return made

    def _set_up(self, journal: Journal, ids: RegistryIds, operations: Operations) -> None:
        self.journal = journal
        self.name, self.id, self.index_id = ids.name, ids.id, ids.index_id
        self.operations = operations
        self.workflows = operations.facade(Workflows)
        self.indexes = operations.facade(WorkflowIndexes)

    # --- The admin --------------------------------------------------------------------------------

    def begin(self, workflow_id: UUID, vid: Ulid | None = None) -> Vids:
        """Begin a workflow.  A workflow that the index lists already is left as it is.

        The expected vid of the index is checked before anything is written; None accepts any.  A
        run without a vid that another one overtook between the two steps looks again.

        Raises:
            ArgumentNotIdempotentError: the workflow was begun for another registry.
            JournalError: the index is at another vid, or another error of the journal.
            WorkflowError: a step was refused.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                ran = self.operations.begin(workflow_id, self.index_id, self.id, vid=vid)
            except StateConflictError:
                if self._is_of_another(workflow_id):
                    raise ArgumentNotIdempotentError("RegistryId") from None
                if (vids := self._finished("begin", workflow_id, vid)) is None:
                    raise
                return vids
            except VersionConflictError:
                # Without a vid, another run of this begin came between the two steps.
                if vid is not None or attempt == ATTEMPTS:
                    raise
            else:
                return _vids(ran)
        raise AssertionError("unreachable")

    def _is_of_another(self, workflow_id: UUID) -> bool:
        workflow = self.workflows.engine.checkpoint(workflow_id)
        return bool(workflow.origin) and workflow.state.registry_id != self.id

    def _finished(self, name: str, workflow_id: UUID, vid: Ulid | None) -> Vids | None:
        """Return the vids if an earlier run of an operation that was refused did all its work."""
        operation = self.operations.declared[name]
        arguments = {"workflow_id": workflow_id, "index_id": self.index_id}
        vids = self.operations.finished(operation, arguments, vid, own=self.id)
        return None if vids is None else Vids(vids["ping_registry_index"], vids["ping_registry"])

    def get(
        self, workflow_id: UUID, *, wait: float | None = None, stop: Stop | None = None
    ) -> Answer:
        """Return a workflow's pings and summary, after a wait for the summary of ``wait`` seconds.

        A stop ends the wait early.

        Raises:
            UninitializedError: there is no such workflow.
            UnknownWorkflowError: it belongs to another registry.
            JournalError: whatever the journal raised.
        """
        journal = self.journal
        deadline = journal.clock() + (wait or 0.0)
        for _ in wake_ups(
            journal, workflow_id, stop, lambda: seconds_until(deadline, journal.clock)
        ):
            answer = self._answer(workflow_id)
            if answer.code != ACTIVE or journal.clock() >= deadline:
                break
        return answer

    def _answer(self, workflow_id: UUID) -> Answer:
        state = self.state_of(workflow_id)
        summary = state.summary_status
        name = DECLARATION.state_names[state.state_code]
        if name in _CODES:
            message = _SHOWN["status_message"].get(name, summary.message)
            return Answer(state, _CODES[name], str(message))
        note = "" if summary.event_id else ABORTED
        return Answer(state, summary.code, summary.message, note)

    def commit(self, workflow_id: UUID, vid: Ulid | None = None) -> Vids:
        """Complete a workflow at the expected vid.  Without one, a terminated workflow is left.

        Raises:
            StateConflictError: the workflow is not summarized yet.
            UnknownWorkflowError: it belongs to another registry; nothing was written.
            JournalError: the workflow is at another vid, or another error of the journal.
            WorkflowError: a step was refused.
        """
        with suppress(UninitializedError):  # the first step refuses a workflow without events
            self.state_of(workflow_id)
        try:
            ran = self.operations.commit(workflow_id, self.index_id, vid=vid)
        except StateConflictError:
            # An earlier run finished, and only its answer was lost.
            if (vids := self._finished("commit", workflow_id, vid)) is None:
                raise
            return vids
        return _vids(ran)

    # --- Servers and the gatherer -----------------------------------------------------------------

    def ping(self, workflow_id: UUID, code: int, message: str, *, vid: Ulid | None = None) -> Ulid:
        """Post one ping, and return the workflow's vid after it.

        The workflow is not read before: it may be of another registry.

        Args:
            workflow_id: the workflow.
            code: 0 if the server is well.
            message: the same in words.
            vid: the workflow's expected vid; None accepts any.

        Raises:
            InvalidCommandError: an argument is malformed; nothing was read.
            StateConflictError: the workflow takes no pings now.
            JournalError: the workflow is at another vid, or another error of the journal.
        """
        ran = self.operations.ping(workflow_id, code, message, vid=vid)
        return ran.by_chart["ping_registry"]

    def gather(
        self, workflow_id: UUID, code: int, message: str, *, vid: Ulid | None = None
    ) -> Ulid:
        """Post the summary of the pings, and return the workflow's vid after it.

        The workflow is not read before: it may be of another registry.

        Args:
            workflow_id: the workflow.
            code: 0 if every ping had code 0.
            message: how many pings there were, and how many told of trouble.
            vid: the vid at which the pings were read; None accepts any, and may leave pings out.

        Raises:
            InvalidCommandError: an argument is malformed; nothing was read.
            StateConflictError: the workflow takes no summary now.
            JournalError: the workflow is at another vid, or another error of the journal.
        """
        ran = self.operations.gather(workflow_id, code, message, vid=vid)
        return ran.by_chart["ping_registry"]

    # --- The collector ----------------------------------------------------------------------------

    def expire(self, workflow_id: UUID) -> Vids:
        """Complete a workflow that the index lists and that nobody has committed.

        Raises:
            UnknownWorkflowError: the index does not list it.
            JournalError: whatever the journal raised.
            WorkflowError: a step was refused.
        """
        return _vids(self.operations.expire(workflow_id, self.index_id))

    def delete(self, workflow_id: UUID) -> Vids:
        """Delete a workflow that the index lists as completed.

        Raises:
            StateConflictError: the workflow is not over.
            UnknownWorkflowError: the index does not list it as completed.
            JournalError: whatever the journal raised.
        """
        return _vids(self.operations.delete(workflow_id, self.index_id))

    def snapshot(self) -> bool:
        """Write a snapshot of the index if that saves storage, and return whether it did.

        Raises:
            JournalError: whatever the journal raised.
        """
        return bool(self.operations.snapshot(self.index_id).events)

    def collector(
        self, *, expire_after: timedelta = EXPIRE_AFTER, delete_after: timedelta = DELETE_AFTER
    ) -> Collector:
        """Return the registry's collector, which can also be asked for its plan.

        Args:
            expire_after: from a workflow's start to its expiry, unless it was completed.
            delete_after: from a workflow's completion to its deletion.
        """
        return Collector(
            self.journal,
            self.name,
            self.index_id,
            self.operations,
            expire_after=expire_after,
            delete_after=delete_after,
        )

    def collect(
        self, *, expire_after: timedelta = EXPIRE_AFTER, delete_after: timedelta = DELETE_AFTER
    ) -> tuple[Action, ...]:
        """Expire and delete what is old enough, snapshot and trim the index, and free storage.

        A failure on one workflow is the ``error`` of its action, and the run goes on.

        Args:
            expire_after: from a workflow's start to its expiry, unless it was completed.
            delete_after: from a workflow's completion to its deletion.

        Returns:
            What was done, in order.

        Raises:
            JournalError: the index cannot be read.
        """
        collector = self.collector(expire_after=expire_after, delete_after=delete_after)
        return tuple(collector.run())

    # --- What the index lists ---------------------------------------------------------------------

    def list(self) -> tuple[Entry, ...]:
        """Return what the index lists, in the order in which the workflows began.

        Those that began within one millisecond are in any order.

        Raises:
            JournalError: whatever the journal raised.
        """
        entries = self.index().entries.values()
        return tuple(sorted(entries, key=lambda each: each.started_workflow_event_id))

    def index(self) -> Index:
        """Return the state of the registry's index.

        Raises:
            JournalError: whatever the journal raised.
        """
        return self.indexes.find_id(self.index_id)

    def state_of(self, workflow_id: UUID) -> State:
        """Return the state of a workflow of this registry.

        Raises:
            UninitializedError: there is no such workflow.
            UnknownWorkflowError: it belongs to another registry.
            JournalError: whatever the journal raised.
        """
        state = self.workflows.find_id(workflow_id)
        self.check_own(state)
        return state

    def check_own(self, state: State) -> None:
        """Check that the workflow of that state belongs to this registry.

        Raises:
            UnknownWorkflowError: it belongs to another one.
        """
        if state.registry_id != self.id:
            raise UnknownWorkflowError(state.id)


def _vids(ran: Ran) -> Vids:
    return Vids(ran.by_chart["ping_registry_index"], ran.by_chart["ping_registry"])
