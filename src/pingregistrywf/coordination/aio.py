"""A registry for the tasks of an event loop: ``PingRegistry``, run by a journal's threads."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar
from uuid import UUID

from pingregistrywf._generated.ping_registry.aio import AsyncWorkflows
from pingregistrywf._generated.ping_registry_index.aio import AsyncWorkflowIndexes
from pingregistrywf._generated.ping_registry_operations.aio import AsyncOperations
from pingregistrywf.coordination.registry import ACTIVE, Answer, PingRegistry
from pingregistrywf.runtime.aio.facade import noted_ids
from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.ids import IdSource
from pingregistrywf.runtime.operations import Observer
from pingregistrywf.runtime.waiting import seconds_until

P = ParamSpec("P")
R = TypeVar("R")


def _coroutine(
    method: Callable[Concatenate[PingRegistry, P], R], *, writes: bool
) -> Callable[Concatenate[AsyncPingRegistry, P], Coroutine[Any, Any, R]]:
    """Return a method of ``PingRegistry`` as a coroutine method, with its parameters and prose."""

    @wraps(method)
    async def call(registry: AsyncPingRegistry, /, *args: P.args, **kwargs: P.kwargs) -> R:
        journal = registry.journal
        run = journal.command if writes else journal.read
        return await run(method, registry.blocking, *args, **kwargs)

    return call


class AsyncPingRegistry:
    """A registry: its workflows, the index that lists them, and the operations on both.

    Its methods are those of ``PingRegistry``, with the same arguments, results and errors.  The
    journal's threads run them.  One whose task is cancelled is not begun, or goes on to its end.

    Attributes:
        journal: the journal; its clock is the registry's.
        blocking: the ``PingRegistry`` on the same journal, which threads may share.
        name: the registry's name.
        id: its id, which each of its workflows carries.
        index_id: the id of its index.
        workflows: the commands on single workflows.
        indexes: the commands on the index.
        operations: the declared operations, as they are.

    Args:
        journal: an ``AsyncJournal``.
        name: one or more words of lower-case letters, digits and hyphens, joined by dots.
        namespace: the namespace from which the ids follow; the 2019 system's unless given.
        ids: where new event ids come from; the journal's clock and the system's randomness unless
            given.
        observers: are called before and after each step of an operation, in the thread that runs
            it.

    Raises:
        InvalidCommandError: it is not the name of a registry.
    """

    def __init__(
        self,
        journal: AsyncJournal,
        name: str,
        *,
        namespace: UUID | None = None,
        ids: IdSource | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        ids = noted_ids(journal, ids)
        blocking = PingRegistry(
            journal.journal, name, namespace=namespace, ids=ids, observers=observers
        )
        self.journal: Final = journal
        self.blocking: Final = blocking
        self.name, self.id, self.index_id = blocking.name, blocking.id, blocking.index_id
        self.operations: Final = AsyncOperations._on(journal, blocking.operations)
        self.workflows: Final = self.operations.facade(AsyncWorkflows)
        self.indexes: Final = self.operations.facade(AsyncWorkflowIndexes)

    begin = _coroutine(PingRegistry.begin, writes=True)
    commit = _coroutine(PingRegistry.commit, writes=True)
    ping = _coroutine(PingRegistry.ping, writes=True)
    gather = _coroutine(PingRegistry.gather, writes=True)
    expire = _coroutine(PingRegistry.expire, writes=True)
    delete = _coroutine(PingRegistry.delete, writes=True)
    snapshot = _coroutine(PingRegistry.snapshot, writes=True)
    collect = _coroutine(PingRegistry.collect, writes=True)
    list = _coroutine(PingRegistry.list, writes=False)
    index = _coroutine(PingRegistry.index, writes=False)
    state_of = _coroutine(PingRegistry.state_of, writes=False)

    async def get(self, workflow_id: UUID, *, wait: float | None = None) -> Answer:
        """Return a workflow's pings and summary, after a wait for the summary of ``wait`` seconds.

        To end the wait early, cancel the task.  It also ends when the journal's streams are ended.

        Raises:
            UninitializedError: there is no such workflow.
            UnknownWorkflowError: it belongs to another registry.
            JournalError: whatever the journal raised.
        """
        clock = self.journal.journal.clock
        deadline = clock() + (wait or 0.0)
        topic = self.workflows._topics[workflow_id]
        if wait:
            await self.journal.watch.begin()
        while True:
            number = topic.number
            answer = await self.journal.read(self.blocking.get, workflow_id)
            if answer.code != ACTIVE or clock() >= deadline:
                return answer
            if topic.ended:
                self.journal.watch.check()
                return answer
            await topic.wait(number, timeout=seconds_until(deadline, clock))
