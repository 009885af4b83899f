"""What the run time knows of a chart: data that ``decisions``, ``evolution`` and ``wire`` compile.

A declaration holds where each event leads and what it carries, what each command does in each
state, and how events look on the wire.  ``loading`` makes it from a generated package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal, TypeAlias

from pingregistrywf.runtime.field_types import is_zero
from pingregistrywf.runtime.journal.history import ChartIdentity
from pingregistrywf.runtime.values import Command, Event, command_name

FieldType: TypeAlias = Literal["int32", "string", "uuid", "ulid", "bool"]
Guard: TypeAlias = Literal["same"]


# --- What a command does in a state ---------------------------------------------------------------


Source: TypeAlias = Callable[[Any], Any]
"""Takes a value from a command, or from an operation's arguments."""
Sources: TypeAlias = Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Emit:
    """Append an event."""

    event: type[Event]
    sources: Sources


@dataclass(frozen=True, slots=True)
class Noop:
    """Succeed and append nothing."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Reject with an error."""

    error: type[Exception]
    sources: Sources


@dataclass(frozen=True, slots=True)
class Guarded:
    """A noop if the guard holds for each of some arguments, else an error."""

    guard: Guard
    arguments: tuple[str, ...]
    error: type[Exception]


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the history."""


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


Outcome: TypeAlias = Emit | Noop | Refuse | Guarded | Delete | Rewrite


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a command does what it does in a state.

    Attributes:
        rule: the id of the chart's rule; ``otherwise`` if none names the pair.
        reason: the chart's words; empty if it has none.
    """

    rule: str
    reason: str


# --- What an event carries, and how it looks on the wire ------------------------------------------


@dataclass(frozen=True, slots=True)
class Carry:
    """How an event enters a carried value.

    Attributes:
        attribute: the carried value's name in the state.
        append: True to append to a list, False to set the value.
        fields: the event's fields that enter it: one, or those of the record in its order.
        record: the class of a record of the fields and the event's id, if it is one.
    """

    attribute: str
    append: bool
    fields: tuple[str, ...]
    record: type[Any] | None


@dataclass(frozen=True, slots=True)
class EventField:
    """A field of an event: its type, and whether replay and decoding insist on it.

    A field that is ``explicit`` is written whatever its value is, so that one can tell whether it
    is absent: then it has the default of its class.
    """

    type: FieldType
    nonzero: bool
    required: bool
    explicit: bool


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
    fields: Mapping[str, EventField]
    carries: tuple[Carry, ...]
    when: Mapping[str, bool]
    other_forms: tuple[str, ...]
    rewrite: Literal["begin", "list", "end"] | None
    listing: Listing | None


@dataclass(frozen=True, slots=True)
class KeyedDeclaration:
    """How a chart is keyed: one history holds many entries.

    Attributes:
        key: the argument and event field that names the entry.
        entry: the generated class of an entry; its first field is the key.
        nonzero: the attributes that no listed entry has as zero.
    """

    key: str
    entry: type[Any]
    nonzero: tuple[str, ...]


# --- The whole ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Declaration:
    """A chart, as its generated package declares it.  There is one for each package.

    Attributes:
        identity: the chart's name and version, and the hash of its meaning.
        was: the chart's name in an earlier version, if that was another one.
        descriptor: the serialized FileDescriptorSet of its wire format.
        message: the full name of the event message.
        initial: the code of the initial state.
        state: the class of a history's state.
        table: what each command does in each state: total.
        grounds: why it does that, by command, state and whether it is refused.
        by_event: the events, by class.
        retired: the pairs of state code and event that no command makes any more, and that stored
            histories may have.
        starting: the commands that begin a history, and so take no vid.
        deleting: the commands that may delete a history.
        carried: the names of the carried values in the chart, and those in the generated state.
        state_names: the names of the states in the chart.
        keyed: how the chart is keyed, if it is.
    """

    identity: ChartIdentity
    was: str | None
    descriptor: bytes
    message: str
    initial: IntEnum
    state: type[Any]
    table: Mapping[type[Command], Mapping[IntEnum, Outcome]]
    grounds: Mapping[tuple[type[Command], IntEnum, bool], Ground]
    by_event: Mapping[type[Event], EventDeclaration]
    retired: frozenset[tuple[IntEnum, type[Event]]]
    starting: frozenset[type[Command]]
    deleting: frozenset[type[Command]]
    carried: Mapping[str, str]
    state_names: Mapping[IntEnum, str]
    keyed: KeyedDeclaration | None

    @property
    def name(self) -> str:
        """The chart's name."""
        return self.identity.name

    @property
    def sha256(self) -> str:
        """The hash of the chart's meaning."""
        return self.identity.sha256

    @cached_property
    def commands(self) -> Mapping[str, type[Command]]:
        """Every command class by its name in the chart."""
        return {command_name(kind): kind for kind in self.table}

    @cached_property
    def errors(self) -> frozenset[type[Exception]]:
        """The errors with which the chart refuses commands."""
        errors: set[type[Exception]] = set()
        for row in self.table.values():
            for outcome in row.values():
                if isinstance(outcome, Refuse | Guarded):
                    errors.add(outcome.error)
                elif isinstance(outcome, Rewrite):
                    errors |= {outcome.limit_error, outcome.saving_error}
        return frozenset(errors)

    @cached_property
    def allowed(self) -> Mapping[IntEnum, tuple[type[Command], ...]]:
        """The commands that are not refused in each state, with the right arguments, in order."""
        return {
            code: tuple(
                kind for kind, row in self.table.items() if not isinstance(row[code], Refuse)
            )
            for code in self.state_names
        }

    @cached_property
    def follows(self) -> frozenset[tuple[IntEnum, type[Event]]]:
        """The pairs of state code and event that replay accepts: a command makes or made them."""
        return self.retired | frozenset(
            (code, outcome.event)
            for row in self.table.values()
            for code, outcome in row.items()
            if isinstance(outcome, Emit)
        )

    @cached_property
    def last(self) -> frozenset[IntEnum]:
        """The states after which no event follows; none where a history has many entries."""
        before = {code for code, _ in self.follows}
        return frozenset() if self.keyed else frozenset(self.state_names.keys() - before)

    @cached_property
    def rewrites(self) -> Mapping[type[Command], Rewrite]:
        """The commands that rewrite the whole history, and how."""
        outcomes = ((kind, row[self.initial]) for kind, row in self.table.items())
        return {kind: outcome for kind, outcome in outcomes if isinstance(outcome, Rewrite)}

    def attribute(self, name: str) -> str:
        """The name in the state of a carried value, or of a keyed chart's key."""
        return self.carried.get(name, name)

    def listed(self, listing: Listing, entry: Any) -> dict[str, Any]:
        """The values of an entry in a list: the key, and the carried values that are not zero."""
        values = {name: getattr(entry, self.attribute(name)) for name in listing.values}
        return {
            name: value
            for name, value in values.items()
            if name not in self.carried or not is_zero(value)
        }

    def entry(self, listing: Listing, values: Mapping[str, Any]) -> Any:
        """The entry of such values: what ``listed`` returns; its state follows from them."""
        assert self.keyed is not None  # noqa: S101  # only keyed charts have listings
        by_attribute = {self.attribute(name): value for name, value in values.items()}
        code = next(
            code
            for code, attribute in listing.states
            if attribute is None or not is_zero(by_attribute.get(attribute))
        )
        return self.keyed.entry(**by_attribute, state_code=code)
