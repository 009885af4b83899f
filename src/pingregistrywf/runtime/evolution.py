"""What events do: a declaration's events, compiled when they are first used.

Each event gets a step of two functions: one checks that it may follow a state, one applies it.
While events are applied, a state is a list of its attributes' values, so that many events cost one
new state.  An event is here whatever has its fields as attributes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import cache
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from pyrsistent import PMap, pmap

from pingregistrywf.runtime.declaration import (
    Carry,
    Declaration,
    EventDeclaration,
    KeyedDeclaration,
)
from pingregistrywf.runtime.errors import MalformedEventError, StateConflictError
from pingregistrywf.runtime.field_types import is_zero
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.values import Event, maker_of

Values: TypeAlias = list[Any]
"""The values of the attributes of a state or of an entry, in order."""
Check: TypeAlias = Callable[[Values, Any], None]
"""Checks that an event may follow a state."""
Application: TypeAlias = Callable[[Values, Any, Ulid], None]
"""Applies an event of that id to all values but the state's vid."""


class Step(NamedTuple):
    """What an event does."""

    check: Check
    apply: Application


class Shape:
    """The attributes of a class, and their places among the values."""

    def __init__(self, kind: type[Any]) -> None:
        names = [each.name for each in dataclasses.fields(kind)]
        self.places: Final = {name: place for place, name in enumerate(names)}
        self.closed: Final = maker_of(kind)
        self._take = attrgetter(*names)

    def opened(self, value: Any) -> Values:
        """Return the values of an instance's attributes."""
        return list(self._take(value))


class Evolution:
    """What the events of a chart do to its states.

    Attributes:
        steps: what each event does.
    """

    def __init__(self, declaration: Declaration) -> None:
        known = declaration.by_event.values()
        self._shape = shape = Shape(declaration.state)
        self._vid = shape.places["vid"]
        appended = {carry.attribute for each in known for carry in each.carries if carry.append}
        self._lists = () if declaration.keyed else tuple(shape.places[name] for name in appended)
        self._maps = (shape.places["entries"],) if declaration.keyed else ()
        self.steps: Final[Mapping[type[Event], Step]] = {
            each.event: _step(declaration, shape, each) for each in known
        }

    def opened(self, state: Any) -> Values:
        """Return the values of a state."""
        return self._shape.opened(state)

    def closed(self, values: Values, vid: Ulid) -> Any:
        """Return the state of these values at that vid."""
        values[self._vid] = vid
        return self._shape.closed(*values)

    def make_mutable(self, values: Values) -> None:
        """Prepare lists and maps among the values for many events, which then cost no copies."""
        for place in self._lists:
            values[place] = values[place].evolver()
        for place in self._maps:
            values[place] = ChangedMap(values[place])

    def make_persistent(self, values: Values) -> None:
        """Undo ``make_mutable``."""
        for place in self._lists:
            values[place] = values[place].persistent()
        for place in self._maps:
            if isinstance(values[place], ChangedMap):  # else a snapshot took its place
                values[place] = values[place].persistent()


_UNCHANGED: Final = object()


class ChangedMap:
    """A persistent map and its changes, with what steps use of a map."""

    def __init__(self, original: PMap[Any, Any]) -> None:
        self._original = original or None
        self._changes: dict[Any, Any] = {}

    def get(self, key: Any) -> Any:
        """Return the value of a key, None if it has none."""
        found = self._changes.get(key, _UNCHANGED)
        if found is not _UNCHANGED:
            return found
        return None if self._original is None else self._original.get(key)

    def set(self, key: Any, value: Any) -> ChangedMap:
        self._changes[key] = value
        return self

    def discard(self, key: Any) -> ChangedMap:
        self._changes[key] = None
        return self

    def persistent(self) -> PMap[Any, Any]:
        """Return the map with its changes."""
        if self._original is None:
            return pmap({key: each for key, each in self._changes.items() if each is not None})
        changed = self._original
        for key, value in self._changes.items():
            changed = changed.discard(key) if value is None else changed.set(key, value)
        return changed


@cache
def evolution_of(declaration: Declaration) -> Evolution:
    """Return what the events of a chart do."""
    return Evolution(declaration)


def check_id(id: Ulid) -> None:
    """Check that an event has an id.

    Raises:
        MalformedEventError: it has none.
    """
    if id.bytes == EPOCH.bytes:
        raise MalformedEventError("its id is zero")


def _step(declaration: Declaration, shape: Shape, known: EventDeclaration) -> Step:
    keyed = declaration.keyed
    if keyed is None:
        return _unkeyed_step(declaration, shape, known)
    if known.rewrite:
        return _rewriting_step(keyed, shape, known)
    return _keyed_step(declaration, keyed, shape, known)


def _unkeyed_step(declaration: Declaration, shape: Shape, known: EventDeclaration) -> Step:
    check_fields, codes = _fields_check(known), _codes(declaration, known)
    code, refusal = shape.places["state_code"], _refusal(declaration, known)

    def check(values: Values, event: Any) -> None:
        if check_fields:
            check_fields(event)
        if values[code] not in codes:
            raise refusal(values[code])

    return Step(check, _carrying(shape, known))


def _fields_check(known: EventDeclaration) -> Callable[[Any], None] | None:
    """The check of an event's fields; None if they may have any value."""
    nonzero = [(name, attrgetter(name)) for name, each in known.fields.items() if each.nonzero]
    if not nonzero:
        return None

    def check(event: Any) -> None:
        for name, take in nonzero:
            if is_zero(take(event)):
                raise MalformedEventError(f"its {name} is zero, empty or nil")

    return check


def _codes(declaration: Declaration, known: EventDeclaration) -> frozenset[IntEnum]:
    """The codes of the states that the event may follow."""
    return frozenset(code for code, event in declaration.follows if event is known.event)


def _refusal(
    declaration: Declaration, known: EventDeclaration
) -> Callable[[IntEnum], StateConflictError]:
    name, names = known.event.__name__, declaration.state_names
    return lambda code: StateConflictError(name, names[code])


def _carrying(shape: Shape, known: EventDeclaration) -> Application:
    code, target = shape.places["state_code"], known.target
    carries = [
        (
            shape.places[each.attribute],
            each.append,
            each.record and maker_of(each.record),
            _taking(each),
        )
        for each in known.carries
    ]

    def apply(values: Values, event: Any, id: Ulid) -> None:
        values[code] = target
        for place, append, make, take in carries:
            value = make(*take(event), id) if make else take(event)
            values[place] = values[place].append(value) if append else value

    return apply


def _taking(carry: Carry) -> Callable[[Any], Any]:
    """Takes the value from an event, or all values of a record."""
    if carry.record is None or len(carry.fields) > 1:
        return attrgetter(*carry.fields)
    return lambda event: [getattr(event, name) for name in carry.fields]


# --- Keyed charts ---------------------------------------------------------------------------------


def _keyed_step(
    declaration: Declaration, keyed: KeyedDeclaration, shape: Shape, known: EventDeclaration
) -> Step:
    check_fields, codes = _fields_check(known), _codes(declaration, known)
    refusal = _refusal(declaration, known)
    take_key, entry = attrgetter(keyed.key), Shape(keyed.entry)
    carry, initial = _carrying(entry, known), declaration.initial
    ends, (_, *blank) = known.target == initial, entry.opened(keyed.entry(None))
    entries, since, rewritten = _places(shape)

    def check(values: Values, event: Any) -> None:
        if check_fields:
            check_fields(event)
        if values[rewritten] is not None:
            raise StateConflictError(known.event.__name__, "an unfinished snapshot")
        found = values[entries].get(take_key(event))
        code = initial if found is None else found.state_code
        if code not in codes:
            raise refusal(code)

    def apply(values: Values, event: Any, id: Ulid) -> None:
        key = take_key(event)
        values[since] += 1
        if ends:
            values[entries] = values[entries].discard(key)
        else:
            found = values[entries].get(key)
            changed = [key, *blank] if found is None else entry.opened(found)
            carry(changed, event, id)
            values[entries] = values[entries].set(key, entry.closed(*changed))

    return Step(check, apply)


def _rewriting_step(keyed: KeyedDeclaration, shape: Shape, known: EventDeclaration) -> Step:
    begins, ends, listing = known.rewrite == "begin", known.rewrite == "end", known.listing
    take_entries = attrgetter(listing.name) if listing else lambda _: ()
    take_key = attrgetter(keyed.key)
    entries, since, rewritten = _places(shape)

    def check(values: Values, event: Any) -> None:
        if begins is (values[rewritten] is not None):
            where = "an unfinished snapshot" if begins else "no snapshot"
            raise StateConflictError(known.event.__name__, where)
        for entry in take_entries(event):
            for name in keyed.nonzero:
                if is_zero(getattr(entry, name)):
                    raise MalformedEventError(f"the {name} of an entry is zero, empty or nil")

    def apply(values: Values, event: Any, _: Ulid) -> None:
        listed = pmap() if values[rewritten] is None else values[rewritten]
        if ends:
            values[entries], values[since], values[rewritten] = listed, 0, None
        else:
            values[rewritten] = listed.update(
                {take_key(each): each for each in take_entries(event)}
            )

    return Step(check, apply)


def _places(shape: Shape) -> tuple[int, int, int]:
    places = shape.places
    return places["entries"], places["events_since_snapshot"], places["rewritten"]
