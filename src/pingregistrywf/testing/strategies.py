"""Hypothesis strategies for any generated package: commands, events, histories and states.

Each takes the package's facade, and draws values of its classes::

    @given(histories(Parcels), commands(Parcels))
    def test_whatever_is_asked(events, command): ...

They need Hypothesis, which the extra ``testing`` brings.  Persistent lists and maps are registered
with it, so that ``from_type`` draws them, too.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import reduce
from types import ModuleType
from typing import Any, Final, get_args, get_type_hints
from uuid import UUID

import pyrsistent.typing
from hypothesis import strategies as st
from pyrsistent import pmap, pvector

from pingregistrywf.chart.ir import Argument, Cell, Chart, FromArgument
from pingregistrywf.chart.types import Type
from pingregistrywf.conformance.oracle import ZERO
from pingregistrywf.runtime.behavior import evolve
from pingregistrywf.runtime.declaration import EventDeclaration
from pingregistrywf.runtime.ids import EPOCH, NIL, Ulid, UlidSource
from pingregistrywf.runtime.values import Command, Event
from pingregistrywf.testing.clock import TurnedClock
from pingregistrywf.testing.generated import FacadeClass, chart_of, package_of
from pingregistrywf.testing.plain import typed
from pingregistrywf.testing.scenario import HISTORY

_IDS: Final = [UUID(int=number) for number in range(1, 4)]
_ULIDS: Final = [Ulid(bytes([number]) * 16) for number in range(1, 4)]
_LEAST: Final = -(2**31)
_MOST: Final = 2**31 - 1
_VALUES: Final[Mapping[Type, st.SearchStrategy[Any]]] = {
    Type.INT32: st.sampled_from([0, 1, -1, _MOST, _LEAST]) | st.integers(_LEAST, _MOST),
    Type.STRING: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    Type.UUID: st.sampled_from([NIL, *_IDS]) | st.uuids(),
    Type.ULID: st.binary(min_size=16, max_size=16).map(Ulid),
    Type.BOOL: st.booleans(),
}
_ZEROS: Final = {kind: typed(kind, zero) for kind, zero in ZERO.items()}
_BAD: Final[Mapping[Type, Sequence[Any]]] = {
    Type.INT32: [_MOST + 1, _LEAST - 1, True, 1.0, "1", None],
    Type.STRING: ["\ud800", "a\udfff", b"x", None, 0],
    Type.UUID: [str(NIL), None, 0, bytes(16)],
    Type.ULID: [str(EPOCH), bytes(16), None, NIL],
    Type.BOOL: [0, 1, None, "true"],
}
_KEYS: Final[Mapping[Type, Sequence[Any]]] = {
    Type.INT32: [1, -1, _MOST],
    Type.STRING: ["a", "\0", "\U0001f600 e\u0301"],
    Type.UUID: _IDS,
    Type.ULID: _ULIDS,
    Type.BOOL: [True, False],
}

st.register_type_strategy(
    pyrsistent.typing.PVector, lambda kind: st.lists(_part(kind, 0)).map(pvector)
)
st.register_type_strategy(
    pyrsistent.typing.PMap,
    lambda kind: st.dictionaries(_part(kind, 0), _part(kind, 1)).map(pmap),
)


def _part(kind: Any, place: int) -> st.SearchStrategy[Any]:
    return st.from_type(get_args(kind)[place])


def commands(facade: FacadeClass) -> st.SearchStrategy[Command]:
    """Draw any command of the chart, with any arguments that it allows."""
    table = facade.behavior.declaration.table
    return st.sampled_from([*table]).flatmap(st.from_type)


def events(facade: FacadeClass) -> st.SearchStrategy[Event]:
    """Draw any event of the chart, with any id and parent."""
    package, declaration = package_of(facade), facade.behavior.declaration
    known = [*declaration.by_event.values()]
    return st.sampled_from(known).flatmap(lambda each: _event(package, each))


def histories(facade: FacadeClass, *, most: int = 20) -> st.SearchStrategy[tuple[Event, ...]]:
    """Draw the events of a history that the chart allows, oldest first, each after its parent.

    Args:
        facade: the package's facade.
        most: the most events.
    """
    return _histories(chart_of(facade), package_of(facade), most)


def states(facade: FacadeClass, *, reachable: bool = True) -> st.SearchStrategy[Any]:
    """Draw the state of a history.

    Args:
        facade: the package's facade.
        reachable: False to draw also states that no history has.
    """
    if not reachable:
        kind: type[Any] = package_of(facade).State
        return st.from_type(kind)
    declaration = facade.behavior.declaration
    return histories(facade).map(
        lambda drawn: reduce(
            lambda state, event: evolve(declaration, state, event),
            drawn,
            declaration.state(HISTORY),
        )
    )


# --- Of one argument ------------------------------------------------------------------------------


def arguments(argument: Argument) -> st.SearchStrategy[Any]:
    """Draw a value that the chart allows for an argument."""
    zero = _ZEROS[argument.type]
    drawn = _VALUES[argument.type]
    return drawn.filter(lambda value: value != zero) if argument.nonzero else drawn


def bad_arguments(argument: Argument) -> st.SearchStrategy[Any]:
    """Draw a value that the chart does not allow for an argument."""
    zero = [_ZEROS[argument.type]] if argument.nonzero else []
    return st.sampled_from([*_BAD[argument.type], *zero])


def keys(chart: Chart) -> Sequence[Any]:
    """Return the few keys that entries of a keyed chart have here; one, None, if it is not."""
    return _KEYS[chart.key.type] if chart.key else [None]


# --- Of a package ---------------------------------------------------------------------------------


@st.composite
def _histories(draw: st.DrawFn, chart: Chart, package: ModuleType, most: int) -> tuple[Event, ...]:
    drawn, parent = list[Event](), EPOCH
    ids = UlidSource(TurnedClock(), random.Random(0).randbytes)
    at: dict[Any, str] = {}
    for _ in range(draw(st.integers(0, most))):
        key = draw(st.sampled_from(keys(chart)))
        state = at.get(key, chart.initial)
        moves = [each for each in chart.moves() if each.state == state and each.event]
        if not moves:
            continue
        cell = draw(st.sampled_from(moves))
        fields = draw(_fields(chart, cell, key))
        parent, before = ids.next(parent), parent
        kind = getattr(package, str(cell.event))
        drawn.append(kind(id=parent, parent=before, **fields))
        at[key] = cell.target
    return tuple(drawn)


@st.composite
def _fields(draw: st.DrawFn, chart: Chart, cell: Cell, key: Any) -> dict[str, Any]:
    """The fields of the event that a cell emits."""
    given = {
        name: draw(arguments(each)) for name, each in chart.commands[cell.command].arguments.items()
    }
    if chart.key:
        given[chart.key.name] = key
    declared = chart.events[str(cell.event)].fields
    return {
        name: given[source.argument]
        if isinstance(source, FromArgument)
        else typed(declared[name].type, source.constant)
        for name, source in cell.sources.items()
    }


def _event(package: ModuleType, known: EventDeclaration) -> st.SearchStrategy[Event]:
    hints = get_type_hints(known.event, include_extras=True)
    given = {name: st.from_type(hints[name]) for name in ("id", "parent", *known.fields)}
    if known.listing:
        given[known.listing.name] = st.lists(_listed(package, known)).map(tuple)
    absent = [name for name, each in known.fields.items() if each.type in ("uuid", "ulid")]
    optional = {name: given.pop(name) for name in absent}
    return st.fixed_dictionaries(given, optional=optional).map(lambda each: known.event(**each))


def _listed(package: ModuleType, known: EventDeclaration) -> st.SearchStrategy[Any]:
    """An entry as a snapshot lists it: its state follows from what it carries."""
    declaration, listing = package.DECLARATION, known.listing
    assert listing
    entry: type[Any] = package.Entry
    return st.from_type(entry).map(
        lambda entry: declaration.entry(listing, declaration.listed(listing, entry))
    )
