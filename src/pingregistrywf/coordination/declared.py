"""The declared operations by name, as admins and collectors run them.

The daemons call their operations directly; this is for drivers that take an operation's name from
outside, such as the conformance adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias
from uuid import UUID

from pingregistrywf.coordination.admin import Admin, Vids
from pingregistrywf.coordination.registry import Registry, RegistryContext
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.operations import Observer

ByChart: TypeAlias = Mapping[str, Ulid]
"""The vid after an operation, by the name of the chart."""


def declared_operations(
    journal: Journal, observers: tuple[Observer, ...] = ()
) -> Mapping[str, Callable[..., ByChart]]:
    """A function for each operation that an outsider may run, by its name.

    Each takes a registry's name, all but snapshot a workflow's id, and begin and commit an expected
    vid; it raises what a step raised.

    Args:
        journal: where the events rest.
        observers: called before and after each step.
    """

    def context(registry: str) -> RegistryContext:
        return RegistryContext(journal, Registry(registry), observers=observers)

    def begin(*, registry: str, workflow: UUID, vid: Ulid | None = None) -> ByChart:
        return _by_chart(Admin(context(registry)).begin(workflow, vid))

    def commit(*, registry: str, workflow: UUID, vid: Ulid | None = None) -> ByChart:
        return _by_chart(Admin(context(registry)).commit(workflow, vid))

    def expire(*, registry: str, workflow: UUID) -> ByChart:
        here = context(registry)
        return here.operations.expire(workflow, here.registry.index_id).by_chart

    def delete(*, registry: str, workflow: UUID) -> ByChart:
        here = context(registry)
        return here.operations.delete(workflow, here.registry.index_id).by_chart

    def snapshot(*, registry: str) -> ByChart:
        here = context(registry)
        here.operations.snapshot(here.registry.index_id)
        return {"ping_registry_index": here.index().vid}

    return {each.__name__: each for each in (begin, commit, expire, delete, snapshot)}


def _by_chart(vids: Vids) -> ByChart:
    return {"ping_registry": vids.workflow, "ping_registry_index": vids.index}
