"""What a service serves: names, the histories that belong to them, and the events of these.

A call may be about a name that is served, and about no other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.aio.topic import Topics
from pingregistrywf.runtime.behavior import evolve
from pingregistrywf.runtime.errors import InvalidCommandError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.operations import Interpreter
from pingregistrywf.runtime.services import Events, IdOf, Service
from pingregistrywf.runtime.stream import StreamPosition
from pingregistrywf.runtime.values import Command
from pingregistrywf.service.grpc.auth.caller import Caller
from pingregistrywf.service.grpc.refusal import CallRefusedError, not_served

HEARTBEAT: Final = 10.0
"""After so many seconds without an event, a stream says again that there is none."""
MESSAGE_SIZE: Final = 64 * 1024
"""Events share a message up to this many bytes."""


class Served:
    """The names that a service serves on a journal, for one event loop.

    Attributes:
        service: what the service is about.
        journal: where the events rest.
        operations: run the service's operations on that journal.
        ids: the ids that follow from each name.
        topics: the histories of each chart.

    Raises:
        InvalidCommandError: one of the names breaks its rule.
    """

    def __init__(
        self,
        service: Service,
        journal: AsyncJournal,
        operations: Interpreter,
        names: Iterable[str],
    ) -> None:
        self.service: Final = service
        self.journal: Final = journal
        self.operations: Final = operations
        self.ids: Mapping[str, Mapping[str, UUID]] = {
            name: self._ids_of(name) for name in sorted(set(names))
        }
        self.topics: Final = {
            each.behavior.declaration.name: Topics(journal, operations.facade(each).engine)
            for each in operations.facades
        }
        self._behaviors: Final = {
            each.behavior.declaration.name: each.behavior for each in operations.facades
        }
        owner = service.owner.id
        self._names: Mapping[UUID, str] = {ids[owner]: name for name, ids in self.ids.items()}
        self._derived: Final = {
            each: name for name, ids in self.ids.items() for each in ids.values()
        }

    def ids_of(self, name: str) -> Mapping[str, UUID]:
        """Return the ids of a name that is served.

        Raises:
            InvalidCommandError: it breaks the rule of names.
            CallRefusedError: it is not served.
        """
        ids = self.ids.get(name)
        if ids is None:
            self._ids_of(name)
            raise not_served(self.service.name, name)
        return ids

    def owner_of(self, history: UUID | None) -> str | None:
        """Return the name that a history belongs to; None if the history has no event.

        Raises:
            InvalidCommandError: the history's id is malformed.
            CallRefusedError: the name is not served.
        """
        service = self.service
        if history is None:
            raise InvalidCommandError(f"there is no {service.owner.history}")
        owner = self._owner(history)
        return None if owner is None else self._name_of(owner, history)

    def check_owner(self, history: UUID, name: str) -> None:
        """Check that a history with events belongs to a name.

        Raises:
            CallRefusedError: it belongs to another one.
        """
        if self._owner(history) != self.ids[name][self.service.owner.id]:
            raise CallRefusedError(
                "PERMISSION_DENIED", "ForeignHistory", self.service.owner.refusal
            )

    def check(
        self,
        caller: Caller,
        roles: Collection[str],
        chart: str,
        history: UUID,
        command: Command | None = None,
    ) -> str | None:
        """Check that a caller may make a call about a history, and give it a command.

        A history without events belongs to nobody, until a command begins it.

        Args:
            caller: who makes the call.
            roles: the roles that may make it.
            chart: the chart of the history.
            history: the history.
            command: the command that it is given, if any.

        Returns:
            The name that it belongs to, or would after the command; None if there is none.

        Raises:
            CallRefusedError: it belongs to a name that is not served, or on which the caller has
                none of the roles.
        """
        if chart != self.service.owner.chart:
            name = self._derived.get(history)
            if name is None:
                raise not_served(f"the {chart}", history)
        else:
            owner = self._owner(history)
            if owner is None and command is not None:
                owner = self._owner_after(history, command)
            name = None if owner is None else self._name_of(owner, history)
        caller.check(roles, name)
        return name

    def states(self) -> dict[tuple[str, str], int]:
        """Return how many of the histories that indexes list are in each state, by name and state.

        Raises:
            JournalError: the journal failed.
        """
        owned = self.topics[self.service.owner.chart].engine
        found: dict[tuple[str, str], int] = {}
        for method in self.service.methods:
            action = method.action
            if isinstance(action, Events) and isinstance(action.history, IdOf):
                index = self.topics[action.chart].engine
                for name, ids in self.ids.items():
                    for key in index.find(ids[action.history.id]).entries:
                        state = owned.find(key)
                        at = (name, owned.declaration.state_names[state.state_code])
                        found[at] = found.get(at, 0) + 1
        return found

    def visible(
        self, caller: Caller, roles: Collection[str], histories: Iterable[UUID]
    ) -> list[UUID]:
        """Return the histories, in order, of those names on which a caller has one of the roles."""
        ordered = sorted(histories)
        if caller.may_everywhere(roles):
            return ordered
        return [each for each in ordered if self.may_see(caller, roles, each)]

    def chart_of(self, history: UUID) -> str:
        """Return the chart of a history: that of the owned ones, unless its id is derived."""
        operations = self.service.derived
        for ids in self.ids.values():
            for argument, derived in ids.items():
                if derived == history:
                    steps = operations[argument].steps
                    charts = (each.chart for each in steps if each.history == argument)
                    return next(charts, self.service.owner.chart)
        return self.service.owner.chart

    async def events(
        self, chart: str, history: UUID, after: Ulid | None, *, watch: bool, ends: bool = False
    ) -> AsyncIterator[Sequence[Any]]:
        """Yield the events after one, as many at a time as fit into a message.

        Args:
            chart: the chart of the history.
            history: the history.
            after: the event to begin after; None for the first.
            watch: whether to go on with the events to come.  Whenever there is none, and again
                after each ``HEARTBEAT``, nothing is yielded as an empty sequence.
            ends: whether a watch ends with the history.

        Raises:
            PositionGoneError: the event to go on after is not there.
            JournalError: whatever the journal raised.
        """
        topics = self.topics[chart]
        topic = topics[history]
        position = StreamPosition(topics.engine, history, after, restart=False)
        while True:
            look = await (topic.after if watch else topic.now)(position.since)
            position.take(look.changes)
            while position:
                size, events = 0, []
                while position and size < MESSAGE_SIZE:
                    events.append(position.give())
                    size += len(events[-1].marshal_proto())
                yield events
            if not watch or (ends and not position.goes_on):
                return
            while topic.number == look.number:
                if topic.ended:
                    self.journal.watch.check()
                    return
                yield ()
                await topic.wait(look.number, position.read, HEARTBEAT)

    def may_see_of(self, caller: Caller, roles: Collection[str], owner: UUID) -> bool:
        """Return whether a caller has one of the roles on the name that has an id."""
        name = self._names.get(owner)
        return name is not None and caller.may(roles, name)

    def may_see_of_nobody(self, caller: Caller, roles: Collection[str]) -> bool:  # noqa: ARG002
        """Return whether a caller sees a history of which nobody can tell whose it is."""
        return False

    def may_see(self, caller: Caller, roles: Collection[str], history: UUID) -> bool:
        """Return whether a caller has one of the roles on the name that a history belongs to."""
        name = self._derived.get(history)
        if name is not None:
            return caller.may(roles, name)
        owner = self._owner(history)
        return owner is not None and self.may_see_of(caller, roles, owner)

    def _ids_of(self, name: str) -> Mapping[str, UUID]:
        derived = self.service.derived.items()
        return {each: operation.derive(each, name) for each, operation in derived}

    def _owner(self, history: UUID) -> UUID | None:
        """Return the id of the name that a history belongs to; None if it has no event."""
        owner = self.service.owner
        state = self.topics[owner.chart].engine.find(history)
        found: UUID = getattr(state, owner.attribute)
        return None if state.vid == EPOCH else found

    def _owner_after(self, history: UUID, command: Command) -> UUID | None:
        """Return whom a history without events would belong to after a command."""
        owner = self.service.owner
        behavior = self._behaviors[owner.chart]()
        state = behavior.new_state(history)
        events = behavior.explain(state, command).events
        for event in events:
            state = evolve(behavior.declaration, state, event)
        found: UUID = getattr(state, owner.attribute)
        return found if events else None

    def _name_of(self, owner: UUID, history: UUID) -> str:
        name = self._names.get(owner)
        if name is None:
            raise not_served(f"the {self.service.name} of {self.service.owner.history}", history)
        return name
