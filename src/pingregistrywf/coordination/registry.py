"""A registry by its name, and all that runs its workflows on one journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry import State, StateCode, Workflows
from pingregistrywf._generated.ping_registry_index import State as Index
from pingregistrywf._generated.ping_registry_index import UnknownWorkflowError, WorkflowIndexes
from pingregistrywf._generated.ping_registry_operations import OPERATIONS, Operations
from pingregistrywf.runtime.ids import IdSource
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.operations import Observer

OPEN: Final = frozenset({StateCode.INITIALIZED, StateCode.APPENDING})
"""The states in which a workflow takes pings and a summary."""
_BEGIN: Final = OPERATIONS["begin"]
"""The operation that knows how a registry's ids follow from its name."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry: a name, from which its ids follow.

    Attributes:
        name: its name; ``model/ping_registry_operations.yaml`` has the rule.
        namespace: the namespace of the ids; None for the one in that file.

    Raises:
        InvalidCommandError: the name breaks the rule.
    """

    name: str
    namespace: UUID | None = None

    def __post_init__(self) -> None:
        _ = self.id

    @property
    def id(self) -> UUID:
        """The registry's id: UUID version 5 of ``fsoreg:NAME``."""
        return _BEGIN.derive("registry_id", self.name, self.namespace)

    @property
    def index_id(self) -> UUID:
        """The id of the registry's index: UUID version 5 of ``fsoregephwfl:NAME``."""
        return _BEGIN.derive("index_id", self.name, self.namespace)


class RegistryContext:
    """A registry on a journal: its workflows, its index, and the operations on both.

    New event ids come from ``ids``; observers are called before and after each operation's step.
    """

    def __init__(
        self,
        journal: Journal,
        registry: Registry,
        *,
        ids: IdSource | None = None,
        observers: tuple[Observer, ...] = (),
    ) -> None:
        self.journal = journal
        self.registry = registry
        self.workflows = Workflows(journal, ids=ids)
        self.indexes = WorkflowIndexes(journal, ids=ids)
        engines = (self.workflows.engine, self.indexes.engine)
        self.operations = Operations({each.declaration.name: each for each in engines}, observers)

    def index(self) -> Index:
        """Return the state of the registry's index."""
        return self.indexes.find_id(self.registry.index_id)

    def state_of(self, workflow_id: UUID) -> State:
        """Return the state of a workflow of this registry.

        Raises:
            UninitializedError: there is no such workflow.
            UnknownWorkflowError: it belongs to another registry.
            JournalError: whatever the journal raised.
        """
        state = self.workflows.find_id(workflow_id)
        self.check_own(state)
        return state

    def check_own(self, state: State) -> None:
        """Raise UnknownWorkflowError if the workflow of that state belongs to another registry."""
        if state.registry_id != self.registry.id:
            raise UnknownWorkflowError(state.id)
