# Generated from operations ping_registry_operations. Do not edit: change the model.
"""Operations of the ping-registry workflow. What admins, servers, gatherers and collectors do in
several steps, on a workflow's history and on its registry's index. A step happens whole or not at
all. An operation that was interrupted between two steps is finished by running it again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.loading import load_daemons, load_operations
from pingregistrywf.runtime.operations import Checkpoints, Interpreter, Ran

from .. import ping_registry, ping_registry_index

OPERATIONS: Final = load_operations(
    Path(__file__).parent,
    ping_registry.DECLARATION,
    ping_registry_index.DECLARATION,
)
"""Every operation by its name."""

DAEMONS: Final = load_daemons(
    Path(__file__).parent,
    ping_registry.DECLARATION,
    ping_registry_index.DECLARATION,
)
"""What daemons post, sum up and collect."""


class Operations(Interpreter):
    """Operations of the ping-registry workflow, as methods. What admins, servers, gatherers and
    collectors do in several steps, on a workflow's history and on its registry's index. A step
    happens whole or not at all. An operation that was interrupted between two steps is finished by
    running it again.

    Args:
        journal: Where the events rest; ``open_journal`` opens one.
        ids: Where new event ids come from; the journal's clock and the system's randomness unless
            given.
        observers: Are called before and after each step, in their order.
    """

    declared = OPERATIONS
    facades = (
        ping_registry.Workflows,
        ping_registry_index.WorkflowIndexes,
    )

    def begin(
        self,
        workflow_id: UUID,
        index_id: UUID,
        registry_id: UUID,
        *,
        vid: Ulid | None = None,
    ) -> Ran:
        """The admin begins a workflow. Interrupted between the two steps, the workflow is in no
        index and visible to nobody; it is finished by beginning again with the same id.

        Args:
            workflow_id: The new workflow.
            index_id: The registry's index.
            registry_id: The registry.
            vid: The version to expect; None if the caller has none.

        Raises:
            WorkflowError: What a step raised; the steps before it stay done.
        """
        arguments = {"workflow_id": workflow_id, "index_id": index_id, "registry_id": registry_id}
        return self.run(OPERATIONS["begin"], arguments, vid=vid)

    def ping(self, workflow_id: UUID, code: int, message: str, *, vid: Ulid | None = None) -> Ran:
        """A server posts one ping.

        Args:
            workflow_id: The workflow.
            code: 0 if the server is well.
            message: The same in words.
            vid: The version to expect; None if the caller has none.

        Raises:
            WorkflowError: What a step raised; the steps before it stay done.
        """
        arguments = {"workflow_id": workflow_id, "code": code, "message": message}
        return self.run(OPERATIONS["ping"], arguments, vid=vid)

    def gather(self, workflow_id: UUID, code: int, message: str, *, vid: Ulid | None = None) -> Ran:
        """The gatherer posts the summary of the pings that it read.

        Args:
            workflow_id: The workflow.
            code: 0 if every ping had code 0.
            message: How many pings there were, and how many told of trouble.
            vid: The version to expect; None if the caller has none.

        Raises:
            WorkflowError: What a step raised; the steps before it stay done.
        """
        arguments = {"workflow_id": workflow_id, "code": code, "message": message}
        return self.run(OPERATIONS["gather"], arguments, vid=vid)

    def commit(
        self,
        workflow_id: UUID,
        index_id: UUID,
        *,
        vid: Ulid | None = None,
        read: Checkpoints | None = None,
    ) -> Ran:
        """The admin completes the workflow that the index lists. Run again without a vid, it
        finishes what was interrupted.

        Args:
            workflow_id: The workflow.
            index_id: The registry's index.
            vid: The version to expect; None if the caller has none.
            read: What the caller has read and decided upon; None if it read nothing.

        Raises:
            WorkflowError: What a step raised; the steps before it stay done.
        """
        arguments = {"workflow_id": workflow_id, "index_id": index_id}
        return self.run(OPERATIONS["commit"], arguments, vid=vid, read=read)

    def expire(self, workflow_id: UUID, index_id: UUID, *, read: Checkpoints | None = None) -> Ran:
        """The collector completes the workflow that the index lists, and that nobody has committed
        in time.

        Args:
            workflow_id: The workflow.
            index_id: The registry's index.
            read: What the caller has read and decided upon; None if it read nothing.

        Raises:
            WorkflowError: What a step raised; the steps before it stay done.
        """
        arguments = {"workflow_id": workflow_id, "index_id": index_id}
        return self.run(OPERATIONS["expire"], arguments, read=read)

    def delete(self, workflow_id: UUID, index_id: UUID, *, read: Checkpoints | None = None) -> Ran:
        """The collector deletes the completed workflow that the index lists, and no later one that
        has the same id in its place.

        Args:
            workflow_id: The workflow.
            index_id: The registry's index.
            read: What the caller has read and decided upon; None if it read nothing.

        Raises:
            WorkflowError: What a step raised; the steps before it stay done.
        """
        arguments = {"workflow_id": workflow_id, "index_id": index_id}
        return self.run(OPERATIONS["delete"], arguments, read=read)

    def snapshot(self, index_id: UUID) -> Ran:
        """The collector bounds the replay of an index.

        Args:
            index_id: The registry's index.

        Raises:
            WorkflowError: What a step raised; the steps before it stay done.
        """
        arguments = {"index_id": index_id}
        return self.run(OPERATIONS["snapshot"], arguments)
