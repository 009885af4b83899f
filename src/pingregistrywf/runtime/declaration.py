"""What the run time knows of a chart, as data that ``behavior`` and ``wire`` interpret.

A declaration says which event leads where and carries what, what each command does in each state,
and how events look on the wire.  ``loading`` makes it from a generated package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal, TypeAlias

from pingregistrywf.runtime.values import Command, Event

FieldType: TypeAlias = Literal["int32", "string", "uuid", "ulid", "bool"]
Guard: TypeAlias = Literal["same"]


# --- What a command does in a state ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Argument:
    """A value taken from an argument."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is always the same."""

    value: object


Sources: TypeAlias = Mapping[str, Argument | Constant]


@dataclass(frozen=True, slots=True)
class Emit:
    """Append an event."""

    event: type[Event]
    sources: Sources
    rule: str


@dataclass(frozen=True, slots=True)
class Noop:
    """Succeed and append nothing."""

    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Reject with an error."""

    error: type[Exception]
    sources: Sources
    rule: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """A noop if the guard holds for each of some arguments, else an error."""

    guard: Guard
    arguments: tuple[str, ...]
    reason: str
    error: type[Exception]
    rule: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the history."""

    rule: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Rewrite a keyed chart's history as one group of events.

    Attributes:
        option: the argument that asks to rewrite only if that saves storage.
        begin, list, end: the event classes; ``list`` is left out when nothing is listed.
        entries: the field of ``list`` that holds the entries.
        order_by: the attribute by which entries are listed.
        limit, limit_error: the most entries, and the error above it.
        saving_events, saving_base, saving_per_entry, saving_error: when it saves storage.
        rule: the rule that says so.
    """

    option: str
    begin: type[Event]
    list: type[Event]
    end: type[Event]
    entries: str
    order_by: str
    limit: int
    limit_error: type[Exception]
    saving_events: int
    saving_base: int
    saving_per_entry: int
    saving_error: type[Exception]
    rule: str


Outcome: TypeAlias = Emit | Noop | Refuse | Guarded | Delete | Rewrite


# --- What an event carries, and how it looks on the wire ------------------------------------------


@dataclass(frozen=True, slots=True)
class Carry:
    """How an event enters a carried value.

    Attributes:
        attribute: the carried value's name in the state.
        append: True to append to a list, False to set the value.
        field: the event's field that gives the value; None for a record.
        record: the record's class; None for a single value.
        sources: the event's field that gives each of the record's fields.
    """

    attribute: str
    append: bool
    field: str | None
    record: type[Any] | None
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EventField:
    """A field of an event: its type, and whether replay and decoding insist on it."""

    type: FieldType
    nonzero: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The field of an event that lists the entries of a keyed chart.

    Attributes:
        name: the event's field, and the repeated field of the message that holds the entries.
        field: the field of the event message that holds that message.
        values: the types of the key and of the carried values in an entry.
        states: an entry's state code, by the first attribute that is set; None holds always.
    """

    name: str
    field: str
    values: Mapping[str, FieldType]
    states: tuple[tuple[IntEnum, str | None], ...]


@dataclass(frozen=True, slots=True)
class EventDeclaration:
    """An event of a chart.

    Attributes:
        event: the generated class.
        number: the wire number.
        target: the state code that it leads to; None for an event of a rewrite.
        fields: its fields, beside id and parent.
        carries: how the fields enter the carried state.
        when: for events that share a number, the field that must be zero (False) or not (True).
        other_forms: ids of the same number's other forms, checked for their length only.
        rewrite: its part in a rewrite, if it has one.
        listing: the field that lists every entry, if it has one.
    """

    event: type[Event]
    number: int
    target: IntEnum | None
    fields: Mapping[str, EventField] = field(default_factory=dict)
    carries: tuple[Carry, ...] = ()
    when: Mapping[str, bool] = field(default_factory=dict)
    other_forms: tuple[str, ...] = ()
    rewrite: Literal["begin", "list", "end"] | None = None
    listing: Listing | None = None


@dataclass(frozen=True, slots=True)
class KeyedDeclaration:
    """How a chart is keyed: one history holds many entries.

    Attributes:
        key: the argument and event field that names the entry.
        entry: the generated class of an entry; its first field is the key.
    """

    key: str
    entry: type[Any]


# --- The whole ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Declaration:
    """A chart, as its generated package declares it.  There is one for each package.

    Attributes:
        name, version, sha256: the chart's name, version, and the hash of its meaning.
        descriptor: the serialized FileDescriptorSet of its wire format.
        message: the full name of the event message.
        initial: the code of the initial state.
        state: the class of a history's state.
        table: what each command does in each state: total.
        events: the events.
        package_errors: what the generated facade answers with.
        carried: the names of the carried values in the chart, and those in the generated state.
        state_names: the names of the states in the chart.
        keyed: how the chart is keyed, if it is.
    """

    name: str
    version: str
    sha256: str
    descriptor: bytes
    message: str
    initial: IntEnum
    state: type[Any]
    table: Mapping[type[Command], Mapping[IntEnum, Outcome]]
    events: tuple[EventDeclaration, ...]
    package_errors: tuple[type[Exception], ...]
    carried: Mapping[str, str]
    state_names: Mapping[IntEnum, str]
    keyed: KeyedDeclaration | None = None

    @cached_property
    def by_event(self) -> Mapping[type[Event], EventDeclaration]:
        """The events' declarations by class."""
        return {each.event: each for each in self.events}

    @cached_property
    def commands(self) -> Mapping[str, type[Command]]:
        """Every command class by its name in the chart."""
        return {kind.__name__.removeprefix("Cmd"): kind for kind in self.table}

    @cached_property
    def follows(self) -> frozenset[tuple[IntEnum, type[Event]]]:
        """The pairs of state code and event that some command makes: what replay accepts."""
        return frozenset(
            (code, outcome.event)
            for row in self.table.values()
            for code, outcome in row.items()
            if isinstance(outcome, Emit)
        )

    @cached_property
    def rewrites(self) -> Mapping[type[Command], Rewrite]:
        """The commands that rewrite the whole history, and how."""
        outcomes = ((kind, row[self.initial]) for kind, row in self.table.items())
        return {kind: outcome for kind, outcome in outcomes if isinstance(outcome, Rewrite)}

    def attribute(self, name: str) -> str:
        """The name in the state of a carried value, or of a keyed chart's key."""
        return self.carried.get(name, name)

    @cached_property
    def nonzero_in_entries(self) -> tuple[str, ...]:
        """The attributes that are zero in no listed entry: key and order, if no event allows it."""
        if self.keyed is None:
            return ()
        key, stepping = self.keyed.key, [each for each in self.events if each.target is not None]
        ordered = {each.order_by for each in self.rewrites.values()}
        sure = {key: [event.fields[key].nonzero for event in stepping]} | {
            order: [
                event.fields[carry.field].nonzero
                for event in stepping
                for carry in event.carries
                if carry.attribute == order and carry.field is not None
            ]
            for order in ordered
        }
        return tuple(name for name, nonzero in sure.items() if all(nonzero))

    @cached_property
    def starting(self) -> frozenset[type[Command]]:
        """The commands that begin a history, and so take no vid."""
        return frozenset(
            kind
            for kind, row in self.table.items()
            if self.keyed is None and isinstance(row[self.initial], Emit)
        )

    @cached_property
    def deleting(self) -> frozenset[type[Command]]:
        """The commands that may delete a history."""
        return frozenset(
            kind
            for kind, row in self.table.items()
            if any(isinstance(outcome, Delete) for outcome in row.values())
        )
