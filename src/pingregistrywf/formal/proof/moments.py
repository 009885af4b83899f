"""The state of a system at one moment, as functions of ids and participants.

There may be any number of workflows, registries, participants and events: of their ids nothing is
known but which are equal.  A history is known by its state, its version and what its events carry,
and so is an entry of a keyed chart.  The events themselves are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import z3

from pingregistrywf.chart.invariant import PARTICIPANT
from pingregistrywf.chart.ir import Chart, FromArgument, Model
from pingregistrywf.chart.types import Type
from pingregistrywf.generate.tla.systems import SystemModule

Term: TypeAlias = Any
"""An expression or a sort of z3."""
Table: TypeAlias = tuple[str, int]
"""A table of the state: its name, and how many ids name a row."""

IDLE: Final = "Idle"
RUNNING: Final[Table] = ("running", 1)
EVENT: Final = "event"
"""The sort of the ids of events, which are the versions of histories, too."""
_VALUE: Final = "value"
"""The sort of what is no input of the system, but is compared."""


def histories(chart: str) -> Table:
    """The table of a chart's histories."""
    return (chart, 1)


def entries(chart: Chart) -> Table:
    """The table of what has states: a keyed chart's entries, or any other chart's histories."""
    return (chart.name, 2 if chart.key else 1)


@dataclass(frozen=True, slots=True)
class Change:
    """What an action changes: some fields of one row."""

    table: Table
    keys: Sequence[Term]
    fields: Mapping[str, Term]


@dataclass(frozen=True, slots=True)
class Moment:
    """The value of every field of every row."""

    columns: Mapping[Table, Mapping[str, Callable[..., Term]]]

    def value(self, table: Table, field: str, *keys: Term) -> Term:
        """Return the value of a field of a row."""
        return self.columns[table][field](*keys)

    def after(self, changes: Sequence[Change]) -> Moment:
        """Return the moment after some changes."""
        columns = {table: dict(fields) for table, fields in self.columns.items()}
        for change in changes:
            fields = columns[change.table]
            for name, new in change.fields.items():
                fields[name] = _replaced(fields[name], change.keys, new)
        return Moment(columns)


def _replaced(old: Callable[..., Term], keys: Sequence[Term], new: Term) -> Callable[..., Term]:
    """The function that differs from another at one place."""

    def value(*asked: Term) -> Term:
        return z3.If(same(asked, keys), new, old(*asked))

    return value


def same(some: Sequence[Term], others: Sequence[Term]) -> Term:
    """Return the formula that each of some terms equals its counterpart."""
    return z3.And([one == other for one, other in zip(some, others, strict=True)])


@dataclass(frozen=True, slots=True)
class Action:
    """Something that may happen.

    Attributes:
        name: its name, as in the formal model.
        guards: what must hold for it.
        constants: the ids and the participant that it is about, each with the name of its sort.
        changes: what it changes.
    """

    name: str
    guards: Sequence[Term]
    constants: Sequence[tuple[str, Term]]
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Choice:
    """A sort with a few named members."""

    sort: Term
    members: Mapping[str, Term]


class Symbols:
    """The sorts of a system, and the tables of its state.

    Attributes:
        module: what the formal model says of the system.
        sorts: the sort of each input, of participants, of the ids of events, and of other values.
        states: the states of each chart.
        steps: the steps of all operations, by the names of their actions, and Idle.
        keys: the names of the sorts of the ids that name a row, table by table.
        context: where z3 keeps all of this.
        false: what never holds.
        any: a moment of which nothing is known.
        initial: the moment at which the system begins.
    """

    def __init__(self, model: Model, system: str) -> None:
        self.module = SystemModule(model.systems[system], model)
        self.context = z3.Context()
        self.false = z3.BoolVal(False, self.context)
        names = [*self.module.system.inputs, PARTICIPANT, EVENT, _VALUE]
        self.sorts = {name: z3.DeclareSort(name, self.context) for name in names}
        self.states = {
            name: self._choice(f"state of {name}", each.chart.columns)
            for name, each in self.module.charts.items()
        }
        steps = [step.name for _, each in self.module.steps() for step in each]
        self.steps = self._choice("step", [IDLE, *steps])
        self.keys: dict[Table, Sequence[str]] = {RUNNING: [PARTICIPANT]}
        for name, each in self.module.charts.items():
            self.keys[histories(name)] = [self.module.indexed[name]]
            if each.chart.key:
                self.keys[entries(each.chart)] = [self.module.indexed[name], self._key(name)]
        fields = {table: self._fields(table) for table in self.keys}
        self.any = Moment({table: self._unknown(table, each) for table, each in fields.items()})
        self.initial = Moment({table: self._initial(table, each) for table, each in fields.items()})

    def constant(self, name: str, sort: str) -> Term:
        """Return an id, or a participant, of which nothing is known."""
        return z3.Const(name, self.sorts[sort])

    def nothing(self, sort: Term) -> Term:
        """Return what takes the place of an id where there is none."""
        return z3.Const("Epoch" if sort == self.sorts[EVENT] else f"no {sort}", sort)

    def members(self, sort: Term) -> Mapping[str, Term]:
        """Return the members of a sort by name; none if they have no names."""
        choices = (*self.states.values(), self.steps)
        return next((each.members for each in choices if each.sort == sort), {})

    @property
    def epoch(self) -> Term:
        """The version of a history without events."""
        return self.nothing(self.sorts[EVENT])

    def _choice(self, name: str, members: Sequence[str]) -> Choice:
        sort, terms = z3.EnumSort(name, list(members), self.context)
        return Choice(sort, dict(zip(members, terms, strict=True)))

    def _key(self, chart: str) -> str:
        """The input that is the key of a keyed chart's entries."""
        keys = (
            self.module.key_of(operation, step)
            for operation in self.module.used.values()
            for step in operation.steps
            if step.chart == chart
        )
        return next(key for key in keys if key)

    def _fields(self, table: Table) -> dict[str, Term]:
        """The fields of a row, each with its sort."""
        event = self.sorts[EVENT]
        if table == RUNNING:
            inputs = {name: self.sorts[name] for name in self.module.system.inputs}
            used = self.module.used.values()
            named = sorted({number for each in used for number in self.module.referred(each, 0)})
            versions = ["first", "before", "read", *(f"vid{number}" for number in named)]
            return {"next": self.steps.sort, **inputs, **dict.fromkeys(versions, event)}
        module = self.module.charts[table[0]]
        fields = {"vid": event}
        if table == entries(module.chart):
            beside = [] if module.chart.key else ["first_vid", "parent"]
            fields |= dict.fromkeys([*beside, *self._noted(table[0])], event)
            fields["state"] = self.states[table[0]].sort
            fields |= {name: self._carried(table[0], name) for name in module.carried}
        return fields

    def _noted(self, chart: str) -> list[str]:
        """What is noted beside an event of a chart."""
        reading = filter(self.module.reads, self.module.used.values())
        written = {step.chart for operation in reading for step in operation.steps}
        return ["saw"] if chart in written else []

    def _carried(self, chart: str, name: str) -> Term:
        """The sort of a carried value: that of the input that it is compared with, if it is one."""
        if self.module.charts[chart].chart.carried[name].type is Type.ULID:
            return self.sorts[EVENT]
        for operation in self.module.used.values():
            for step in operation.steps:
                source = step.sources.get(name) if step.chart == chart else None
                if isinstance(source, FromArgument):
                    given = self.module.input_of(operation, source.argument)
                    return self.sorts.get(given, self.sorts[_VALUE])
        return self.sorts[_VALUE]

    def _unknown(self, table: Table, fields: Mapping[str, Term]) -> dict[str, Any]:
        sorts = [self.sorts[name] for name in self.keys[table]]
        label = f"{table[0]}[{', '.join(self.keys[table])}]"
        return {name: z3.Function(f"{label}.{name}", *sorts, each) for name, each in fields.items()}

    def _initial(self, table: Table, fields: Mapping[str, Term]) -> dict[str, Any]:
        values = {name: self._first_value(table, name, sort) for name, sort in fields.items()}
        return {name: lambda *_keys, value=value: value for name, value in values.items()}

    def _first_value(self, table: Table, field: str, sort: Term) -> Term:
        """The value of a field before anything has happened."""
        if field == "state":
            return self.states[table[0]].members[self.module.charts[table[0]].chart.initial]
        return self.steps.members[IDLE] if field == "next" else self.nothing(sort)
