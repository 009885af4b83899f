"""The declared operations for callers that know a registry by its name, as the adapter does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pingregistrywf._generated.ping_registry_operations import Operations
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.operations import Observer, Operation

_GUARDED: Final = frozenset({"begin", "commit"})
"""The operations of which a registry does more than the declared steps."""


class OutsideOperations(Operations):
    """Operations on registries that are given by their names.

    ``begin`` and ``commit`` do what ``PingRegistry`` adds to their declared steps (documentation:
    Behaviour, section 8, points 7 and 8).  Every other operation is run as it is declared.
    """

    def __init__(self, journal: Journal, *, observers: Iterable[Observer] = ()) -> None:
        super().__init__(journal, observers=observers)
        self._journal = journal

    def run_from(
        self, operation: Operation, inputs: Mapping[str, Any], vid: Ulid | None = None
    ) -> Mapping[str, Ulid]:
        if operation.name not in _GUARDED:
            return super().run_from(operation, inputs, vid)
        workflow_id = operation.resolve(inputs)["workflow_id"]
        registry = PingRegistry.on(self._journal, inputs["registry"], self)
        act = registry.begin if operation.name == "begin" else registry.commit
        vids = act(workflow_id, vid)
        return {"ping_registry": vids.workflow, "ping_registry_index": vids.index}
