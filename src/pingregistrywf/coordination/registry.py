"""A registry by its name, and all that runs its workflows on one journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from pingregistrywf._generated.ping_registry import State, Workflows
from pingregistrywf._generated.ping_registry_index import State as Index
from pingregistrywf._generated.ping_registry_index import UnknownWorkflowError, WorkflowIndexes
from pingregistrywf._generated.ping_registry_operations import Operations
from pingregistrywf.runtime.ids import IdSource
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.names import check_name
from pingregistrywf.runtime.operations import Observer

NAMESPACE: Final = UUID("ecb02ec6-006d-429f-a378-9392612f9c61")
"""The namespace of registry and index ids, unless another is chosen (behaviour.md, section 7)."""

REGISTRY_PREFIX: Final = "fsoreg:"
"""What stands before a registry's name in the text of its id."""
INDEX_PREFIX: Final = "fsoregephwfl:"
"""What stands before a registry's name in the text of its index's id."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry: a name, from which its ids follow.

    Attributes:
        name: the registry's name, which follows the rule of ``runtime.names``.
        namespace: the namespace in which the ids are made.

    Raises:
        InvalidCommandError: the name breaks the rule.
    """

    name: str
    namespace: UUID = NAMESPACE

    def __post_init__(self) -> None:
        check_name("registry", self.name)

    @property
    def id(self) -> UUID:
        """The registry's id: UUID version 5 of ``fsoreg:NAME``."""
        return uuid5(self.namespace, f"{REGISTRY_PREFIX}{self.name}")

    @property
    def index_id(self) -> UUID:
        """The id of the registry's index: UUID version 5 of ``fsoregephwfl:NAME``."""
        return uuid5(self.namespace, f"{INDEX_PREFIX}{self.name}")


class RegistryContext:
    """A registry on a journal: its workflows, its index, and the operations on both.

    Args:
        journal: where the events rest.
        registry: the registry.
        ids: where new event ids come from.
        observers: called before and after each step of an operation.
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
        facades = (self.workflows, self.indexes)
        self.operations = Operations(
            {facade.engine.declaration.name: facade.engine for facade in facades}, observers
        )

    def index(self) -> Index:
        """Return the state of the registry's index.

        Raises:
            JournalError: whatever the journal raised.
        """
        return self.indexes.find_id(self.registry.index_id)

    def state_of(self, workflow_id: UUID) -> State:
        """Return the state of a workflow of this registry.

        Raises:
            UninitializedError: there is no such workflow.
            UnknownWorkflowError: it belongs to another registry.
            JournalError: whatever the journal raised.
        """
        state = self.workflows.find_id(workflow_id)
        if state.registry_id != self.registry.id:
            raise UnknownWorkflowError(workflow_id)
        return state
