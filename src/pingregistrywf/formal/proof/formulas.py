"""The formulas of an invariant, read as Python reads expressions, as formulas of z3."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import z3

from pingregistrywf.chart.invariant import Abbreviation, Clause, Invariant
from pingregistrywf.formal.proof.moments import Moment, Symbols, Term


class FormulaError(Exception):
    """A formula says nothing; the text quotes it, and says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table, before one of its fields is named."""

    table: str
    keys: Sequence[Term]
    moment: Moment


class Formulas:
    """What the clauses of an invariant say of a moment, or of an action."""

    def __init__(self, invariant: Invariant, symbols: Symbols) -> None:
        self._definitions = invariant.definitions
        self._symbols = symbols

    def variables(self, clause: Clause) -> list[tuple[str, Term]]:
        """Return what stands for the variables of a clause, each with the name of its sort."""
        return [(name, self._symbols.constant(f"any {name}", name)) for name in clause.variables]

    def formula(self, clause: Clause, now: Moment, after: Moment | None = None) -> Term:
        """Return what a clause says, for the constants that stand for its variables.

        Args:
            clause: the clause.
            now: the moment that it is about.
            after: the moment after an action, if the clause may speak of it.

        Raises:
            FormulaError: the clause is not well formed.
        """
        reader = _Reader(self._symbols, self._definitions, now, after, dict(self.variables(clause)))
        conclusion = reader.read(clause.conclusion)
        if clause.premise is None:
            return conclusion
        return z3.Implies(reader.read(clause.premise), conclusion)

    def everywhere(self, clause: Clause, now: Moment) -> Term:
        """Return what a clause says, for all values of its variables."""
        variables = [each for _, each in self.variables(clause)]
        return z3.ForAll(variables, self.formula(clause, now))


@cache
def _parsed(text: str) -> ast.expr:
    """A formula, which may go over several lines, as Python's parser reads it."""
    return ast.parse(f"({text})", mode="eval").body


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads expressions about a moment, in which some names are known."""

    symbols: Symbols
    definitions: Mapping[str, Abbreviation]
    now: Moment
    after: Moment | None
    names: Mapping[str, Any]

    def read(self, text: str) -> Any:
        try:
            return self._value(_parsed(text))
        except FormulaError as error:
            raise FormulaError(f"{error}, in: {text}") from None
        except (SyntaxError, z3.Z3Exception) as error:
            raise FormulaError(f"{error}, in: {text}") from None

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.BoolOp(op=operator, values=values):
                join = z3.And if isinstance(operator, ast.And) else z3.Or
                return join([self._value(each) for each in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return z3.Not(self._value(operand))
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._compared(self._value(left), operator, right)
            case ast.Name(id=name):
                return self._named(name)
            case ast.Constant(value=str(text)):
                return text
            case ast.Tuple(elts=elements):
                return tuple(self._value(each) for each in elements)
            case ast.Subscript(value=ast.Name(id=table), slice=slice):
                keys = self._value(slice)
                return _Row(table, keys if isinstance(keys, tuple) else (keys,), self.now)
            case ast.Attribute(value=value, attr=field):
                return self._field(self._value(value), field)
            case ast.Call(func=ast.Name(id="after"), args=[moved]):
                if self.after is None:
                    raise FormulaError("after(…) is for consequences, once")
                return replace(self, now=self.after, after=None)._value(moved)
            case ast.Call(func=ast.Name(id="any"), args=[ast.GeneratorExp() as generator]):
                return self._exists(generator)
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in self.definitions:
                definition = self.definitions[name]
                given = [self._value(each) for each in arguments]
                if len(given) != len(definition.parameters):
                    raise FormulaError(f"{name} has {len(definition.parameters)} parameters")
                names = dict(zip(definition.parameters, given, strict=True))
                return replace(self, names=names).read(definition.formula)
            case _:
                raise FormulaError(f"{ast.unparse(node)} is no part of the language of formulas")

    def _named(self, name: str) -> Term:
        if name == "Epoch":
            return self.symbols.epoch
        if name not in self.names:
            raise FormulaError(f"there is no {name}: there are {', '.join(self.names)} and Epoch")
        return self.names[name]

    def _field(self, row: Any, field: str) -> Term:
        if not isinstance(row, _Row):
            raise FormulaError(f"{field} is no field of an id")
        columns = row.moment.columns.get((row.table, len(row.keys)))
        if columns is None:
            raise FormulaError(f"there is no {row.table} of so many ids")
        if field not in columns:
            raise FormulaError(f"{row.table} has no {field}: it has {', '.join(columns)}")
        return columns[field](*row.keys)

    def _compared(self, left: Any, operator: ast.cmpop, right: ast.expr) -> Term:
        match operator, right:
            case ast.Eq(), _:
                return self._equal(left, self._value(right))
            case ast.NotEq(), _:
                return z3.Not(self._equal(left, self._value(right)))
            case ast.In(), ast.Set(elts=elements):
                return z3.Or([self._equal(left, self._value(each)) for each in elements])
            case ast.NotIn(), ast.Set(elts=elements):
                return z3.Not(z3.Or([self._equal(left, self._value(each)) for each in elements]))
            case _:
                raise FormulaError("only ==, !=, in {…} and not in {…} compare values")

    def _equal(self, left: Any, right: Any) -> Term:
        if isinstance(left, tuple) and isinstance(right, tuple):
            return z3.And([self._equal(*pair) for pair in zip(left, right, strict=True)])
        if isinstance(left, str | _Row) or isinstance(right, _Row):
            raise FormulaError("compare a field of a row, or an id")
        if isinstance(right, str):
            members = self.symbols.members(left.sort())
            if right not in members:
                raise FormulaError(f"there is no {right!r}: there are {', '.join(members)}")
            right = members[right]
        return left == right

    def _exists(self, generator: ast.GeneratorExp) -> Term:
        inputs = self.symbols.module.system.inputs
        plurals = {each.plural: name for name, each in inputs.items()}
        match generator.generators:
            case [ast.comprehension(target=ast.Name(id=name), iter=ast.Name(id=plural), ifs=[])]:
                if plural not in plurals:
                    raise FormulaError(f"there are no {plural}: there are {', '.join(plurals)}")
                term = self.symbols.constant(f"some {name}", plurals[plural])
                within = replace(self, names={**self.names, name: term})
                return z3.Exists([term], within._value(generator.elt))
            case _:
                raise FormulaError("write any(… for NAME in PLURAL)")
