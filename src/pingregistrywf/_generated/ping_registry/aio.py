# Generated from chart ping_registry 1.0.0. Do not edit: change the chart.
"""The facade of chart ping_registry for the tasks of an event loop."""

from __future__ import annotations

from uuid import UUID

from pingregistrywf.runtime.aio.facade import AsyncFacade
from pingregistrywf.runtime.ids import Ulid, Vid

from .commands import (
    AnyCommand,
    CmdAbortExpired,
    CmdAppendPing,
    CmdCommit,
    CmdDelete,
    CmdEnd,
    CmdInit,
    CmdPostSummary,
)
from .events import AnyEvent
from .facade import Workflows
from .states import State


class AsyncWorkflows(AsyncFacade[State, AnyEvent, AnyCommand]):
    """Ping registry: its commands as coroutine methods, on a journal. The ping-registry workflow
    gathers pings from the server daemons that watch a registry. An admin begins it, each server
    posts its pings, a gatherer summarizes them at the deadline, and the admin commits. It shows how
    a workflow coordinates several servers and an admin through nothing but a shared journal.

    - A method takes the id of a history, and the vid that the caller expects there; NO_VC accepts
      any.
    - It returns the history's vid after the command, or raises the error with which the chart
      refuses it.

    Args:
        journal: An ``AsyncJournal``.
        ids: Where new event ids come from; the journal's clock and the system's randomness unless
            given.
    """

    _blocking_kind = Workflows

    async def init(self, id: UUID, cmd: CmdInit) -> Ulid:
        """The admin begins the workflow.

        - Uninitialized: appends PingRegistryStarted (rule Init.1).
        - Initialized: nothing to do with the same registry_id, else ArgumentNotIdempotentError
          (rule Init.2).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            cmd: The command and its arguments.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            ArgumentNotIdempotentError: The workflow has begun with another registry.
            StateConflictError: The command is not allowed in the workflow's state.
            JournalError: A version conflict, or another error of the journal.
        """
        return await self._begin(id, cmd, CmdInit)

    async def append_ping(self, id: UUID, vid: Vid, code: int, message: str) -> Ulid:
        """A server answers.

        - Initialized, Appending: appends ServerPinged (rule AppendPing.1).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.
            code: 0 if the server is well; any other number tells what is wrong.
            message: The same in words.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            StateConflictError: The command is not allowed in the workflow's state.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdAppendPing(code=code, message=message)
        return await self.tell(id, vid, cmd)

    async def post_summary(self, id: UUID, vid: Vid, code: int, message: str) -> Ulid:
        """The gatherer summarizes the pings.

        - Initialized, Appending: appends ServerPingsGathered (rule PostSummary.1).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.
            code: 0 if every ping had code 0.
            message: How many pings there were, and how many told of trouble.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            StateConflictError: The command is not allowed in the workflow's state.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdPostSummary(code=code, message=message)
        return await self.tell(id, vid, cmd)

    async def commit(self, id: UUID, vid: Vid) -> Ulid:
        """The admin has read the summary and completes the workflow.

        - Summarized: appends PingRegistryCompleted (rule Commit.1).
        - Completed: nothing to do (rule Commit.2).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            StateConflictError: The command is not allowed in the workflow's state.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdCommit()
        return await self.tell(id, vid, cmd)

    async def abort_expired(self, id: UUID, vid: Vid) -> Ulid:
        """The collector completes a workflow that nobody has committed in time.

        - Initialized, Appending, Summarized: appends PingRegistryCompleted (rule AbortExpired.1).
        - Completed, Terminated: nothing to do (rule AbortExpired.2).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            StateConflictError: The command is not allowed in the workflow's state.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdAbortExpired()
        return await self.tell(id, vid, cmd)

    async def end(self, id: UUID, vid: Vid) -> Ulid:
        """Confirm that the history ends.

        - Completed: appends PingRegistryCommitted (rule End.1).
        - Terminated: nothing to do (rule End.2).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.

        Returns:
            The vid after the command.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            StateConflictError: The command is not allowed in the workflow's state.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdEnd()
        return await self.tell(id, vid, cmd)

    async def delete(self, id: UUID, vid: Vid) -> None:
        """Delete the workflow's history.

        - Uninitialized: nothing to do (rule Delete.1).
        - Completed, Terminated: the history is deleted (rule Delete.2).
        - Anywhere else: StateConflictError.

        Args:
            id: Which history.
            vid: The expected vid, NO_VC or RETRY_NO_VC.

        Raises:
            InvalidCommandError: An argument is malformed; nothing was read.
            StateConflictError: The command is not allowed in the workflow's state.
            JournalError: A version conflict, or another error of the journal.
        """
        cmd = CmdDelete()
        await self.tell(id, vid, cmd)
