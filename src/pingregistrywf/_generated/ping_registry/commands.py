# Generated from chart ping_registry 1.0.0. Do not edit: change the chart.
"""The commands of chart ping_registry."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pingregistrywf.runtime.field_types import Int32, NonZero, Text, Uuid
from pingregistrywf.runtime.json_forms import CommandUnion
from pingregistrywf.runtime.values import Command


class CmdInit(Command):
    """The admin begins the workflow.

    Attributes:
        registry_id: The registry whose servers are asked to answer.
    """

    registry_id: NonZero[Uuid]


class CmdAppendPing(Command):
    """A server answers.

    Attributes:
        code: 0 if the server is well; any other number tells what is wrong.
        message: The same in words.
    """

    code: Int32
    message: Text


class CmdPostSummary(Command):
    """The gatherer summarizes the pings.

    Attributes:
        code: 0 if every ping had code 0.
        message: How many pings there were, and how many told of trouble.
    """

    code: Int32
    message: Text


class CmdCommit(Command):
    """The admin has read the summary and completes the workflow."""


class CmdAbortExpired(Command):
    """The collector completes a workflow that nobody has committed in time."""


class CmdEnd(Command):
    """Confirm that the history ends."""


class CmdDelete(Command):
    """Delete the workflow's history."""


AnyCommand: TypeAlias = Annotated[
    CmdAbortExpired
    | CmdAppendPing
    | CmdCommit
    | CmdDelete
    | CmdEnd
    | CmdInit
    | CmdPostSummary,
    CommandUnion(),
]
"""A command of chart ping_registry, of a closed union: its name tells which."""
