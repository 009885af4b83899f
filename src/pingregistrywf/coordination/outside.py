"""The declared operations for callers that know a registry by its name, as the adapter does.

What the admin adds to the declared steps of begin and commit (behaviour.md, section 8, 7 and 8)
holds for such callers, too.  Every other operation is run as it is declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pingregistrywf._generated.ping_registry import Workflows
from pingregistrywf._generated.ping_registry_index import WorkflowIndexes
from pingregistrywf._generated.ping_registry_operations import Operations
from pingregistrywf.coordination.admin import Admin
from pingregistrywf.coordination.registry import Registry, RegistryContext
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.operations import Observer, Operation


class OutsideOperations(Operations):
    """The declared operations, of which begin and commit are the admin's."""

    def __init__(self, journal: Journal, observers: tuple[Observer, ...] = ()) -> None:
        self._journal = journal
        engines = (Workflows(journal).engine, WorkflowIndexes(journal).engine)
        super().__init__({each.declaration.name: each for each in engines}, observers)

    def run_from(
        self, operation: Operation, inputs: Mapping[str, Any], vid: Ulid | None = None
    ) -> Mapping[str, Ulid]:
        if operation.name not in ("begin", "commit"):
            return super().run_from(operation, inputs, vid)
        workflow_id = operation.resolve(inputs)["workflow_id"]
        registry = Registry(inputs["registry"])
        admin = Admin(RegistryContext(self._journal, registry, observers=self._observers))
        act = admin.begin if operation.name == "begin" else admin.commit
        vids = act(workflow_id, vid)
        return {"ping_registry": vids.workflow, "ping_registry_index": vids.index}
