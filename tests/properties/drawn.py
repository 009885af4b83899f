"""Random commands, events and states of generated packages: any that the chart's types allow."""

from __future__ import annotations

from types import ModuleType
from typing import Any, get_args, get_type_hints

import pyrsistent.typing
from hypothesis import strategies as st
from pyrsistent import pmap, pvector

from pingregistrywf.runtime.declaration import EventDeclaration

st.register_type_strategy(
    pyrsistent.typing.PVector, lambda kind: st.lists(_part(kind, 0)).map(pvector)
)
st.register_type_strategy(
    pyrsistent.typing.PMap,
    lambda kind: st.dictionaries(_part(kind, 0), _part(kind, 1)).map(pmap),
)


def _part(kind: Any, place: int) -> st.SearchStrategy[Any]:
    return st.from_type(get_args(kind)[place])


def commands(package: ModuleType) -> st.SearchStrategy[Any]:
    """Any command of a chart."""
    return st.sampled_from([*package.DECLARATION.table]).flatmap(st.from_type)


def events(package: ModuleType) -> st.SearchStrategy[Any]:
    """Any event of a chart, with and without the ids that may be absent from its bytes."""
    known = [*package.DECLARATION.by_event.values()]
    return st.sampled_from(known).flatmap(lambda each: _event(package, each))


def states(package: ModuleType) -> st.SearchStrategy[Any]:
    """Any state of a chart, also one that no history has."""
    return st.from_type(package.State)


def _event(package: ModuleType, known: EventDeclaration) -> st.SearchStrategy[Any]:
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
    return st.from_type(package.Entry).map(
        lambda entry: declaration.entry(listing, declaration.listed(listing, entry))
    )
