"""A registry by its name, and all that runs its workflows on one journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from pingregistrywf._generated.ping_registry import State, Workflows
from pingregistrywf._generated.ping_registry_index import UnknownWorkflowError, WorkflowIndexes
from pingregistrywf._generated.ping_registry_operations import Operations
from pingregistrywf.runtime.errors import InvalidCommandError
from pingregistrywf.runtime.ids import IdSource
from pingregistrywf.runtime.journal import Journal
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
        name: the registry's name; not empty.
        namespace: the namespace in which the ids are made.

    Raises:
        InvalidCommandError: the name is empty, or holds what UTF-8 cannot.
    """

    name: str
    namespace: UUID = NAMESPACE

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InvalidCommandError("a registry's name is a text that is not empty")
        try:
            self.name.encode()
        except UnicodeEncodeError:
            raise InvalidCommandError(
                f"{self.name!r} is no name of a registry: it is not UTF-8"
            ) from None

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

    def state_of(self, workflow_id: UUID) -> State:
        """The state of a workflow of this registry.

        Raises:
            UninitializedError: there is no such workflow.
            UnknownWorkflowError: it belongs to another registry.
            JournalError: whatever the journal raised.
        """
        state = self.workflows.find_id(workflow_id)
        if state.registry_id != self.registry.id:
            raise UnknownWorkflowError(workflow_id)
        return state
