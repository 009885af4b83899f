"""The admin begins workflows, reads their pings, and commits (behaviour.md, section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pingregistrywf._generated.ping_registry import State, StateCode
from pingregistrywf.coordination.registry import Desk
from pingregistrywf.runtime.errors import (
    ArgumentNotIdempotentError,
    JournalError,
    StateConflictError,
    UninitializedError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import Ulid


@dataclass(frozen=True, slots=True)
class Vids:
    """The vids after what the admin did.

    Attributes:
        index: the vid of the registry's index.
        workflow: the vid of the workflow.
    """

    index: Ulid
    workflow: Ulid


class Admin:
    """The admin of a registry.  Everything here may be run again after an interruption.

    Args:
        desk: the registry on its journal.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

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
        desk, registry = self._desk, self._desk.registry
        index = desk.indexes.find_id(registry.index_id)
        if vid is not None and vid != index.vid:
            conflict = VersionConflictError(index.vid, vid)
            raise JournalError(conflict) from conflict
        if workflow_id in index.entries:
            state = self._found(workflow_id)
            if state is not None:
                if state.registry_id != registry.id:
                    raise ArgumentNotIdempotentError("RegistryId")
                return Vids(index.vid, state.vid)
        ran = desk.operations.begin(workflow_id, registry.index_id, registry.id, vid=vid)
        return Vids(ran.by_chart["ping_registry_index"], ran.by_chart["ping_registry"])

    def get(self, workflow_id: UUID) -> State:
        """The workflow's state: its pings and its summary.

        Raises:
            UninitializedError: there is no such workflow.
            JournalError: whatever the journal raised.
        """
        return self._desk.workflows.find_id(workflow_id)

    def commit(self, workflow_id: UUID, vid: Ulid | None = None) -> Vids:
        """Complete a workflow; one that is terminated already is left as it is, if no vid is given.

        Args:
            workflow_id: the workflow.
            vid: the expected vid of the workflow; None if any will do.

        Raises:
            StateConflictError: the workflow is not summarized yet.
            JournalError: the workflow is at another vid, or another error of the journal.
            WorkflowError: a step was refused.
        """
        desk, index_id = self._desk, self._desk.registry.index_id
        try:
            ran = desk.operations.commit(workflow_id, index_id, vid=vid)
        except StateConflictError:
            # An earlier run finished, and only its answer was lost (behaviour.md, section 8, 7).
            state = self._found(workflow_id)
            if vid is not None or state is None or state.state_code is not StateCode.TERMINATED:
                raise
            return Vids(desk.indexes.find_id(index_id).vid, state.vid)
        return Vids(ran.by_chart["ping_registry_index"], ran.by_chart["ping_registry"])

    def _found(self, workflow_id: UUID) -> State | None:
        try:
            return self._desk.workflows.find_id(workflow_id)
        except UninitializedError:
            return None
