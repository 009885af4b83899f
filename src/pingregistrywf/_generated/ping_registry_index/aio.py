# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""The facade of chart ping_registry_index for the tasks of an event loop."""

from __future__ import annotations

from uuid import UUID

from pingregistrywf.runtime.aio.facade import AsyncFacade
from pingregistrywf.runtime.ids import Ulid, Vid

from .commands import (
    AnyCommand,
    CmdBeginPingRegistry,
    CmdCommitPingRegistry,
    CmdDeletePingRegistry,
    CmdSnapshot,
)
from .events import AnyEvent
from .facade import WorkflowIndexes
from .states import State


class AsyncWorkflowIndexes(AsyncFacade[State, AnyEvent, AnyCommand]):
    """Ping registry index: its commands as coroutine methods, on a journal. One index history per
    registry lists the workflows that are active or completed, so that the daemons that watch the
    registry find them. Each listed workflow follows this chart by itself.

    - A method takes the id of a history, and the vid that the caller expects there; NO_VC accepts
      any.
    - It returns the history's vid after the command, or raises the error with which the chart
      refuses it.

    Args:
        journal: An ``AsyncJournal``.
        ids: Where new event ids come from; the journal's clock and the system's randomness unless
            given.
    """

    _blocking_kind = WorkflowIndexes

    async def begin_ping_registry(
        self,
        id: UUID,
        vid: Vid,
        workflow_id: UUID,
        workflow_event_id: Ulid,
    ) -> Ulid:
        """List a workflow as active.

        - Absent: appends PingRegistryStarted (rule BeginPingRegistry.1).
        - Active: nothing to do (rule BeginPingRegistry.2).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.
            workflow_id: The workflow.
            workflow_event_id: The id of its first event.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            StateConflictError: The workflow is listed as completed. It cannot begin again.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdBeginPingRegistry(workflow_id=workflow_id, workflow_event_id=workflow_event_id)
        return await self.tell(id, vid, cmd)

    async def commit_ping_registry(
        self,
        id: UUID,
        vid: Vid,
        workflow_id: UUID,
        workflow_event_id: Ulid,
    ) -> Ulid:
        """List a workflow as completed.

        - Active: appends PingRegistryCompleted (rule CommitPingRegistry.1).
        - Completed: nothing to do (rule CommitPingRegistry.2).
        - Absent: UnknownWorkflowError (rule CommitPingRegistry.3).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.
            workflow_id: The workflow.
            workflow_event_id: The id of its completion event.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            UnknownWorkflowError: The index does not list the workflow as the command needs it.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdCommitPingRegistry(workflow_id=workflow_id, workflow_event_id=workflow_event_id)
        return await self.tell(id, vid, cmd)

    async def delete_ping_registry(self, id: UUID, vid: Vid, workflow_id: UUID) -> Ulid:
        """Take a workflow from the list.

        - Completed: appends PingRegistryDeleted (rule DeletePingRegistry.1).
        - Absent, Active: UnknownWorkflowError (rule DeletePingRegistry.2).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.
            workflow_id: The workflow.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            UnknownWorkflowError: The index does not list the workflow as the command needs it.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdDeletePingRegistry(workflow_id=workflow_id)
        return await self.tell(id, vid, cmd)

    async def snapshot(self, id: UUID, vid: Vid, if_storage_reduction: bool) -> Ulid:
        """Rewrite the list as a snapshot.

        - Absent, Active, Completed: rewrites what is listed as one group of events (rule
          Snapshot.1).

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.
            if_storage_reduction: True to write the snapshot only if it saves storage.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            TooManyWorkflowsError: More workflows are listed than a snapshot may hold.
            SmallStorageReductionError: A snapshot would not save enough storage yet.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdSnapshot(if_storage_reduction=if_storage_reduction)
        return await self.tell(id, vid, cmd)
