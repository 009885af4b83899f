"""The admin begins workflows, reads their pings, and commits (behaviour.md, section 7)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry import DECLARATION, State, StateCode
from pingregistrywf.coordination.daemon import Stop
from pingregistrywf.coordination.registry import RegistryContext
from pingregistrywf.runtime.errors import (
    ArgumentNotIdempotentError,
    JournalError,
    StateConflictError,
    UninitializedError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import Ulid

ACTIVE: Final = 101
"""The code of a workflow whose pings are not summarized yet."""
SUMMARIZED: Final = 100
"""The code of a workflow that is summarized and not committed yet."""
ABORTED: Final = "aborted without a summary"


@dataclass(frozen=True, slots=True)
class Vids:
    """The vids after what the admin did.

    Attributes:
        index: the vid of the registry's index.
        workflow: the vid of the workflow.
    """

    index: Ulid
    workflow: Ulid


@dataclass(frozen=True, slots=True)
class Answer:
    """What the admin reads of a workflow (behaviour.md, section 7).

    Attributes:
        state: the workflow's state, with its pings.
        code: 101 while it is active, 100 once summarized, then the summary's own.
        message: the state's name in lower case while it is active, then the summary's own.
        note: what needs words: that it was aborted before a summary was posted.
    """

    state: State
    code: int
    message: str
    note: str = ""


class Admin:
    """The admin of a registry.  Everything here may be run again after an interruption.

    Args:
        context: the registry on its journal.
    """

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    def begin(self, workflow_id: UUID, vid: Ulid | None = None) -> Vids:
        """Begin a workflow; one that the index lists already is left as it is.

        Args:
            workflow_id: the new workflow's id.
            vid: the expected vid of the index; None if any will do.

        Raises:
            ArgumentNotIdempotentError: the workflow has begun for another registry.
            JournalError: the index is at another vid, or another error of the journal.
            WorkflowError: a step was refused.
        """
        context, registry = self._context, self._context.registry
        index = context.indexes.find_id(registry.index_id)
        if vid is not None and vid != index.vid:
            conflict = VersionConflictError(index.vid, vid)
            raise JournalError(conflict) from conflict
        if workflow_id in index.entries:
            state = self._found(workflow_id)
            if state is not None:
                if state.registry_id != registry.id:
                    raise ArgumentNotIdempotentError("RegistryId")
                return Vids(index.vid, state.vid)
        ran = context.operations.begin(workflow_id, registry.index_id, registry.id, vid=vid)
        return Vids(ran.by_chart["ping_registry_index"], ran.by_chart["ping_registry"])

    def get(
        self, workflow_id: UUID, *, wait: float | None = None, stop: Stop | None = None
    ) -> Answer:
        """The workflow's pings and summary.

        Args:
            workflow_id: the workflow.
            wait: for how long to wait for the summary, in seconds; None not to wait.  The journal's
                notification ends the wait.
            stop: ends the wait, too.

        Raises:
            UninitializedError: there is no such workflow.
            UnknownWorkflowError: it belongs to another registry.
            JournalError: whatever the journal raised.
        """
        clock, stop = self._context.journal.clock, stop or Stop()
        deadline = clock() + (wait or 0.0)
        with (
            self._context.journal.subscribe(workflow_id) as subscription,
            stop.waking(subscription.close),
        ):
            while True:
                answer = self._answer(workflow_id)
                left = deadline - clock()
                if wait is None or answer.code != ACTIVE or left <= 0 or stop.asked:
                    return answer
                subscription.wait(left)

    def _answer(self, workflow_id: UUID) -> Answer:
        state = self._context.state_of(workflow_id)
        summary = state.summary_status
        match state.state_code:
            case StateCode.INITIALIZED | StateCode.APPENDING:
                return Answer(state, ACTIVE, DECLARATION.state_names[state.state_code].lower())
            case StateCode.SUMMARIZED:
                return Answer(state, SUMMARIZED, summary.message)
            case _ if not summary.event_id:
                return Answer(state, summary.code, summary.message, ABORTED)
            case _:
                return Answer(state, summary.code, summary.message)

    def commit(self, workflow_id: UUID, vid: Ulid | None = None) -> Vids:
        """Complete a workflow; one that is terminated already is left as it is, if no vid is given.

        Args:
            workflow_id: the workflow.
            vid: the expected vid of the workflow; None if any will do.

        Raises:
            StateConflictError: the workflow is not summarized yet.
            UnknownWorkflowError: it belongs to another registry; nothing was written.
            JournalError: the workflow is at another vid, or another error of the journal.
            WorkflowError: a step was refused.
        """
        context, index_id = self._context, self._context.registry.index_id
        with suppress(UninitializedError):  # the chart refuses that
            context.state_of(workflow_id)
        try:
            ran = context.operations.commit(workflow_id, index_id, vid=vid)
        except StateConflictError:
            # An earlier run finished, and only its answer was lost (behaviour.md, section 8, 7).
            state = self._found(workflow_id)
            if vid is not None or state is None or state.state_code is not StateCode.TERMINATED:
                raise
            return Vids(context.indexes.find_id(index_id).vid, state.vid)
        return Vids(ran.by_chart["ping_registry_index"], ran.by_chart["ping_registry"])

    def _found(self, workflow_id: UUID) -> State | None:
        try:
            return self._context.workflows.find_id(workflow_id)
        except UninitializedError:
            return None
