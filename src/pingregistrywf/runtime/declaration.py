"""What a generated package declares, and all that the run time knows of a chart.

A declaration is data: which event leads where and carries what, what each command does in each
state, how events look on the wire.  The run time interprets it (``behavior``, ``wire``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal, TypeAlias

from pingregistrywf.runtime.values import Command, Event

FieldType: TypeAlias = Literal["int32", "string", "uuid", "ulid", "bool"]


# --- What a command does in a state -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Argument:
    """A value taken from a command's argument."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant value."""

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
class Same:
    """A noop if the arguments are those carried, else an error."""

    arguments: tuple[str, ...]
    reason: str
    error: type[Exception]
    rule: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the history."""

    rule: str


Outcome: TypeAlias = Emit | Noop | Refuse | Same | Delete


# --- What an event carries, and how it looks on the wire ----------------------------------------


@dataclass(frozen=True, slots=True)
class SetValue:
    """Set a carried value from a field."""

    attribute: str
    field: str


@dataclass(frozen=True, slots=True)
class SetRecord:
    """Set a carried record from fields."""

    attribute: str
    record: type[Any]
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Append:
    """Append a record, made from fields, to a carried list."""

    attribute: str
    record: type[Any]
    sources: Mapping[str, str]


Carry: TypeAlias = SetValue | SetRecord | Append


@dataclass(frozen=True, slots=True)
class EventField:
    """A field of an event: its type, whether replay and decoding insist on it."""

    type: FieldType
    nonzero: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class EventDeclaration:
    """An event of a chart.

    Attributes:
        event: the generated class.
        number: the wire number.
        target: the state code that it leads to.
        fields: its fields, beside id and parent.
        carries: how the fields enter the carried state.
        when: for events that share a number, the field that must be zero (False) or not (True).
        other_forms: ids of the same number's other forms, checked for their length only.
    """

    event: type[Event]
    number: int
    target: IntEnum
    fields: Mapping[str, EventField] = field(default_factory=dict)
    carries: tuple[Carry, ...] = ()
    when: Mapping[str, bool] = field(default_factory=dict)
    other_forms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapshotDeclaration:
    """How a keyed chart's map is rewritten as a group of events.

    Attributes:
        command: the command that asks for it, and the name of its option.
        begin, state, end: the event classes, and ``numbers`` their wire numbers in that order.
        field: the message field that holds the entries' message; ``entries`` the repeated field.
        values: the names of the key and of the carried values in an entry, and their types.
        order_by: the attribute of an entry that entries are sorted by.
        states: an entry's state code, by the first attribute that is set; None holds always.
        limit, limit_error: the most entries, and the error above it.
        saving_events, saving_base, saving_per_entry, saving_error: when it saves storage.
    """

    command: type[Command]
    option: str
    begin: type[Event]
    state: type[Event]
    end: type[Event]
    numbers: tuple[int, int, int]
    field: str
    entries: str
    values: Mapping[str, FieldType]
    order_by: str
    states: tuple[tuple[IntEnum, str | None], ...]
    limit: int
    limit_error: type[Exception]
    saving_events: int
    saving_base: int
    saving_per_entry: int
    saving_error: type[Exception]

    @property
    def events(self) -> tuple[type[Event], type[Event], type[Event]]:
        """The three event classes."""
        return (self.begin, self.state, self.end)


@dataclass(frozen=True, slots=True)
class KeyedDeclaration:
    """How a chart is keyed: one history holds many entries.

    Attributes:
        key: the argument and event field that names the entry.
        entry: the generated class of an entry; its first field is the key.
        snapshot: how the map is rewritten, if it can be.
    """

    key: str
    entry: type[Any]
    snapshot: SnapshotDeclaration | None = None


# --- The whole ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Declaration:
    """A chart, as its generated package declares it.  There is one for each package.

    Attributes:
        name, version, sha256: the chart's name, version, and hash without prose.
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
        kinds = list(self.table)
        if self.keyed is not None and self.keyed.snapshot is not None:
            kinds.append(self.keyed.snapshot.command)
        return {kind.__name__.removeprefix("Cmd"): kind for kind in kinds}

    @cached_property
    def follows(self) -> frozenset[tuple[IntEnum, type[Event]]]:
        """The pairs of state code and event that some command makes: what replay accepts."""
        return frozenset(
            (code, outcome.event)
            for row in self.table.values()
            for code, outcome in row.items()
            if isinstance(outcome, Emit)
        )

    def attribute(self, name: str) -> str:
        """The name in the state of a carried value, or of a keyed chart's key."""
        return self.carried.get(name, name)

    @cached_property
    def nonzero_in_entries(self) -> tuple[str, ...]:
        """The attributes that are zero in no listed entry: key and order, if no event allows it."""
        if self.keyed is None or self.keyed.snapshot is None:
            return ()
        key, order = self.keyed.key, self.keyed.snapshot.order_by
        ordering = [
            event.fields[carry.field].nonzero
            for event in self.events
            for carry in event.carries
            if isinstance(carry, SetValue) and carry.attribute == order
        ]
        keying = [event.fields[key].nonzero for event in self.events]
        return tuple(name for name, sure in ((key, keying), (order, ordering)) if all(sure))

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
