"""The ids of a registry, which follow from its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry_operations import OPERATIONS

_BEGIN: Final = OPERATIONS["begin"]
"""The operation that knows how the ids follow from the name."""


@dataclass(frozen=True, slots=True)
class RegistryIds:
    """The name of a registry, and the ids that follow from it.

    Attributes:
        name: the registry's name; ``model/ping_registry_operations.yaml`` has the rule.
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
