"""What calls do: run an operation, find a state, stream events or signals.

A call is about a name that the service serves.  Either the request gives it, or the history that
the request gives tells to which name it belongs.  The journal's threads do what blocks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final, TypeVar
from uuid import UUID

from pingregistrywf.runtime.aio.journal import AsyncJournal
from pingregistrywf.runtime.aio.topic import Topics
from pingregistrywf.runtime.errors import (
    InvalidCommandError,
    JournalError,
    PositionGoneError,
    UninitializedError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.operations import Interpreter
from pingregistrywf.runtime.services import Events, Find, IdOf, Method, Run, Service, Signals
from pingregistrywf.runtime.stream import StreamPosition
from pingregistrywf.service.grpc.messages import Known, Messages, Protobuf, Request
from pingregistrywf.service.grpc.refusal import CallRefusedError, not_served, stopping

T = TypeVar("T")

HEARTBEAT: Final = 10.0
"""After so many seconds without an event, a stream says again that there is none."""
MESSAGE_SIZE: Final = 64 * 1024
"""Events share a message up to this many bytes."""


class Calls:
    """The methods of a service, on one journal, for one event loop.

    Args:
        service: what each method is about.
        journal: where the events rest.
        operations: run the service's operations on that journal.
        names: the names that it serves.

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
        self.messages: Final = Messages(service)
        self._journal: Final = journal
        self._operations: Final = operations
        self._ids: Final = {name: self._ids_of(name) for name in sorted(set(names))}
        owner = service.owner.id
        self._names: Final = {ids[owner]: name for name, ids in self._ids.items()}
        self._topics: Final = {
            each.behavior.declaration.name: Topics(journal, operations.facade(each).engine)
            for each in operations.facades
        }

    async def answer(self, method: Method, data: bytes) -> Protobuf:
        """Return the reply to a call of a method that does not stream.

        Raises:
            CallRefusedError: the service refuses the call.
            WorkflowError: what the operation raised, or the reading of a history.
        """
        request = self.messages.read(method, data)
        match method.action:
            case Run() as run:
                known = await self._journal.command(self._run, run, request)
            case Find() as find:
                known = await self._find(find, request)
            case _:
                named = self.service.name in request
                ids = self._served(request[self.service.name]) if named else {}
                known = Known(request, ids, names=self._ids)
        return self.messages.reply(method, known)

    async def stream(self, method: Method, data: bytes) -> AsyncIterator[Protobuf]:
        """Return the replies to a call of a method that streams; from now on it misses nothing.

        Raises:
            CallRefusedError: the service refuses the call; so may a step of the stream.
            WorkflowError: what the reading of a history raised; a step raises it, too.
        """
        request = self.messages.read(method, data)
        match method.action:
            case Events() as events:
                ids = self._served(request[self.service.name])
                if request[events.watch]:
                    await self._journal.watch.begin()
                return self._events(method, events, Known(request, ids))
            case Signals() as signals:
                changes = _Changes()
                self._journal.watch.add(changes)
                await self._journal.watch.begin()
                return self._signals(method, signals, request, changes)
            case _:
                if self.service.name in request:
                    self._served(request[self.service.name])
                return _nothing()

    # --- What methods do --------------------------------------------------------------------------

    def _run(self, run: Run, request: Request) -> Known:
        operation, name = run.operation, self.service.name
        found = self._named(request)
        if found is None and name in operation.inputs:
            raise UninitializedError(request[self.service.owner.history])
        ids = self._ids[found] if found is not None else {}
        for field, constant in run.constant.items():
            _expect(request[field], Ulid(ids[constant].bytes))
        given = {**request, name: found}
        inputs = {each: given[field] for each, field in run.inputs.items()}
        vid = request[run.vid] if run.vid is not None else None
        return Known(request, ids, self._operations.run_from(operation, inputs, vid))

    async def _find(self, find: Find, request: Request) -> Known:
        wait, waiting = find.wait, frozenset[str]()
        if wait is not None and request[wait.field] == wait.value:
            waiting = wait.states
            await self._journal.watch.begin()
        topic = self._topics[find.chart][request[find.history]]
        while True:
            number = topic.number
            known = await self._journal.read(self._found, find, request)
            if known.state is None or known.state[1] not in waiting:
                return known
            if topic.ended:
                raise stopping()
            await topic.wait(number)

    def _found(self, find: Find, request: Request) -> Known:
        engine, history = self._topics[find.chart].engine, request[find.history]
        state = engine.find(history)
        if state.vid == EPOCH:
            raise UninitializedError(history)
        self._named(request)
        name = engine.declaration.state_names[state.state_code]
        return Known(request, vids={find.chart: state.vid}, state=(state, name))

    async def _events(
        self, method: Method, action: Events, known: Known
    ) -> AsyncIterator[Protobuf]:
        request, watch = known.request, known.request[action.watch]
        topics = self._topics[action.chart]
        match action.history:
            case IdOf(id=derived):
                is_owned, history = False, known.ids[derived]
            case str(field):
                is_owned, history = True, request[field]
        topic = topics[history]
        position = StreamPosition(topics.engine, history, request[action.after], restart=False)
        while True:
            look = await (topic.after if watch else topic.now)(position.since)
            try:
                position.take(look.changes)
            except PositionGoneError:
                if action.fails:
                    raise CallRefusedError("UNKNOWN", "PositionGone", "journal error") from None
                return
            if is_owned and position:
                name = request[self.service.name]
                await self._journal.read(self._check_owner, history, name)
            while position:
                reply = self.messages.reply(method, known)
                size, events = 0, getattr(reply, action.field)
                while position and size < MESSAGE_SIZE:
                    data = position.give().marshal_proto()
                    events.add().MergeFromString(data)
                    size += len(data)
                yield reply
            if not watch:
                return
            while topic.number == look.number:
                if topic.ended:
                    return
                reply = self.messages.reply(method, known)
                setattr(reply, action.will_block, True)
                yield reply
                await topic.wait(look.number, position.read, HEARTBEAT)

    async def _signals(
        self, method: Method, action: Signals, request: Request, changes: _Changes
    ) -> AsyncIterator[Protobuf]:
        selected = request[action.select]
        while not self._journal.watch.closed:
            histories, is_known = await changes.next()
            if not is_known:
                histories |= await self._listed()
            if histories and (not selected or action.kind in selected):
                yield self.messages.reply(method, Known(request, signals=sorted(histories)))

    async def _listed(self) -> set[UUID]:
        """Return the histories that may matter to somebody: each index, and what it lists."""
        found: set[UUID] = set()
        for method in self.service.methods:
            action = method.action
            if isinstance(action, Events) and isinstance(action.history, IdOf):
                engine = self._topics[action.chart].engine
                for ids in self._ids.values():
                    index = ids[action.history.id]
                    state = await self._journal.read(engine.find, index)
                    found |= {index, *(key for key in state.entries if isinstance(key, UUID))}
        return found

    # --- Names ------------------------------------------------------------------------------------

    def _ids_of(self, name: str) -> Mapping[str, UUID]:
        derived = self.service.derived.items()
        return {each: operation.derive(each, name) for each, operation in derived}

    def _served(self, name: str) -> Mapping[str, UUID]:
        """Return the ids of a name that is served.

        Raises:
            InvalidCommandError: it breaks the rule of names.
            CallRefusedError: it is not served.
        """
        ids = self._ids.get(name)
        if ids is None:
            self._ids_of(name)
            raise not_served(self.service.name, name)
        return ids

    def _named(self, request: Request) -> str | None:
        """Return the name that a call is about; None if its history has no event.

        Raises:
            InvalidCommandError: the name breaks its rule, or the history's id is malformed.
            CallRefusedError: it is not served.
        """
        service = self.service
        if service.name in request:
            self._served(request[service.name])
            name: str = request[service.name]
            return name
        history = request[service.owner.history]
        if history is None:
            raise InvalidCommandError(f"there is no {service.owner.history}")
        state = self._topics[service.owner.chart].engine.find(history)
        if state.vid == EPOCH:
            return None
        found = self._names.get(getattr(state, service.owner.attribute))
        if found is None:
            raise not_served(f"the {service.name} of {service.owner.history}", history)
        return found

    def _check_owner(self, history: UUID, name: str) -> None:
        """Check that a history with events belongs to a name.

        Raises:
            CallRefusedError: it belongs to another one.
        """
        owner = self.service.owner
        state = self._topics[owner.chart].engine.find(history)
        if getattr(state, owner.attribute) != self._ids[name][owner.id]:
            raise CallRefusedError("PERMISSION_DENIED", "ForeignHistory", owner.refusal)


class _Changes:
    """The histories that have changed since somebody asked last."""

    def __init__(self) -> None:
        self._histories: set[UUID] = set()
        self._is_known = True
        self._event = asyncio.Event()

    async def next(self) -> tuple[set[UUID], bool]:
        """Wait for a change; return the histories, and whether those are all."""
        await self._event.wait()
        self._event.clear()
        changed, self._histories = (self._histories, self._is_known), set()
        self._is_known = True
        return changed

    def changed(self, histories: frozenset[UUID] | None) -> None:
        self._histories |= histories or frozenset()
        self._is_known = self._is_known and histories is not None
        self._event.set()

    def ended(self) -> None:
        self._event.set()


def _expect(vid: Ulid | None, stored: Ulid) -> None:
    """Check a version that never changes, if one is given."""
    if vid is not None and vid != stored:
        conflict = VersionConflictError(stored, vid)
        raise JournalError(conflict) from conflict


async def _nothing() -> AsyncIterator[Protobuf]:
    """Yield nothing."""
    nothing: tuple[Protobuf, ...] = ()
    for reply in nothing:
        yield reply
