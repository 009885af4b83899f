# Generated from operations ping_registry_operations. Do not edit: change the model.
"""Operations of the ping-registry workflow, for the tasks of an event loop. What admins, servers,
gatherers and collectors do in several steps, on a workflow's history and on its registry's index. A
step happens whole or not at all. An operation that was interrupted between two steps is finished by
running it again.
"""

from __future__ import annotations

from uuid import UUID

from pingregistrywf.runtime.aio.operations import AsyncInterpreter
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.operations import Checkpoints, Ran

from . import OPERATIONS, Operations


class AsyncOperations(AsyncInterpreter):
    """Operations of the ping-registry workflow, as coroutine methods. What admins, servers,
    gatherers and collectors do in several steps, on a workflow's history and on its registry's
    index. A step happens whole or not at all. An operation that was interrupted between two steps
    is finished by running it again.

    Args:
        journal: An ``AsyncJournal``.
        ids: Where new event ids come from; the journal's clock and the system's randomness unless
            given.
        observers: Are called before and after each step, in their order, in the thread that runs
            the operation.
    """

    _blocking_kind = Operations

    async def begin(
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
        return await self.run(OPERATIONS["begin"], arguments, vid=vid)

    async def ping(
        self,
        workflow_id: UUID,
        code: int,
        message: str,
        *,
        vid: Ulid | None = None,
    ) -> Ran:
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
        return await self.run(OPERATIONS["ping"], arguments, vid=vid)

    async def gather(
        self,
        workflow_id: UUID,
        code: int,
        message: str,
        *,
        vid: Ulid | None = None,
    ) -> Ran:
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
        return await self.run(OPERATIONS["gather"], arguments, vid=vid)

    async def commit(
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
        return await self.run(OPERATIONS["commit"], arguments, vid=vid, read=read)

    async def expire(
        self,
        workflow_id: UUID,
        index_id: UUID,
        *,
        read: Checkpoints | None = None,
    ) -> Ran:
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
        return await self.run(OPERATIONS["expire"], arguments, read=read)

    async def delete(
        self,
        workflow_id: UUID,
        index_id: UUID,
        *,
        read: Checkpoints | None = None,
    ) -> Ran:
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
        return await self.run(OPERATIONS["delete"], arguments, read=read)

    async def snapshot(self, index_id: UUID) -> Ran:
        """The collector bounds the replay of an index.

        Args:
            index_id: The registry's index.

        Raises:
            WorkflowError: What a step raised; the steps before it stay done.
        """
        arguments = {"index_id": index_id}
        return await self.run(OPERATIONS["snapshot"], arguments)
