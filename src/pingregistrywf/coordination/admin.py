"""The admin begins workflows, reads their pings, and commits (behaviour.md, section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pingregistrywf._generated.ping_registry import DECLARATION, State, StateCode, Workflows
from pingregistrywf._generated.ping_registry_index import WorkflowIndexes
from pingregistrywf._generated.ping_registry_operations import Operations
from pingregistrywf.coordination.registry import OPEN, Registry, RegistryContext
from pingregistrywf.coordination.waiting import Stop, seconds_until, wake_ups
from pingregistrywf.runtime.engine import ATTEMPTS
from pingregistrywf.runtime.errors import (
    ArgumentNotIdempotentError,
    StateConflictError,
    UninitializedError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.operations import Observer, Operation, Ran

ACTIVE: Final = 101
"""The code of a workflow whose pings are not summarized yet."""
SUMMARIZED: Final = 100
"""The code of a workflow that is summarized and not committed yet."""
ABORTED: Final = "aborted without a summary"


@dataclass(frozen=True, slots=True)
class Vids:
    """The vids of the registry's index and of the workflow after an operation of the admin."""

    index: Ulid
    workflow: Ulid


@dataclass(frozen=True, slots=True)
class Answer:
    """The admin's view of a workflow (behaviour.md, section 7).

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


@dataclass(frozen=True, eq=False)
class Admin:
    """The admin of a registry.  An interrupted operation is finished by running it again."""

    context: RegistryContext

    def begin(self, workflow_id: UUID, vid: Ulid | None = None) -> Vids:
        """Begin a workflow.  A workflow that the index lists already is left as it is.

        The expected vid of the index is checked before anything is written; None accepts any.  A
        run without a vid that another one overtook between the two steps looks again.

        Raises:
            ArgumentNotIdempotentError: the workflow was begun for another registry.
            JournalError: the index is at another vid, or another error of the journal.
            WorkflowError: a step was refused.
        """
        registry = self.context.registry
        for attempt in range(1, ATTEMPTS + 1):
            try:
                ran = self.context.operations.begin(
                    workflow_id, registry.index_id, registry.id, vid=vid
                )
            except StateConflictError:
                if (vids := self._begun(workflow_id)) is None:
                    raise
                return vids
            except VersionConflictError:
                # Without a vid, another run of this begin came between the two steps.
                if vid is not None or attempt == ATTEMPTS:
                    raise
            else:
                return _vids(ran)
        raise AssertionError("unreachable")

    def _begun(self, workflow_id: UUID) -> Vids | None:
        """Return the vids of a workflow that an earlier run began and listed, if one did."""
        workflow = self.context.workflows.engine.checkpoint(workflow_id)
        if not workflow.origin:
            return None
        if workflow.state.registry_id != self.context.registry.id:
            raise ArgumentNotIdempotentError("RegistryId")
        index = self.context.index()
        entry = index.entries.get(workflow_id)
        if entry is None or entry.started_workflow_event_id != workflow.origin:
            return None
        return Vids(index.vid, workflow.head.vid)

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
        journal = self.context.journal
        deadline = journal.clock() + (wait or 0.0)
        for _ in wake_ups(
            journal, workflow_id, stop, lambda: seconds_until(deadline, journal.clock)
        ):
            answer = self._answer(workflow_id)
            if answer.code != ACTIVE or journal.clock() >= deadline:
                break
        return answer

    def _answer(self, workflow_id: UUID) -> Answer:
        state = self.context.state_of(workflow_id)
        summary = state.summary_status
        if state.state_code in OPEN:
            return Answer(state, ACTIVE, DECLARATION.state_names[state.state_code].lower())
        if state.state_code is StateCode.SUMMARIZED:
            return Answer(state, SUMMARIZED, summary.message)
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
        context = self.context
        with suppress(UninitializedError):  # the first step refuses a workflow without events
            context.state_of(workflow_id)
        try:
            ran = context.operations.commit(workflow_id, context.registry.index_id, vid=vid)
        except StateConflictError:
            # An earlier run finished, and only its answer was lost (behaviour.md, section 8, 7).
            state = self._found(workflow_id)
            if vid is not None or state is None or state.state_code is not StateCode.TERMINATED:
                raise
            return Vids(context.index().vid, state.vid)
        return _vids(ran)

    def _found(self, workflow_id: UUID) -> State | None:
        try:
            return self.context.workflows.find_id(workflow_id)
        except UninitializedError:
            return None


def _vids(ran: Ran) -> Vids:
    return Vids(ran.by_chart["ping_registry_index"], ran.by_chart["ping_registry"])


class OutsideOperations(Operations):
    """The declared operations for callers that know a registry by its name, as the adapter does.

    What the admin adds to the declared steps of begin and commit (behaviour.md, section 8, 7 and 8)
    holds for such callers, too.  Every other operation is run as it is declared.
    """

    def __init__(self, journal: Journal, observers: tuple[Observer, ...] = ()) -> None:
        self._journal = journal
        engines = (Workflows(journal).engine, WorkflowIndexes(journal).engine)
        super().__init__({each.declaration.name: each for each in engines}, observers)

    def run_from(
        self, operation: Operation, inputs: Mapping[str, Any], vid: Ulid | None = None
    ) -> Mapping[str, Ulid]:
        if operation.name not in ("begin", "commit"):
            return super().run_from(operation, inputs, vid)
        workflow_id = operation.resolve(inputs)["workflow_id"]
        registry = Registry(inputs["registry"])
        admin = Admin(RegistryContext(self._journal, registry, observers=self._observers))
        act = admin.begin if operation.name == "begin" else admin.commit
        vids = act(workflow_id, vid)
        return {"ping_registry": vids.workflow, "ping_registry_index": vids.index}
