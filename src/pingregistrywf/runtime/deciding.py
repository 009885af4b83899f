"""Journals whose keeper decides the commands: a client of such a journal only asks.

An engine gives a command to such a journal as it is, without reading before.  The interpreter gives
it whole operations.  Reads, streams and feeds are those of any journal.

The ids of new events are drawn where the journal is.  But the client draws an id as well, of which
the keeper takes the random part, so that the client can ask whether a command happened whose answer
was lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.errors import BehaviorError
from pingregistrywf.runtime.ids import Ulid, Vid
from pingregistrywf.runtime.values import Command


@dataclass(frozen=True, slots=True)
class DecidedCommand:
    """What a command did.

    Attributes:
        vid: the history's vid after it.
        events: the events that it appended, encoded.
    """

    vid: Ulid
    events: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class DecidedOperation:
    """What an operation did.

    Attributes:
        vids: the vid after each step that ran or was refused, in their order.
        events: the events that it appended, encoded, each with the name of its chart.
        refused: the refusals that it went on after, by step number from 1.
    """

    vids: tuple[Ulid, ...]
    events: tuple[tuple[str, bytes], ...]
    refused: Mapping[int, BehaviorError]


@runtime_checkable
class Deciding(Protocol):
    """What a journal offers whose keeper decides the commands."""

    def tell(
        self, declaration: Declaration, history: UUID, vid: Vid, command: Command, drawn: Ulid
    ) -> DecidedCommand:
        """Give a history a command.

        Args:
            declaration: the history's chart.
            history: the history.
            vid: the expected vid, ``NO_VC`` or ``RETRY_NO_VC``.
            command: the command.
            drawn: an id whose random part marks the new events.

        Raises:
            WorkflowError: what an engine raises; the errors of a journal are not wrapped.
            DBError: no answer came; ``definite`` says whether it certainly had no effect.
        """

    def run(
        self,
        operation: Any,
        arguments: Mapping[str, Any],
        vid: Ulid | None,
        charts: Mapping[str, Declaration],
        drawn: Ulid,
    ) -> DecidedOperation:
        """Run an operation to its end.

        Args:
            operation: the operation.
            arguments: its arguments.
            vid: the caller's vid.
            charts: the charts of its steps, by name, and perhaps others.
            drawn: an id whose random part marks the new events.

        Raises:
            WorkflowError: what the interpreter raises; the errors of a journal are not wrapped.
            DBError: no answer came; ``definite`` says whether it certainly had no effect.
        """

    def happened(self, declaration: Declaration, history: UUID, ids: Iterable[Ulid]) -> bool:
        """Return whether a history holds any event of these ids, or marked with one of them.

        Commands that are under way are waited for, and those that arrive later are refused.

        Raises:
            WorkflowError: what an engine raises; the errors of a journal are not wrapped.
        """
