"""Decide and evolve: the pure core that interprets a declaration.

``decide`` returns what a command does to a state, ``evolve`` the state after an event, and
``check`` refuses a stored event that may not follow a state.  They are pure functions.
``Behavior`` and ``Advancer`` are the same under the names of the published documentation; a
generated package derives its own from them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pyrsistent import pmap

from pingregistrywf.runtime.declaration import (
    Declaration,
    Delete,
    Emit,
    EventDeclaration,
    Guard,
    Guarded,
    KeyedDeclaration,
    Noop,
    Refuse,
    Rewrite,
    Sources,
)
from pingregistrywf.runtime.errors import (
    ArgumentNotIdempotentError,
    EventTypeError,
    InvalidCommandError,
    MalformedEventError,
    NewEventsError,
    StateConflictError,
)
from pingregistrywf.runtime.ids import EPOCH, IdSource, Ulid, UlidSource
from pingregistrywf.runtime.values import Command, Event, KeyedState, is_zero

S = TypeVar("S")
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that has no id yet."""

    event: type[Event]
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command does: the events to append, all or none; or the history is deleted.

    A reader may start at the first of the events if ``restart`` is true.
    """

    drafts: tuple[Draft, ...] = ()
    deletes: bool = False
    restart: bool = False


_NOTHING = Decision()


def decide(declaration: Declaration, state: Any, command: Command) -> Decision:
    """Return what the command does in the state.

    Raises:
        InvalidCommandError: it is no command of this chart.
        StateConflictError, ArgumentNotIdempotentError, DeclaredError: the chart refuses it.
    """
    kind, keyed = type(command), declaration.keyed
    row = declaration.table.get(kind)
    if row is None:
        raise InvalidCommandError(f"{kind.__name__} is not a command of {declaration.name}")
    if kind in declaration.rewrites:
        return _rewrite(declaration.rewrites[kind], state, command)
    carried = _entry(keyed, state, getattr(command, keyed.key)) if keyed else state
    match row[carried.state_code]:
        case Emit(event, sources):
            return Decision((Draft(event, _take(sources, command)),))
        case Noop():
            return _NOTHING
        case Delete():
            return Decision(deletes=True)
        case Guarded(guard, arguments, error):
            for name in arguments:
                if not _holds(guard, declaration, carried, command, name):
                    raise _refusal(declaration, error, command, carried.state_code, name)
            return _NOTHING
        case Refuse(error, sources):
            fields = _take(sources, command)
            raise _refusal(declaration, error, command, carried.state_code, **fields)
    raise AssertionError("unreachable")


def evolve(declaration: Declaration, state: Any, event: Event) -> Any:
    """Return the state after the event, at the event's vid; ``check`` judges if it may follow.

    Raises:
        EventTypeError: it is no event of this chart.
    """
    known = declaration.by_event.get(type(event))
    if known is None:
        raise EventTypeError
    keyed = declaration.keyed
    if keyed is None:
        return dataclasses.replace(state, vid=event.id, **_changes(known, state, event))
    if known.rewrite:
        return _rewritten(keyed, known, state, event)
    key = getattr(event, keyed.key)
    if known.target == declaration.initial:
        entries = state.entries.discard(key)
    else:
        entry = _entry(keyed, state, key)
        changed = dataclasses.replace(entry, **_changes(known, entry, event))
        entries = state.entries.set(key, changed)
    since = state.events_since_snapshot + 1
    return dataclasses.replace(state, vid=event.id, entries=entries, events_since_snapshot=since)


def check(declaration: Declaration, state: Any, event: Event) -> None:
    """Check that a stored event may follow the state (behaviour.md, section 8, 5).

    Raises:
        EventTypeError: it is no event of this chart.
        MalformedEventError: it has no id, or a field that must not be zero is.
        StateConflictError: the chart does not allow it here.
    """
    if not event.id:
        raise MalformedEventError("its id is zero")
    known = declaration.by_event.get(type(event))
    if known is None:
        raise EventTypeError
    if known.rewrite:
        _check_rewrite(declaration, known, state, event)
        return
    for name, declared in known.fields.items():
        if declared.nonzero and is_zero(getattr(event, name)):
            raise MalformedEventError(f"its {name} is zero, empty or nil")
    keyed = declaration.keyed
    if keyed is None:
        carried = state
    elif state.rewritten is not None:
        raise StateConflictError(type(event).__name__, "an unfinished snapshot")
    else:
        carried = _entry(keyed, state, getattr(event, keyed.key))
    if (carried.state_code, type(event)) not in declaration.follows:
        raise StateConflictError(type(event).__name__, declaration.state_names[carried.state_code])


def check_end(state: Any) -> None:
    """Check that a history may end in the state: not amid a snapshot, which is written whole.

    Raises:
        StateConflictError: it may not.
    """
    if isinstance(state, KeyedState) and state.rewritten is not None:
        raise StateConflictError("the end of a history", "an unfinished snapshot")


def _holds(
    guard: Guard, declaration: Declaration, carried: Any, command: Command, name: str
) -> bool:
    match guard:
        case "same":
            return bool(getattr(command, name) == getattr(carried, declaration.carried[name]))


def _take(sources: Sources, command: Command) -> dict[str, Any]:
    return {name: source(command) for name, source in sources.items()}


def _refusal(
    declaration: Declaration,
    error: type[Exception],
    command: Command,
    code: IntEnum,
    argument: str = "",
    /,
    **fields: Any,
) -> Exception:
    if issubclass(error, StateConflictError):
        name = type(command).__name__.removeprefix("Cmd")
        return error(name, declaration.state_names[code])
    if issubclass(error, ArgumentNotIdempotentError):
        return error("".join(word.capitalize() for word in argument.split("_")))
    return error(**fields)


def _changes(known: EventDeclaration, carried: Any, event: Event) -> dict[str, Any]:
    changes: dict[str, Any] = {"state_code": known.target}
    for carry in known.carries:
        value = carry.value(event)
        if carry.append:
            value = getattr(carried, carry.attribute).append(value)
        changes[carry.attribute] = value
    return changes


# --- Keyed charts -------------------------------------------------------------------------------


def _entry(keyed: KeyedDeclaration, state: KeyedState[Any, Any], key: Any) -> Any:
    entry = state.entries.get(key)
    return keyed.entry(key) if entry is None else entry


def _rewrite(rewrite: Rewrite, state: KeyedState[Any, Any], command: Command) -> Decision:
    since, listed = state.events_since_snapshot, len(state.entries)
    if since == 0:
        return _NOTHING
    if listed > rewrite.limit:
        raise rewrite.limit_error()
    cost = rewrite.saving_base + rewrite.saving_per_entry * listed
    if getattr(command, rewrite.option) and (since < rewrite.saving_events or cost >= since):
        raise rewrite.saving_error()
    # By key where the order is the same, so that the bytes do not depend on how a map is walked.
    in_order = sorted(
        state.entries.items(), key=lambda item: (getattr(item[1], rewrite.order_by), item[0])
    )
    entries = tuple(entry for _, entry in in_order)
    listing = (Draft(rewrite.list, {rewrite.entries: entries}),) if entries else ()
    return Decision((Draft(rewrite.begin, {}), *listing, Draft(rewrite.end, {})), restart=True)


def _rewritten(
    keyed: KeyedDeclaration, known: EventDeclaration, state: KeyedState[Any, Any], event: Event
) -> KeyedState[Any, Any]:
    rewritten = pmap() if state.rewritten is None else state.rewritten
    if known.rewrite == "end":
        return dataclasses.replace(
            state, vid=event.id, entries=rewritten, events_since_snapshot=0, rewritten=None
        )
    if known.listing:
        entries = getattr(event, known.listing.name)
        rewritten = rewritten.update({getattr(entry, keyed.key): entry for entry in entries})
    return dataclasses.replace(state, vid=event.id, rewritten=rewritten)


def _check_rewrite(
    declaration: Declaration, known: EventDeclaration, state: KeyedState[Any, Any], event: Event
) -> None:
    keyed, begins = declaration.keyed, known.rewrite == "begin"
    if begins is (state.rewritten is not None):
        where = "an unfinished snapshot" if begins else "no snapshot"
        raise StateConflictError(type(event).__name__, where)
    if keyed and known.listing:
        for entry in getattr(event, known.listing.name):
            for name in keyed.nonzero:
                if is_zero(getattr(entry, name)):
                    raise MalformedEventError(f"the {name} of an entry is zero, empty or nil")


# --- Under the names of the published documentation ---------------------------------------------


class Advancer(Generic[S, E]):
    """Applies events to states."""

    declaration: ClassVar[Declaration]

    def advance(self, state: S, event: E) -> S:
        """Return the state after the event, without judging whether the event may follow."""
        new: S = evolve(self.declaration, state, event)
        return new


class Behavior(Generic[S, E]):
    """What the chart's commands and events do.

    New events get their ids from ``ids``; from the system's clock and randomness unless given.
    """

    declaration: ClassVar[Declaration]

    def __init__(self, ids: IdSource | None = None) -> None:
        self._ids = ids if ids is not None else UlidSource()

    def new_state(self, id: UUID) -> S:
        """Return the state of an empty history of that id."""
        new: S = self.declaration.state(id)
        return new

    def tell(self, state: S, command: Command) -> tuple[E, ...]:
        """Return the events that the command appends: none for a noop and for a delete.

        Raises:
            InvalidCommandError: it is no command of this chart.
            StateConflictError, ArgumentNotIdempotentError, DeclaredError: the chart refuses it.
            NewEventsError: an event could not be made.
        """
        return self.draw(state, decide(self.declaration, state, command))

    def draw(self, state: S, decision: Decision) -> tuple[E, ...]:
        """Give a decision's events their ids and parents, as links after the state's vid.

        Raises:
            NewEventsError: there are no more ids, or an event's fields are not valid.
        """
        events: list[Any] = []
        parent: Ulid = getattr(state, "vid", EPOCH)
        try:
            for draft in decision.drafts:
                vid = self._ids.next(parent)
                events.append(draft.event(id=vid, parent=parent, **draft.fields))
                parent = vid
        except (OverflowError, MalformedEventError) as error:
            raise NewEventsError(error) from error
        return tuple(events)
