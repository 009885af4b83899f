"""Serving every name: for journals that nobody shares, above all those that are put under test.

Nobody can tell to which name a history belongs until a call has named it.  So only callers who have
a role on every name may do what the role allows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.operations import Interpreter
from pingregistrywf.runtime.services import Service
from pingregistrywf.runtime.values import Command
from pingregistrywf.service.grpc.auth.caller import EVERYTHING, Caller
from pingregistrywf.service.grpc.served import Served

EVERY: Final = EVERYTHING
"""The name that stands for all."""


class ServedEvery(Served):
    """Every name on a journal, for one event loop."""

    def ids_of(self, name: str) -> Mapping[str, UUID]:
        """Return the ids of a name; from now on it is known.

        Raises:
            InvalidCommandError: it breaks the rule of names.
        """
        ids = self.ids.get(name)
        if ids is None:
            ids = self._ids_of(name)
            # Other threads may iterate over what there was.
            self.ids = {**self.ids, name: ids}
            self._names = {**self._names, ids[self.service.owner.id]: name}
        return ids

    def check(
        self,
        caller: Caller,
        roles: Collection[str],
        chart: str,  # noqa: ARG002
        history: UUID,  # noqa: ARG002
        command: Command | None = None,  # noqa: ARG002
    ) -> str | None:
        """Check that a caller has one of the roles on every name.

        Raises:
            CallRefusedError: the caller has none.
        """
        if not caller.may_everywhere(roles):
            caller.check(roles, EVERY)
        return None

    def may_see(self, caller: Caller, roles: Collection[str], history: UUID) -> bool:  # noqa: ARG002
        return caller.may_everywhere(roles)

    def may_see_of_nobody(self, caller: Caller, roles: Collection[str]) -> bool:
        return caller.may_everywhere(roles)

    def may_see_of(self, caller: Caller, roles: Collection[str], owner: UUID) -> bool:  # noqa: ARG002
        return caller.may_everywhere(roles)


def names_served(
    service: Service, journal: AsyncJournal, operations: Interpreter, names: Iterable[str]
) -> Served:
    """Return what is served: names, or every name if ``EVERY`` is among them.

    Raises:
        InvalidCommandError: one of the names breaks its rule.
    """
    given = set(names)
    kind = ServedEvery if EVERY in given else Served
    return kind(service, journal, operations, given - {EVERY})
