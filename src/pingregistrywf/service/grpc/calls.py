"""What calls do: run an operation, find a state, stream events or signals.

A call is about a name that the service serves.  Either the request gives it, or the history that
the request gives tells to which name it belongs.  The journal's threads do what blocks.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.errors import (
    InvalidCommandError,
    JournalError,
    PositionGoneError,
    UninitializedError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.remote.messages import Protobuf
from pingregistrywf.runtime.services import Events, Find, IdOf, Method, Run, Signals
from pingregistrywf.service.grpc.auth.caller import Caller
from pingregistrywf.service.grpc.changes import Changes
from pingregistrywf.service.grpc.limits import Room
from pingregistrywf.service.grpc.messages import Known, Messages, Request
from pingregistrywf.service.grpc.refusal import CallRefusedError, stopping
from pingregistrywf.service.grpc.served import Served


class Calls:
    """The methods of a service, as they are declared.

    Args:
        served: what is served.
        waits: room for the calls that wait for a state; as much as they need unless given.

    Attributes:
        methods: the methods.
        pool: describes their messages.
        errors: how errors are answered that are not answered like others of their kind.
    """

    def __init__(self, served: Served, waits: Room | None = None) -> None:
        self.messages: Final = Messages(served.service)
        self.methods: Final = served.service.methods
        self.pool: Final = self.messages.pool
        self.errors: Final = served.service.errors
        self._served = served
        self._waits = waits or Room(math.inf, "calls wait")
        self._service = served.service
        self._journal = served.journal

    async def answer(self, method: Method, data: bytes, caller: Caller) -> Protobuf:
        """Return the reply to a call of a method that does not stream.

        Raises:
            CallRefusedError: the service refuses the call.
            WorkflowError: what the operation raised, or the reading of a history.
        """
        request, access = self.messages.read(method, data), _Access(caller, method.roles)
        match method.action:
            case Run() as run:
                known = await self._journal.command(self._run, run, request, access)
            case Find() as find:
                known = await self._find(find, request, access)
            case _:
                named = self._service.name in request
                ids = self._ids_of(request, access) if named else {}
                seen = [name for name in self._served.ids if caller.may(method.roles, name)]
                known = Known(request, ids, names=seen)
        return self.messages.reply(method, known)

    async def stream(self, method: Method, data: bytes, caller: Caller) -> AsyncIterator[Protobuf]:
        """Return the replies to a call of a method that streams; from now on it misses nothing.

        Raises:
            CallRefusedError: the service refuses the call; so may a step of the stream.
            WorkflowError: what the reading of a history raised; a step raises it, too.
        """
        request, access = self.messages.read(method, data), _Access(caller, method.roles)
        match method.action:
            case Events() as events:
                ids = self._ids_of(request, access)
                if request[events.watch]:
                    await self._journal.watch.begin()
                return self._events(method, events, Known(request, ids))
            case Signals() as signals:
                changes = Changes()
                self._journal.watch.add(changes)
                await self._journal.watch.begin()
                return self._signals(method, signals, request, changes, caller)
            case _:
                if self._service.name in request:
                    self._ids_of(request, access)
                return _nothing()

    def about(self, method: Method, data: bytes) -> str | None:
        """Return the history or name that a request is about, for logs."""
        try:
            request = self.messages.read(method, data)
        except InvalidCommandError:
            return None
        found = request.get(self._service.owner.history) or request.get(self._service.name)
        return None if found is None else str(found)

    def required_scope(self, method: Method, data: bytes) -> Protobuf | None:
        """Return the message that tells which scope a call of a method needs, if there is one."""
        scopes = (self._service.roles[role].scope for role in method.roles)
        scope = next(filter(None, scopes), None)
        if scope is None or self._service.required_scope is None:
            return None
        name = scope.name
        if name is None:
            try:
                name = self.messages.read(method, data).get(self._service.name)
            except InvalidCommandError:
                name = None
        return self.messages.required_scope(scope.action, name or "")

    # --- What methods do --------------------------------------------------------------------------

    def _run(self, run: Run, request: Request, access: _Access) -> Known:
        operation, name = run.operation, self._service.name
        found = self._named(request, access)
        needs_name = run.constant or name in operation.inputs
        if found is None and (needs_name or not access.is_everywhere):
            raise UninitializedError(request[self._service.owner.history])
        ids = self._served.ids[found] if found is not None else {}
        for field, constant in run.constant.items():
            _expect(request[field], Ulid(ids[constant].bytes))
        given = {**request, name: found}
        inputs = {each: given[field] for each, field in run.inputs.items()}
        vid = request[run.vid] if run.vid is not None else None
        return Known(request, ids, self._served.operations.run_from(operation, inputs, vid))

    async def _find(self, find: Find, request: Request, access: _Access) -> Known:
        wait, waiting = find.wait, frozenset[str]()
        if wait is not None and request[wait.field] == wait.value:
            waiting = wait.states
            await self._journal.watch.begin()
        topic = self._served.topics[find.chart][request[find.history]]
        while True:
            number = topic.number
            known = await self._journal.read(self._found, find, request, access)
            if known.state is None or known.state[1] not in waiting:
                return known
            if topic.ended:
                self._journal.watch.check()
                raise stopping()
            with self._waits.entered():
                await topic.wait(number)

    def _found(self, find: Find, request: Request, access: _Access) -> Known:
        engine, history = self._served.topics[find.chart].engine, request[find.history]
        state = engine.find(history)
        if state.vid == EPOCH:
            raise UninitializedError(history)
        self._named(request, access)
        name = engine.declaration.state_names[state.state_code]
        return Known(request, vids={find.chart: state.vid}, state=(state, name))

    async def _events(
        self, method: Method, action: Events, known: Known
    ) -> AsyncIterator[Protobuf]:
        request, owned = known.request, False
        match action.history:
            case IdOf(id=derived):
                history = known.ids[derived]
            case str(field):
                history, owned = request[field], True
        stream = self._served.events(
            action.chart, history, request[action.after], watch=request[action.watch]
        )
        try:
            async for events in stream:
                if owned and events:
                    name = request[self._service.name]
                    await self._journal.read(self._served.check_owner, history, name)
                reply = self.messages.reply(method, known)
                for event in events:
                    getattr(reply, action.field).add().MergeFromString(event.marshal_proto())
                if not events:
                    setattr(reply, action.will_block, True)
                yield reply
        except PositionGoneError:
            if action.fails:
                raise CallRefusedError("UNKNOWN", "PositionGone", "journal error") from None

    async def _signals(
        self,
        method: Method,
        action: Signals,
        request: Request,
        changes: Changes,
        caller: Caller,
    ) -> AsyncIterator[Protobuf]:
        selected = request[action.select]
        while not self._journal.watch.closed:
            histories, is_known = await changes.next()
            if not is_known:
                histories |= await self._listed()
            if selected and action.kind not in selected:
                continue
            visible = await self._journal.read(
                self._served.visible, caller, method.roles, histories
            )
            if visible:
                yield self.messages.reply(method, Known(request, signals=visible))
        self._journal.watch.check()

    async def _listed(self) -> set[UUID]:
        """Return the histories that may matter to somebody: each index, and what it lists."""
        found: set[UUID] = set()
        for method in self._service.methods:
            action = method.action
            if isinstance(action, Events) and isinstance(action.history, IdOf):
                engine = self._served.topics[action.chart].engine
                for ids in self._served.ids.values():
                    index = ids[action.history.id]
                    state = await self._journal.read(engine.find, index)
                    found |= {index, *(key for key in state.entries if isinstance(key, UUID))}
        return found

    def _named(self, request: Request, access: _Access) -> str | None:
        """Return the name that a call is about; None if its history has no event.

        Raises:
            InvalidCommandError: the name breaks its rule, or the history's id is malformed.
            CallRefusedError: it is not served, or the caller may not make the call about it.
        """
        if self._service.name in request:
            name: str = request[self._service.name]
            self._ids_of(request, access)
            return name
        owner = self._served.owner_of(request[self._service.owner.history])
        if owner is not None:
            access.check(owner)
        return owner

    def _ids_of(self, request: Request, access: _Access) -> Mapping[str, UUID]:
        """Return the ids of the name that a request gives, and that the caller may ask about.

        Raises:
            InvalidCommandError: the name breaks its rule.
            CallRefusedError: it is not served, or the caller may not make the call about it.
        """
        name = request[self._service.name]
        access.check(name)
        return self._served.ids_of(name)


@dataclass(frozen=True, slots=True)
class _Access:
    """What a caller may do by a method."""

    caller: Caller
    roles: tuple[str, ...]

    def check(self, name: str) -> None:
        self.caller.check(self.roles, name)

    @property
    def is_everywhere(self) -> bool:
        return self.caller.may_everywhere(self.roles)


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
