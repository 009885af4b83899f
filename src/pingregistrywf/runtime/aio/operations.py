"""The base of generated asynchronous operations: the blocking ones, run by a journal's threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, TypeVar

from pingregistrywf.runtime.aio.facade import AsyncFacade, noted_ids
from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.ids import IdSource, Ulid
from pingregistrywf.runtime.operations import Checkpoints, Interpreter, Observer, Operation, Ran

F = TypeVar("F", bound=AsyncFacade[Any, Any, Any])


class AsyncInterpreter:
    """Operations on a journal, for the tasks of an event loop.

    An operation runs to its end in one of the threads that run commands.  One whose task is
    cancelled is not begun, or goes on to its end.

    Args:
        journal: an ``AsyncJournal``.
        ids: where new event ids come from; the journal's clock and the system's randomness unless
            given.
        observers: are called before and after each step, in their order, in the thread that runs
            the operation.
    """

    _blocking_kind: ClassVar[type[Interpreter]]

    def __init__(
        self,
        journal: AsyncJournal,
        *,
        ids: IdSource | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        ids = noted_ids(journal, ids)
        self._run_on(journal, self._blocking_kind(journal.journal, ids=ids, observers=observers))

    @classmethod
    def _on(cls, journal: AsyncJournal, blocking: Interpreter) -> Self:
        """Return blocking operations on the same journal as asynchronous ones."""
        made = cls.__new__(cls)
        made._run_on(journal, blocking)
        return made

    def _run_on(self, journal: AsyncJournal, blocking: Interpreter) -> None:
        self._journal = journal
        self._blocking = blocking

    def facade(self, kind: type[F]) -> F:
        """Return the facade of a chart through which the operations run, by its class.

        Raises:
            LookupError: no step is a command of that chart.
        """
        return kind._on(self._journal, self._blocking.facade(kind._blocking_kind))

    async def run(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        vid: Ulid | None = None,
        *,
        read: Checkpoints | None = None,
    ) -> Ran:
        """Run an operation to its end, with the caller's vid for the step that takes it.

        Args:
            operation: the operation.
            arguments: its arguments.
            vid: the version to expect; None if the caller has none.
            read: what the caller has read and decided upon.  What else the operation relies on, it
                reads before its first step.

        Raises:
            InvalidCommandError: an argument is malformed; no step was run.
            JournalError: a history is not at the caller's vid; no step was run.
            WorkflowError: what a step raised; the steps before it stay done, and running the
                operation again finishes it.
        """
        return await self._journal.command(self._blocking.run, operation, arguments, vid, read=read)
