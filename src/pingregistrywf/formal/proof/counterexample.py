"""A step that breaks a clause, for people: what is so before it, and what is different after it.

All clauses hold before the step, but the system need not ever come there.  If it does not, the
invariant needs one more clause that says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from pingregistrywf.formal.proof.moments import RUNNING, Moment, Symbols, Table, Term


@dataclass(frozen=True, slots=True)
class Counterexample:
    """What is so before a step, and what is different after it, row by row."""

    before: tuple[str, ...]
    after: tuple[str, ...]


def counterexample(
    symbols: Symbols,
    found: Any,
    constants: Sequence[tuple[str, Term]],
    before: Moment,
    after: Moment,
) -> Counterexample:
    """Return the counterexample that z3 has found.

    Args:
        symbols: the sorts of the system.
        found: the model that z3 has found.
        constants: the ids and participants that it is about, each with the name of its sort.
        before: the moment before the step.
        after: the moment after the step.
    """
    reader = _Reader(symbols, found)
    rows = list(reader.rows(constants))
    shown = (reader.shown(row, before) for row in rows)
    changed = (reader.changed(row, before, after) for row in rows)
    return Counterexample(tuple(filter(None, shown)), tuple(filter(None, changed)))


_Row = tuple[Table, Sequence[Term]]


class _Reader:
    """Reads a model of z3, and gives names to the ids in it."""

    def __init__(self, symbols: Symbols, found: Any) -> None:
        self._symbols = symbols
        self._found = found
        self._names: dict[str, dict[str, str]] = {}
        module = symbols.module
        self._needed = {
            module.action(operation, number): module.needed(operation, number)
            for operation in module.used.values()
            for number in range(1, len(operation.steps) + 1)
        }

    def rows(self, constants: Sequence[tuple[str, Term]]) -> Iterator[_Row]:
        """Yield the rows of all tables that are about some constants."""
        ids: dict[str, dict[str, Term]] = {}
        for sort, term in constants:
            value = self._value(term)
            ids.setdefault(sort, {})[self._name(value)] = value
        for table, keys in self._symbols.keys.items():
            for chosen in product(*(ids.get(key, {}).values() for key in keys)):
                yield table, chosen

    def shown(self, row: _Row, moment: Moment) -> str:
        """Return what is in a row; empty if nothing is."""
        return self._line(row, self._fields(row, moment))

    def changed(self, row: _Row, before: Moment, after: Moment) -> str:
        """Return what is different in a row; empty if nothing is."""
        old, new = self._fields(row, before), self._fields(row, after)
        return self._line(row, {name: new[name] for name in new if new[name] != old.get(name)})

    def _fields(self, row: _Row, moment: Moment) -> dict[str, str]:
        table, keys = row
        columns = moment.columns[table]
        names: Iterable[str] = columns
        if table == RUNNING:
            step = self._name(self._value(columns["next"](*keys)))
            names = ["next", *self._needed.get(step, ())]
        return {name: self._name(self._value(columns[name](*keys))) for name in names}

    def _line(self, row: _Row, fields: Mapping[str, str]) -> str:
        (table, _), keys = row
        ids = ", ".join(map(self._name, keys))
        texts = ", ".join(f"{name} {value}" for name, value in fields.items())
        return f"{table}[{ids}]: {texts}" if texts else ""

    def _value(self, term: Term) -> Term:
        return self._found.eval(term, model_completion=True)

    def _name(self, value: Term) -> str:
        """The name of a value: of an id its sort and a number, of a state or a step its own."""
        sort = value.sort()
        if sort not in self._symbols.sorts.values():
            return str(value)
        nothing = self._symbols.nothing(sort)
        if value.eq(self._value(nothing)):
            return str(nothing)
        names = self._names.setdefault(str(sort), {})
        return names.setdefault(str(value), f"{sort}{len(names) + 1}")
