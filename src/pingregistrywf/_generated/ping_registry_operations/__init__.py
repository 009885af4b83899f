# Generated from operations ping_registry_operations. Do not edit: change the model.
"""Operations of the ping-registry workflow. What admins, servers, gatherers and collectors do in
several steps, on a workflow's history and on its registry's index. A step happens whole or not
at all. An operation that was interrupted between two steps is finished by running it again.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pingregistrywf.runtime.declaration import Argument, Constant
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.operations import Interpreter, Operation, Ran, Step, VidOfStep

from .. import ping_registry, ping_registry_index

BEGIN: Final = Operation(
    name="begin",
    arguments=("workflow_id", "index_id", "registry_id",),
    steps=(
        Step(
            chart="ping_registry",
            history="workflow_id",
            command=ping_registry.CmdInit,
            sources={"registry_id": Argument("registry_id")},
            vid="none",
            on_refusal="stop",
            doc="The workflow begins.",
        ),
        Step(
            chart="ping_registry_index",
            history="index_id",
            command=ping_registry_index.CmdBeginPingRegistry,
            sources={"workflow_id": Argument("workflow_id"), "workflow_event_id": VidOfStep(1)},
            vid="given",
            on_refusal="stop",
            doc=(
                "The index lists it as active, with the id of its first event. From here on "
                "daemons see it."
            ),
        ),
    ),
    doc=(
        "The admin begins a workflow. Interrupted between the two steps, the workflow is in no "
        "index and visible to nobody; it is finished by beginning again with the same id."
    ),
)

PING: Final = Operation(
    name="ping",
    arguments=("workflow_id", "code", "message",),
    steps=(
        Step(
            chart="ping_registry",
            history="workflow_id",
            command=ping_registry.CmdAppendPing,
            sources={"code": Argument("code"), "message": Argument("message")},
            vid="given",
            on_refusal="stop",
            doc="The ping is appended.",
        ),
    ),
    doc="A server posts one ping.",
)

GATHER: Final = Operation(
    name="gather",
    arguments=("workflow_id", "code", "message",),
    steps=(
        Step(
            chart="ping_registry",
            history="workflow_id",
            command=ping_registry.CmdPostSummary,
            sources={"code": Argument("code"), "message": Argument("message")},
            vid="given",
            on_refusal="stop",
            doc="The summary is posted if the pings are still those that were read.",
        ),
    ),
    doc="The gatherer posts the summary of the pings that it read.",
)

COMMIT: Final = Operation(
    name="commit",
    arguments=("workflow_id", "index_id",),
    steps=(
        Step(
            chart="ping_registry",
            history="workflow_id",
            command=ping_registry.CmdCommit,
            sources={},
            vid="given",
            on_refusal="stop",
            doc="The workflow is completed.",
        ),
        Step(
            chart="ping_registry_index",
            history="index_id",
            command=ping_registry_index.CmdCommitPingRegistry,
            sources={"workflow_id": Argument("workflow_id"), "workflow_event_id": VidOfStep(1)},
            vid="retry",
            on_refusal="stop",
            doc="The index lists it as completed, with the id of its completion event.",
        ),
        Step(
            chart="ping_registry",
            history="workflow_id",
            command=ping_registry.CmdEnd,
            sources={},
            vid=VidOfStep(1),
            on_refusal="stop",
            doc="The workflow's history ends.",
        ),
    ),
    doc=(
        "The admin completes a workflow. Run again without a vid, it finishes what was "
        "interrupted."
    ),
)

EXPIRE: Final = Operation(
    name="expire",
    arguments=("workflow_id", "index_id",),
    steps=(
        Step(
            chart="ping_registry",
            history="workflow_id",
            command=ping_registry.CmdAbortExpired,
            sources={},
            vid="retry",
            on_refusal="stop",
            doc="The workflow is completed, without a summary if there was none.",
        ),
        Step(
            chart="ping_registry_index",
            history="index_id",
            command=ping_registry_index.CmdCommitPingRegistry,
            sources={"workflow_id": Argument("workflow_id"), "workflow_event_id": VidOfStep(1)},
            vid="retry",
            on_refusal="stop",
            doc="The index lists it as completed.",
        ),
        Step(
            chart="ping_registry",
            history="workflow_id",
            command=ping_registry.CmdEnd,
            sources={},
            vid=VidOfStep(1),
            on_refusal="stop",
            doc="The workflow's history ends.",
        ),
    ),
    doc="The collector completes a workflow that nobody has committed in time.",
)

DELETE: Final = Operation(
    name="delete",
    arguments=("workflow_id", "index_id",),
    steps=(
        Step(
            chart="ping_registry",
            history="workflow_id",
            command=ping_registry.CmdDelete,
            sources={},
            vid="none",
            on_refusal="stop",
            doc="The workflow's history is deleted.",
        ),
        Step(
            chart="ping_registry_index",
            history="index_id",
            command=ping_registry_index.CmdDeletePingRegistry,
            sources={"workflow_id": Argument("workflow_id")},
            vid="none",
            on_refusal="stop",
            doc="The index lists it no more.",
        ),
    ),
    doc="The collector deletes a completed workflow.",
)

SNAPSHOT: Final = Operation(
    name="snapshot",
    arguments=("index_id",),
    steps=(
        Step(
            chart="ping_registry_index",
            history="index_id",
            command=ping_registry_index.CmdSnapshot,
            sources={"if_storage_reduction": Constant(True)},
            vid="retry",
            on_refusal="done",
            doc="The index is rewritten as a snapshot if that saves storage.",
        ),
    ),
    doc="The collector bounds the replay of an index.",
)

OPERATIONS: Final = {
    "begin": BEGIN,
    "ping": PING,
    "gather": GATHER,
    "commit": COMMIT,
    "expire": EXPIRE,
    "delete": DELETE,
    "snapshot": SNAPSHOT,
}
"""Every operation by its name."""


class Operations(Interpreter):
    """Operations of the ping-registry workflow, as methods."""

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
            WorkflowError: what a step raised; the steps before it stay done.
        """
        arguments = {
            "workflow_id": workflow_id,
            "index_id": index_id,
            "registry_id": registry_id,
        }
        return self.run(BEGIN, arguments, vid)

    def ping(self, workflow_id: UUID, code: int, message: str, *, vid: Ulid | None = None) -> Ran:
        """A server posts one ping.

        Args:
            workflow_id: The workflow.
            code: 0 if the server is well.
            message: The same in words.
            vid: The version to expect; None if the caller has none.

        Raises:
            WorkflowError: what a step raised; the steps before it stay done.
        """
        return self.run(PING, {"workflow_id": workflow_id, "code": code, "message": message}, vid)

    def gather(self, workflow_id: UUID, code: int, message: str, *, vid: Ulid | None = None) -> Ran:
        """The gatherer posts the summary of the pings that it read.

        Args:
            workflow_id: The workflow.
            code: 0 if every ping had code 0.
            message: How many pings there were, and how many told of trouble.
            vid: The version to expect; None if the caller has none.

        Raises:
            WorkflowError: what a step raised; the steps before it stay done.
        """
        return self.run(GATHER, {"workflow_id": workflow_id, "code": code, "message": message}, vid)

    def commit(self, workflow_id: UUID, index_id: UUID, *, vid: Ulid | None = None) -> Ran:
        """The admin completes a workflow. Run again without a vid, it finishes what was
        interrupted.

        Args:
            workflow_id: The workflow.
            index_id: The registry's index.
            vid: The version to expect; None if the caller has none.

        Raises:
            WorkflowError: what a step raised; the steps before it stay done.
        """
        return self.run(COMMIT, {"workflow_id": workflow_id, "index_id": index_id}, vid)

    def expire(self, workflow_id: UUID, index_id: UUID) -> Ran:
        """The collector completes a workflow that nobody has committed in time.

        Args:
            workflow_id: The workflow.
            index_id: The registry's index.

        Raises:
            WorkflowError: what a step raised; the steps before it stay done.
        """
        return self.run(EXPIRE, {"workflow_id": workflow_id, "index_id": index_id})

    def delete(self, workflow_id: UUID, index_id: UUID) -> Ran:
        """The collector deletes a completed workflow.

        Args:
            workflow_id: The workflow.
            index_id: The registry's index.

        Raises:
            WorkflowError: what a step raised; the steps before it stay done.
        """
        return self.run(DELETE, {"workflow_id": workflow_id, "index_id": index_id})

    def snapshot(self, index_id: UUID) -> Ran:
        """The collector bounds the replay of an index.

        Args:
            index_id: The registry's index.

        Raises:
            WorkflowError: what a step raised; the steps before it stay done.
        """
        return self.run(SNAPSHOT, {"index_id": index_id})
